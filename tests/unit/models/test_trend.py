"""Time to limit: slopes that outliers do not move, intervals that hold what they say, rings that a repair empties."""

from __future__ import annotations

import numpy as np
import pytest

from models.failure import trend
from models.failure.switches import Switches, Turn
from models.failure.trend import HOURS, Ahead, Bounds, Hours, Trends

MACHINES = 4000
FROM_ABOVE = Bounds(np.zeros(1), np.ones(1, bool), np.zeros(1, bool))


def worn(left_h: np.ndarray, duty: np.ndarray, growth: float = 0.0, noise: float = 0.0, memory: float = 0.0) -> Trends:
    """Machines whose wear, growing by a share an hour of running, reaches 0 after so many hours of running."""
    random = np.random.default_rng(20260105)
    before, shape = np.arange(1.0 - HOURS, 1.0), (len(left_h), HOURS)
    rate = random.uniform(0.03, 0.2, len(left_h))[:, None]
    ahead_h = before - left_h[:, None]
    wear = rate * (np.expm1(growth * ahead_h) / growth if growth else ahead_h)
    off = random.standard_normal(shape)
    for at in range(1, HOURS):
        off[:, at] = memory * off[:, at - 1] + np.sqrt(1.0 - memory**2) * off[:, at]
    hour = np.floor(np.arange(HOURS) / duty[:, None]).astype(np.int64) + 480_000
    values = (wear + noise * off)[:, None].astype(np.float32)
    return Trends(
        np.zeros(len(left_h), np.int64), hour, np.broadcast_to(before + 1000.0, shape), values, values * np.nan
    )


def coverage(growth: float, noise: float = 0.7, memory: float = 0.7) -> tuple[float, float]:
    """Share of intervals that hold the true hours, and the median of what is said over what is true."""
    random = np.random.default_rng(20260106)
    left_h, duty = random.uniform(10.0, 150.0, MACHINES), random.uniform(0.6, 1.0, MACHINES)
    found = trend.ahead(worn(left_h, duty, growth, noise, memory), FROM_ABOVE)
    true = left_h / duty
    said = ~np.isnan(found.median_h[:, 0])
    inside = ((found.low_h[:, 0] <= true) & (true <= found.high_h[:, 0]))[said]
    assert said.mean() > 0.98
    print(f"growth {growth} an hour, noise {noise}, memory {memory}: {inside.mean():.3f} of intervals hold the truth")
    return float(inside.mean()), float(np.median((found.median_h[:, 0] / true)[said]))


def test_without_noise_the_hours_of_the_clock_are_found() -> None:
    left_h, duty = np.array([24.0, 100.0]), np.array([1.0, 0.5])
    found = trend.ahead(worn(left_h, duty), FROM_ABOVE)
    assert found.median_h[:, 0] == pytest.approx([24.0, 200.0], rel=0.02)


@pytest.mark.parametrize(("noise", "memory"), [(0.3, 0.0), (0.7, 0.0), (0.7, 0.7), (1.5, 0.7), (0.7, 0.95)])
def test_nine_in_ten_intervals_hold_the_truth_of_linear_wear(noise: float, memory: float) -> None:
    held, over = coverage(0.0, noise, memory)
    assert 0.87 <= held <= 0.93
    assert over == pytest.approx(1.0, abs=0.03)


def test_wear_that_grows_by_half_a_thousandth_an_hour_is_said_to_last_a_tenth_longer_than_it_does() -> None:
    held, over = coverage(0.0005)
    assert 0.5 < held < 0.87
    assert 1.05 < over < 1.12


def test_no_trend_no_hours() -> None:
    random = np.random.default_rng(20260107)
    trends = worn(np.full(200, 100.0), np.ones(200))
    trends.values[:] = random.standard_normal(trends.values.shape) - 10.0
    found = trend.ahead(trends, FROM_ABOVE)
    assert np.isnan(found.median_h).mean() >= 0.9  # one in twenty is taken for one by chance
    quiet = int(np.flatnonzero(np.isnan(found.median_h[:, 0]))[0])
    assert trend.remaining(found, quiet, 0) is None


def test_outliers_do_not_move_it() -> None:
    left_h, duty = np.full(3, 80.0), np.ones(3)
    trends = worn(left_h, duty, noise=0.2)
    before = trend.ahead(trends, FROM_ABOVE).median_h
    trends.values[:, :, ::25] += 500.0
    assert trend.ahead(trends, FROM_ABOVE).median_h == pytest.approx(before, rel=0.1)


def test_unknown_hours_are_left_out() -> None:
    trends = worn(np.full(2, 80.0), np.ones(2))
    trends.values[0, :, ::3] = np.nan
    trends.values[1, :, 40:] = np.nan  # under LEAST_POINTS points are left
    found = trend.ahead(trends, FROM_ABOVE)
    assert found.median_h[0, 0] == pytest.approx(80.0, rel=0.02)
    assert np.isnan(found.median_h[1, 0])


def test_a_limit_that_has_been_reached_has_no_hours_left() -> None:
    found = trend.ahead(worn(np.array([-5.0]), np.ones(1)), FROM_ABOVE)
    left = trend.remaining(found, 0, 0)
    assert left is not None
    assert (left.low_h, left.median_h, left.high_h) == (0.0, 0.0, 0.0)


def test_a_batch_of_machines_gives_each_what_it_gives_alone() -> None:
    trends = worn(np.linspace(10.0, 150.0, 9), np.ones(9), noise=0.5)
    many = trend.ahead(trends, FROM_ABOVE)
    for at in range(9):
        one = trend.ahead(trends.copy_of(np.array([at])), FROM_ABOVE)
        for alone, among in zip(one, many, strict=True):
            assert alone[0].tobytes() == among[at].tobytes()


def test_a_level_is_held_against_what_is_expected_in_its_demanding_hours() -> None:
    trends = worn(np.full(2, 80.0), np.ones(2))
    trends.expected[:] = np.arange(HOURS)
    high = trend.limits(trends, Bounds(np.array([200.0]), np.ones(1, bool), np.ones(1, bool)))
    low = trend.limits(trends, Bounds(np.array([-20.0]), np.zeros(1, bool), np.ones(1, bool)))
    assert high[:, 0].tolist() == [50.0, 50.0]  # 200 less the 0.9 quantile
    assert low[:, 0].tolist() == [-37.0, -37.0]


def hours(since_us: int, hour: int, value: float) -> Hours:
    one = np.array([[value]])
    return Hours(np.array([since_us]), np.array([hour]), np.array([float(hour)]), one, one)


def test_hours_are_kept_in_order_and_a_repeat_changes_nothing() -> None:
    trends = Trends.none(1, 1)
    for hour in (5, 6, 6, 4, 7):
        trends = trend.push(trends, hours(0, hour, hour * 10.0))
    assert trends.hour[0, -3:].tolist() == [5, 6, 7]
    assert trends.values[0, 0, -3:].tolist() == [50.0, 60.0, 70.0]
    assert np.isnan(trends.values[0, 0, :-3]).all()


def test_another_life_begins_with_nothing() -> None:
    trends = trend.push(Trends.none(1, 1), hours(0, 5, 1.0))
    trends = trend.push(trends, hours(1, 6, 2.0))
    assert trends.since_us.tolist() == [1]
    assert np.count_nonzero(~np.isnan(trends.values)) == 1


def test_machines_are_taken_put_back_and_added() -> None:
    trends = Trends.none(2, 1)
    moved = trend.push(trends.copy_of(np.array([1])), hours(0, 5, 1.0))
    trends.put(np.array([1]), moved)
    trends.grow(3)
    assert trends.hour[:, -1].tolist() == [trend.NEVER_H, 5, trend.NEVER_H]


def near(median_h: float, low_h: float) -> Ahead:
    one = np.array([[low_h], [median_h], [median_h * 2]])[:, :, None]
    return Ahead(one[0], one[1], one[2], np.zeros((1, 1)), np.zeros((1, 1)))


def turns(*found: Ahead) -> list[int]:
    switches, out = Switches.none(1), []
    for one in found:
        switches, turn = trend.watch(switches, np.zeros(1, np.int64), one)
        out.append(int(turn[0]))
    return out


def test_it_opens_after_hours_in_which_a_limit_is_near() -> None:
    assert turns(*[near(23.0, 20.0)] * 7) == [0] * 5 + [Turn.OPENED, 0]


@pytest.mark.parametrize("far", [near(25.0, 20.0), near(23.0, 24.5), near(np.nan, np.nan)])
def test_a_far_limit_a_wide_interval_or_no_trend_opens_nothing(far: Ahead) -> None:
    assert turns(*[far] * 30) == [0] * 30


def test_it_clears_after_a_day_in_which_none_is() -> None:
    said = turns(*[near(23.0, 20.0)] * 6, *[near(40.0, 30.0)] * 30, *[near(np.nan, np.nan)] * 24)
    assert said[5] == Turn.OPENED
    assert said[6:-1] == [0] * 53
    assert said[-1] == Turn.CLEARED
