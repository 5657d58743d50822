"""What warnings would have been worth on a history, counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.alerting.hindsight import HOUR_US, NEVER_US, Case, Past, Worth, total, unfounded, worths
from models.alerting.life import Threshold

AT_HALF = Threshold(0.5)
HIGH, LOW = 0.9, 0.1


def past(*spans: tuple[float, float], failed=(), repaired=(), end_h: float = 2000, every_min: int = 1) -> Past:
    """Chances are high in these spans of hours and low elsewhere; a row every minute, or as often as is said."""
    end_us = np.arange(1, round(end_h * 60) + 1, every_min) * 60_000_000
    chance = np.full(len(end_us), LOW)
    for from_h, to_h in spans:
        chance[(end_us > from_h * HOUR_US) & (end_us <= to_h * HOUR_US)] = HIGH
    failures, repairs = (np.array([round(h * HOUR_US) for h in hours], np.int64) for hours in (failed, repaired))
    return Past(
        window_end_us=end_us, chance=chance, failures_us=failures, repairs_us=repairs, weeks=end_h / 168,
        to_us=round(end_h * HOUR_US), every_min=every_min,
    )  # fmt: skip


def at(hours: float) -> int:
    return round(hours * HOUR_US)


def worth(of: Past, threshold: Threshold = AT_HALF) -> Worth:
    (found,) = worths(of, (threshold,))
    return found


def test_a_failure_at_which_a_warning_is_open_is_caught_and_its_lead_is_from_the_third_minute():
    found = worth(past((100, 160), failed=[160]))
    assert (found.warnings, found.caught, found.failures, found.unfounded) == (1, 1, 1, 0)
    assert found.median_lead_h == pytest.approx(60 - 3 / 60)


def test_a_warning_that_no_failure_follows_within_a_week_is_unfounded_once_it_is_over():
    assert worth(past((100, 110))) == Worth(1, 1, 0, 0, ())


def test_a_failure_that_no_warning_was_open_at_is_missed():
    found = worth(past((100, 110), failed=[800]))
    assert (found.caught, found.failures, found.unfounded) == (0, 1, 1)


def test_a_warning_that_stays_open_is_unfounded_anew_each_week():
    assert worth(past((100, 100 + 3.5 * 168))).unfounded == 4


def test_a_warning_that_is_open_for_three_weeks_before_a_failure_is_right_in_the_last_alone():
    found = worth(past((100, 100 + 2.5 * 168), failed=[100 + 2.5 * 168]))
    assert (found.unfounded, found.caught) == (2, 1)


def test_a_warning_at_the_end_of_history_is_undecided():
    assert worth(past((1900, 2000))) == Worth(1, 0, 1, 0, ())


def test_a_repair_within_a_week_leaves_a_warning_undecided():
    assert worth(past((100, 150), repaired=[150])) == Worth(1, 0, 1, 0, ())


def test_a_repair_that_ends_a_warning_leaves_its_first_and_last_week_undecided_not_those_between():
    assert worth(past((100, 100 + 2.5 * 168), repaired=[100 + 2.5 * 168])) == Worth(1, 1, 1, 0, ())


def test_a_failure_after_a_repair_is_another_lifes():
    found = worth(past((100, 120), repaired=[150], failed=[200]))
    assert (found.undecided, found.caught, found.unfounded) == (1, 0, 0)


def test_of_a_history_scored_each_quarter_of_an_hour_persistences_are_rows_of_as_many_minutes():
    of = past((100.2, 100.6), every_min=15)
    assert worth(of, Threshold(0.5, open_after=30)).warnings == 1
    assert worth(of, Threshold(0.5, open_after=31)).warnings == 0


def test_many_thresholds_at_once_are_those_one_by_one():
    of = past((100, 110), (110.5, 140), (300, 600), (700, 700.1), failed=[600], repaired=[620])
    tried = [Threshold(limit, after, *clear) for limit in (0.05, 0.5, 0.95) for after in (1, 3, 60)
             for clear in ((60, 0.6), (1, 0.3))]  # fmt: skip
    assert list(worths(of, tried)) == [worth(of, one) for one in tried]


def test_a_warning_is_as_founded_as_the_inspected_one_that_was_open_then():
    of = past((100, 110), (300, 310), (500, 510), failed=[])
    cases = (Case(at(105), at(107), True), Case(at(200), at(299), True), Case(at(505), at(900), False))
    found = worth(replace(of, cases=cases))
    assert (found.warnings, found.inspected, found.founded) == (3, 2, 1)


def test_a_part_of_a_history_knows_nothing_of_what_came_before_and_after():
    whole = past((100, 160), (900, 960), failed=[160, 960], repaired=[170])
    first, second = whole.between(0, at(800)), whole.between(at(800), at(2000))
    assert (worth(first).caught, worth(second).caught, worth(whole).caught) == (1, 1, 2)
    assert (first.to_us, second.to_us, len(first.repairs_us), len(second.repairs_us)) == (at(800), at(2000), 1, 0)
    assert first.weeks == pytest.approx(800 / 168, rel=1e-3) and second.weeks == pytest.approx(1200 / 168, rel=1e-3)
    assert worth(whole.between(0, at(130))).undecided == 1
    assert whole.between(at(3000), at(4000)).weeks == 0


def test_warnings_that_others_opened_are_judged_alike():
    of = past(failed=[160], repaired=[170])
    spans = (at(100), at(110)), (at(300), at(310)), (at(500), NEVER_US), (at(1950), NEVER_US)
    assert unfounded(of, *zip(*spans, strict=True)) == 0 + 1 + 8 + 0  # 500 to 2000 h, the last week undecided


def test_together_they_are_the_sum():
    assert total([Worth(1, 2, 0, 3, (5.0,)), Worth(4, 1, 1, 1, (7.0, 9.0))]) == Worth(5, 3, 1, 4, (5.0, 7.0, 9.0))
    assert total([]) == Worth()
