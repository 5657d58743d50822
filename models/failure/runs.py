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
    """Of each row, minutes of the run that it is in and the minute in which that began: NEVER_MIN outside of one."""

    length: np.ndarray
    begin: np.ndarray
    within: np.ndarray  # bool [minutes, columns]: whether the minute itself is of a run


class Course:
    """Minutes in which quantities are `known`, bool [minutes, columns], and how long they were not before."""

    def __init__(self, rows: Rows, minute: np.ndarray, known: np.ndarray, last: np.ndarray, hearing_min: int) -> None:
        """`last` [segments, columns] is the last minute known before."""
        self._rows, self.known = rows, known
        self._stand = rows.laid(np.zeros_like(known), True)
        self._minute = rows.laid(np.broadcast_to(minute[:, None], known.shape), last)
        self.last = rows.filled(self._minute, rows.laid(known, True))
        gap = minute[:, None] - self.last[rows.minutes - 1]
        self._anew = rows.laid(known & (gap > hearing_min), False)

    def run(self, side: np.ndarray, count: np.ndarray, begin: np.ndarray) -> Run:
        """Runs of minutes on a side, bool [minutes, columns], from those that segments stand in."""
        rows, within = self._rows, self.known & side
        ins = rows.laid(within.astype(np.int32), 0)
        stops = rows.laid(self.known & ~side, True) | self._anew
        total = np.cumsum(ins, axis=0, dtype=np.int32)
        before = np.where(self._anew, total - ins, total)
        before[rows.stands] -= count
        length = total - rows.filled(before, stops)
        starts = self._stand | ((ins == 1) & (length == 1))
        minute = self._minute.copy()
        minute[rows.stands] = begin
        since = np.where(length > 0, rows.filled(minute, starts), NEVER_MIN)
        return Run(length, since, within)

    def long(self, run: Run, least: int, lasts_min: np.ndarray) -> np.ndarray:
        """Minutes whose run has `least` of them, and is `lasts_min` [columns] long: bool [minutes, columns]."""
        at = self._rows.minutes
        length_min = self._minute[at] - run.begin[at] + 1
        return run.within & (run.length[at] >= least) & (length_min >= lasts_min)
