"""Time to failure with an interval, from the chances of one forecast."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.failure.hazard import Hazard
from models.failure.interval import Levels, covers, ends, quantile, remaining, within
from models.inference import ModelError
from models.records import Remaining, Until
from tests.kit import tiny

LEVELS = Levels(low=0.05, high=0.95, alone=0.1, from_chance=0.3, events=40, coverage=0.9, held_out=30)
SOON = (0.1, 0.2, 0.4, 0.6, 0.9, 0.98)
LATE = (0.01, 0.02, 0.04, 0.1, 0.2, 0.4)


def row(*chances: float) -> np.ndarray:
    return np.array([chances])


@pytest.mark.parametrize(
    ("hours", "chance"), [(0, 0.0), (6, 0.05), (12, 0.1), (36, 0.3), (96, 0.75), (168, 0.98), (1000, 0.98)]
)
def test_between_horizons_a_failure_is_as_likely_at_any_hour(hours, chance):
    assert within(row(*SOON), np.array([hours]))[0] == pytest.approx(chance)


@pytest.mark.parametrize(("level", "hours"), [(0.05, 6.0), (0.1, 12.0), (0.5, 60.0), (0.98, 168.0), (0.99, np.inf)])
def test_a_level_is_reached_where_the_chances_reach_it_and_nowhere_beyond_the_last_horizon(level, hours):
    assert quantile(row(*SOON), level)[0] == pytest.approx(hours)


def test_a_level_that_all_horizons_are_over_lies_before_the_first():
    assert quantile(row(*(0.5,) * 6), 0.05)[0] == pytest.approx(1.2)
    assert quantile(row(*(0.5,) * 6), 0.5)[0] == pytest.approx(12.0)


CHANCES = st.lists(st.floats(0.0, 1.0), min_size=6, max_size=6).map(sorted)


@given(CHANCES, st.floats(0.001, 1.0))
def test_the_chance_at_a_quantile_is_its_level_where_the_chances_go_so_far(chances, level):
    at = quantile(row(*chances), level)
    if np.isinf(at[0]):
        assert chances[-1] < level
    else:
        assert 0.0 <= at[0] <= 168.0
        assert within(row(*chances), at)[0] == pytest.approx(level, abs=1e-9)


def test_ends_are_whole_hours():
    assert [end[0] for end in ends(replace(LEVELS, low=0.062, high=0.931), row(*SOON))] == [7.0, 139.0]


def test_an_interval_without_an_end_begins_at_a_level_of_its_own():
    assert [end[0] for end in ends(replace(LEVELS, high=0.99), row(*SOON))] == [12.0, np.inf]


def test_an_interval_wholly_beyond_the_last_horizon_begins_there_and_has_no_end():
    assert [end[0] for end in ends(replace(LEVELS, alone=0.45), row(*LATE))] == [168.0, np.inf]


@pytest.mark.parametrize(
    ("low", "high", "hours", "covered"),
    [(10, 50, 9.9, False), (10, 50, 10, True), (10, 50, 50, True), (10, 50, 50.1, False), (10, np.inf, 500, True),
     (10, np.inf, np.inf, True), (10, 168, np.inf, False), (10, 168, 168, True), (168, np.inf, 100, False)],
)  # fmt: skip
def test_who_outlives_the_last_horizon_is_covered_by_an_interval_without_an_end_alone(low, high, hours, covered):
    assert covers(*(np.array([float(each)]) for each in (low, high, hours)))[0] == covered


def test_what_remains_is_told_from_the_chance_on_that_it_was_measured_from():
    assert remaining(LEVELS, np.array([SOON, LATE, (0.0,) * 5 + (0.29,)])) == [
        Remaining(low_h=6.0, median_h=60.0, high_h=150.0, until=Until.FAILURE),
        Remaining(low_h=72.0, median_h=None, high_h=None, until=Until.FAILURE),
        None,
    ]


@pytest.mark.parametrize(
    ("coverage", "stated"), [(0.88, None), (0.92, None), (0.879, 0.879), (0.95, 0.95), (None, None)]
)
def test_an_interval_that_covered_another_share_than_it_says_is_told_with_that(coverage, stated):
    (told,) = remaining(replace(LEVELS, coverage=coverage), row(*SOON))
    assert told.covered == stated


@pytest.mark.parametrize(
    "change",
    [
        {"low": 0.6},
        {"alone": 0.6},
        {"high": 0.4},
        {"high": 1.1},
        {"low": -0.1},
        {"from_chance": 2.0},
        {"coverage": 1.2},
    ],
)
def test_levels_that_are_none_are_refused_with_their_card(change):
    with pytest.raises(ModelError, match="interval"):
        Hazard(b"", replace(tiny.hazard().card, interval=replace(LEVELS, **change)))


def test_a_card_without_an_interval_says_nothing_of_time():
    assert tiny.hazard().remaining(np.array([SOON, LATE])) == [None, None]
