"""What still holds of a signal that is sent on change: its part of a minute before that minute's first sample.

A value holds until the next one, for the signal's `max_silence` at most, and no longer than its machine is heard. Time
without any sample belongs to the next minute that has one, or to the last minute of its quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.bins import COUNT, EMPTY, FIRST, MINUTE_MS, QUARTER, Bins, Held, changes, integrals


def lead(
    held: Held,
    reference: np.ndarray,
    statistics: np.ndarray,
    minute: np.ndarray,
    taken: np.ndarray,
    value: np.ndarray,
    spoke: np.ndarray,
    silence_min: np.ndarray,
) -> np.ndarray:
    """COUNT, SUM and SQUARES to add to each minute's own: [machines, 3, columns], 0 where nothing holds.

    Per machine: `statistics` [machines, 7, columns] of `minute`, and the minute `taken` before it. Per column: the
    last `value`, the minute in which it came (`spoke`), and for how many minutes after that it holds.
    """
    begin = np.maximum(taken + 1, minute // QUARTER * QUARTER)[:, None]
    until = spoke + silence_min
    minute = minute[:, None]
    skipped = np.clip(np.minimum(minute, until + 1) - begin, 0, QUARTER)
    own = np.where(minute <= until, MINUTE_MS - statistics[:, COUNT], 0.0)
    weight = np.where(held.columns & ~np.isnan(value), skipped * MINUTE_MS + own, 0.0)
    first = np.where(held.linear & (statistics[:, COUNT] > 0), statistics[:, FIRST], value)
    came = minute + 1 - statistics[:, COUNT] / MINUTE_MS
    with np.errstate(invalid="ignore", divide="ignore"):
        at_begin = value + (first - value) * (begin - spoke - 1) / (came - spoke - 1)
    at_begin = np.where(first == value, value, at_begin)
    parts = integrals(weight, at_begin, first, reference)
    return np.stack([np.where(weight > 0, part, 0.0) for part in parts], axis=1)


def pauses(minutes: np.ndarray, hearing_min: int) -> list[int]:
    """Last minutes of the quarters between minutes with samples (rising), while the machine counts as heard."""
    before, after = minutes[:-1], minutes[1:]
    first = (before + 1) // QUARTER * QUARTER + QUARTER - 1
    out: list[int] = []
    for at in np.flatnonzero(first < after).tolist():
        out += range(int(first[at]), min(int(after[at]), int(before[at]) + hearing_min + 1), QUARTER)
    return out


def minutes_of(bins: Bins) -> list[tuple[int, np.ndarray]]:
    """Each asset of the bins with its minutes."""
    heads = np.flatnonzero(changes(bins.asset))
    return list(zip(bins.asset[heads].tolist(), np.split(bins.minute, heads[1:]), strict=True))


def with_empty(bins: Bins, found: Sequence[tuple[int, int]]) -> Bins:
    """The bins and empty ones at (asset, minute), in order."""
    if not found:
        return bins
    pairs = np.array(found, np.int64)
    empty = np.tile(EMPTY[:, None], (len(pairs), 1, bins.statistics.shape[2]))
    every = Bins(*(np.concatenate(pair) for pair in zip(bins, (*pairs.T, empty), strict=True)))
    return every.where(np.lexsort((every.minute, every.asset)))
