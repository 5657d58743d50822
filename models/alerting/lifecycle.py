"""What may become of a warning: one table of moves, in the words of ISA-18.2 and OPC UA Part 9, and a person's moves.

Whether evidence holds, and whether somebody took note of it, make the state; what holds a warning back stands beside
it. Every move has a reason, and an actor where it is not the machine's own data. Pure: no clock, nobody is told here.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from msgspec.structs import replace

from models.bins import MINUTE_US
from models.records import (
    Action,
    Alert,
    AlertReason,
    AlertState,
    CloseReason,
    Comment,
    HeldBack,
    Hold,
    Move,
    Outcome,
)

SELF = "forewarn"
"""The actor of what nobody did."""
LONGEST_SHELVED_US = 31 * 24 * 3_600_000_000
"""A warning is shelved for a while, not for good: at most a month. Our choice; ISA-18.2 asks for a limit."""
COMMENTS_KEPT = 20

_U, _A, _R, _N, _C = AlertState
ACTIVE = frozenset({_U, _A})
"""States in which evidence holds."""


class Change(NamedTuple):
    """Of a case in a state, for a reason: the state in which it is then; from None it begins."""

    begin: AlertState | None
    reason: AlertReason
    to: AlertState


def _stays(reasons: tuple[AlertReason, ...], states: tuple[AlertState, ...]) -> tuple[Change, ...]:
    return tuple(Change(state, reason, state) for reason in reasons for state in states)


_Why = AlertReason
CHANGES: tuple[Change, ...] = (
    Change(None, _Why.OPENED, _U),
    Change(_U, _Why.ACKNOWLEDGED, _A),
    Change(_R, _Why.ACKNOWLEDGED, _N),
    Change(_U, _Why.RAISED, _U),
    Change(_A, _Why.RAISED, _U),  # it is worse than what somebody took note of
    *_stays((_Why.LOWERED, _Why.NEARER, _Why.FARTHER), (_U, _A)),
    *(Change(begin, why, to) for why in (_Why.CLEARED, _Why.REPAIRED) for begin, to in ((_U, _R), (_A, _N))),
    Change(_R, _Why.RECURRED, _U),
    Change(_N, _Why.RECURRED, _U),
    *(Change(begin, why, _C) for why in (_Why.CLOSED, _Why.WITHDRAWN) for begin in (_U, _A, _R, _N)),
    *_stays(
        (
            _Why.SHELVED, _Why.UNSHELVED, _Why.OUT_OF_SERVICE, _Why.IN_SERVICE, _Why.ASSIGNED, _Why.RATED,
            _Why.COMMENTED, _Why.ORDERED,
        ),
        (_U, _A, _R, _N),
    ),
    *_stays((_Why.SUPPRESSED, _Why.UNSUPPRESSED), (_U, _A)),
)  # fmt: skip
"""All that can become of a case; what is not here cannot."""

_AFTER = {(begin, reason): to for begin, reason, to in CHANGES}


class Impossible(ValueError):
    """A move that a case in its state does not have."""


def changed(case: Alert, reason: AlertReason, moved_us: int, by: str = "", why: str = "", **says: Any) -> Alert:
    """The next revision of a case. Raises Impossible for what is not in CHANGES."""
    to = _AFTER.get((case.state, reason))
    if to is None:
        raise Impossible(f"a warning that is {case.state} cannot be {reason}")
    return replace(case, revision=case.revision + 1, state=to, reason=reason, moved_us=moved_us, by=by, why=why, **says)


def is_active(case: Alert) -> bool:
    """Whether what it rests on holds."""
    return case.state in ACTIVE


def is_waiting(case: Alert) -> bool:
    """Whether that ended, and nobody said yet what became of it."""
    return case.state in (_R, _N)


def held(case: Alert, kind: HeldBack) -> Hold | None:
    """What of a kind holds it back, if anything does."""
    return next((one for one in case.held if one.kind is kind), None)


def _without(case: Alert, kind: HeldBack) -> tuple[Hold, ...]:
    return tuple(one for one in case.held if one.kind is not kind)


def suppressed(case: Alert, since_us: int, why: str) -> Alert:
    """Held back by design, since its machine stands."""
    hold = Hold(kind=HeldBack.SUPPRESSED, since_us=since_us, by=SELF, why=why)
    return changed(case, AlertReason.SUPPRESSED, since_us, SELF, why, held=(*_without(case, HeldBack.SUPPRESSED), hold))


def unsuppressed(case: Alert, at_us: int) -> Alert:
    """Its machine runs again."""
    return changed(
        case, AlertReason.UNSUPPRESSED, at_us, SELF, "it runs again", held=_without(case, HeldBack.SUPPRESSED)
    )


def unshelved(case: Alert, at_us: int) -> Alert:
    """The time for which it was shelved is over."""
    return changed(
        case, AlertReason.UNSHELVED, at_us, SELF, "the time for which it was shelved is over",
        held=_without(case, HeldBack.SHELVED),
    )  # fmt: skip


def ended_unseen(case: Alert, at_us: int) -> Alert:
    """Closed since another of its kind opens, and nobody ever said what became of it."""
    outcome = Outcome(reason=CloseReason.NOT_INSPECTED, by=SELF, time_us=at_us)
    return changed(case, AlertReason.CLOSED, at_us, SELF, "another opened, and nobody said what became of it",
                   outcome=outcome, held=())  # fmt: skip


class Lack(StrEnum):
    """Why an action is none."""

    UNKNOWN = "no such warning is open"
    NO_END = "it must say until when: after it is made, within a month, and not in the past"
    NO_WHY = "it must say why"
    NOBODY = "it must say to whom"
    NO_SEVERITY = "it must say how severe: 1 to 1000"
    NO_ORDER = "it must have the order's number"
    NO_OUTCOME = "it must say what became of it"
    NO_TEXT = "it must say something"
    NO_ACTOR = "it must say who does it, and 'forewarn' is what nobody did"


def _holds(kind: HeldBack) -> Callable[[Alert, Action], dict[str, Any]]:
    def says(case: Alert, action: Action) -> dict[str, Any]:
        until_us = action.until_us if kind is HeldBack.SHELVED else None  # nothing else ends by itself
        hold = Hold(kind=kind, since_us=action.time_us, until_us=until_us, by=action.by, why=action.why)
        return {"held": (*_without(case, kind), hold)}

    return says


def _lets(kind: HeldBack) -> Callable[[Alert, Action], dict[str, Any]]:
    return lambda case, _: {"held": _without(case, kind)}


def _commented(case: Alert, action: Action) -> dict[str, Any]:
    made = Comment(by=action.by, time_us=action.time_us, text=action.why)
    return {"comments": case.comments if made in case.comments else (*case.comments, made)[-COMMENTS_KEPT:]}


def _closed(case: Alert, action: Action) -> dict[str, Any]:
    assert action.outcome is not None, "a close without an outcome is refused before"
    outcome = Outcome(
        reason=action.outcome, by=action.by, time_us=action.time_us, mode=action.mode, found=action.found
    )  # fmt: skip
    return {"outcome": outcome, **_over(case, action)}


def _over(case: Alert, action: Action) -> dict[str, Any]:
    """What is over is held back no more; a case that is ended while its evidence holds was known to hold until then."""
    if not is_active(case):
        return {"held": ()}
    until_us = action.time_us // MINUTE_US * MINUTE_US
    return {"held": (), "window_end_us": max(case.window_end_us, until_us)}


def _ends_well(action: Action) -> bool:
    return action.until_us is not None and 0 < action.until_us - action.time_us <= LONGEST_SHELVED_US


class Asked(NamedTuple):
    """What a move makes of a case: the reason of its revision, what it lacks if so, what it then says."""

    reason: AlertReason
    says: Callable[[Alert, Action], dict[str, Any]] = lambda *_: {}
    lacks: tuple[tuple[Lack, Callable[[Action], bool]], ...] = ()


_WITH_ACTOR = (Lack.NO_ACTOR, lambda action: action.by.strip().lower() in ("", SELF))
_WITH_WHY = (Lack.NO_WHY, lambda action: not action.why)
MOVES: dict[Move, Asked] = {
    Move.ACKNOWLEDGE: Asked(_Why.ACKNOWLEDGED),
    Move.SHELVE: Asked(
        _Why.SHELVED, _holds(HeldBack.SHELVED), (_WITH_WHY, (Lack.NO_END, lambda action: not _ends_well(action)))
    ),
    Move.UNSHELVE: Asked(_Why.UNSHELVED, _lets(HeldBack.SHELVED)),
    Move.TAKE_OUT: Asked(_Why.OUT_OF_SERVICE, _holds(HeldBack.OUT_OF_SERVICE), (_WITH_WHY,)),
    Move.PUT_BACK: Asked(_Why.IN_SERVICE, _lets(HeldBack.OUT_OF_SERVICE)),
    Move.ASSIGN: Asked(
        _Why.ASSIGNED, lambda _, action: {"assigned": action.to}, ((Lack.NOBODY, lambda action: not action.to),)
    ),
    Move.RATE: Asked(
        _Why.RATED, lambda _, action: {"severity": action.severity, "is_rated": True},
        ((Lack.NO_SEVERITY, lambda action: action.severity is None),),
    ),
    Move.COMMENT: Asked(_Why.COMMENTED, _commented, ((Lack.NO_TEXT, lambda action: not action.why),)),
    Move.ORDER: Asked(
        _Why.ORDERED, lambda _, action: {"order": action.order}, ((Lack.NO_ORDER, lambda action: not action.order),)
    ),
    Move.CLOSE: Asked(_Why.CLOSED, _closed, ((Lack.NO_OUTCOME, lambda action: action.outcome is None),)),
    Move.WITHDRAW: Asked(_Why.WITHDRAWN, _over, (_WITH_WHY,)),
}  # fmt: skip
"""What people can do, and what each must say."""


def moves_of(case: Alert) -> tuple[Move, ...]:
    """What people can do with a case as it is; to end what holds it back, something must."""
    ends = {Move.UNSHELVE: HeldBack.SHELVED, Move.PUT_BACK: HeldBack.OUT_OF_SERVICE}
    return tuple(
        move
        for move, asked in MOVES.items()
        if (case.state, asked.reason) in _AFTER and (move not in ends or held(case, ends[move]) is not None)
    )


def moved_by(case: Alert, action: Action) -> Alert | None:
    """The case once somebody moved it; None where it is so already. Raises Impossible with what is wrong."""
    asked = MOVES[action.move]
    lack = next((lack for lack, is_missing in (*asked.lacks, _WITH_ACTOR) if is_missing(action)), None)
    if lack is not None:
        raise Impossible(f"{action.move}: {lack}")
    says = asked.says(case, action)
    if _is_so(case, action, says):
        return None
    return changed(case, asked.reason, action.time_us, action.by, action.why, **says)


def _is_so(case: Alert, action: Action, says: dict[str, Any]) -> bool:
    """Whether the case says it already, so that an action that comes twice is taken once."""
    if action.move is Move.ACKNOWLEDGE:
        return case.state in (AlertState.ACKNOWLEDGED, AlertState.NORMAL)
    if action.move is Move.WITHDRAW:
        return case.reason is AlertReason.WITHDRAWN
    return all(getattr(case, name) == value for name, value in says.items())


def diagram() -> str:
    """The table as a Mermaid state diagram; moves that leave a state as it is are named in a note."""
    names = {state: state.replace("-", "_") for state in AlertState}
    arrows: dict[tuple[str, str], list[str]] = {}
    for begin, reason, to in CHANGES:
        if begin is not to:
            arrows.setdefault(("[*]" if begin is None else names[begin], names[to]), []).append(str(reason))
    lines = ["stateDiagram-v2", *(f"  {names[state]}: {state}" for state in AlertState)]
    lines += [f"  {begin} --> {to}: {', '.join(dict.fromkeys(why))}" for (begin, to), why in arrows.items()]
    return "\n".join([*lines, f"  {names[_C]} --> [*]"])
