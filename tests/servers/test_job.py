"""The whole job on real servers: the same bytes as the driver's, every codec, and rubbish survived."""

from __future__ import annotations

import numpy as np
import pytest

from connectors.kafka.plain import Compression
from models.records import decode
from pipelines.topics import Topic
from tests.kit import streams
from tests.kit.installation import Installation, Undisturbed, check
from tests.unit.pipelines.test_poison import POISON

pytestmark = pytest.mark.servers

ASSETS = ("pump-01", "pump-02", "pump-03", "fan-01")


@pytest.fixture(scope="module")
def records():
    return streams.shuffled(np.random.default_rng(5), streams.stream(5, minutes=600, assets=ASSETS), 60_000_000)


@pytest.fixture(scope="module")
def undisturbed(records) -> Undisturbed:
    made = Undisturbed(records)
    assert sum(map(len, made.outputs[Topic.FORECASTS].values())) > 500
    assert any(made.outputs[Topic.ALERTS].values())
    return made


@pytest.mark.parametrize("influx", ["18", "27"])
def test_faust_on_real_servers_gives_the_drivers_bytes_and_rows(servers, tmp_path, records, undisturbed, influx):
    with Installation(tmp_path, influx) as installation:
        installation.send(records)
        worker = installation.worker()
        installation.finish()
        installation.stop(worker)
        check(installation, undisturbed, repeats=False)


def test_weeks_of_slow_data_give_the_drivers_bytes_in_fausts_large_batches(servers, tmp_path):
    weeks = streams.weeks(3)
    with Installation(tmp_path) as installation:
        installation.send(weeks)
        worker = installation.worker()
        installation.finish()
        installation.stop(worker)
        check(installation, Undisturbed(weeks), repeats=False)


def test_batches_of_every_codec_are_read(servers, tmp_path):
    parts = [streams.stream(9, minutes=60)[at::5] for at in range(5)]
    with Installation(tmp_path) as installation:
        for codec, part in zip(Compression, parts, strict=True):
            installation.send(part, compression=codec)
        worker = installation.worker()
        installation.finish()
        installation.stop(worker)
        ledger = installation.ledger()
    assert ledger.records_read >= sum(map(len, parts))
    assert ledger.balances


def test_rubbish_becomes_dead_letters_and_the_worker_goes_on(servers, tmp_path, records, undisturbed):
    rubbish = [payload for payload, _ in POISON.values() if payload]
    with Installation(tmp_path) as installation:
        worker = installation.worker()
        installation.send(rubbish)
        installation.send(streams.stream(9, minutes=60))
        installation.finish()
        installation.stop(worker)
        letters = [decode(v) for values in installation.published(Topic.DEAD_LETTERS).values() for v in values]
        ledger = installation.ledger()
    assert {letter.reason for letter in letters} == {reason for _, reason in POISON.values()}
    assert ledger.balances
    assert ledger.rows_stored > 1000
