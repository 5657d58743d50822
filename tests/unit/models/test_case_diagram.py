"""The diagram of a case's life is drawn from its table, and what evidence makes of cases is in it."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from models.alerting.cases import Cases, moved, repaired, stood
from models.alerting.lifecycle import CHANGES, MOVES, Change, diagram
from models.records import AlertReason, Level, Rung
from tests.unit.models.test_cases import FORECAST, HAZARD, HOT, evidence, said

DECISION = Path(__file__).parents[3] / "infra" / "adr" / "0026-life-of-a-case.md"
HOLDS = ([], [HOT], [evidence("hot", level=Level.ALARM)], [HAZARD], [HOT, HAZARD], [evidence("hot", Rung.HEALTH)])


def done() -> set[Change]:
    """What becomes of a case that rests on one thing and then on another, with what its machine does."""
    found = set()

    def note(before: Cases, told: Cases) -> None:
        states = {one.id: one.state for one in before}
        for one in told:
            found.add(Change(states.get(one.id), one.reason, one.state))
            states[one.id] = one.state

    for before, now, why in product(HOLDS, HOLDS, (None, AlertReason.NEARER, AlertReason.FARTHER)):
        cases, opened = moved((), before, said(1, forecast=FORECAST))
        then, told = moved(cases, now, said(2, forecast=FORECAST, reason=why))
        note((), opened)
        note(cases, told)
        note(cases, repaired(cases, 2)[1])
        note(cases, stood(cases, "it is off", 2)[1])
        note(then, moved(then, before, said(3, forecast=FORECAST))[1])
        note(then, moved(then, before, said(2 + 100 * 60, forecast=FORECAST))[1])
    return found


def test_the_decision_shows_the_picture_of_the_table():
    assert diagram() in DECISION.read_text()


def test_what_evidence_makes_of_cases_is_in_the_table_and_each_reason_of_it_comes_about():
    by_people = {asked.reason for asked in MOVES.values()} - {AlertReason.CLOSED} | {AlertReason.UNSUPPRESSED}
    assert done() <= set(CHANGES)
    assert {one.reason for one in done()} == set(AlertReason) - by_people
    assert {one.reason for one in CHANGES} == set(AlertReason)
