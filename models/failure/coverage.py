"""Whether intervals on time to failure hold what they say, of those that were told, once it is known what came.

Told when a warning opens is a fair trial: who opens it does not know what comes. What was told so many hours before a
failure is chosen by the failure, so it is shown beside it and never judged: 90 % is not to be expected of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from models.failure.hazard import ENOUGH_FAILURES
from models.failure.interval import COVERED, LAST_H
from models.records import Remaining

HOUR_US = 3_600_000_000
LAST_US = LAST_H * HOUR_US
SURE = 0.95
"""Of the interval of a share."""
STEPS = 60
"""Halvings of 0..1: the last is far under what is told."""


class Verdict(StrEnum):
    """Whether intervals of 90 % hold it."""

    INSUFFICIENT = "insufficient events"
    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"


class Told(Struct, frozen=True, kw_only=True):
    """An interval that was told of an asset, at the end of a window."""

    asset: str
    time_us: int
    remaining: Remaining


class Outcome(Struct, frozen=True, kw_only=True):
    """Whether what was told held what came, and whether that was a failure within the last horizon."""

    held: bool
    failed: bool


class Coverage(Struct, frozen=True, kw_only=True):
    """Of `known` intervals whose outcome is known `held` held it; `events` of them ended in a failure.

    `low` and `high` are an exact 95 % interval of the share. `open` are those that nothing is known of yet, or ever.
    """

    held: int
    known: int
    events: int
    open: int
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        """By whether 90 % lies in the interval, once there are enough failures."""
        if self.events < ENOUGH_FAILURES:
            return Verdict.INSUFFICIENT
        return Verdict.HOLDS if self.low <= COVERED <= self.high else Verdict.DOES_NOT_HOLD

    @property
    def said(self) -> str:
        """In words."""
        if self.verdict is Verdict.INSUFFICIENT:
            return f"{self.verdict} ({self.events} of {ENOUGH_FAILURES})"
        return str(self.verdict)


def outcome(told: Told, failures_us: Iterable[int], repairs_us: Iterable[int], to_us: int) -> Outcome | None:
    """What became of it, by what is known of its asset up to `to_us`; None while, or because, nobody can tell.

    As in `onnx_export.conformal`: one told within the last horizon of the end does not count, also where a failure
    came, since late failures could not; nor does one that a repair came before, within the horizon.
    """
    if to_us - told.time_us < LAST_US:
        return None
    failed_us = min((us for us in failures_us if us > told.time_us), default=None)
    repaired_us = min((us for us in repairs_us if us > told.time_us), default=None)
    if failed_us is not None and (repaired_us is None or failed_us <= repaired_us):
        hours = (failed_us - told.time_us) / HOUR_US
    elif repaired_us is not None and repaired_us - told.time_us <= LAST_US:
        return None
    else:
        hours = math.inf
    left = told.remaining
    is_before_end = left.high_h is None or hours <= left.high_h
    return Outcome(held=left.low_h <= hours and is_before_end, failed=hours <= LAST_H)


def coverage(outcomes: Sequence[Outcome | None]) -> Coverage:
    """Of intervals, by what became of each."""
    known = [one for one in outcomes if one is not None]
    held = sum(one.held for one in known)
    low, high = exact(held, len(known))
    return Coverage(
        held=held,
        known=len(known),
        events=sum(one.failed for one in known),
        open=len(outcomes) - len(known),
        low=low,
        high=high,
    )


def exact(held: int, known: int) -> tuple[float, float]:
    """The exact two-sided 95 % interval of a share; 0 to 1 where nothing is known.

    Source: C. Clopper, E. Pearson, The use of confidence or fiducial limits illustrated in the case of the binomial,
    Biometrika 26 (1934) 404-413.
    """
    tail = (1.0 - SURE) / 2
    low = _root(lambda share: _at_least(held, known, share) - tail) if held else 0.0
    high = _root(lambda share: tail - (1.0 - _at_least(held + 1, known, share))) if held < known else 1.0
    return low, high


def _at_least(held: int, known: int, share: float) -> float:
    """The chance that of so many at least so many hold, where each does with this chance."""
    yes, no = math.log(share), math.log1p(-share)
    ways = math.lgamma(known + 1)
    return math.fsum(
        math.exp(ways - math.lgamma(k + 1) - math.lgamma(known - k + 1) + k * yes + (known - k) * no)
        for k in range(held, known + 1)
    )


def _root(rising: Callable[[float], float]) -> float:
    """Where a function that rises over 0..1 is 0."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
