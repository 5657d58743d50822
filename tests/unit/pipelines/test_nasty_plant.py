"""A plant as it really is beside its clean twin: what is found of its machines is the same, and nobody is warned.

Nine simulated days of six pumps that do not wear; see `tests.kit.nasty` for the trouble of each.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from models.records import Alert, ClockDecision, Notice, NoticeKind, NoticeState
from pipelines.main import read_named
from pipelines.settings import STARTER
from tests.kit import nasty
from tests.kit.late import World
from tests.kit.nasty import CLEAN, CLOCK, DOUBLED, GATEWAY, HOUR_US, RENAMED, SENSORS

SEED = 6101
PLANT = nasty.plant()
HAZARDS = read_named(PLANT, STARTER)
BATCH = 100


def run(records) -> World:
    """Feed all, answering the questions about clocks as a person would, a batch later."""
    world = World(delay=1, batch=BATCH, plant=PLANT, hazards=HAZARDS)
    answered = 0
    for at in range(0, len(records), BATCH):
        world.take(records[at : at + BATCH])
        asked = [n for n in world.of(Notice) if n.kind is NoticeKind.CLOCK_JUMP and n.state is NoticeState.OPEN]
        for notice in asked[answered:]:
            shift_us = HOUR_US if answered % 2 == 0 else 0
            held, world.quarantine = world.quarantine, []
            world.take([ClockDecision(plant="demo", source=notice.source, shift_us=shift_us), *held])
            answered += 1
    return world


@pytest.fixture(scope="module")
def worlds(tmp_path_factory) -> tuple[World, World]:
    told = nasty.history(tmp_path_factory.mktemp("history"), SEED)
    return run(nasty.nasty(told, SEED)), run(nasty.clean(told))


def test_no_warning_comes_of_a_stop_a_rename_a_unit_an_outage_a_clock_or_a_sensor(worlds):
    found, twin = worlds
    assert found.of(Alert) == twin.of(Alert) == []


def test_every_row_and_value_is_accounted_for(worlds):
    for world in worlds:
        ledger = world.partition.ledger
        assert ledger.balances
        assert world.quarantine == []
    ledger = worlds[0].partition.ledger
    assert ledger.rejected_by_reason.keys() >= {
        "not-json", "not-a-record", "unknown-asset", "out-of-range", "bad-quality", "wrong-kind", "clock-jump"
    }  # fmt: skip
    assert ledger.sources[f"feed-{GATEWAY}"].rows_late > 300


@pytest.mark.parametrize("asset", [GATEWAY, DOUBLED, CLEAN, CLOCK])
def test_bins_and_states_are_those_of_the_clean_twin_byte_for_byte(worlds, asset):
    found, twin = (world.kept(asset) for world in worlds)
    assert [name for name in twin if found[name] != twin[name]] == []


def test_bins_of_renamed_tags_and_other_units_are_those_of_the_clean_twin_but_for_rounding(worlds):
    found, twin = (world.partition.state.blocks["pump"] for world in worlds)
    for name in ("quarter_count", "quarter_sum", "day_count", "day_sum"):
        ours, theirs = (getattr(block.tiers, name)[block.index[RENAMED]] for block in (found, twin))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, err_msg=name)


def test_faults_of_sensors_are_told_of_as_such_and_of_that_pump_alone(worlds):
    told = [n for n in worlds[0].of(Notice) if n.kind is NoticeKind.SENSOR_FAULT]
    assert {notice.asset for notice in told} == {SENSORS}
    assert {"stuck", "jumped"} <= {notice.reason for notice in told}


def test_the_outage_is_told_of_rebuilt_and_closed(worlds):
    told = Counter((n.kind, n.state) for n in worlds[0].of(Notice) if n.asset == GATEWAY)
    assert told[NoticeKind.LATE_SPAN, NoticeState.OPEN] == told[NoticeKind.LATE_SPAN, NoticeState.CLOSED] >= 1
    assert told[NoticeKind.SILENT_ASSET, NoticeState.OPEN] == told[NoticeKind.SILENT_ASSET, NoticeState.CLOSED] == 1
