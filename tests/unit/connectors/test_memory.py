"""What the fakes add to the protocols: faults on cue, a clock moved by hand, a log with offsets."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from connectors.memory import ManualClock, MemoryLog, MemoryPublisher, MemoryStore
from pipelines.ports import Output, RawRecord, Rows, StoreDown
from pipelines.topics import Topic

OUTPUTS = [Output(Topic.ALERTS, b"k", bytes([i])) for i in range(3)]


def test_a_publisher_that_crashes_keeps_what_came_before_and_crashes_once() -> None:
    publisher = MemoryPublisher(crash_after=2)
    with pytest.raises(ConnectionError):
        asyncio.run(publisher.publish(0, OUTPUTS))
    asyncio.run(publisher.publish(0, OUTPUTS))
    assert list(publisher.on(Topic.ALERTS)) == OUTPUTS[:2] + OUTPUTS


def test_a_publisher_told_to_repeat_keeps_each_output_twice() -> None:
    publisher = MemoryPublisher(twice=True)
    asyncio.run(publisher.publish(3, OUTPUTS))
    assert publisher.published[3, Topic.ALERTS] == [output for output in OUTPUTS for _ in range(2)]


def test_a_store_that_is_down_keeps_nothing() -> None:
    store = MemoryStore(down=True)
    rows = Rows("pump", "demo", ("a",), np.zeros(1, int), np.zeros(1, int), {"x": np.ones(1)})
    with pytest.raises(StoreDown):
        asyncio.run(store.write([rows]))
    assert not store.points
    store.down = False
    assert not asyncio.run(store.write([rows]))
    assert len(store.points) == 1


def test_a_log_reads_from_an_offset_what_was_appended() -> None:
    clock = ManualClock(time_us=5_000)
    log = MemoryLog(partitions=2, clock=clock)
    assert log.append(1, b"a", b"b") == 2
    clock.advance(1.5)
    assert log.append(1, b"c") == 3
    assert log.read(1, 1) == [RawRecord(1, 5, b"b"), RawRecord(2, 1505, b"c")]
    assert [record.value for record in log.read(1, 0, 2)] == [b"a", b"b"]
    assert log.read(0) == []
    with pytest.raises(ValueError, match="partition 2"):
        log.append(2, b"x")
