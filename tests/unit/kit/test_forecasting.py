"""Forecasts start where the rule says, see nothing of what comes, and are judged by machine."""

from __future__ import annotations

import numpy as np
import pytest

from models.failure.trend import HOURS, Hours
from tests.kit.forecasting import HORIZONS_H, Said, between, came_after, judged, known_at, origins_of, ours

LAST_H = HORIZONS_H[-1]


def hours_of(values: np.ndarray) -> Hours:
    """Hours of running of one life of one machine, [hours, tracks]."""
    number = np.arange(len(values))
    return Hours(np.zeros(len(values), np.int64), number, number + 1.0, values, np.zeros_like(values))


def worn(seed: int, lives: int = 600, noise: float = 0.5) -> tuple[Said, Said, np.ndarray]:
    """What ours says of straight wear with noise, both ways, and what came."""
    random = np.random.default_rng(seed)
    wear = np.arange(HOURS + LAST_H)[:, None] * random.uniform(-0.1, 0.1, lives)
    values = wear + noise * random.standard_normal(wear.shape)
    rows = np.array([HOURS - 1])
    return *ours(known_at(hours_of(values), rows)), came_after(values, rows)


def test_origins_are_a_week_into_each_life_and_every_so_often_after_it() -> None:
    long, short = HOURS + LAST_H + 100, HOURS + LAST_H - 1
    asset = np.repeat([0, 0, 1], [long, short, HOURS + LAST_H])
    since_us = np.repeat([0, 5, 5], [long, short, HOURS + LAST_H])
    assert origins_of(asset, since_us, 50).tolist() == [
        HOURS - 1, HOURS + 49, HOURS + 99, long + short + HOURS - 1
    ]  # fmt: skip


def test_a_straight_line_goes_on_as_it_was() -> None:
    line, _, came = worn(1, noise=0.0)
    assert line.middle == pytest.approx(came, abs=1e-3)


def test_what_comes_after_the_origin_moves_no_forecast() -> None:
    values = np.random.default_rng(2).standard_normal((HOURS + LAST_H, 3))
    other, rows = values.copy(), np.array([HOURS - 1])
    other[HOURS:] += 100.0
    for one, two in zip(ours(known_at(hours_of(values), rows)), ours(known_at(hours_of(other), rows)), strict=True):
        assert np.array_equal(one.middle, two.middle)
    assert came_after(other, rows) - came_after(values, rows) == pytest.approx(100.0)


def test_an_hour_that_is_not_known_leaves_what_came_unknown() -> None:
    values = np.zeros((HOURS + LAST_H, 1))
    values[HOURS - 1 + HORIZONS_H[0]] = np.nan
    assert np.isnan(came_after(values, np.array([HOURS - 1])))[0, 0].tolist() == [True, False]


def test_nine_in_ten_points_are_in_the_interval_of_points_about_the_line_and_fewer_in_the_line_s_alone() -> None:
    line, about, came = worn(3)
    held = {}
    for name, said in (("line", line), ("about", about)):
        held[name] = ((said.low <= came) & (came <= said.high)).mean(axis=(0, 1))
    assert held["about"] == pytest.approx(0.9, abs=0.06)
    assert (held["line"] < held["about"]).all()


def test_figures_are_those_of_the_forecasts_that_are_asked_for() -> None:
    came, none = np.array([[1.0, 9.0], [5.0, 9.0]]), np.zeros((2, 2))
    where = np.array([[True, False], [True, False]])
    said = Said(none - 2.0, none, none + 2.0)
    found = judged(np.array([1, 2]), came, said, Said(none, came + 1.0, none), where)
    assert (found.forecasts, found.error, found.coverage, found.width) == (2, 3.0, 0.5, 4.0)
    assert (found.more, found.more_ends, found.ends) == (2.0, (0.0, 4.0), (0.0, 1.0))


def test_many_forecasts_of_few_machines_say_little() -> None:
    inside = np.repeat([True, True, True, False], 100)
    few, many = (between(machine, inside) for machine in (np.repeat(range(4), 100), np.arange(400)))
    assert few[1] - few[0] > 5 * (many[1] - many[0])
