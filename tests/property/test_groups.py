"""The replay contract with all groups of features: work orders that come late, alarms, products, the fleet's usual."""

from __future__ import annotations

import numpy as np
import pytest

from models.records import Forecast, Tick, WorkOrder, decode, encode
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.topics import Topic
from tests.kit import grouped, history, streams
from tests.property.test_replay import final

SEEDS = range(4)
LATENESS_US = 60_000_000
OUT = (Topic.FORECASTS, Topic.HEALTH, Topic.ALERTS, Topic.DEAD_LETTERS)


@pytest.fixture(scope="module")
def undisturbed() -> dict[int, dict[Topic, list[bytes]]]:
    return {seed: grouped.published(grouped.stream(seed), batch=1) for seed in SEEDS}


def test_the_streams_tell_of_all_groups(undisturbed):
    forecasts = [decode(value) for out in undisturbed.values() for value in out[Topic.FORECASTS]]
    mine = [forecast for forecast in forecasts if forecast.model.startswith("grouped")]
    assert len(mine) > 500
    lacking = {name for forecast in mine for name in forecast.missing}
    assert lacking >= {"bearing", "seal", "product", "pressure_bar"}
    assert {"bearing", "seal"} - set(mine[-1].missing), "somebody worked on one of them"
    revised = [forecast for forecast in mine if forecast.revision]
    assert revised, "a work order that comes after its minutes revises them"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("batch", [7, 100, 100_000])
def test_any_cut_of_the_batches_gives_the_same_bytes(seed, batch, undisturbed):
    assert grouped.published(grouped.stream(seed), batch=batch) == undisturbed[seed]


@pytest.mark.parametrize("seed", SEEDS)
def test_out_of_order_records_give_the_same_bytes_under_any_cut(seed):
    records = shuffled(seed)
    alone = grouped.published(records, batch=1)
    assert alone == grouped.published(records, batch=33) == grouped.published(records, batch=100_000)


def shuffled(seed: int) -> list:
    """Out of order within the lateness; orders stay beside what they came with."""
    records = grouped.stream(seed)
    random = np.random.default_rng(seed)
    delay = random.integers(0, LATENESS_US, len(records))
    sent, last = [], 0
    for record in records:
        last = last if isinstance(record, WorkOrder) else streams.time_of(record)
        sent.append(last)
    keyed = [
        (us + (0 if isinstance(r, Tick) else int(d)), i)
        for i, (r, us, d) in enumerate(zip(records, sent, delay, strict=True))
    ]
    return [records[i] for _, i in sorted(keyed)]


@pytest.mark.parametrize("seed", SEEDS)
def test_other_assets_change_nothing(seed, undisturbed):
    records = [r for r in grouped.stream(seed) if isinstance(r, Tick) or r.asset == "pump-01"]
    found = grouped.published(records)
    for topic in OUT:
        assert found[topic] == streams.by_asset(undisturbed[seed][topic]).get("pump-01", [])


@pytest.mark.parametrize("seed", SEEDS)
def test_three_partitions_give_the_same_bytes_per_asset(seed, undisturbed):
    three = grouped.published(grouped.stream(seed), count=3)
    for topic in OUT:
        assert streams.by_asset(three[topic]) == streams.by_asset(undisturbed[seed][topic])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_snapshot_and_restore_anywhere_changes_nothing(seed):
    random = np.random.default_rng(seed)
    records = [RawRecord(at, 0, encode(record)) for at, record in enumerate(shuffled(seed))]
    (whole,), (partition,) = grouped.partitions(), grouped.partitions()
    expected = [o.value for o in whole.receive(records).outputs]
    found, kept = [], None
    for batch in streams.cut(random, records):
        found += [o.value for o in partition.receive(batch).outputs]
        partition.acknowledged()
        if random.random() < 0.3:
            kept = partition.snapshot().onto(kept)
            partition = Partition.restore(grouped.plant(), grouped.models(), kept)
    assert found == expected
    whole.acknowledged()
    assert partition.ledger == whole.ledger


@pytest.mark.parametrize("seed", SEEDS)
def test_tables_and_orders_that_came_in_time_give_the_final_forecasts_of_live(seed):
    records = grouped.stream(seed, told_after_s=grouped.IN_TIME_S)
    last_us = streams.time_of(records[-1]) + 20 * streams.MINUTE_US
    ends_us = history.ends(np.random.default_rng(seed), streams.START_US, last_us, 50)
    live = grouped.published([*records, Tick(plant="tiny", time_us=ends_us[-1])])
    (partition,) = grouped.partitions()
    made = []
    for stretch in history.stretches(records, grouped.plant(), ends_us):
        made += [encode(r) for r in partition.take(stretch, "test").records if isinstance(r, Forecast)]
        partition.acknowledged()
    assert any(order.mode == "leak" for order in records if isinstance(order, WorkOrder))
    assert final(made) == final(live[Topic.FORECASTS])
    assert partition.ledger.balances
