"""How a week's warnings were looked after: whose they are, what stands, what is stale or comes and goes."""

from __future__ import annotations

from msgspec.structs import replace

from models.alerting.kpis import NOBODY, kpis
from models.plant import Budget
from models.records import CloseReason, Move
from tests.kit.closing import back, close, ended, move, opened
from tests.kit.runs import at

WEEK_H = 168.0


def told(revisions, now_h=WEEK_H, budget=None, from_h=0.0):
    return kpis(revisions, budget or Budget(), at(from_h), at(from_h + WEEK_H), at(now_h))


def test_a_warning_is_of_whom_it_is_assigned_to_else_of_who_acknowledged_it_else_of_nobody():
    one, two, three = opened("a", 1), opened("b", 1), opened("c", 1)
    seen = move(one, Move.ACKNOWLEDGE, 2, by="kim")
    given = move(move(two, Move.ACKNOWLEDGE, 2, by="kim"), Move.ASSIGN, 3, to="lee")
    found = told([one, seen, two, move(two, Move.ACKNOWLEDGE, 2, by="kim"), given, three])
    assert [(each.engineer, each.raised) for each in found.engineers] == [("kim", 1), ("lee", 1), (NOBODY, 1)]
    assert (found.whole.raised, found.whole.standing) == (3, 3)


def test_what_nobody_acknowledged_is_stale_after_a_day_and_all_else_after_a_week():
    case = opened("a", 1)
    seen = move(case, Move.ACKNOWLEDGE, 2)
    assert told([case], now_h=24.9).whole.stale == ()
    assert told([case], now_h=25.1).whole.stale == (case.id,)
    assert told([case, seen], now_h=150).whole.stale == ()
    assert told([case, seen], now_h=WEEK_H + 2, from_h=WEEK_H).whole.stale == (case.id,)


def test_it_is_as_it_was_at_the_weeks_end_whatever_came_later():
    case = opened("a", 1)
    later = close(case, CloseReason.NOTHING_FOUND, WEEK_H + 5)
    found = told([case, later], now_h=3 * WEEK_H)
    assert (found.whole.standing, found.whole.inspected) == (1, 0)
    assert told([case, later], now_h=3 * WEEK_H, from_h=WEEK_H).whole.inspected == 1


def test_what_is_held_back_neither_stands_nor_is_stale():
    case = opened("a", 1)
    held = move(case, Move.TAKE_OUT, 2)
    found = told([case, held]).whole
    assert (found.standing, found.held, found.stale) == (0, 1, ())


def test_three_times_back_within_a_day_is_chattering_and_over_more_it_is_not():
    def coming(*hours: float):
        out = [opened("a", 1)]
        for hour in hours:
            out.append(ended(out[-1], hour - 1))
            out.append(back(out[-1], hour))
        return out

    quick, slow = coming(5, 10, 28), coming(5, 20, 30)
    assert told(quick).whole.chattering == (quick[0].id,)
    assert told(slow).whole.chattering == ()
    assert told(quick).whole.raised == 4


def test_the_top_machines_have_their_share_of_all_that_was_raised():
    found = told([opened("a", 1), opened("a", 2), opened("b", 3), opened("b", 500)])
    assert found.top == (("a", 2, 2 / 3), ("b", 1, 1 / 3))


def test_precision_is_of_those_that_somebody_inspected_with_wilsons_interval():
    cases = [opened(name, 1) for name in "abc"]
    outcomes = CloseReason.REPAIRED, CloseReason.NOTHING_FOUND, CloseReason.NOT_INSPECTED
    closed = [close(case, outcome, 5) for case, outcome in zip(cases, outcomes, strict=True)]
    found = told([*cases, *closed]).whole
    assert (found.inspected, found.found, found.unfounded) == (2, 1, 1)
    assert found.precision is not None
    # Wilson 1927 for 1 of 2 at z = 1.959964, by scipy's binomtest(1, 2).proportion_ci(method="wilson").
    assert [round(one, 4) for one in found.precision] == [0.5, 0.0945, 0.9055]


def test_a_budget_that_is_broken_names_who_and_all_together():
    cases = [opened(name, 1) for name in "abc"]
    seen = [move(case, Move.ASSIGN, 2, to="kim") for case in cases]
    closed = [close(case, CloseReason.NOTHING_FOUND, 5) for case in seen]
    found = told([*cases, *seen, *closed])
    assert found.broken == ("kim: 3, of 2 a week", "all together: 3, of 2 a week")
    assert told([*cases, *seen, *closed], budget=Budget(engineers=2)).broken == ("kim: 3, of 2 a week",)
    assert told([*cases, *seen, *closed[:2]]).broken == ()


def test_a_replay_counts_for_nothing():
    assert told([replace(opened("a", 1), historical=True)]).whole.raised == 0
