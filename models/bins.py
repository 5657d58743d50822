"""The one kernel from samples to fixed event-time bins, and from small bins to larger ones.

Live, driver and training all sum here and only here, so their numbers agree to the last bit. A bin is summed from
its samples sorted by time, in one order, whatever order they came in; nothing is ever added to a sum or taken away.

What is sent on change holds from then on, so such samples weigh as long as they hold: COUNT is milliseconds, SUM and
SQUARES are integrals over them. What still held from an earlier minute is `holding`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

MINUTE_US = 60_000_000
MINUTE_MS = 60_000
QUARTER = 15
"""Minutes in a bin of the slow tier."""

COUNT, SUM, SQUARES, MIN, MAX, FIRST, LAST = range(7)
"""Places of the statistics in the last but one axis of a bin array."""
STATISTICS = 7

EMPTY = np.array([0.0, 0.0, 0.0, np.inf, -np.inf, np.nan, np.nan])
"""The bin of no samples."""


class Samples(NamedTuple):
    """Numeric samples in order of arrival, one an entry: which asset, which signal, when, how much."""

    asset: np.ndarray  # int64
    signal: np.ndarray  # int64
    time_us: np.ndarray  # int64
    value: np.ndarray  # float64

    @property
    def minute(self) -> np.ndarray:
        """Index of the 1-min bin of each sample, left-closed: floor(time / 1 min)."""
        return self.time_us // MINUTE_US

    def where(self, chosen: np.ndarray) -> Samples:
        """The samples that a mask or an index array chooses."""
        return Samples(*(column[chosen] for column in self))

    @staticmethod
    def joined(parts: Sequence[Samples]) -> Samples:
        """One after the other; wide types where there is none."""
        some = [part for part in parts if len(part.value)]
        return Samples(*map(np.concatenate, zip(*some, strict=True))) if some else Samples.none()

    @staticmethod
    def none() -> Samples:
        """No samples, with the right types."""
        whole = np.empty(0, np.int64)
        return Samples(whole, whole, whole, np.empty(0, np.float64))


class Held(NamedTuple):
    """Which signals hold their value between samples, and which of these move to the next in a straight line."""

    columns: np.ndarray  # bool [signals]
    linear: np.ndarray  # bool [signals]


class Bins(NamedTuple):
    """1-min bins that hold at least one sample, ordered by asset and minute; `statistics` is [bins, 7, signals]."""

    asset: np.ndarray
    minute: np.ndarray
    statistics: np.ndarray

    def where(self, chosen: np.ndarray) -> Bins:
        """The bins that a mask chooses."""
        return Bins(*(column[chosen] for column in self))


def summarise(samples: Samples, signals: int, reference: np.ndarray, held: Held | None = None) -> Bins:
    """Sum samples into 1-min bins: count, sum, squares about `reference` [signals], min, max, first, last.

    Of samples of one asset, signal and time the last to arrive counts. One of a held signal weighs until the next, or
    to the end of the minute.
    """
    minute = samples.minute
    order = np.lexsort((samples.time_us, samples.signal, minute, samples.asset))
    asset, signal, time_us, value = samples.where(order)
    minute = minute[order]
    new_bin = changes(asset) | changes(minute)
    new_cell = new_bin | changes(signal)
    last_of_time = np.append((new_cell | changes(time_us))[1:], True)
    if not last_of_time.all():
        return summarise(samples.where(np.sort(order[last_of_time])), signals, reference, held)
    heads = np.flatnonzero(new_bin)
    cell = (np.cumsum(new_bin) - 1) * signals + signal
    statistics = _statistics(cell, np.flatnonzero(new_cell), value, reference[signal], len(heads) * signals)
    if held is not None and held.columns[signal].any():
        _weigh(statistics, cell, new_cell, Samples(asset, signal, time_us, value), reference[signal], held)
    shaped = statistics.reshape(STATISTICS, len(heads), signals).swapaxes(0, 1)
    return Bins(asset[heads], minute[heads], np.ascontiguousarray(shaped))


def changes(column: np.ndarray) -> np.ndarray:
    """True where a value differs from the one before it, and at the first."""
    changed = np.empty(len(column), bool)
    changed[:1] = True
    np.not_equal(column[1:], column[:-1], out=changed[1:])
    return changed


def _statistics(
    cell: np.ndarray, heads: np.ndarray, value: np.ndarray, reference: np.ndarray, cells: int
) -> np.ndarray:
    """[7, cells] of samples sorted by cell and time; bincount adds strictly in that order."""
    out = np.repeat(EMPTY[:, None], cells, axis=1)
    if not len(cell):
        return out
    filled = cell[heads]
    out[COUNT] = np.bincount(cell, minlength=cells)
    out[SUM] = np.bincount(cell, weights=value, minlength=cells)
    out[SQUARES] = np.bincount(cell, weights=np.square(value - reference), minlength=cells)
    out[MIN, filled] = np.minimum.reduceat(value, heads)
    out[MAX, filled] = np.maximum.reduceat(value, heads)
    out[FIRST, filled] = value[heads]
    out[LAST, filled] = value[np.append(heads[1:], len(value)) - 1]
    return out


def _weigh(
    statistics: np.ndarray, cell: np.ndarray, new_cell: np.ndarray, samples: Samples, reference: np.ndarray, held: Held
) -> None:
    """Put integrals over milliseconds into COUNT, SUM and SQUARES [7, cells] of held signals."""
    last = np.append(new_cell[1:], True)
    ms = samples.time_us % MINUTE_US // 1000
    weight = (np.where(last, MINUTE_MS, np.append(ms[1:], 0)) - ms).astype(np.float64)
    to = np.where(last | ~held.linear[samples.signal], samples.value, np.append(samples.value[1:], 0.0))
    chosen = np.flatnonzero(held.columns[samples.signal])
    cells = cell[chosen]
    for what, part in enumerate(integrals(weight, samples.value, to, reference)):
        statistics[what, cells] = np.bincount(cells, weights=part[chosen], minlength=statistics.shape[1])[cells]


def integrals(
    weight: np.ndarray, value: np.ndarray, to: np.ndarray, reference: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """COUNT, SUM and SQUARES of what moves in a straight line from a value to another over `weight` milliseconds."""
    off, off_to = value - reference, to - reference
    squares = np.square(off) + off * off_to + np.square(off_to)
    return weight, weight * (value + to) / 2, weight * squares / 3
