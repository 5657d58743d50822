"""What a maintenance system says of a notification, to an action on its warning. Pure: the same words, the same action.

A warning is closed only by a code that the template maps to a reason: that is a label, and nobody guesses labels.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from msgspec.structs import replace

from connectors.cmms.templates import Template
from models.failure.modes import MODES
from models.records import Action, Alert, CloseReason, Move

LONGEST = 1000
"""Characters of what was found that go back. Our choice."""
WITH_FINDINGS = frozenset({CloseReason.REPAIRED, CloseReason.DEFERRED, CloseReason.FAILED})


class Seen(NamedTuple):
    """A notification as the system has it now.

    `words` are those of its status; `codes` say what came of it, the most telling first, with their group where there
    is one, `damages` of them those of a damage. `orders` are work orders made of it, with their status. `handle` is
    what the system's own client needs to change it.
    """

    number: str
    text: str = ""
    words: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    damages: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    found: str = ""
    changed_us: int | None = None
    handle: str = ""


def is_ended(template: Template, seen: Seen) -> bool:
    """Whether the system is through with it, so that nothing of it is touched any more."""
    ends = template.ends
    return ends is not None and bool({*ends.closed, *ends.void} & set(seen.words))


def numbered(alert: Alert, seen: Seen, by: str, time_us: int) -> Action:
    """That a warning has a number in the system."""
    return Action(
        plant=alert.plant, asset=alert.asset, alert=alert.id, move=Move.ORDER, time_us=time_us, by=by,
        why=f"{by} has it as {seen.number}", order=seen.number,
    )  # fmt: skip


def told(template: Template, alert: Alert, seen: Seen, by: str, now_us: int) -> Action | None:
    """What is to be told of its status, or that it was closed; None where nothing is."""
    time_us = min(seen.changed_us if seen.changed_us is not None else now_us, now_us)
    base = Action(plant=alert.plant, asset=alert.asset, alert=alert.id, move=Move.COMMENT, time_us=time_us, by=by)
    said = _status(template, seen)
    ends = template.ends
    words = set(seen.words)
    if ends is not None and words & set(ends.closed) and (reason := _reason(template, seen)) is not None:
        return _with(
            base, f"{by} {said}", move=Move.CLOSE, outcome=reason,
            mode=_mode(template, seen) if reason in WITH_FINDINGS else "", found=seen.found[:LONGEST],
        )  # fmt: skip
    return _with(base, f"{by} {said}") if said else None


def _with(base: Action, why: str, **said: Any) -> Action:
    return replace(base, why=why[:LONGEST], **said)


def _status(template: Template, seen: Seen) -> str:
    """The status in words; empty where there is nothing to tell."""
    ends, words = template.ends, set(seen.words)
    orders = f"; order {', '.join(seen.orders)}" if seen.orders else ""
    if ends is not None and words & set(ends.void):
        return f"{seen.number} was deleted or cancelled{orders}: close the warning by hand"
    if ends is not None and words & set(ends.closed):
        coded = f" with {', '.join(seen.codes)}" if seen.codes else " without a code"
        ask = "" if _reason(template, seen) else ", of which the template knows no reason: close the warning by hand"
        return f"{seen.number} was closed{coded}{orders}{ask}"
    stands = next((text for word, text in template.tell.items() if word in words), "")
    if stands or orders:
        return f"{seen.number} is {stands or 'open'}{orders}"
    return ""


def _reason(template: Template, seen: Seen) -> CloseReason | None:
    known = {code.upper(): reason for code, reason in template.close.items()}
    return next((known[form] for code in seen.codes for form in _forms(code) if form in known), None)


def _mode(template: Template, seen: Seen) -> str:
    """By the template, else as ISO 14224 has it, else nothing."""
    known = {code.upper(): mode for code, mode in template.modes.items()}
    forms = [form for code in seen.damages for form in _forms(code)]
    return next((known.get(form, form) for form in forms if form in known or form in MODES), "")


def _forms(code: str) -> tuple[str, str]:
    """With its group, and without."""
    return code.upper(), code.upper().rpartition("-")[2]
