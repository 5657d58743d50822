"""When a champion is over its budget of unfounded warnings, and by which limit it would have kept it."""

from __future__ import annotations

import pytest
from scipy.stats import poisson

from models.alerting.granted import BY_LUCK, is_over, kept
from models.alerting.hindsight import Worth
from models.alerting.reliability import EMPTY
from models.alerting.versus import Side, Versus


def whole(champion: int, candidate: int, caught: int = 1) -> Versus:
    sides = [
        Side(Worth(unfounded=unfounded, leads_h=(40.0,) * caught), (), 0.0, 0.0, 0, 0, EMPTY)
        for unfounded in (champion, candidate)
    ]
    return Versus("", (sides[0], sides[1]), 0, (), 10.0, 9.0)


@pytest.mark.parametrize("allowed", [0.3, 2.0, 900.0])
def test_a_count_is_over_what_is_allowed_as_the_tail_of_a_poisson_count_says(allowed):
    for count in (0, 1, 2, 3, 5, 6, 850, 930, 949, 950, 1000):
        assert is_over(count, allowed) == (poisson.sf(count - 1, allowed) < BY_LUCK)


def test_where_nothing_is_allowed_any_is_over():
    assert is_over(1, 0.0) and not is_over(0, 0.0)


def test_the_lowest_limit_that_keeps_the_budget_is_taken_or_as_many_as_the_candidate_has():
    def at(limit: float) -> Versus:
        return whole(max(0, round(20 * (1 - limit))), 3)

    assert kept(at, whole(20, 1), allowed=2.0) == at(0.9)
    assert kept(at, whole(20, 3), allowed=2.0) == at(0.85)


def test_a_champion_that_is_always_sure_is_taken_as_one_that_does_not_warn():
    asked = []

    def at(limit: float) -> Versus:
        asked.append(limit)
        return whole(0 if limit > 1 else 20, 1)

    found = kept(at, whole(20, 1), allowed=2.0)
    assert found is not None and found.sides[0].worth.unfounded == 0 and asked == sorted(asked)


def test_nobody_is_held_who_keeps_the_budget_but_for_luck_nor_for_a_candidate_that_does_not():
    assert kept(lambda _: whole(0, 0), whole(5, 0), allowed=2.0) is None
    assert kept(lambda _: whole(0, 0), whole(20, 6), allowed=2.0) is None


def test_nobody_is_held_for_a_candidate_that_warns_of_nothing():
    assert kept(lambda _: whole(0, 0), whole(20, 0), allowed=2.0) is not None
    assert kept(lambda _: whole(0, 0), whole(20, 0, caught=0), allowed=2.0) is None
