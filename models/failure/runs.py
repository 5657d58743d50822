"""Runs of minutes, counted for all machines and columns at once, from where each machine stood before.

Minutes are rows, in order of machine and time; before those of a machine's life lies one row that says where it stood.
So what is carried is the row before, and what was last is filled on. Arrays are [rows, columns].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.bins import changes
from models.failure.marks import Marks
from models.operating import NEVER_MIN


@dataclass(frozen=True, eq=False, slots=True)
class Rows:
    """Where the minutes of some lives are, each life a segment."""

    asset: np.ndarray  # of each segment
    since_us: np.ndarray  # of each segment
    minutes: np.ndarray  # the row of each minute
    stands: np.ndarray  # the row that says where each segment began
    ends: np.ndarray  # the last row of each segment
    first: np.ndarray  # bool [segments], whether it is the asset's first here
    final: np.ndarray  # bool [segments], whether it is the asset's last here

    @classmethod
    def of(cls, asset: np.ndarray, since_us: np.ndarray) -> Rows:
        """Of minutes sorted by asset and time."""
        heads = changes(asset) | changes(since_us)
        begins = np.flatnonzero(heads)
        stands = begins + np.arange(len(begins))
        rows = len(asset) + len(begins)
        owner = asset[begins]
        first = changes(owner)
        return cls(
            asset=owner,
            since_us=since_us[begins],
            minutes=np.arange(len(asset)) + np.cumsum(heads),
            stands=stands,
            ends=np.append(stands[1:], rows) - 1,
            first=first,
            final=np.append(first[1:], True),
        )

    @property
    def count(self) -> int:
        """Rows in all."""
        return len(self.minutes) + len(self.stands)

    def carried(self, marks: Marks) -> Marks:
        """Where each segment begins: as its machine stood, or, in a life that is new, with nothing."""
        out = marks.of(self.asset)
        fresh = (marks.life_us[self.asset] != self.since_us) | ~self.first
        none = Marks.none(int(fresh.sum()), out.last.shape[1], out.base_sum.shape[1])
        for name in Marks.__struct_fields__:
            getattr(out, name)[fresh] = getattr(none, name)
        return out

    def put(self, marks: Marks, **of: np.ndarray) -> None:
        """Keep, of arrays [segments, ...], those of each machine's last segment."""
        asset = self.asset[self.final]
        marks.life_us[asset] = self.since_us[self.final]
        for name, values in of.items():
            getattr(marks, name)[asset] = values[self.final]

    def laid(self, minutes: np.ndarray, stands: np.ndarray | int) -> np.ndarray:
        """What minutes [minutes, columns] have, after what their segments stand with."""
        out = np.empty((self.count, minutes.shape[1]), minutes.dtype)
        out[self.minutes], out[self.stands] = minutes, stands
        return out

    def filled(self, values: np.ndarray, marked: np.ndarray) -> np.ndarray:
        """Of each cell, the value at the last marked row up to it; where segments stand is marked."""
        number = np.arange(self.count)[:, None]
        return np.take_along_axis(values, np.maximum.accumulate(np.where(marked, number, 0), axis=0), axis=0)

    def latched(self, sets: np.ndarray, ends: np.ndarray, stands: np.ndarray) -> np.ndarray:
        """Whether something holds: since it was set, until it ended: of bool [minutes, columns], [rows, columns]."""
        values = self.laid(sets, stands)
        return self.filled(values, self.laid(sets | ends, True))


class Run(NamedTuple):
    """Of each row the run that it is in: its minutes with samples, its length, and the minute in which it began.

    0, 0 and NEVER_MIN outside of one.
    """

    number: np.ndarray
    length_min: np.ndarray
    begin: np.ndarray
    within: np.ndarray  # bool [minutes, columns]: whether the minute itself is of a run


class Course:
    """Minutes in which quantities are `known`, bool [minutes, columns].

    Each stands for the time since the one known before, for `hearing_min` at most: a stop or a silence counts no more.
    """

    def __init__(self, rows: Rows, minute: np.ndarray, known: np.ndarray, last: np.ndarray, hearing_min: int) -> None:
        """`last` [segments, columns] is the last minute known before."""
        self._rows, self.known = rows, known
        self._stand = rows.laid(np.zeros_like(known), True)
        self._minute = rows.laid(np.broadcast_to(minute[:, None], known.shape), last)
        self.last = rows.filled(self._minute, rows.laid(known, True))
        self._since = np.minimum(minute[:, None] - self.last[rows.minutes - 1], hearing_min)

    def run(self, side: np.ndarray, count: np.ndarray, length_min: np.ndarray, begin: np.ndarray) -> Run:
        """Runs of minutes on a side, bool [minutes, columns], from those that segments stand in."""
        rows, within = self._rows, self.known & side
        stops = rows.laid(self.known & ~side, True)
        counted = self._summed(rows.laid(within.astype(np.int64), 0), count, stops)
        starts = self._stand | (rows.laid(within, False) & (counted == 1))
        weight = np.where(starts[rows.minutes], 1, self._since)
        length = self._summed(rows.laid(np.where(within, weight, 0), 0), length_min, stops)
        minute = self._minute.copy()
        minute[rows.stands] = begin
        since = np.where(counted > 0, rows.filled(minute, starts), NEVER_MIN)
        return Run(counted, length, since, within)

    def _summed(self, values: np.ndarray, stands: np.ndarray, stops: np.ndarray) -> np.ndarray:
        """Sums since the last stop, which counts nothing itself, or on from where segments stand."""
        total = np.cumsum(values, axis=0)
        before = total.copy()
        before[self._rows.stands] -= stands
        return total - self._rows.filled(before, stops)

    def long(self, run: Run, least: int, lasts_min: np.ndarray) -> np.ndarray:
        """Minutes whose run has `least` of them, and is `lasts_min` [columns] long: bool [minutes, columns]."""
        at = self._rows.minutes
        return run.within & (run.number[at] >= least) & (run.length_min[at] >= lasts_min)
