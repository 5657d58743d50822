"""The verdict over a candidate: each reason by a trial that fails in one thing alone, and what is better."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from models.alerting.hindsight import Worth
from models.alerting.reliability import EMPTY
from models.alerting.verdict import CHECKS, Bars, Reason, Trial, verdict
from models.alerting.versus import Side, Versus

BARS = Bars(
    least_days=10, least_failures=5, lost_failures=1, more_unfounded_a_machine_day=0.01, lost_lead_h=2,
    lost_brier=0.01, most_us_a_row=50,
)  # fmt: skip
FAILURES, MACHINE_DAYS = 8, 140.0


def side(caught: int = 6, unfounded: int = 4, brier: float = 0.05) -> Side:
    worth = Worth(warnings=9, unfounded=unfounded, failures=FAILURES, leads_h=(40.0,) * caught)
    return Side(worth, (), squares=brier * 1000, expected=80.0, came=80, known=1000, bins=EMPTY)


def trial(
    candidate: Side | None = None, gained_h: tuple[float, ...] = (0.0,), days: float = 14, us_a_row: float = 4.0
) -> Trial:
    whole = Versus("", (side(), candidate or side()), 5, gained_h, MACHINE_DAYS / 7, MACHINE_DAYS / 7)
    return Trial(whole, days, (3.0, us_a_row))


@pytest.mark.parametrize(
    ("reason", "of"),
    [
        (Reason.TOO_SHORT, trial(side(caught=8), days=9.9)),
        (Reason.CATCHES_LESS, trial(side(caught=4))),
        (Reason.MORE_UNFOUNDED, trial(side(unfounded=6))),  # 2 more in 140 machine-days are 0.0143 a day
        (Reason.WARNS_LATER, trial(side(caught=8), gained_h=(-2.5, -2.1, 30.0))),
        (Reason.WORSE_CALIBRATED, trial(side(caught=8, brier=0.061))),
        (Reason.WORSE_CALIBRATED, trial(side(caught=8, brier=math.nan))),
        (Reason.TOO_SLOW, trial(side(caught=8), us_a_row=50.1)),
        (Reason.NOT_BETTER, trial()),
        (Reason.NOT_BETTER, trial(side(caught=7, unfounded=3, brier=0.045), gained_h=(1.9,))),
        (Reason.BETTER, trial(side(caught=8))),
        (Reason.BETTER, trial(side(unfounded=2))),
        (Reason.BETTER, trial(gained_h=(2.1,))),
        (Reason.BETTER, trial(side(brier=0.039))),
        (Reason.BETTER, trial(side(caught=8, unfounded=5, brier=0.055), gained_h=(-1.9,))),
    ],
)  # fmt: skip
def test_each_reason_decides_by_what_fails_alone(reason, of):
    assert verdict(of, BARS).reason is reason


def test_more_unfounded_warnings_within_the_budget_are_no_loss_and_no_gain():
    within = replace(BARS, unfounded_a_machine_day=6 / MACHINE_DAYS)
    assert verdict(trial(side(caught=8, unfounded=6)), within).reason is Reason.BETTER
    assert verdict(trial(side(unfounded=6)), within).reason is Reason.NOT_BETTER
    assert verdict(trial(side(caught=8, unfounded=7)), within).reason is Reason.MORE_UNFOUNDED


BUDGET = 1 / MACHINE_DAYS
"""One unfounded warning in the machine-days of a trial: of ten nobody says that they are luck."""


def held_to(
    caught: int, ratio: float | None = None, unfounded: tuple[int, int] = (10, 1), gained_h: tuple[float, ...] = (-30,)
) -> Trial:
    """A champion that catches all by a warning that is always open, and so many at a limit that keeps the budget."""

    def at(limit: float) -> Versus:
        champion = side(caught=caught, unfounded=1) if limit >= 0.6 else side(caught=8, unfounded=9)
        return Versus("", (champion, candidate), 5, (0.0,), MACHINE_DAYS / 7, MACHINE_DAYS / 7)

    champion, candidate = side(caught=8, unfounded=unfounded[0]), side(unfounded=unfounded[1], brier=0.03)
    return Trial(
        Versus("", (champion, candidate), 5, gained_h, MACHINE_DAYS / 7, MACHINE_DAYS / 7), 14, (3.0, 4.0), at, ratio
    )


STRICT = replace(BARS, unfounded_a_machine_day=BUDGET, lost_failures=0)


def test_a_champion_that_is_over_its_budget_is_held_to_it_in_failures_and_in_lead():
    found = verdict(held_to(caught=6), STRICT)
    assert found.reason is Reason.BETTER
    assert "it warned of 6 of 8 failures, the champion of 6 within the budget (of 8 with 10 unfounded" in found.said
    assert "median lead +0.0 h" in found.said
    assert verdict(held_to(caught=7), STRICT).reason is Reason.CATCHES_LESS


def test_what_the_champion_catches_counts_where_it_keeps_its_budget_but_for_luck_or_the_candidate_does_not():
    assert verdict(held_to(caught=6, unfounded=(3, 1)), STRICT).reason is Reason.CATCHES_LESS
    assert verdict(held_to(caught=6, unfounded=(10, 4)), STRICT).reason is Reason.CATCHES_LESS


def test_a_plant_that_says_what_a_missed_failure_costs_keeps_a_champion_that_costs_less():
    assert verdict(held_to(caught=6, ratio=20.0), STRICT).reason is Reason.CATCHES_LESS  # 2 more missed for 9 warnings
    assert verdict(held_to(caught=6, ratio=4.0), STRICT).reason is Reason.BETTER


def test_too_few_failures_decide_nothing():
    bars = Bars(least_days=10, least_failures=FAILURES + 1)
    assert verdict(trial(side(caught=8)), bars).reason is Reason.TOO_FEW_FAILURES


def test_what_is_better_in_one_and_worse_in_another_is_told_as_worse():
    assert verdict(trial(side(caught=8, unfounded=9)), BARS).reason is Reason.MORE_UNFOUNDED


def test_where_nothing_came_and_no_chance_is_known_nothing_is_better_or_worse():
    nothing = Side(Worth(), (), 0.0, 0.0, 0, 0, EMPTY)
    of = Trial(Versus("", (nothing, nothing), 0, (), 0.0, 0.0), 14, (3.0, 4.0))
    found = verdict(of, Bars(least_failures=0))
    assert found.reason is Reason.TOO_SHORT
    assert verdict(of, Bars(least_days=0, least_failures=0)).reason is Reason.NOT_BETTER


def test_a_verdict_has_a_figure_of_each_check_and_says_them_in_a_line():
    found = verdict(trial(side(caught=8), gained_h=(3.0,)), BARS)
    assert len(found.figures) == len(CHECKS)
    assert found.said.startswith("better: 14.0 days beside the champion, at least 10 are asked for; 8 failures")
    assert "it warned of 8 of 8 failures, the champion of 6" in found.said
    assert "median lead +3.0 h" in found.said and "better in 2 of 4" in found.said


def test_every_reason_but_better_is_a_line_of_the_table_in_its_order():
    assert [check.reason for check in CHECKS] == list(Reason)[:-1]
