"""The whole job on real servers: the same bytes as the driver's, whatever happens to workers, and rubbish survived."""

from __future__ import annotations

import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

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
STEPS = ("received:12", "before-acknowledged:12", "before-snapshot:3", "after-snapshot:3")
SESSION_S = 6.0


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


def killed(folder, records, undisturbed, crash: str | float) -> float:
    """One worker dies at a step or after some seconds, the next takes over; returns the seconds that took."""
    with Installation(folder) as installation:
        first = installation.worker(crash if isinstance(crash, str) else "")
        installation.wait(lambda: "partition-taken-over" in installation.told(), 30)
        installation.feed(records, 8.0)
        if isinstance(crash, str):
            assert first.wait(60) == -signal.SIGKILL, installation.told()
        else:
            time.sleep(crash)
            first.kill()
            first.wait()
        begun = sum(map(len, installation.published(Topic.FORECASTS).values()))
        last = installation.worker()
        took_s = installation.wait(lambda: sum(map(len, installation.published(Topic.FORECASTS).values())) > begun, 40)
        installation.finish()
        installation.stop(last)
        check(installation, undisturbed, repeats=True)
    return took_s


def test_a_worker_killed_at_any_step_or_moment_loses_nothing(servers, tmp_path, records, undisturbed):
    moments = random.Random(3)
    crashes: list[str | float] = [*STEPS, *(moments.uniform(0.5, 7.0) for _ in range(5))]
    with ThreadPoolExecutor(3) as pool:
        took_s = list(pool.map(lambda crash: killed(tmp_path, records, undisturbed, crash), crashes))
    print("recovery after each kill, s:", [round(s, 1) for s in took_s])
    assert max(took_s) < 15


def test_a_worker_asleep_past_its_session_changes_nothing_when_it_wakes(servers, tmp_path, records, undisturbed):
    with Installation(tmp_path) as installation:
        sleeper = installation.worker()
        installation.wait(lambda: "partition-taken-over" in installation.told(), 30)
        installation.feed(records, 16.0)
        time.sleep(3)
        sleeper.send_signal(signal.SIGSTOP)
        other = installation.worker()
        time.sleep(2 * SESSION_S)
        sleeper.send_signal(signal.SIGCONT)
        installation.finish()
        installation.stop(sleeper, other)
        check(installation, undisturbed, repeats=True)


def test_two_workers_share_the_partitions_and_one_hands_over_to_the_other(servers, tmp_path, records, undisturbed):
    with Installation(tmp_path) as installation:
        first, second = installation.worker(), installation.worker()
        installation.feed(records, 12.0)
        installation.wait(
            lambda: all("partition-taken-over" in log.read_text() for log in installation.folder.glob("*.log")), 30
        )
        time.sleep(4)
        installation.stop(second)
        installation.finish()
        installation.stop(first)
        check(installation, undisturbed, repeats=False)


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
