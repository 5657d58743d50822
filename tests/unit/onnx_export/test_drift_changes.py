"""Drift of machines by hand numbers: steps, rises, what a reference foresees of them, and how rows are spread."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from models.records import (
    DriftCause,
)
from onnx_export.drift import (
    BARS,
    Shape,
    changes,
    looked,
)
from onnx_export.drift.looked import are_together
from onnx_export.drift.rows import daily
from onnx_export.drift.stability import LARGE, Sample, bar_of, psi
from onnx_export.history import DAY_US
from tests.unit.onnx_export.test_drift import (
    A_DAY,
    DAYS,
    MIDDLE_US,
    NAMES,
    RECENT,
    WATCH,
    causes,
    days_after,
    moved,
    plant,
    told,
)


def test_psi_is_what_it_is_by_hand():
    recent = np.array([1.0] * 5 + [10.0] * 5)
    by_hand = 2 * (0.5 - 0.1) * math.log(5) + 8 * (0.001 - 0.1) * math.log(0.01)
    assert psi(np.arange(1.0, 11.0), recent) == pytest.approx(by_hand)


def test_psi_of_the_same_is_none_and_of_nothing_is_not_known():
    values = np.arange(100.0)
    assert psi(values, values) == 0.0
    assert math.isnan(psi(values, np.full(3, np.nan)))


def test_machines_that_differ_raise_the_bar_and_alike_ones_do_not():
    random, asset = np.random.default_rng(2), np.repeat(np.arange(8), 500)
    time_us = np.tile(np.arange(500) * DAY_US // 12, 8)
    alike = Sample(random.normal(size=len(asset)), asset, time_us)
    assert bar_of(alike, 14 * DAY_US, LARGE, 1.5) == LARGE
    assert bar_of(alike._replace(value=alike.value + 3 * asset), 14 * DAY_US, LARGE, 1.5) > 1.0


def test_a_repair_is_no_step():
    rows = moved(plant(), "temp.over_1h", 6.0, (4,))
    repaired = np.where((rows.asset == 4) & (rows.window_end_us > MIDDLE_US), MIDDLE_US, 0)
    assert causes(told(rows._replace(since_us=repaired))) == []


def test_a_step_of_a_machine_that_was_repaired_since_is_over_and_a_rise_is_not_learned():
    rows, repaired_us = plant(), MIDDLE_US + 10 * DAY_US
    since_us = np.where((rows.asset == 4) & (rows.window_end_us > repaired_us), repaired_us, 0)
    before = rows.window_end_us <= repaired_us
    step, rise = (
        moved(rows._replace(since_us=since_us), "temp.over_1h", by * before, (4,))
        for by in (6.0 * np.ones(len(before)), 0.8 * days_after(rows))
    )
    assert causes(told(step)) == []
    assert causes(told(step.where(before))) == [DriftCause.SENSOR_SUSPECTED]
    assert causes(told(rise)) == [DriftCause.DEGRADATION]


def test_a_step_has_its_day_and_a_curve_has_none():
    day = np.arange(20)
    at_ten = list(changes.steps(changes.Series(0, day, np.where(day >= 10, 5.0, 0.0))))
    assert changes.largest(at_ten)[0] == (0, 10, 5.0)
    curve = changes.Series(0, day, np.exp(day / 4.0))
    assert max(abs(one.size) for one in changes.steps(curve)) == 0.0
    over_days = changes.Series(0, day, np.clip(day - 8.0, 0.0, 5.0))
    assert max(abs(one.size) for one in changes.steps(over_days)) < 2.0


def test_a_rise_has_its_slope_and_a_step_has_none():
    day = np.arange(20)
    assert changes.largest(changes.rises(changes.Series(0, day, 2.0 * day)))[0].size == pytest.approx(2.0)
    step = changes.Series(0, day, np.where(day >= 10, 5.0, 0.0))
    assert max(abs(one.size) for one in changes.rises(step)) == 0.0


def test_a_return_level_is_that_of_the_law_it_is_laid_through():
    sizes = np.random.default_rng(4).gumbel(1.0, 0.5, 20_000).tolist()
    by_law = 1.0 + 0.5 * math.log(len(sizes) * 9)  # of Gumbel's law, passed once in as many: location + scale ln n
    assert changes.return_level(sizes, 9) == pytest.approx(by_law, rel=0.02)
    assert changes.return_level(sizes[:5], 9) == 0.0


@pytest.mark.parametrize(("shape", "name"), [(Shape.STEP, "step_days"), (Shape.RISE, "rise_days")])
def test_a_bar_is_what_a_reference_foresees_of_years_and_not_its_largest_alone(shape: Shape, name: str):
    rows, low = plant(), dataclasses.replace(BARS, sigmas=0.0, own_margin=1.0)
    times = rows.between(0, MIDDLE_US), rows.between(MIDDLE_US, 1 << 60)
    bars = []
    for days in (1.0, 365.0, 3650.0):
        found = looked(*times, NAMES, WATCH, bars=dataclasses.replace(low, **{name: days}))
        bars.append(next(one.bar for one in found if one.shape is shape))
    assert bars[0] < bars[1] < bars[2]


def test_adwin_sees_a_change_and_the_day_is_where_means_fit():
    day, random = np.arange(40), np.random.default_rng(3)
    value = random.normal(size=40)
    assert changes.changed_day(changes.Series(0, day, value), 1.0) is None
    assert changes.changed_day(changes.Series(0, day, value + 5.0 * (day >= 25)), 1.0) == 25


def test_days_of_two_lives_are_two():
    rows = plant()
    half = np.where(np.arange(len(rows.asset)) % A_DAY < A_DAY // 2, 0, 7)
    mine = rows._replace(since_us=half).where(rows.asset == 0)
    assert len(daily(mine, np.array([0])).day) == 2 * (DAYS + RECENT)


def test_two_machines_that_step_weeks_apart_must_each_pass_the_bar_of_one_alone():
    days = {
        apart: [changes.Change(1, 100, 5.0), changes.Change(2, 100 + apart, 5.0)] for apart in (0, 3, 4, 12)
    }  # fmt: skip
    assert [are_together(days[apart], Shape.STEP) for apart in days] == [True, True, False, False]
    assert are_together(days[12], Shape.RISE)
    assert not are_together(days[0][:1], Shape.RISE)
