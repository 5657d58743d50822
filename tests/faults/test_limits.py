"""What is too much or too bad for one record or row becomes a dead letter; all the rest is stored."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from connectors.influx.store import InfluxStore
from models.records import DeadLetter, Frame, Reject, Tick, decode, key_of
from pipelines.main import influx_target
from pipelines.ports import Rows
from pipelines.topics import Topic, partition_of
from tests.faults.test_memory import Watched
from tests.faults.trace import taken_over
from tests.kit import bombs, streams
from tests.kit.installation import PARTITIONS, Installation

pytestmark = pytest.mark.servers

PLACE = partition_of(key_of("tiny", "pump-01"), PARTITIONS)
DAY_US = 86_400_000_000


def pumping(at: int, start_us: int = streams.START_US, **signals: list) -> Frame:
    """A row of pump-01, the at-th second."""
    signals = {"pressure_bar": [5.0 + at / 1000]} | signals
    return Frame(plant="tiny", asset="pump-01", source="test", times_us=[start_us + at * 1_000_000], signals=signals)


def letters(installation: Installation) -> list[DeadLetter]:
    found = [decode(value) for values in installation.published(Topic.DEAD_LETTERS).values() for value in values]
    assert all(isinstance(letter, DeadLetter) for letter in found)
    return found  # type: ignore[return-value]


def test_batches_that_inflate_to_gibibytes_are_dead_letters_in_bounded_memory(servers, tmp_path):
    with Installation(tmp_path) as installation:
        worker = installation.worker()
        installation.wait(lambda: len(taken_over(installation, 0)) == PARTITIONS, 30)
        with Watched(worker.pid) as watched:
            begun = watched.now()
            for nth, make in enumerate(bombs.BOMBS.values()):
                installation.send([pumping(nth)])
                asyncio.run(bombs.put(installation.settings.kafka, installation.records, PLACE, make()))
            installation.send([pumping(len(bombs.BOMBS))])
            installation.finish()
        installation.stop(worker)
        found, ledger = letters(installation), installation.ledger()
        rows = len(installation.stored("pump"))
    print(f"{begun:.0f} MiB at first, {max(watched.mib):.0f} at most; " + " | ".join(each.detail for each in found))
    assert [letter.reason for letter in found] == [Reject.UNREADABLE] * len(bombs.BOMBS)
    assert rows == ledger.rows_stored == len(bombs.BOMBS) + 1
    assert ledger.balances
    assert max(watched.mib) - begun < 200


def test_one_bad_point_is_a_dead_letter_and_the_rest_of_its_batch_is_stored(servers, tmp_path):
    taken = Rows("pump", "tiny", ("other",), np.zeros(1, int), np.array([streams.START_US]), {"is_running": np.ones(1)})
    frames = [pumping(at) for at in range(300)]
    frames[137] = pumping(137, is_running=[True])
    with Installation(tmp_path) as installation:
        asyncio.run(written(installation, taken))
        installation.send(frames)
        worker = installation.worker()
        installation.finish()
        installation.stop(worker)
        (letter,), ledger = letters(installation), installation.ledger()
        rows = len(installation.stored("pump")) - 1
    assert letter.reason is Reject.STORE_REFUSED
    assert "is_running" in letter.detail
    assert {(sample.signal, sample.time_us) for sample in letter.samples} == {
        (name, streams.START_US + 137_000_000) for name in ("pressure_bar", "is_running")
    }
    assert (rows, ledger.rows_stored, ledger.rows_rejected) == (299, 299, 1)
    assert ledger.balances


async def written(installation: Installation, rows: Rows) -> None:
    """Put rows into the bucket beside the worker, as another writer would."""
    async with InfluxStore(influx_target(installation.settings)) as store:
        assert not await store.write([rows])


def test_a_point_beyond_retention_is_a_dead_letter_and_not_tried_for_ever(servers, tmp_path):
    now_us = time.time_ns() // 1000 - 600_000_000
    with Installation(tmp_path, retention_days=30) as installation:
        installation.send([Tick(plant="tiny", time_us=now_us)])
        installation.send([pumping(at, now_us) for at in range(100)])
        installation.send([pumping(7, now_us - 400 * DAY_US - 1_033_000_000)])
        installation.send([pumping(at, now_us) for at in range(100, 200)])
        worker = installation.worker()
        installation.finish()
        installation.stop(worker)
        (letter,), ledger = letters(installation), installation.ledger()
        rows = len(installation.stored("pump"))
    assert letter.reason is Reject.STORE_REFUSED
    assert "retention" in letter.detail
    assert (rows, ledger.rows_stored, ledger.rows_rejected) == (200, 200, 1)
    assert ledger.balances
