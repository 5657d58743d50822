"""Contract 1 and 2: the same records give the same bytes, however they were cut and whoever else was among them."""

from __future__ import annotations

import numpy as np
import pytest

from models.records import Alert, Forecast, OperatingState, Tick, decode
from pipelines.driver import Driver
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.topics import Topic
from tests.kit import streams, tiny

SEEDS = range(12)
LATENESS_US = 60_000_000
"""Displacement of frames that span up to a minute: no row is later than the lateness of two."""
OUT = (Topic.FORECASTS, Topic.HEALTH, Topic.ALERTS, Topic.DEAD_LETTERS)


@pytest.fixture(scope="module")
def undisturbed() -> dict[int, dict[Topic, list[bytes]]]:
    return {seed: streams.published(streams.stream(seed), batch=1) for seed in SEEDS}


def test_the_streams_bring_forecasts_revisions_and_warnings(undisturbed):
    forecasts = [decode(value) for out in undisturbed.values() for value in out[Topic.FORECASTS]]
    assert len(forecasts) > 1000
    assert sum(len(out[Topic.ALERTS]) for out in undisturbed.values()) > 5


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("batch", [7, 100, 100_000])
def test_any_cut_of_the_batches_gives_the_same_bytes(seed, batch, undisturbed):
    assert streams.published(streams.stream(seed), batch=batch) == undisturbed[seed]


@pytest.mark.parametrize("seed", SEEDS)
def test_out_of_order_records_give_the_same_bytes_under_any_cut(seed):
    records = streams.shuffled(np.random.default_rng(seed), streams.stream(seed), LATENESS_US)
    alone = streams.published(records, batch=1)
    assert alone == streams.published(records, batch=33) == streams.published(records, batch=100_000)
    assert any(decode(value).revision for value in alone[Topic.FORECASTS])


@pytest.mark.parametrize("seed", SEEDS)
def test_other_assets_change_nothing(seed, undisturbed):
    records = [r for r in streams.stream(seed) if isinstance(r, Tick) or r.asset == "pump-01"]
    for topic in OUT:
        mine = streams.by_asset(undisturbed[seed][topic]).get("pump-01", [])
        assert streams.published(records)[topic] == mine


@pytest.mark.parametrize("seed", SEEDS)
def test_one_and_three_partitions_give_the_same_bytes_per_asset(seed, undisturbed):
    three = streams.published(streams.stream(seed), count=3)
    for topic in OUT:
        assert streams.by_asset(three[topic]) == streams.by_asset(undisturbed[seed][topic])


def final(values: list[bytes]) -> dict[str, tuple]:
    """Last revision of each id, without the revision."""
    out = {}
    for value in values:
        record = decode(value)
        assert isinstance(record, Forecast | Alert)
        fields = {name: getattr(record, name) for name in record.__struct_fields__ if name != "revision"}
        out[record.id] = tuple(fields.items())
    return out


@pytest.mark.parametrize("seed", SEEDS)
def test_any_order_within_the_lateness_gives_the_same_final_forecasts_and_alerts(seed):
    records = streams.stream(seed)
    end = Tick(plant="tiny", time_us=streams.time_of(records[-1]) + 10 * streams.MINUTE_US)
    in_order = streams.published([*records, end])
    mixed = streams.published([*streams.shuffled(np.random.default_rng(seed + 100), records, LATENESS_US), end])
    for topic in (Topic.FORECASTS, Topic.ALERTS):
        assert final(mixed[topic]) == final(in_order[topic])


def test_the_streams_have_machines_that_stand_and_are_maintained(undisturbed):
    found = {
        (forecast.asset[:5], forecast.operating, bool(forecast.chances))
        for out in undisturbed.values()
        for forecast in map(decode, out[Topic.FORECASTS])
    }
    assert {state for _, state, _ in found} == set(OperatingState)
    assert {has for asset, _, has in found if asset == "mixer"} == {True, False}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_id_and_revision_has_two_contents_and_revisions_count_up(seed):
    records = streams.shuffled(np.random.default_rng(seed), streams.stream(seed), LATENESS_US)
    out = streams.published(records)
    for topic in (Topic.FORECASTS, Topic.ALERTS):
        seen: dict[str, int] = {}
        for value in out[topic]:
            record = decode(value)
            assert record.revision == seen.get(record.id, -1) + 1
            seen[record.id] = record.revision


def raw(records, first: int = 0) -> list[RawRecord]:
    from models.records import encode

    return [RawRecord(first + at, 0, encode(record)) for at, record in enumerate(records)]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_snapshot_and_restore_anywhere_changes_nothing(seed):
    random = np.random.default_rng(seed)
    records = raw(streams.shuffled(random, streams.stream(seed, minutes=150), LATENESS_US))
    hazards = tiny.models()
    (whole,), (partition,) = streams.partitions(), streams.partitions()
    expected = [o.value for o in whole.receive(records).outputs]
    whole.acknowledged()
    found, kept = [], None
    for batch in streams.cut(random, records):
        found += [o.value for o in partition.receive(batch).outputs]
        partition.acknowledged()
        if random.random() < 0.3:
            kept = partition.snapshot().onto(kept)
            partition = Partition.restore(tiny.plant(), hazards, kept)
    assert found == expected
    assert partition.ledger == whole.ledger


@pytest.mark.parametrize("seed", SEEDS)
def test_records_below_the_next_offset_are_skipped(seed):
    records = raw(streams.stream(seed, minutes=30))
    (partition,) = streams.partitions()
    partition.receive(records)
    partition.acknowledged()
    before = partition.ledger.records_read
    again = partition.receive(records)
    assert not again.outputs and not again.rows and partition.ledger.records_read == before


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ledger_balances(seed):
    driver = Driver(streams.partitions(2))
    driver.run(streams.stream(seed))
    for partition in driver.partitions:
        assert partition.ledger.balances
        assert partition.ledger.values_rejected == sum(partition.ledger.rejected_by_reason.values())


@pytest.mark.parametrize("seed", range(4))
def test_weeks_of_slow_data_give_the_same_bytes_under_any_cut(seed):
    records = streams.weeks(seed)
    alone = streams.published(records, batch=1)
    assert len(alone[Topic.FORECASTS]) > 1000
    assert any(decode(value).drivers for value in alone[Topic.FORECASTS])
    for batch in (300, 2_000, 100_000):
        found = streams.published(records, batch=batch)
        for topic in OUT:
            first = next(
                (at for at, pair in enumerate(zip(found[topic], alone[topic], strict=True)) if pair[0] != pair[1]), None
            )
            assert first is None, (batch, found[topic][first or 0], alone[topic][first or 0])
