"""One case a machine and trouble, whatever rungs speak of it: it opens with the first evidence and ends with the last.

Evidence of one failure mode belongs together, and what tells no modes apart belongs to whatever is open. So a machine
that climbs from a rule to a hazard has its case revised, and never gets a second one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from models.plant import ANY_MODE
from models.records import (
    Alert,
    AlertReason,
    AlertState,
    Evidence,
    Forecast,
    Level,
    Remaining,
    Rung,
    Similar,
    id_of,
)

RUNGS = tuple(Rung)


class Said(Struct, frozen=True, kw_only=True):
    """What is said of a machine at the end of a final minute beside its evidence.

    `forecast` and `lead_h` are those of a hazard that holds, `reason` why it is to be told anew, if it is; `similar`
    are past cases that the machine is like where it begins to hold; `remaining` is what a trend that holds says.
    Evidence of other rungs than those in `open` joins a case and opens none.
    """

    plant: str
    asset: str
    window_end_us: int
    forecast: Forecast | None = None
    lead_h: int | None = None
    reason: AlertReason | None = None
    remaining: Remaining | None = None
    similar: tuple[Similar, ...] = ()
    open: tuple[Rung, ...] = RUNGS


Cases = tuple[Alert, ...]
"""The open cases of a machine, each as it was last told, in the order in which they opened."""


def worst(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Of evidence of one name, that of the worse level."""
    found: dict[tuple[Rung, str], Evidence] = {}
    for one in evidence:
        if _name(one) not in found or one.level is Level.ALARM:
            found[_name(one)] = one
    return tuple(found.values())


def moved(cases: Cases, evidence: Sequence[Evidence], said: Said) -> tuple[Cases, Cases]:
    """The open cases and those to be told of, once all `evidence` that holds of a machine is this."""
    still: list[Alert] = []
    told: list[Alert] = []
    for case, group in _grouped(cases, sorted(evidence, key=lambda one: _order(one, said.open)), said.open):
        alert = _revised(case, group, said) if case else _opened(group, said)
        latest = alert or case
        if alert is not None:
            told.append(alert)
        if group and latest is not None:
            still.append(latest)
    return tuple(still), tuple(told)


def repaired(cases: Cases, window_end_us: int) -> Cases:
    """A repair begins another life: it ends all cases, which go on saying what was last said of the old one."""
    return tuple(
        replace(
            case,
            revision=case.revision + 1,
            state=AlertState.RETURNED,
            reason=AlertReason.REPAIRED,
            window_end_us=window_end_us,
        )
        for case in cases
    )


def _grouped(
    cases: Cases, evidence: Sequence[Evidence], opening: Sequence[Rung]
) -> list[tuple[Alert | None, list[Evidence]]]:
    """Each case with its evidence, and what belongs to none and may open one, by failure mode."""
    groups: list[tuple[Alert | None, list[Evidence]]] = [(case, []) for case in cases]
    for one in evidence:
        known = [group for case, group in groups if case and _name(one) in map(_name, case.evidence)]
        near = [group for case, group in groups if _is_of(one.mode, case.mode if case else group[0].mode)]
        found = known or near
        if found:
            found[0].append(one)
        elif one.rung in opening:
            groups.append((None, [one]))
    return groups


def _is_of(mode: str, other: str) -> bool:
    return mode == other or ANY_MODE in (mode, other)


def _order(evidence: Evidence, opening: Sequence[Rung]) -> tuple[bool, bool, int, str]:
    """What opens cases comes first, of that what tells failure modes apart, and of that a lower rung."""
    return evidence.rung not in opening, evidence.mode == ANY_MODE, RUNGS.index(evidence.rung), evidence.name


def _name(evidence: Evidence) -> tuple[Rung, str]:
    return evidence.rung, evidence.name


def _opened(evidence: Sequence[Evidence], said: Said) -> Alert:
    mode = evidence[0].mode
    return Alert(
        id=id_of("alert", said.plant, said.asset, mode, said.window_end_us),
        revision=0,
        plant=said.plant,
        asset=said.asset,
        mode=mode,
        state=AlertState.UNACKNOWLEDGED,
        reason=AlertReason.OPENED,
        opened_us=said.window_end_us,
        window_end_us=said.window_end_us,
        **_says(evidence, said),
    )


def _revised(case: Alert, evidence: Sequence[Evidence], said: Said) -> Alert | None:
    """The case as it is now; None where nothing of it is to be told."""
    reason = _reason(case.evidence, evidence, said)
    if reason is None:
        return None
    ended = {"state": AlertState.RETURNED} if reason is AlertReason.CLEARED else _says(evidence, said, case.similar)
    return replace(case, revision=case.revision + 1, reason=reason, window_end_us=said.window_end_us, **ended)


def _reason(before: Sequence[Evidence], now: Sequence[Evidence], said: Said) -> AlertReason | None:
    if not now:
        return AlertReason.CLEARED
    levels, had = ({_name(one): one.level for one in every} for every in (now, before))
    if any(had.get(name) not in (level, Level.ALARM) for name, level in levels.items()):
        return AlertReason.RAISED
    if levels != had:
        return AlertReason.LOWERED
    return said.reason if any(one.rung is Rung.HAZARD for one in now) else None


def _says(evidence: Sequence[Evidence], said: Said, similar: tuple[Similar, ...] = ()) -> dict[str, Any]:
    """What a case says of its evidence: as the highest rung that speaks founds it, as bad as the worst."""
    highest = max(evidence, key=lambda one: RUNGS.index(one.rung))
    hazard = said.forecast if any(one.rung is Rung.HAZARD for one in evidence) else None
    trend = said.remaining if any(one.rung in (Rung.HEALTH, Rung.TREND) for one in evidence) else None
    return {
        "level": Level.ALARM if any(one.level is Level.ALARM for one in evidence) else Level.WARNING,
        "evidence": tuple(evidence),
        "chances": hazard.chances if hazard else (),
        "lead_h": said.lead_h if hazard else None,
        "remaining": (hazard.remaining if hazard else None) or trend,
        "drivers": hazard.drivers if hazard else (),
        "modes": hazard.modes if hazard else (),
        "similar": (said.similar or similar) if hazard else (),
        "model": hazard.model if hazard else "",
        "basis": highest.basis,
        "rung": highest.rung,
        "confidence": highest.confidence,
        "completeness": hazard.completeness if hazard else 1.0,
    }
