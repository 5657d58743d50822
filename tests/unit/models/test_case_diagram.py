"""The diagram of a case's life in decision 19 is what cases do."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

from models.alerting.cases import moved, repaired
from models.records import AlertReason, AlertState, Level, Rung
from tests.unit.models.test_cases import FORECAST, HAZARD, HOT, evidence, said

DECISION = Path(__file__).parents[3] / "infra" / "adr" / "0019-rungs-and-cases.md"
HOLDS = ([], [HOT], [evidence("hot", level=Level.ALARM)], [HAZARD], [HOT, HAZARD], [evidence("hot", Rung.HEALTH)])


def drawn() -> set[tuple[str, str, str]]:
    return set(re.findall(r"^  (\S+) --> (\S+): (\S+)$", DECISION.read_text(), re.MULTILINE))


def done() -> set[tuple[str, str, str]]:
    """From, to and why, of a case that rests on one thing and then on another."""
    found = set()
    for before, now, why in product(HOLDS, HOLDS, (None, AlertReason.NEARER, AlertReason.FARTHER)):
        cases, _ = moved((), before, said(1, forecast=FORECAST))
        told = moved(cases, now, said(2, forecast=FORECAST, reason=why))[1] + repaired(cases, 2)
        for one in told:
            ends = one.state is AlertState.RETURNED
            found.add(("[*]" if one.revision == 0 else "open", "[*]" if ends else "open", str(one.reason)))
    return found


def test_the_decision_draws_what_cases_do_and_names_every_reason():
    assert drawn() == done()
    assert {why for _, _, why in drawn()} == set(AlertReason)
