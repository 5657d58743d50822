"""Warnings as people move and close them, by the very table of moves."""

from __future__ import annotations

from msgspec.structs import replace

from models.alerting.lifecycle import changed, moved_by
from models.records import Action, Alert, AlertReason, CloseReason, Move
from tests.kit.runs import at, by_rules


def opened(asset: str, hours: float, **says) -> Alert:
    """A warning of a rule, as it opens."""
    (one,) = by_rules(asset, hours)
    return replace(one, moved_us=one.window_end_us, **says)


def move(case: Alert, what: Move, hours: float, by: str = "kim", **says) -> Alert:
    """The next revision, by a person."""
    action = Action(
        plant=case.plant, asset=case.asset, alert=case.id, move=what, time_us=at(hours), by=by, **{"why": "so", **says}
    )
    moved = moved_by(case, action)
    assert moved is not None
    return moved


def close(case: Alert, outcome: CloseReason, hours: float, **says) -> Alert:
    """Closed, with what became of it."""
    return move(case, Move.CLOSE, hours, outcome=outcome, **says)


def ended(case: Alert, hours: float) -> Alert:
    """Its evidence holds no more."""
    return changed(case, AlertReason.CLEARED, at(hours), window_end_us=at(hours))


def back(case: Alert, hours: float) -> Alert:
    """It came back."""
    return changed(
        case, AlertReason.RECURRED, at(hours), window_end_us=at(hours), recurred=case.recurred + 1
    )  # fmt: skip
