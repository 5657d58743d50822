"""What changed at a machine before a warning: work on it, and states and setpoints that were set anew. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from models.plant import AssetType, SignalKind
from models.records import Maintenance, WorkOrder

DAY_US = 86_400_000_000
WORK_US, SET_US = 30 * DAY_US, 7 * DAY_US
"""How long before work, and what was set, is told. Our choice: a month of repairs, a week of settings."""
SETTINGS = (SignalKind.STATE, SignalKind.SETPOINT)
"""Kinds of signals that somebody, or a program of the machine, sets."""
TOLD = 8

Series = Sequence[tuple[int, object]]
"""Times and values of a signal, in order."""


class Changed(NamedTuple):
    """Something that changed, and when."""

    time_us: int
    what: str


def settings_of(kind: AssetType) -> tuple[str, ...]:
    """Signals of a type that are set."""
    return tuple(name for name, signal in kind.signals.items() if signal.kind in SETTINGS)


def lately(work: Iterable[Maintenance | WorkOrder], settings: Mapping[str, Series], to_us: int) -> tuple[Changed, ...]:
    """The latest first; of a setting its last change, and how many there were.

    Series begin before the time in which changes are told, so that the first value in it is known to be a change.
    """
    done = [Changed(one.done_us, _said(one)) for one in work if to_us - WORK_US < one.done_us <= to_us]
    anew = [one for signal, series in settings.items() for one in _set_anew(signal, series, to_us)]
    return tuple(sorted((*done, *anew), reverse=True))[:TOLD]


def _said(one: Maintenance | WorkOrder) -> str:
    of = f": {one.mode}" if one.mode else ""
    return f"{one.kind} order {one.order} finished{of}" if isinstance(one, WorkOrder) else f"{one.action}{of}"


def _set_anew(signal: str, series: Series, to_us: int) -> Iterator[Changed]:
    known = [(us, value) for us, value in series if value is not None and us <= to_us]
    moves = [
        (us, before, value)
        for (_, before), (us, value) in pairwise(known)
        if value != before and us > to_us - SET_US
    ]  # fmt: skip
    if moves:
        us, before, value = moves[-1]
        often = f", the last of {len(moves)} changes in 7 days" if len(moves) > 1 else ""
        yield Changed(us, f"{signal} from {_value(before)} to {_value(value)}{often}")


def _value(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
