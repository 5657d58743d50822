"""Which case a piece of evidence belongs to: one that rests on it, of its failure mode, or that ended a while ago.

What is said of a machine beside its evidence is here, too. What becomes of cases is in `cases`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from models.alerting import lifecycle
from models.plant import ANY_MODE
from models.plant.assets import Criticality
from models.records import (
    WARNING_HORIZON_H,
    Alert,
    AlertReason,
    AlertState,
    Evidence,
    Forecast,
    Level,
    Remaining,
    Rung,
    Similar,
)

RUNGS = tuple(Rung)
COMES_BACK_US = WARNING_HORIZON_H * 3_600_000_000
"""Evidence that comes back so soon after its case ended is of the same case: what was warned of was to come within this
time. Our choice."""


class Said(Struct, frozen=True, kw_only=True):
    """What is said of a machine at the end of a final minute beside its evidence.

    `forecast`, its row `features` and `lead_h` are those of a hazard that holds, `reason` why it is to be told anew, if
    it is; `similar` are past cases that the machine is like where it begins to hold; `remaining` is what a trend that
    holds says. Evidence of other rungs than those in `open` joins a case and opens none. `since_us` is when the
    machine's life began, `stands` why it is at rest, if it is, `criticality` how much stands still with it.
    """

    plant: str
    asset: str
    window_end_us: int
    plant_version: str = ""
    forecast: Forecast | None = None
    features: bytes = b""
    lead_h: int | None = None
    reason: AlertReason | None = None
    remaining: Remaining | None = None
    similar: tuple[Similar, ...] = ()
    open: tuple[Rung, ...] = RUNGS
    since_us: int = 0
    stands: str = ""
    criticality: Criticality | None = None


def worst(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Of evidence of one name, that of the worse level."""
    found: dict[tuple[Rung, str], Evidence] = {}
    for one in evidence:
        if name_of(one) not in found or one.level is Level.ALARM:
            found[name_of(one)] = one
    return tuple(found.values())


def grouped(
    cases: Iterable[Alert], evidence: Iterable[Evidence], said: Said
) -> list[tuple[Alert | None, list[Evidence]]]:
    """Each case with its evidence, and what belongs to none and may open one, by failure mode.

    First by what it rests on already, then by mode: those that hold, then those that wait and it may come back to.
    """
    groups: list[tuple[Alert | None, list[Evidence]]] = [(case, []) for case in cases]
    for one in sorted(evidence, key=lambda one: _order(one, said.open)):
        found = next((group for takes in _TAKES for case, group in groups if takes(case, group, one, said)), None)
        if found is not None:
            found.append(one)
        elif one.rung in said.open:
            groups.append((None, [one]))
    return groups


def _rests_on(case: Alert | None, _: Sequence[Evidence], one: Evidence, _said: Said) -> bool:
    """A case that holds; one that was closed, while what holds is no worse than it was then."""
    if case is None or lifecycle.is_waiting(case):
        return False
    is_closed = case.state is AlertState.CLOSED
    return any(
        name_of(one) == name_of(known) and (not is_closed or known.level in (one.level, Level.ALARM))
        for known in case.evidence
    )


def _is_near(case: Alert | None, group: Sequence[Evidence], one: Evidence, _: Said) -> bool:
    """A case that holds, that begins or that just came back, of the same trouble."""
    if case is not None and not (lifecycle.is_active(case) or (lifecycle.is_waiting(case) and group)):
        return False
    return is_of(one.mode, case.mode if case else group[0].mode)


def _comes_back(case: Alert | None, _: Sequence[Evidence], one: Evidence, said: Said) -> bool:
    """A case that ended in this life and not long ago, of the same trouble."""
    if case is None or not lifecycle.is_waiting(case) or one.rung not in said.open:
        return False
    is_soon = said.window_end_us - case.window_end_us <= COMES_BACK_US
    return is_soon and case.opened_us > said.since_us and is_of(one.mode, case.mode)


_TAKES = (_rests_on, _is_near, _comes_back)
"""What takes evidence, in this order."""


def is_of(mode: str, other: str) -> bool:
    """Whether what speaks of the one mode may be of the other."""
    return mode == other or ANY_MODE in (mode, other)


def _order(evidence: Evidence, opening: Sequence[Rung]) -> tuple[bool, bool, int, str]:
    """What opens cases comes first, of that what tells failure modes apart, and of that a lower rung."""
    return evidence.rung not in opening, evidence.mode == ANY_MODE, RUNGS.index(evidence.rung), evidence.name


def name_of(evidence: Evidence) -> tuple[Rung, str]:
    """By what evidence is known again."""
    return evidence.rung, evidence.name
