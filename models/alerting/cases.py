"""One case a machine and trouble, whatever rungs speak of it: it opens with the first evidence and ends with the last.

Evidence of one failure mode belongs together, and what tells no modes apart belongs to whatever is open. So a machine
that climbs from a rule to a hazard has its case revised, and never gets a second one. A case whose evidence ended waits
for somebody to say what became of it, and goes on where it comes back soon; see `lifecycle` for what may become of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec.structs import replace

from models.alerting import lifecycle
from models.alerting.advice import advised
from models.alerting.belonging import RUNGS, Said, grouped, is_of, name_of
from models.records import (
    Action,
    Alert,
    AlertReason,
    AlertState,
    Bundle,
    Evidence,
    HeldBack,
    Level,
    Rung,
    id_of,
)

Cases = tuple[Alert, ...]
"""The cases of a machine that are not over, each as it was last told, in the order in which they opened: evidence of
them holds, or nobody said yet what became of them."""


def moved(cases: Cases, evidence: Sequence[Evidence], said: Said) -> tuple[Cases, Cases]:
    """The cases and those to be told of, once all `evidence` that holds of a machine is this."""
    still: list[Alert] = []
    told: list[Alert] = []
    groups = grouped(cases, evidence, said)
    opening = [group[0].mode for case, group in groups if case is None]
    for case, group in groups:
        revisions = _revisions(case, group, opening, said)
        told += revisions
        latest = revisions[-1] if revisions else case
        assert latest is not None, "what belongs to no case opens one"
        if group or latest.state is not AlertState.CLOSED:
            still.append(latest)
    return tuple(still), tuple(told)


def repaired(cases: Cases, window_end_us: int) -> tuple[Cases, Cases]:
    """A repair begins another life: it ends all cases, which go on saying what was last said of the old one.

    Those that nobody closed wait; one that was closed while its evidence held is over.
    """
    still, told = [], []
    for case in cases:
        if lifecycle.is_active(case):
            ended = _ended(case, AlertReason.REPAIRED, window_end_us)
            told.append(ended)
            still.append(ended)
        elif case.state is not AlertState.CLOSED:
            still.append(case)
    return tuple(still), tuple(told)


def stood(cases: Cases, why: str, at_us: int) -> tuple[Cases, Cases]:
    """A machine stands, and why, or runs again: its warnings are held back by design for so long."""
    told: list[Alert] = []
    for case in cases:
        is_held = lifecycle.held(case, HeldBack.SUPPRESSED) is not None
        if lifecycle.is_active(case) and is_held != bool(why):
            told.append(lifecycle.suppressed(case, at_us, why) if why else lifecycle.unsuppressed(case, at_us))
    return _with(cases, told), tuple(told)


def expired(cases: Cases, now_us: int) -> tuple[Cases, Cases]:
    """What was shelved until by now is so no more."""
    over = [
        case for case in cases
        if (hold := lifecycle.held(case, HeldBack.SHELVED)) and hold.until_us is not None and hold.until_us <= now_us
    ]  # fmt: skip
    told = [lifecycle.unshelved(case, now_us) for case in over]
    return _with(cases, told), tuple(told)


def acted(cases: Cases, action: Action) -> tuple[Cases, Cases]:
    """Somebody moves a case. Raises lifecycle.Impossible."""
    case = next((one for one in cases if one.id == action.alert), None)
    if case is None:
        raise lifecycle.Impossible(f"{action.move}: {lifecycle.Lack.UNKNOWN}: {action.alert}")
    now = lifecycle.moved_by(case, action)
    if now is None:
        return cases, ()
    is_over = now.state is AlertState.CLOSED and lifecycle.is_waiting(case)
    left = tuple(one for one in cases if one.id != now.id) if is_over else _with(cases, [now])
    return left, (now,)


def _with(cases: Cases, now: Iterable[Alert]) -> Cases:
    """Cases, some of them as they are now."""
    latest = {one.id: one for one in now}
    return tuple(latest.get(case.id, case) for case in cases)


def _revisions(case: Alert | None, evidence: list[Evidence], opening: Sequence[str], said: Said) -> Cases:
    """What is to be told of a case, in order; `opening` are the modes of those that begin beside it."""
    if case is None:
        return _at_rest(_opened(evidence, said), said)
    if case.state is AlertState.CLOSED:
        return ()
    if lifecycle.is_waiting(case) and not evidence:
        is_past = any(is_of(mode, case.mode) for mode in opening)
        return (lifecycle.ended_unseen(case, said.window_end_us),) if is_past else ()
    if lifecycle.is_waiting(case):
        again = _told(case, AlertReason.RECURRED, evidence, said)
        return _at_rest(replace(again, recurred=case.recurred + 1), said)
    reason = _reason(case.evidence, evidence, said)
    if reason is AlertReason.CLEARED:
        return (_ended(case, reason, said.window_end_us),)
    return (_told(case, reason, evidence, said),) if reason else ()


def _told(case: Alert, reason: AlertReason, evidence: Sequence[Evidence], said: Said) -> Alert:
    says = _says(evidence, said, case)
    return lifecycle.changed(case, reason, said.window_end_us, window_end_us=said.window_end_us, **says)


def _at_rest(case: Alert, said: Said) -> Cases:
    """A case that begins, held back at once where its machine stands."""
    return (case, lifecycle.suppressed(case, said.window_end_us, said.stands)) if said.stands else (case,)


def _ended(case: Alert, reason: AlertReason, window_end_us: int) -> Alert:
    """What holds no more is not held back by design either."""
    held = tuple(one for one in case.held if one.kind is not HeldBack.SUPPRESSED)
    return lifecycle.changed(case, reason, window_end_us, window_end_us=window_end_us, held=held)


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
        moved_us=said.window_end_us,
        **_says(evidence, said),
    )


def _reason(before: Sequence[Evidence], now: Sequence[Evidence], said: Said) -> AlertReason | None:
    if not now:
        return AlertReason.CLEARED
    levels, had = ({name_of(one): one.level for one in every} for every in (now, before))
    if any(had.get(name) not in (level, Level.ALARM) for name, level in levels.items()):
        return AlertReason.RAISED
    if levels != had:
        return AlertReason.LOWERED
    return said.reason if any(one.rung is Rung.HAZARD for one in now) else None


def _says(evidence: Sequence[Evidence], said: Said, case: Alert | None = None) -> dict[str, Any]:
    """What a case says of its evidence: as the highest rung that speaks founds it, as bad as the worst.

    A severity that a person gave it stays.
    """
    similar = case.similar if case else ()
    highest = max(evidence, key=lambda one: RUNGS.index(one.rung))
    hazard = said.forecast if any(one.rung is Rung.HAZARD for one in evidence) else None
    trend = said.remaining if any(one.rung in (Rung.HEALTH, Rung.TREND) for one in evidence) else None
    says: dict[str, Any] = {
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
    says["bundle"] = Bundle(
        plant_version=said.plant_version, forecast=hazard.id if hazard else "",
        window_end_us=hazard.window_end_us if hazard else said.window_end_us,
        features=said.features if hazard else b"",
    )  # fmt: skip
    return says | advised(says["level"], says["confidence"], says["lead_h"], says["remaining"], said, case)
