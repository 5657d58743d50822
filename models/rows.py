"""How `following` lays minutes out: as rows, a machine's in order, and before them one for where the machine stands.

So what a minute finds is what the row before it has, and what stays until something moves it is filled on from the last
row that did. Of sensors, arrays are [columns, rows].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.bins import COUNT, LAST, MAX, MIN, SUM


class Rows(NamedTuple):
    """Where minutes and machines are in rows."""

    number: np.ndarray  # of each row
    minutes: np.ndarray  # the row of each minute
    stands: np.ndarray  # the row where each machine stands
    ends: np.ndarray  # the last row of each machine
    is_stand: np.ndarray  # bool, of each row
    cell: np.ndarray  # number of each cell [columns, rows]

    @classmethod
    def of(cls, first: np.ndarray, columns: int) -> Rows:
        """Rows of minutes, of which some are the `first` of a machine."""
        minutes = np.arange(len(first)) + np.cumsum(first)
        stands = minutes[first] - 1
        size = len(first) + len(stands)
        is_stand = np.zeros(size, bool)
        is_stand[stands] = True
        cell = np.arange(columns * size).reshape(columns, size)
        return cls(cell[0], minutes, stands, np.append(stands[1:], size) - 1, is_stand, cell)

    def laid(self, minutes: np.ndarray, machines: np.ndarray | float) -> np.ndarray:
        """What minutes have, after what their machines stand with; the last axis is that of rows."""
        out = np.empty((*minutes.shape[:-1], len(self.number)), minutes.dtype)
        out[..., self.minutes] = minutes
        out[..., self.stands] = machines
        return out

    def last(self, marks: np.ndarray) -> np.ndarray:
        """The last marked cell up to each, to `take` from arrays of that shape; where a machine stands is marked."""
        if marks.ndim == 1:
            return np.maximum.accumulate(marks * self.number)
        return self.cell if marks.all() else np.maximum.accumulate(marks * self.cell, axis=1)


def before(rows: np.ndarray) -> np.ndarray:
    """What the row before each has; of no use where a machine stands."""
    return np.concatenate((rows[..., :1], rows[..., :-1]), axis=-1)


class Sensed(NamedTuple):
    """What each sensor says in each row: [columns, rows], of no use where it `has` nothing.

    Where a machine stands it has something, of which who reads it says what it is.
    """

    has: np.ndarray  # bool
    by: np.ndarray  # the last cell so far that has
    weight: np.ndarray  # its COUNT
    total: np.ndarray  # its SUM
    low: np.ndarray
    high: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, rows: Rows, statistics: np.ndarray) -> Sensed:
        """Out of the statistics of minutes, [minutes, 7, columns]."""
        said = [rows.laid(statistics[:, what].T, 1.0) for what in (COUNT, SUM, MIN, MAX, LAST)]
        has = said[0] > 0
        return cls(has, rows.last(has), *said)


class Course(NamedTuple):
    """What machines do in each row."""

    minute: np.ndarray
    taken: np.ndarray  # the minute before it
    heard: np.ndarray  # bool, whether it has samples
    anew: np.ndarray  # bool, whether it is the first one heard after too long a silence
    runs: np.ndarray  # bool, whether it was heard to run
    settled: np.ndarray  # bool
    unsettled: np.ndarray  # the last row so far that was heard and is not settled, -1 before one
    clock: np.ndarray  # minutes run, counted on over all machines, each from more than any is known to have run before
