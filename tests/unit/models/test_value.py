"""What warnings were worth: what went wrong first, and no money that nobody confirmed or nobody gave."""

from __future__ import annotations

import pytest

from models.alerting.value import Kind, value
from models.plant import parse
from models.records import CloseReason, Move
from tests.kit.closing import close, ended, move, opened
from tests.kit.runs import at, failed, repaired

PLANT = parse("""
plant = "plant"
currency = "EUR"
[types.pump.signals.temp_degc]
kind = "gauge"
[assets.a]
type = "pump"
downtime_cost_per_h = 1000
failure_downtime_h = 10
[assets.b]
type = "pump"
downtime_cost_per_h = 500
[assets.c]
type = "pump"
""")
REPAIRED, NOTHING = CloseReason.REPAIRED, CloseReason.NOTHING_FOUND


def worth(revisions, events=(), hours=None, from_h=0.0, to_h=1000.0):
    return value(revisions, events, PLANT, at(from_h), at(to_h), hours)


def kinds(found):
    return [(one.kind, one.asset) for one in found.entries]


def test_a_failure_that_no_case_was_raised_before_is_missed():
    assert kinds(worth([], [failed("a", 5)])) == [(Kind.MISSED, "a")]
    assert kinds(worth([opened("a", 6)], [failed("a", 5)])) == [(Kind.MISSED, "a")]
    assert kinds(worth([opened("b", 1)], [failed("a", 5)])) == [(Kind.MISSED, "a")]


def test_a_failure_with_a_case_that_nobody_acknowledged_is_a_warning_ignored():
    case = opened("a", 1)
    assert kinds(worth([case], [failed("a", 5)])) == [(Kind.IGNORED, "a")]
    commented = move(case, Move.COMMENT, 2, why="noise")
    assert kinds(worth([case, commented], [failed("a", 5)])) == [(Kind.IGNORED, "a")]


def test_acknowledged_before_it_failed_is_told_as_that_and_after_it_as_ignored():
    case = opened("a", 1)
    assert kinds(worth([case, move(case, Move.ACKNOWLEDGE, 2)], [failed("a", 5)])) == [(Kind.IN_VAIN, "a")]
    assert kinds(worth([case, move(case, Move.ACKNOWLEDGE, 6)], [failed("a", 5)])) == [(Kind.IGNORED, "a")]


def test_a_case_that_ended_over_a_week_before_warned_of_nothing():
    case = opened("a", 1)
    gone = ended(case, 2)
    assert kinds(worth([case, gone], [failed("a", 2 + 168)])) == [(Kind.IGNORED, "a")]
    assert kinds(worth([case, gone], [failed("a", 2 + 169)])) == [(Kind.MISSED, "a")]


def test_a_case_of_which_only_the_last_revision_is_kept_was_raised_when_it_opened():
    last = close(opened("a", 1), CloseReason.NOT_INSPECTED, 9)
    assert kinds(worth([last], [failed("a", 5)])) == [(Kind.IGNORED, "a")]


def test_what_was_withdrawn_warned_of_nothing():
    case = opened("a", 1)
    assert kinds(worth([case, move(case, Move.WITHDRAW, 3)], [failed("a", 5)])) == [(Kind.MISSED, "a")]


def test_what_was_warned_of_before_a_repair_is_of_the_old_life():
    case = opened("a", 1)
    assert kinds(worth([case], [repaired("a", 3), failed("a", 5)])) == [(Kind.MISSED, "a")]
    found = worth([case, close(case, REPAIRED, 3)], [failed("a", 5)])
    assert kinds(found) == [(Kind.MISSED, "a"), (Kind.SAVED, "a")]


def test_a_save_is_worth_the_plants_hours_times_its_cost_and_hours_asked_for_go_before():
    case = opened("a", 1)
    rows = [case, close(case, REPAIRED, 3, found="worn lip")]
    assert worth(rows).amount == 10_000
    assert worth(rows, hours=4).amount == 4000
    (entry,) = worth(rows).entries
    assert (entry.by, entry.found, entry.hours, entry.cost_per_h) == ("kim", "worn lip", 10, 1000)


@pytest.mark.parametrize(("asset", "hours"), [("b", None), ("c", 8.0)])
def test_without_hours_or_cost_a_save_is_counted_and_has_no_amount(asset, hours):
    case = opened(asset, 1)
    found = worth([case, close(case, REPAIRED, 3)], hours=hours)
    assert (found.counts[Kind.SAVED], found.unpriced, found.amount) == (1, 1, None)


def test_found_and_put_off_is_no_save_yet_and_nothing_found_is_a_visit_for_nothing():
    rows = [opened("a", 1), close(opened("a", 1), CloseReason.DEFERRED, 3)]
    rows += [opened("b", 2), close(opened("b", 2), NOTHING, 4)]
    found = worth(rows)
    assert kinds(found) == [(Kind.DEFERRED, "a"), (Kind.UNFOUNDED, "b")]
    assert [found.amount, *(one.amount for one in found.entries)] == [None, None, None]


def test_what_failed_before_it_was_closed_as_repaired_is_no_save():
    case = opened("a", 1)
    found = worth([case, close(case, REPAIRED, 8)], [failed("a", 5)])
    assert kinds(found) == [(Kind.IGNORED, "a")]


def test_a_failure_that_only_who_closed_the_warning_tells_of_counts_once():
    case = opened("a", 1)
    rows = [case, close(case, CloseReason.FAILED, 8)]
    assert kinds(worth(rows)) == [(Kind.IGNORED, "a")]
    assert kinds(worth(rows, [failed("a", 5)])) == [(Kind.IGNORED, "a")]


def test_what_forewarn_closed_itself_counts_for_nothing_and_so_does_a_replay():
    from msgspec.structs import replace

    from models.alerting.lifecycle import ended_unseen

    case = opened("a", 1)
    assert kinds(worth([case, ended_unseen(case, at(3))])) == []
    replayed = [replace(one, historical=True) for one in (case, close(case, REPAIRED, 3))]
    assert kinds(worth(replayed, [failed("a", 5)])) == [(Kind.MISSED, "a")]


def test_entries_are_those_of_the_month_what_went_wrong_first():
    rows = [opened("a", 1), close(opened("a", 1), NOTHING, 4)]
    found = worth(rows, [failed("b", 9), failed("b", 20)], to_h=20)
    assert kinds(found) == [(Kind.MISSED, "b"), (Kind.UNFOUNDED, "a")]
    assert found.counts[Kind.SAVED] == 0
