"""Warnings that the life cycle opens over whole series of chances, in arrays: what `life.step` does row by row.

Openings and endings are exact; what a warning says in between is not kept. Nothing is judged here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.alerting.life import Threshold

OPEN_AT_THE_END = -1
"""In the place of the row that ended a warning, where its machine's rows ended before."""
_RESET, _CLEAR, _OPEN = 0, 1, 2


class Episodes(NamedTuple):
    """Warnings in order: the row at which each opened, and the one at which it cleared or a repair ended it."""

    opened: np.ndarray  # int64 [n]
    ended: np.ndarray  # int64 [n], OPEN_AT_THE_END where none did


class Series:
    """Chances within 72 h of machines that run, by machine and time, with the start of the life of each row."""

    def __init__(self, asset: np.ndarray, since_us: np.ndarray, chance: np.ndarray) -> None:
        self.chance = chance
        self.machine = _starts(asset)
        self.life = self.machine | _starts(since_us)

    def runs(self, limit: float, clear_share: float) -> Runs:
        """Stretches of rows in one life that read the same."""
        over, under = self.chance >= limit, self.chance < clear_share * limit
        first = np.flatnonzero(self.life | _starts(over) | _starts(under))
        return Runs(first, np.diff(first, append=len(over)), over[first], under[first], self.life[first], self)


class Runs(NamedTuple):
    """Stretches of equal readings: first rows, lengths, over the limit, well under it, first of a life."""

    first: np.ndarray  # int64 [n]
    length: np.ndarray  # int64
    over: np.ndarray  # bool
    under: np.ndarray  # bool
    begins: np.ndarray  # bool
    series: Series

    def episodes(self, open_after: int, clear_after: int) -> Episodes:
        """The warnings of these persistences, in rows.

        Rows that can move a warning are marked: the one that makes a stretch long enough to open or to clear, and the
        first of a life. A warning opens at a mark to open behind one that is not, and ends at the next that is not.
        """
        marks = [
            (self.first[self.begins], _RESET),
            ((self.first + clear_after - 1)[self.under & (self.length >= clear_after)], _CLEAR),
            ((self.first + open_after - 1)[self.over & (self.length >= open_after)], _OPEN),
        ]
        row = np.concatenate([rows for rows, _ in marks])
        kind = np.concatenate([np.full(len(rows), kind) for rows, kind in marks])
        order = np.lexsort((kind, row))
        row, is_open = row[order], kind[order] == _OPEN
        other = np.flatnonzero(~is_open)
        opening = np.flatnonzero(is_open & ~np.roll(is_open, 1))  # the first mark is a reset
        after = np.append(row[other], -1)[np.searchsorted(other, opening)]
        ended = np.where((after < 0) | self.series.machine[after], OPEN_AT_THE_END, after)
        return Episodes(row[opening], ended)


def episodes(series: Series, threshold: Threshold) -> Episodes:
    """Warnings that one threshold opens over the series."""
    runs = series.runs(threshold.limit, threshold.clear_share)
    return runs.episodes(threshold.open_after, threshold.clear_after)


def _starts(values: np.ndarray) -> np.ndarray:
    """Where a value differs from the one before; the first row does."""
    out = np.ones(len(values), bool)
    out[1:] = values[1:] != values[:-1]
    return out
