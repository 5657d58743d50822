"""History taken as tables says what the same records said live, however it is cut into stretches."""

from __future__ import annotations

import numpy as np
import pytest

from models.records import Alert, Forecast, Frame, Tick, encode
from pipelines.partition import Partition
from pipelines.topics import Topic
from tests.kit import history, streams, tiny
from tests.property.test_replay import final


def in_tables(partition: Partition, records, ends_us) -> dict[Topic, list[bytes]]:
    out = {Topic.FORECASTS: [], Topic.ALERTS: []}
    for stretch in history.stretches(records, tiny.plant(), ends_us):
        made = partition.take(stretch, "test")
        partition.acknowledged()
        for record in made.records:
            if isinstance(record, Forecast | Alert):
                out[Topic.FORECASTS if isinstance(record, Forecast) else Topic.ALERTS].append(encode(record))
    return out


@pytest.mark.parametrize("seed", range(4))
def test_tables_give_the_final_forecasts_and_warnings_of_live(seed):
    records = streams.stream(seed)
    last_us = streams.time_of(records[-1])
    ends_us = history.ends(np.random.default_rng(seed), streams.START_US, last_us + 20 * streams.MINUTE_US, 50)
    live = streams.published([*records, Tick(plant="tiny", time_us=ends_us[-1])])
    (partition,) = streams.partitions()
    made = in_tables(partition, records, ends_us)
    assert len(live[Topic.FORECASTS]) > 200
    for topic in made:
        assert final(made[topic]) == final(live[topic])


def test_weeks_in_tables_give_what_live_gave():
    records = streams.weeks(1)
    ends_us = history.ends(np.random.default_rng(1), streams.START_US, streams.time_of(records[-1]) + 10**9, 3000)
    live = streams.published([*records, Tick(plant="tiny", time_us=ends_us[-1])])
    (partition,) = streams.partitions()
    made = in_tables(partition, records, ends_us)
    for topic in made:
        assert final(made[topic]) == final(live[topic])


def test_the_ledger_counts_every_row_and_value_of_the_tables():
    records = [record for record in streams.stream(2) if isinstance(record, Frame)]
    (partition,) = streams.partitions()
    in_tables(partition, records, [streams.START_US + 10**11])
    ledger = partition.ledger
    said = [value for record in records for column in record.signals.values() for value in column]
    assert ledger.balances
    assert ledger.values_read == sum(value is not None for value in said)
    assert ledger.rows_read == sum(len(record.times_us) for record in records)
