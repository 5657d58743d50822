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

    def where(self, chosen: np.ndarray | slice) -> Samples:
        """The samples that a mask, an index array or a slice chooses."""
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
    samples = _in_order(samples)
    ends = [*np.flatnonzero(changes(samples.asset))[1:].tolist(), len(samples.asset)]
    parts, begin = [], 0
    for end in ends:
        if end - begin >= SAMPLES or end == ends[-1]:
            parts.append(_summed(samples.where(slice(begin, end)), signals, reference, held))
            begin = end
    return parts[0] if len(parts) == 1 else Bins(*map(np.concatenate, zip(*parts, strict=True)))


SAMPLES = 10_000
"""Samples of whole assets that are summed at a time: the bins of more leave the processor's cache. Measured."""


def _summed(samples: Samples, signals: int, reference: np.ndarray, held: Held | None) -> Bins:
    """Bins of samples by asset, signal and time."""
    asset, signal, _, value = samples
    minute = samples.minute
    new_cell = changes(asset) | changes(signal) | changes(minute)
    heads = np.flatnonzero(new_cell)
    bins_asset, bins_minute, bin_of = _grouped(asset[heads], minute[heads])
    cells = _statistics(np.cumsum(new_cell) - 1, heads, value, reference[signal])
    if held is not None:
        _weigh(cells, new_cell, samples, reference, held)
    statistics = np.empty((len(bins_asset), STATISTICS * signals))
    statistics[:] = np.repeat(EMPTY, signals)
    places, at = statistics.reshape(-1), bin_of * statistics.shape[1] + signal[heads]
    for what, of_cells in enumerate(cells):
        places[at + what * signals] = of_cells
    return Bins(bins_asset, bins_minute, statistics.reshape(-1, STATISTICS, signals))


def _in_order(samples: Samples) -> Samples:
    """By asset, signal and time, each time once. What stands so already is not sorted."""
    series = samples.asset * (samples.signal.max(initial=0) + 1) + samples.signal
    if (series[1:] < series[:-1]).any():
        few = series.max() <= np.iinfo(np.uint16).max  # which numpy sorts by digits
        order = np.argsort(series.astype(np.uint16) if few else series, kind="stable")
        samples, series = samples.where(order), series[order]
    if ((samples.time_us[1:] < samples.time_us[:-1]) & (series[1:] == series[:-1])).any():
        order = np.lexsort((samples.time_us, series))
        samples, series = samples.where(order), series[order]
    is_last = np.append((changes(samples.time_us) | changes(series))[1:], True)
    return samples if is_last.all() else samples.where(is_last[: len(series)])


ROOM = 4
"""Places to look a bin up in, for each cell, beyond which bins are sorted. Our choice."""


def _grouped(asset: np.ndarray, minute: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Asset and minute of each bin, in order, and for each cell which bin it is of."""
    none = np.iinfo(np.int64).max
    lowest, first = asset.min(initial=none), minute.min(initial=none)
    wide = minute.max(initial=first) - first + 1
    key = (asset - lowest) * wide + (minute - first)
    if key.max(initial=0) < ROOM * len(key):
        there = np.zeros(int(key.max()) + 1, bool)
        there[key] = True
        keys, bin_of = np.flatnonzero(there), (np.cumsum(there) - 1)[key]
    else:
        keys, bin_of = np.unique(key, return_inverse=True)
    return keys // wide + lowest, keys % wide + first, bin_of


def changes(column: np.ndarray) -> np.ndarray:
    """True where a value differs from the one before it, and at the first."""
    changed = np.empty(len(column), bool)
    changed[:1] = True
    np.not_equal(column[1:], column[:-1], out=changed[1:])
    return changed


def _statistics(cell: np.ndarray, heads: np.ndarray, value: np.ndarray, reference: np.ndarray) -> list[np.ndarray]:
    """The statistics of cells in which samples stand together, by time; bincount adds strictly in that order."""
    squares = np.square(value - reference)
    if len(heads) == len(value):  # each alone: its sum is what bincount makes of it, 0.0 + value
        return [np.ones(len(value)), 0.0 + value, squares, value, value, value, value]
    return [
        np.bincount(cell).astype(np.float64),
        np.bincount(cell, weights=value),
        np.bincount(cell, weights=squares),
        np.minimum.reduceat(value, heads),
        np.maximum.reduceat(value, heads),
        value[heads],
        value[np.append(heads[1:], len(value)) - 1],
    ]


def _weigh(cells: list[np.ndarray], new_cell: np.ndarray, samples: Samples, reference: np.ndarray, held: Held) -> None:
    """Put integrals over milliseconds into COUNT, SUM and SQUARES of cells of held signals."""
    chosen = held.columns[samples.signal]
    of_cells, new_cell = chosen[new_cell], new_cell[chosen]
    _, signal, time_us, value = samples.where(chosen)
    last = np.append(new_cell[1:], True)[: len(value)]
    ms = time_us % MINUTE_US // 1000
    weight = (np.where(last, MINUTE_MS, np.append(ms[1:], 0)[: len(ms)]) - ms).astype(np.float64)
    to = np.where(last | ~held.linear[signal], value, np.append(value[1:], 0.0)[: len(value)])
    cell = np.cumsum(new_cell) - 1
    for what, part in enumerate(integrals(weight, value, to, reference[signal])):
        cells[what][of_cells] = np.bincount(cell, weights=part)


def integrals(
    weight: np.ndarray, value: np.ndarray, to: np.ndarray, reference: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """COUNT, SUM and SQUARES of what moves in a straight line from a value to another over `weight` milliseconds."""
    off, off_to = value - reference, to - reference
    squares = np.square(off) + off * off_to + np.square(off_to)
    return weight, weight * (value + to) / 2, weight * squares / 3
