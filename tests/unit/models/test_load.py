"""Rows of a load forecast: of what is known at the origin alone, by the wall's clock, in shares of its level."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.energy import past
from models.energy.load import SCALE, STEPS, inputs_of, rows_of
from models.energy.past import level_of, quantiles
from models.energy.wall import DAY_STEPS, STEP_US, WEEK_STEPS, Calendar, wall_steps
from models.plant.shifts import Date

BRUSSELS = "Europe/Brussels"
COLUMN = {one.name: at for at, one in enumerate(inputs_of())}
UNITS = {one.name: one.unit for one in inputs_of({"orders": "t"})}


def us(*told: int) -> int:
    return int(datetime(*told, tzinfo=UTC).timestamp()) * 1_000_000


ORIGIN_US = us(2025, 6, 4, 22)  # midnight in Brussels, of a Thursday


def history(days: int = 70, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    shape = 40.0 + 30.0 * (np.arange(days * DAY_STEPS) % DAY_STEPS > 30)
    return shape * random.uniform(0.7, 1.3, len(shape))


def rows(kw: np.ndarray, at_us: int = ORIGIN_US, zone: str = BRUSSELS, **more) -> np.ndarray:
    return rows_of(kw, at_us, Calendar(zone=zone, **more), level_of(kw))


def column(name: str, found: np.ndarray) -> np.ndarray:
    return found[:, COLUMN[name]]


def test_a_row_has_a_value_for_each_input_and_the_level_is_the_last():
    found = rows(history())
    assert found.shape == (STEPS, len(inputs_of())) and found.dtype == np.float32
    assert column(SCALE, found)[0] == np.float32(level_of(history())) and inputs_of()[-1].name == SCALE
    assert UNITS["ahead.orders"] == "t" and UNITS[SCALE] == "kW"


@settings(max_examples=25, deadline=None)
@given(origin=st.integers(15 * DAY_STEPS, 60 * DAY_STEPS), seed=st.integers(0, 9), factor=st.floats(-5.0, 5.0))
def test_what_comes_after_the_origin_changes_no_row(origin: int, seed: int, factor: float):
    kw = history(70, seed)
    other = kw.copy()
    other[origin:] *= factor
    at_us = ORIGIN_US + origin * STEP_US
    made = [rows_of(one[:origin], at_us, Calendar(zone=BRUSSELS), 50.0) for one in (kw, other)]
    assert np.array_equal(*made, equal_nan=True)
    # The kit of training cuts a series itself: it must cut at the origin, too.
    from onnx_export.load_rows import Series

    cut = [Series(one, ORIGIN_US, Calendar(zone=BRUSSELS)).rows(origin, 50.0) for one in (kw, other)]
    assert np.array_equal(cut[0], made[0], equal_nan=True) and np.array_equal(*cut, equal_nan=True)


def test_ten_times_the_load_is_the_same_row_but_for_its_level():
    found, tenfold = rows(history()), rows(history() * 10.0)
    assert np.allclose(found[:, :-1], tenfold[:, :-1], rtol=1e-5, equal_nan=True)
    assert np.allclose(column(SCALE, tenfold), 10.0 * column(SCALE, found))


def test_missing_values_are_passed_over_and_a_history_of_nothing_is_all_missing():
    kw = history()
    kw[-50 * DAY_STEPS : -49 * DAY_STEPS] = np.nan
    assert not np.isnan(rows(kw)).any()
    kw[-4:] = np.nan
    found = rows(kw)
    assert np.isnan(column("mean_1h", found)).all() and not np.isnan(column("mean_2h", found)).any()
    nothing = rows(np.full(100, np.nan))
    assert np.isnan(column("worked40_q50", nothing)).all() and (column(SCALE, nothing) == 1.0).all()
    assert rows(np.empty(0)).shape == (STEPS, len(COLUMN))


def test_the_calendar_is_that_of_the_wall_where_the_plant_is():
    found = rows(history(), holidays=(Date(2025, 6, 6),))
    assert column("slot", found)[[0, 95, 96]].tolist() == [0, 95, 0]
    assert column("weekday", found)[[0, 96, 192]].tolist() == [3, 4, 5]
    assert column("holiday", found)[[0, 96, 192]].tolist() == [0, 1, 0]
    assert column("slot", rows(history(), zone="Asia/Kolkata"))[0] == 3.5 * 4


@pytest.mark.parametrize(
    ("at_us", "shown"),
    [(us(2025, 3, 30, 0), [4, 5, 6, 7, 12, 13]), (us(2025, 10, 26, 0), [8, 9, 10, 11, 8, 9])],
    ids=["forward", "back"],
)
def test_the_wall_jumps_over_an_hour_and_shows_one_twice(at_us: int, shown: list[int]):
    assert (wall_steps(BRUSSELS, at_us, 6) % DAY_STEPS).tolist() == shown
    one_by_one = [int(wall_steps(BRUSSELS, at_us + at * STEP_US, 1)[0]) for at in range(-DAY_STEPS, 300)]
    assert wall_steps(BRUSSELS, at_us - DAY_STEPS * STEP_US, DAY_STEPS + 300).tolist() == one_by_one


@pytest.mark.parametrize("begin_us", [us(2025, 3, 29, 20), us(2025, 10, 25, 20), us(2025, 10, 26, 0, 30)])
def test_over_a_change_of_the_clock_the_same_time_of_day_is_looked_up(begin_us: int):
    wall = wall_steps(BRUSSELS, begin_us - 70 * DAY_STEPS * STEP_US, 70 * DAY_STEPS)
    kw = (wall % DAY_STEPS).astype(np.float64) + 1.0
    found = rows_of(kw, begin_us, Calendar(zone=BRUSSELS), 1.0, steps=WEEK_STEPS)
    known = ~np.isnan(column("weekday16_q50", found))
    assert known.mean() > 0.98
    assert (column("weekday16_q50", found) == column("slot", found) + 1.0)[known].all()
    assert np.array_equal(column("days21_q50", found), column("slot", found) + 1.0)


def test_each_name_is_of_its_own_column():
    """By a load that is the number of its step: every mean and every look back is a number that can be told."""
    count = 200 * DAY_STEPS
    found = rows_of(np.arange(count, dtype=np.float64), ORIGIN_US, Calendar(zone=BRUSSELS), 1.0)
    first = {name: float(found[0, at]) for name, at in COLUMN.items()}
    # In float32, and in summer time throughout but for the first of these weeks.
    wanted = {
        "last": count - 1, "mean_1h": count - 2.5, "mean_8h": count - 16.5, "day_0": count - 48.5,
        "day_1": count - 144.5, "day_max": count - 1, "max_8h": count - 1, "min_8h": count - 32,
        "max_2_days_ago": count - 97, "weekday4_mean": count - 2.5 * WEEK_STEPS,
        "weekday8_q50": count - 4.5 * WEEK_STEPS, "days21_mean": count - 11 * DAY_STEPS,
        "worked10_mean": count - 5.5 * DAY_STEPS, "day_week_ago": count - WEEK_STEPS + 47.5,
        "day_2_weeks_ago": count - 2 * WEEK_STEPS + 47.5, "spread_8h": np.std(np.arange(32)),
        "to_yesterday": (count - 16.5) / (count - 112.5), "to_last_week": (count - 16.5) / (count - 688.5),
    }  # fmt: skip
    assert {name: first[name] for name in wanted} == pytest.approx(wanted, rel=1e-6)


def test_days_that_were_not_worked_do_not_count_among_the_worked():
    kw = history(70)
    idle = np.arange(70) % 7 == 0
    kw.reshape(70, DAY_STEPS)[idle] = 3.0
    told = column("worked10_q20", rows(kw)) * level_of(kw)
    assert told.min() > 20.0
    kw.reshape(70, DAY_STEPS)[-1] = 3.0
    assert column("days_since_worked", rows(kw))[0] == 1.0


def test_a_quantile_is_that_of_numpy_without_what_is_missing():
    values = np.random.default_rng(1).normal(size=(30, 5))
    values[::3, 1], values[:, 4] = np.nan, np.nan
    wanted = np.nanquantile(values[:, :4], past.SHARES, axis=0)
    assert np.allclose(quantiles(values, past.SHARES)[:, :4], wanted)
    assert np.isnan(quantiles(values, past.SHARES)[:, 4]).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [({"origin_us": 1}, "whole 15 min"), ({"steps": 673}, "1 to 672"), ({"scale_kw": 0.0}, "more than 0"),
     ({"ahead": {"t": np.zeros(3)}}, "not t")],
)  # fmt: skip
def test_what_cannot_be_is_refused(change: dict, told: str):
    asked = {"history_kw": history(), "origin_us": ORIGIN_US, "calendar": Calendar(), "scale_kw": 1.0}
    with pytest.raises(ValueError, match=told):
        rows_of(**asked | change)
