"""What people do with a warning: every move by the table, once, with an actor; nothing that cannot be."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.alerting.belonging import COMES_BACK_US
from models.alerting.cases import acted, expired, moved, repaired, stood
from models.alerting.lifecycle import (
    CHANGES,
    COMMENTS_KEPT,
    LONGEST_SHELVED_US,
    MOVES,
    SELF,
    Change,
    Impossible,
    Lack,
    is_active,
    moved_by,
    moves_of,
)
from models.alerting.raised import raised
from models.plant import ANY_MODE
from models.plant.assets import Criticality
from models.records import (
    Action,
    Advice,
    Alert,
    AlertReason,
    AlertState,
    CloseReason,
    HeldBack,
    Level,
    Move,
    Remaining,
    Rung,
)
from tests.kit.closing import move as move_case
from tests.kit.closing import opened as opened_case
from tests.kit.runs import at as at_hour
from tests.unit.models.test_cases import FORECAST, HAZARD, HOT, evidence, said

MINUTE_US = 60_000_000
DAY_US = 24 * 60 * MINUTE_US
SAYS = {
    Move.SHELVE: {"until_us": 9 * MINUTE_US, "why": "spare on Monday"}, Move.TAKE_OUT: {"why": "dismantled"},
    Move.ASSIGN: {"to": "kim"}, Move.RATE: {"severity": 900}, Move.COMMENT: {"why": "smells hot"},
    Move.ORDER: {"order": "10012345"}, Move.CLOSE: {"outcome": CloseReason.REPAIRED, "mode": "seal", "found": "worn"},
    Move.WITHDRAW: {"why": "late rows deny it"},
}  # fmt: skip


def action(case: Alert, move: Move, minute: int = 2, **says) -> Action:
    says = {"by": "kim"} | SAYS.get(move, {}) | says
    return Action(plant="p", asset="a", alert=case.id, move=move, time_us=minute * MINUTE_US, **says)


def opened(*rests, minute: int = 1, **more) -> tuple[Alert, ...]:
    return moved((), rests or [HOT], said(minute, **more))[0]


def test_the_table_says_one_thing_of_each_state_and_reason_and_nothing_leaves_closed():
    assert max(Counter((one.begin, one.reason) for one in CHANGES).values()) == 1
    assert AlertState.CLOSED not in {one.begin for one in CHANGES}
    assert {one.to for one in CHANGES} == set(AlertState)
    assert set(MOVES) == set(Move)


@pytest.mark.parametrize("move", Move)
def test_a_move_makes_one_revision_with_its_reason_and_actor_and_the_same_again_makes_none(move):
    cases = opened()
    if move in (Move.UNSHELVE, Move.PUT_BACK):
        cases, _ = acted(cases, action(cases[0], {Move.UNSHELVE: Move.SHELVE, Move.PUT_BACK: Move.TAKE_OUT}[move]))
    left, (told,) = acted(cases, action(cases[0], move))
    assert (told.reason, told.by, told.revision) == (MOVES[move].reason, "kim", cases[0].revision + 1)
    assert told.moved_us == 2 * MINUTE_US
    if told.state is not AlertState.CLOSED:
        assert acted(left, action(cases[0], move)) == (left, ())


@pytest.mark.parametrize(
    ("move", "says", "lack"),
    [
        (Move.SHELVE, {"until_us": None}, Lack.NO_END),
        (Move.SHELVE, {"until_us": 2 * MINUTE_US}, Lack.NO_END),
        (Move.SHELVE, {"until_us": 3 * MINUTE_US + LONGEST_SHELVED_US}, Lack.NO_END),
        (Move.SHELVE, {"why": ""}, Lack.NO_WHY),
        (Move.TAKE_OUT, {"why": ""}, Lack.NO_WHY),
        (Move.ASSIGN, {"to": ""}, Lack.NOBODY),
        (Move.RATE, {"severity": None}, Lack.NO_SEVERITY),
        (Move.ORDER, {"order": ""}, Lack.NO_ORDER),
        (Move.COMMENT, {"why": ""}, Lack.NO_TEXT),
        (Move.CLOSE, {"outcome": None}, Lack.NO_OUTCOME),
        (Move.WITHDRAW, {"why": ""}, Lack.NO_WHY),
        (Move.ACKNOWLEDGE, {"by": " "}, Lack.NO_ACTOR),
        (Move.CLOSE, {"by": "Forewarn"}, Lack.NO_ACTOR),
    ],
)
def test_a_move_that_lacks_something_is_none_and_says_what(move, says, lack):
    cases = opened()
    with pytest.raises(Impossible, match=str(lack)):
        acted(cases, action(cases[0], move, **says))


def test_a_warning_that_is_not_there_cannot_be_moved():
    other = opened(minute=5)
    with pytest.raises(Impossible, match="no such warning is open"):
        acted(opened(), action(other[0], Move.ACKNOWLEDGE))


def test_acknowledged_stays_so_until_it_is_worse():
    cases = opened()
    cases, (taken,) = acted(cases, action(cases[0], Move.ACKNOWLEDGE))
    assert taken.state is AlertState.ACKNOWLEDGED
    cases, (lowered,) = moved(opened(HOT, HAZARD, forecast=FORECAST), [HOT], said(3))
    cases, (taken,) = acted(cases, action(cases[0], Move.ACKNOWLEDGE, 4))
    cases, (raised_,) = moved(cases, [HOT, HAZARD], said(5, forecast=FORECAST))
    assert (lowered.state, taken.state, raised_.state) == (
        AlertState.UNACKNOWLEDGED, AlertState.ACKNOWLEDGED, AlertState.UNACKNOWLEDGED,
    )  # fmt: skip


def test_what_ended_waits_for_somebody_to_say_what_became_of_it():
    cases = opened()
    cases, (cleared,) = moved(cases, [], said(3))
    cases, (taken,) = acted(cases, action(cases[0], Move.ACKNOWLEDGE, 4))
    assert (cleared.state, taken.state) == (AlertState.RETURNED, AlertState.NORMAL)
    assert taken.window_end_us == cleared.window_end_us
    left, (closed,) = acted(cases, action(cases[0], Move.CLOSE, 5))
    assert left == () and closed.state is AlertState.CLOSED
    assert (closed.outcome.reason, closed.outcome.mode, closed.outcome.found, closed.outcome.by) == (
        CloseReason.REPAIRED, "seal", "worn", "kim",
    )  # fmt: skip


def test_evidence_that_comes_back_soon_is_of_the_same_case_and_later_or_after_a_repair_of_another():
    first = opened()
    cases, _ = moved(first, [], said(3))
    _, (again,) = moved(cases, [HOT], said(60))
    assert (again.id, again.reason, again.recurred, again.state) == (
        first[0].id, AlertReason.RECURRED, 1, AlertState.UNACKNOWLEDGED,
    )  # fmt: skip
    late = 4 + COMES_BACK_US // MINUTE_US
    _, told = moved(cases, [HOT], said(late))
    assert [(one.reason, one.id == first[0].id) for one in told] == [
        (AlertReason.CLOSED, True), (AlertReason.OPENED, False),
    ]  # fmt: skip
    assert (told[0].outcome.reason, told[0].by) == (CloseReason.NOT_INSPECTED, SELF)
    _, told = moved(repaired(first, 4 * MINUTE_US)[0], [HOT], said(60, since_us=4 * MINUTE_US))
    assert [one.reason for one in told] == [AlertReason.CLOSED, AlertReason.OPENED]


def test_a_case_closed_while_its_evidence_holds_says_no_more_of_it_and_of_what_is_worse_another_does():
    cases = opened()
    cases, (closed,) = acted(cases, action(cases[0], Move.CLOSE, outcome=CloseReason.NOTHING_FOUND))
    assert closed.window_end_us == 2 * MINUTE_US
    cases, told = moved(cases, [HOT], said(3))
    assert not told
    kept, (worse,) = moved(cases, [evidence("hot", level=Level.ALARM)], said(4))
    assert (worse.reason, worse.id == closed.id, len(kept)) == (AlertReason.OPENED, False, 1)
    assert moved(cases, [], said(5)) == ((), ())


def test_what_is_shelved_is_told_again_when_its_time_is_over():
    cases = opened()
    cases, (shelved,) = acted(cases, action(cases[0], Move.SHELVE))
    (hold,) = shelved.held
    assert (hold.kind, hold.until_us, hold.by, hold.why) == (
        HeldBack.SHELVED, 9 * MINUTE_US, "kim", "spare on Monday",
    )  # fmt: skip
    assert expired(cases, 8 * MINUTE_US) == (cases, ())
    cases, (back,) = expired(cases, 9 * MINUTE_US)
    assert (back.reason, back.by, back.held, back.state) == (
        AlertReason.UNSHELVED, SELF, (), AlertState.UNACKNOWLEDGED,
    )  # fmt: skip


@pytest.mark.parametrize("move", [Move.CLOSE, Move.WITHDRAW])
def test_what_is_closed_while_it_is_shelved_is_held_back_no_more_and_its_time_passes_without_a_word(move):
    cases = opened()
    cases, _ = acted(cases, action(cases[0], Move.SHELVE))
    cases, (closed,) = acted(cases, action(cases[0], move, 3))
    assert (closed.state, closed.held) == (AlertState.CLOSED, ())
    assert expired(cases, 9 * MINUTE_US) == (cases, ())


def test_out_of_service_ends_when_somebody_says_so_whatever_time_is_given():
    cases = opened()
    _, (told,) = acted(cases, action(cases[0], Move.TAKE_OUT, until_us=9 * MINUTE_US))
    assert told.held[0].until_us is None


def test_a_machine_that_stands_holds_its_warnings_back_and_those_that_begin_then():
    cases, (held,) = stood(opened(), "it is off", 5 * MINUTE_US)
    assert [(one.kind, one.why) for one in held.held] == [(HeldBack.SUPPRESSED, "it is off")]
    cases, (back,) = stood(cases, "", 6 * MINUTE_US)
    assert (back.reason, back.held) == (AlertReason.UNSUPPRESSED, ())
    assert stood(cases, "", 7 * MINUTE_US) == (cases, ())
    _, told = moved((), [HOT], said(8, stands="it is off"))
    assert [one.reason for one in told] == [AlertReason.OPENED, AlertReason.SUPPRESSED]
    _, (cleared,) = moved((told[-1],), [], said(9))
    assert cleared.held == ()


def test_holds_stand_beside_each_other():
    cases, _ = stood(opened(), "it is off", 5 * MINUTE_US)
    cases, _ = acted(cases, action(cases[0], Move.SHELVE, 6))
    cases, (both,) = acted(cases, action(cases[0], Move.TAKE_OUT, 7))
    assert {one.kind for one in both.held} == set(HeldBack)
    _, (two,) = acted(cases, action(cases[0], Move.UNSHELVE, 8))
    assert {one.kind for one in two.held} == {HeldBack.SUPPRESSED, HeldBack.OUT_OF_SERVICE}


def test_a_comment_that_comes_again_after_another_is_taken_once():
    cases = opened()
    first = action(cases[0], Move.COMMENT, why="smells hot")
    cases, _ = acted(cases, first)
    cases, _ = acted(cases, action(cases[0], Move.COMMENT, 3, why="oil is low"))
    assert acted(cases, first) == (cases, ())


def test_the_last_comments_are_kept():
    cases = opened()
    for minute in range(2, 2 + COMMENTS_KEPT + 5):
        cases, _ = acted(cases, action(cases[0], Move.COMMENT, minute, why=f"seen at {minute}"))
    assert [one.text for one in cases[0].comments] == [f"seen at {minute}" for minute in range(7, 27)]


LEFT = Remaining(low_h=10.0, median_h=30.0, high_h=90.0)


@pytest.mark.parametrize(
    ("rests", "more", "advice", "before_h"),
    [
        ([HOT], {}, Advice.PLAN, None),
        ([evidence("hot", level=Level.ALARM)], {}, Advice.ACT_NOW, None),
        ([HAZARD], {"forecast": FORECAST, "lead_h": 72}, Advice.PLAN, 72),
        ([HAZARD], {"forecast": FORECAST, "lead_h": 24}, Advice.ACT_NOW, 24),
        ([evidence("ill", Rung.HEALTH)], {"remaining": LEFT}, Advice.PLAN, 10),
    ],
)
def test_it_says_watch_plan_or_act_now_and_before_when(rests, more, advice, before_h):
    (case,) = opened(*rests, **more)
    assert case.advice is advice
    assert case.act_before_us == (None if before_h is None else (1 + 60 * before_h) * MINUTE_US)


def test_how_severe_it_is_follows_from_the_advice_and_the_machine_until_somebody_says_so():
    (usual,), (vital,) = opened(), opened(criticality=Criticality.A)
    assert (usual.severity, vital.severity) == (500, 600)
    cases, _ = acted((usual,), action(usual, Move.RATE))
    _, (worse,) = moved(cases, [evidence("hot", level=Level.ALARM)], said(3))
    assert (worse.severity, worse.is_rated, worse.advice) == (900, True, Advice.ACT_NOW)


def test_a_case_counts_as_often_as_it_was_raised_and_what_people_do_then_is_no_evidence():
    cases, told = moved((), [HOT], said(1))
    every = [*told]
    for minute, now in ((3, []), (60, [HOT]), (90, [])):
        cases, told = moved(cases, now, said(minute))
        every += told
    cases, told = acted(cases, action(cases[0], Move.CLOSE, 99))
    found = raised([*told, *every, *every])
    assert [(one.began_us // MINUTE_US, (one.ended_us or 0) // MINUTE_US) for one in found] == [(1, 3), (60, 90)]
    assert [one.last.reason for one in found] == [AlertReason.CLEARED] * 2


EVIDENCE = st.builds(
    evidence, st.sampled_from("ab"), st.sampled_from((Rung.RULES, Rung.HAZARD)),
    st.sampled_from([ANY_MODE, "seal", "bearing"]), st.sampled_from(list(Level)),
)  # fmt: skip
STEP = st.one_of(
    st.lists(EVIDENCE, max_size=3, unique_by=lambda one: (one.rung, one.name)),
    st.tuples(st.sampled_from(Move), st.integers(0, 5)),
    st.sampled_from(["repair", "off", "on", "expire"]),
)


@given(st.lists(STEP, max_size=25))
def test_no_history_reaches_a_state_that_the_table_does_not_have_and_cases_stay_few(steps):
    cases, now, since_us, stands = (), [], 0, ""
    known: dict[str, Alert] = {}
    for minute, step in enumerate(steps, 1):
        told = ()
        match step:
            case (Move() as move, at):
                if cases:
                    one = cases[at % len(cases)]
                    until = {"until_us": (minute + 3) * MINUTE_US} if move is Move.SHELVE else {}
                    if one.state is AlertState.CLOSED:
                        with suppress(Impossible):  # what it says already is nothing wrong
                            assert acted(cases, action(one, move, minute, by="lee", **until)) == (cases, ())
                    else:
                        cases, told = acted(cases, action(one, move, minute, **until))
            case "repair":
                since_us, now = minute * MINUTE_US, []
                cases, told = repaired(cases, since_us)
            case "off" | "on":
                stands = "it is off" if step == "off" else ""
                cases, told = stood(cases, stands, minute * MINUTE_US)
            case "expire":
                cases, told = expired(cases, minute * MINUTE_US)
            case list():
                now = step
                cases, told = moved(cases, now, said(minute, since_us=since_us, stands=stands))
        for one in told:
            before = known.get(one.id)
            assert Change(before.state if before else None, one.reason, one.state) in CHANGES
            assert one.revision == (before.revision + 1 if before else 0)
            known[one.id] = one
        assert all(known[one.id] == one for one in cases)
        assert all(not is_active(one) or now for one in cases)
        assert not any(one.held for one in cases if one.state is AlertState.CLOSED)
        modes = Counter(one.mode for one in cases if is_active(one))
        assert all(count == 1 for count in modes.values())


@pytest.mark.parametrize("state", AlertState)
def test_what_can_be_done_with_a_case_is_what_the_table_takes(state):
    case = replace(opened_case("lathe-01", 1), state=state)
    for move in Move:
        whole = Action(
            plant=case.plant, asset=case.asset, alert=case.id, move=move, time_us=at_hour(2), by="kim", why="so",
            until_us=at_hour(3), to="lee", severity=3, order="1", outcome=CloseReason.REPAIRED,
        )  # fmt: skip
        try:
            is_taken = moved_by(case, whole) is not None
        except Impossible:
            is_taken = False
        ends_a_hold = move in (Move.UNSHELVE, Move.PUT_BACK)
        assert (move in moves_of(case)) == (is_taken and not ends_a_hold), move


def test_what_holds_a_case_back_can_be_ended_once_it_does():
    case = opened_case("lathe-01", 1)
    assert not {Move.UNSHELVE, Move.PUT_BACK} & set(moves_of(case))
    assert Move.UNSHELVE in moves_of(move_case(case, Move.SHELVE, 2, until_us=at_hour(3)))
    assert Move.PUT_BACK in moves_of(move_case(case, Move.TAKE_OUT, 2))
