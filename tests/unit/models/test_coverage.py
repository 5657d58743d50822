"""Whether intervals that were told hold what they say, once it is known what came."""

from __future__ import annotations

import random

import pytest

from models.failure.coverage import HOUR_US, Outcome, Told, Verdict, coverage, exact, outcome
from models.records import Remaining, Until

HIT, MISS = Outcome(held=True, failed=True), Outcome(held=False, failed=True)
OUTLIVED = Outcome(held=True, failed=False)


def told(low: float, high: float | None) -> Told:
    left = Remaining(low_h=low, median_h=None, high_h=high, until=Until.FAILURE)
    return Told(asset="a", time_us=0, remaining=left)


def became(low, high, failed_h=(), repaired_h=(), to_h=1000.0) -> Outcome | None:
    failures, repairs = ([round(hours * HOUR_US) for hours in each] for each in (failed_h, repaired_h))
    return outcome(told(low, high), failures, repairs, round(to_h * HOUR_US))


@pytest.mark.parametrize(
    ("held", "known", "low", "high"),
    # R: binom.test(x, n)$conf.int; 0 of n and n of n by hand: 1 - (0.025 ** (1 / n)).
    [(18, 20, 0.683017, 0.987651), (0, 10, 0.0, 0.308497), (10, 10, 0.691503, 1.0), (5, 10, 0.187086, 0.812914)],
)
def test_the_interval_of_a_share_is_the_exact_one(held, known, low, high):
    assert exact(held, known) == (pytest.approx(low, abs=1e-6), pytest.approx(high, abs=1e-6))


def test_the_interval_of_a_share_of_thousands_is_about_the_normal_one():
    assert exact(4500, 5000) == (
        pytest.approx(0.9 - 1.96 * 0.00424, abs=5e-4),
        pytest.approx(0.9 + 1.96 * 0.00424, abs=5e-4),
    )


def test_of_nothing_a_share_may_be_anything():
    assert exact(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("interval", "failed_h", "expected"),
    [((20, 80), 50, HIT), ((20, 80), 19, MISS), ((20, 80), 81, MISS), ((20, None), 160, HIT), ((20, None), 5, MISS),
     ((20, None), 400, OUTLIVED), ((20, 80), 400, Outcome(held=False, failed=False))],
)  # fmt: skip
def test_an_interval_holds_the_failure_or_does_not(interval, failed_h, expected):
    assert became(*interval, failed_h=[failed_h]) == expected


def test_of_a_machine_that_a_repair_came_before_nobody_can_tell():
    assert became(20, None, failed_h=[60], repaired_h=[50]) is None
    assert became(20, 80, repaired_h=[167]) is None
    assert became(20, None, repaired_h=[169]) == OUTLIVED


def test_a_failure_and_its_repair_at_one_time_are_a_failure():
    assert became(20, 80, failed_h=[50], repaired_h=[50]) == HIT


def test_failures_before_it_was_told_do_not_count():
    assert became(20, 80, failed_h=[-5, 60], repaired_h=[-4]) == HIT


def test_what_was_told_within_the_last_horizon_of_the_end_waits_also_where_a_failure_came():
    assert became(20, 80, failed_h=[50], to_h=167) is None
    assert became(20, 80, failed_h=[50], to_h=168) == HIT


def test_under_twenty_failures_nothing_is_judged_however_many_outlived():
    few = coverage([HIT] * 19 + [OUTLIVED] * 100 + [None] * 3)
    assert (few.verdict, few.said) == (Verdict.INSUFFICIENT, "insufficient events (19 of 20)")
    assert (few.held, few.known, few.events, few.open) == (119, 119, 19, 3)


def test_with_enough_failures_ninety_percent_holds_or_does_not():
    assert coverage([HIT] * 36 + [MISS] * 4).verdict is Verdict.HOLDS
    assert coverage([HIT] * 28 + [MISS] * 12).verdict is Verdict.DOES_NOT_HOLD
    assert coverage([HIT] * 100).verdict is Verdict.DOES_NOT_HOLD, "an interval that is too wide does not hold either"


def test_intervals_that_cover_nine_in_ten_are_seldom_judged_otherwise_and_those_that_cover_half_always():
    drawn = random.Random(20261126)

    def judged(share: float) -> list[Verdict]:
        return [
            coverage([HIT if drawn.random() < share else MISS for _ in range(60)]).verdict for _ in range(300)
        ]  # fmt: skip

    assert judged(0.9).count(Verdict.DOES_NOT_HOLD) <= 0.05 * 300
    assert set(judged(0.5)) == {Verdict.DOES_NOT_HOLD}
