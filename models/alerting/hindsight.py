"""What warnings at a threshold would have been worth on an asset's history: caught failures, unfounded warnings.

A warning says that its machine fails within the longest horizon, when it opens and anew each time that it stays open
for so long: each saying counts by itself. Else one that is open for ever would catch every failure, and be unfounded
once. A first saying is judged as the report of a backfill judges warnings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import median
from typing import NamedTuple

import numpy as np

from models.alerting.episodes import OPEN_AT_THE_END, Episodes, Runs, Series
from models.alerting.life import Threshold
from models.records import HORIZONS_H

HOUR_US = 3_600_000_000
HORIZON_US = HORIZONS_H[-1] * HOUR_US
NEVER_US = 1 << 62
"""When what has not ended or does not come would: later than any time."""


class Case(NamedTuple):
    """From when to when an inspected warning was open, and whether something was found."""

    opened_us: int
    ended_us: int
    founded: bool


@dataclass(frozen=True, kw_only=True)
class Past:
    """An asset's history: its chances within 72 h while it ran, by time, and what happened to it.

    Times are microseconds since 1970 UTC. `weeks` are those in which it was scored, `to_us` is where history ends; a
    row is `every_min` minutes. `cases` are the warnings that somebody inspected.
    """

    window_end_us: np.ndarray  # int64 [rows]
    chance: np.ndarray  # float64 [rows]
    failures_us: np.ndarray  # int64, in order
    repairs_us: np.ndarray  # int64, in order
    weeks: float
    to_us: int
    every_min: int = 1
    cases: tuple[Case, ...] = ()

    def rows(self, minutes: int) -> int:
        """How many rows come as near as can be to so many scored minutes, one at least."""
        return max(1, -(-minutes // self.every_min))

    def between(self, from_us: int, to_us: int) -> Past:
        """The part of it from a time on and up to another, as if history began and ended there."""
        inside, failed, repaired = (
            (us > from_us) & (us <= to_us) for us in (self.window_end_us, self.failures_us, self.repairs_us)
        )
        end_us = self.window_end_us[inside]
        whole_us = int(np.ptp(self.window_end_us)) if len(self.window_end_us) else 0
        share = int(np.ptp(end_us)) / whole_us if whole_us and len(end_us) else 0.0
        return replace(
            self,
            window_end_us=end_us,
            chance=self.chance[inside],
            failures_us=self.failures_us[failed],
            repairs_us=self.repairs_us[repaired],
            weeks=self.weeks * share,
            to_us=min(self.to_us, to_us),
        )


class Worth(NamedTuple):
    """What a threshold was worth on a history.

    Warnings, sayings that were unfounded, warnings undecided, failures, and the leads of those that a warning was open
    at. A warning is `inspected` if it was open while one was that somebody inspected, and is as founded as that.
    """

    warnings: int = 0
    unfounded: int = 0
    undecided: int = 0
    failures: int = 0
    leads_h: tuple[float, ...] = ()
    inspected: int = 0
    founded: int = 0

    @property
    def caught(self) -> int:
        """Failures at which a warning was open."""
        return len(self.leads_h)

    def cost(self, missed_to_unfounded: float) -> float:
        """What it cost, in unfounded warnings, where a failure that nobody was warned of costs so many."""
        return missed_to_unfounded * (self.failures - self.caught) + self.unfounded

    @property
    def median_lead_h(self) -> float | None:
        """None where nothing was caught."""
        return median(self.leads_h) if self.leads_h else None


def total(worths: Iterable[Worth]) -> Worth:
    """All of them together."""
    of = list(worths)
    return Worth(
        warnings=sum(one.warnings for one in of),
        unfounded=sum(one.unfounded for one in of),
        undecided=sum(one.undecided for one in of),
        failures=sum(one.failures for one in of),
        leads_h=tuple(lead for one in of for lead in one.leads_h),
        inspected=sum(one.inspected for one in of),
        founded=sum(one.founded for one in of),
    )


class Told(NamedTuple):
    """Warnings, and what became of them; what is open at the end has NEVER_US."""

    opened_us: np.ndarray  # int64 [n]
    ended_us: np.ndarray  # int64 [n]
    undecided: np.ndarray  # bool [n], of the first saying
    unfounded: np.ndarray  # int64 [n], sayings


def worths(past: Past, thresholds: Sequence[Threshold]) -> Iterator[Worth]:
    """What each threshold was worth. Quickest where thresholds of one limit and share follow one another."""
    for found in _found(past, thresholds):
        yield worth_of(past, _warned(past, found))


def warned_of(past: Past, threshold: Threshold) -> Told:
    """The warnings that a threshold opens, and what became of them."""
    (found,) = _found(past, [threshold])
    return _warned(past, found)


def _warned(past: Past, found: Episodes) -> Told:
    is_open = found.ended == OPEN_AT_THE_END
    ended_us = np.where(is_open, NEVER_US, past.window_end_us[found.ended])
    return _told(past, past.window_end_us[found.opened], ended_us)


def worth_of(past: Past, warned: Told) -> Worth:
    """What warnings were worth."""
    inspected, founded = _inspected(past, warned)
    leads_h = leads_of(past, warned)
    return Worth(
        warnings=len(warned.opened_us),
        unfounded=int(warned.unfounded.sum()),
        undecided=int(warned.undecided.sum()),
        failures=len(past.failures_us),
        leads_h=tuple(leads_h[~np.isnan(leads_h)].tolist()),
        inspected=inspected,
        founded=founded,
    )


def _found(past: Past, thresholds: Sequence[Threshold]) -> Iterator[Episodes]:
    life = np.searchsorted(past.repairs_us, past.window_end_us, side="left")  # a minute is of the life that it ends in
    series = Series(np.zeros(len(life), np.int64), life, past.chance)
    for (limit, share), group in groupby(thresholds, key=lambda one: (one.limit, one.clear_share)):
        runs: Runs = series.runs(limit, share)
        for one in group:
            yield runs.episodes(past.rows(one.open_after), past.rows(one.clear_after))


def unfounded(past: Past, opened_us: Sequence[int], ended_us: Sequence[int]) -> int:
    """Unfounded sayings of any warnings, such as rules opened; what never ended has NEVER_US."""
    told = _told(past, np.array(opened_us, np.int64), np.array(ended_us, np.int64))
    return int(told.unfounded.sum())


def _told(past: Past, opened_us: np.ndarray, ended_us: np.ndarray) -> Told:
    """What became of warnings."""
    failure_us, repair_us = _next(past, opened_us)
    failed = failure_us - opened_us <= HORIZON_US
    # What was repaired while its warning was open may have been saved by it, however long that took.
    censored = repair_us <= np.maximum(opened_us + HORIZON_US, np.where(ended_us == NEVER_US, 0, ended_us))
    undecided = ~failed & (censored & (failure_us == NEVER_US) | (past.to_us - opened_us < HORIZON_US))
    until_us = np.minimum.reduce([ended_us, failure_us, repair_us, np.full(len(opened_us), past.to_us)])
    again = np.maximum(0, -(-(until_us - opened_us) // HORIZON_US) - 1)
    sayings = (~failed & ~undecided).astype(np.int64) + _again(past, opened_us, again)
    return Told(opened_us, ended_us, undecided, sayings)


def _again(past: Past, opened_us: np.ndarray, again: np.ndarray) -> np.ndarray:
    """Unfounded sayings of each warning beyond its first."""
    of = np.repeat(np.arange(len(again)), again)
    turn = np.arange(len(of)) - np.repeat(np.cumsum(again) - again, again) + 1
    said_us = opened_us[of] + turn * HORIZON_US
    failure_us, repair_us = _next(past, said_us)
    known = (failure_us - said_us > HORIZON_US) & (repair_us - said_us > HORIZON_US)
    return np.bincount(of[known & (past.to_us - said_us >= HORIZON_US)], minlength=len(again))


def _next(past: Past, time_us: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The failure and the repair that follow times; no failure where a repair comes first: that is another life's."""
    failure_us = np.append(past.failures_us, NEVER_US)[np.searchsorted(past.failures_us, time_us, side="left")]
    repair_us = np.append(past.repairs_us, NEVER_US)[np.searchsorted(past.repairs_us, time_us, side="right")]
    return np.where(failure_us > repair_us, NEVER_US, failure_us), repair_us


def leads_of(past: Past, warned: Told) -> np.ndarray:
    """Hours from the opening of the first warning that was open at each failure; NaN where none was."""
    is_open = (warned.opened_us <= past.failures_us[:, None]) & (warned.ended_us >= past.failures_us[:, None])
    first_us = np.where(is_open, warned.opened_us, NEVER_US).min(axis=1, initial=NEVER_US)
    return np.where(is_open.any(axis=1), (past.failures_us - first_us) / HOUR_US, np.nan)


def _inspected(past: Past, warned: Told) -> tuple[int, int]:
    """How many warnings were open while an inspected one was, and of how many of those something was found."""
    if not past.cases:
        return 0, 0
    from_us, to_us, founded = (np.array(column) for column in zip(*past.cases, strict=True))
    meets = (warned.opened_us[:, None] <= to_us) & (warned.ended_us[:, None] >= from_us)
    return int(meets.any(axis=1).sum()), int((meets & founded).any(axis=1).sum())
