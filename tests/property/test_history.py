"""History taken as tables says what the same records said live, however it is cut into stretches."""

from __future__ import annotations

import numpy as np
import pytest

from models.records import Alert, Forecast, Frame, Tick, encode
from pipelines.made import LIVE, Pace
from pipelines.partition import Partition
from pipelines.topics import Topic
from tests.kit import history, streams, tiny
from tests.property.test_replay import final


def fresh(pace: Pace = LIVE) -> Partition:
    return Partition(tiny.plant(), tiny.models(), pace=pace)


@pytest.fixture(scope="module")
def weeks():
    records = streams.weeks(1)
    ends_us = history.ends(np.random.default_rng(1), streams.START_US, streams.time_of(records[-1]) + 10**9, 3000)
    return records, ends_us, streams.published([*records, Tick(plant="tiny", time_us=ends_us[-1])])


def in_tables(partition: Partition, records, ends_us) -> dict[Topic, list[bytes]]:
    out = {Topic.FORECASTS: [], Topic.ALERTS: []}
    for stretch in history.stretches(records, tiny.plant(), ends_us):
        made = partition.take(stretch, "test")
        partition.acknowledged()
        for record in made.records:
            if isinstance(record, Forecast | Alert):
                out[Topic.FORECASTS if isinstance(record, Forecast) else Topic.ALERTS].append(encode(record))
    return out


DAY = Pace(span=1440)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("pace", [LIVE, DAY])
def test_tables_give_the_final_forecasts_and_warnings_of_live(seed, pace):
    records = streams.stream(seed)
    last_us = streams.time_of(records[-1])
    ends_us = history.ends(np.random.default_rng(seed), streams.START_US, last_us + 20 * streams.MINUTE_US, 50)
    live = streams.published([*records, Tick(plant="tiny", time_us=ends_us[-1])])
    made = in_tables(fresh(pace), records, ends_us)
    assert len(live[Topic.FORECASTS]) > 200
    for topic in made:
        assert final(made[topic]) == final(live[topic])


@pytest.mark.parametrize("pace", [LIVE, DAY])
def test_weeks_in_tables_give_what_live_gave(weeks, pace):
    records, ends_us, live = weeks
    made = in_tables(fresh(pace), records, ends_us)
    for topic in made:
        assert final(made[topic]) == final(live[topic])


def test_at_a_cadence_of_an_hour_forecasts_are_those_of_live_at_these_minutes(weeks):
    records, ends_us, live = weeks
    made = running(in_tables(fresh(Pace(span=1440, every_min=60)), records, ends_us)[Topic.FORECASTS])
    hourly = {us: of for us, of in running(live[Topic.FORECASTS]).items() if (us[1] // streams.MINUTE_US - 1) % 60 == 0}
    assert len(hourly) > 500
    assert made == hourly


def running(values: list[bytes]) -> dict[tuple[str, int], tuple]:
    """Of machines that run: what a machine that stands keeps is the last that was made."""
    of = [dict(each) for each in final(values).values()]
    return {(f["asset"], f["window_end_us"]): tuple(f.items()) for f in of if f["operating"] == "running"}


def test_the_ledger_counts_every_row_and_value_of_the_tables():
    records = [record for record in streams.stream(2) if isinstance(record, Frame)]
    partition = fresh()
    in_tables(partition, records, [streams.START_US + 10**11])
    ledger = partition.ledger
    rows = [row for record in records for row in zip(*record.signals.values(), strict=True)]
    assert ledger.balances
    assert ledger.values_read == sum(value is not None for row in rows for value in row)
    assert ledger.rows_read == ledger.rows_stored == sum(any(value is not None for value in row) for row in rows)
