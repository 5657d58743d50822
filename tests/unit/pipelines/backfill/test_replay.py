"""History as records again says what its tables say."""

from __future__ import annotations

import numpy as np
import pytest

from models.records import Frame, Tick, encode
from pipelines.backfill.replay import ROWS_A_FRAME, records_of
from pipelines.ports import RawRecord
from pipelines.topics import Topic
from tests.kit import history, streams, tiny
from tests.property.test_replay import final

RECORDS = streams.stream(3, minutes=120)
NOW_MS = 1_900_000_000_000
"""In 2030."""
ENDS_US = history.ends(np.random.default_rng(3), streams.START_US, streams.START_US + 140 * 60_000_000, 30)


@pytest.fixture(scope="module")
def replayed():
    stretches = history.stretches(RECORDS, tiny.plant(), ENDS_US)
    return [record for stretch in stretches for record in records_of(stretch, "tiny", "history")]


def arrived_now(records) -> dict[Topic, list[bytes]]:
    """What a partition says of records that arrive long after they were made."""
    (partition,) = streams.partitions()
    raw = [RawRecord(offset, NOW_MS + offset, encode(record)) for offset, record in enumerate(records)]
    out: dict[Topic, list[bytes]] = {topic: [] for topic in Topic}
    for output in partition.receive(raw).outputs:
        out[output.topic].append(output.value)
    return out


def test_workers_say_of_it_what_they_said_live(replayed):
    live = streams.published([*RECORDS, Tick(plant="tiny", time_us=ENDS_US[-1])])
    again = arrived_now(replayed)
    assert len(live[Topic.FORECASTS]) > 100
    for topic in (Topic.FORECASTS, Topic.ALERTS):
        assert final(again[topic]) == final(live[topic])


def test_each_row_and_value_is_there_once(replayed):
    def values(records):
        return sorted(
            (frame.asset, time_us, name, value)
            for frame in records
            if isinstance(frame, Frame)
            for name, column in frame.signals.items()
            for time_us, value in zip(frame.times_us, column, strict=True)
            if value is not None
        )

    assert values(replayed) == values(RECORDS)


def test_no_frame_has_a_null_or_too_many_rows(replayed):
    frames = [record for record in replayed if isinstance(record, Frame)]
    assert all(value is not None for frame in frames for column in frame.signals.values() for value in column)
    assert max(len(frame.times_us) for frame in frames) <= ROWS_A_FRAME
