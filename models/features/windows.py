"""Window sums to means, residuals and slopes: arrays whose last axis is time, each row alone as among others."""

from __future__ import annotations

import numpy as np

from models.bins import QUARTER
from models.features.spec import Spec
from models.tiers import Tiers

SLOW_WINDOW = 288
"""15-min bins in 72 h."""
DAY = 96
"""15-min bins in 24 h."""
DAYS_WINDOW = 30
QUARTER_H = QUARTER / 60
RESET_SHARE = 0.1
"""A counter that begins again is soon this far down; one restored from an old value is not. Our choice."""


def slow_window(
    tiers: Tiers, columns: np.ndarray, asset: np.ndarray, end: np.ndarray, since_us: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means and counts [pairs, signals, 288] of the 15-min bins before bin `end`, and which are known [pairs, 288]."""
    count, total, known = tiers.slow(asset, end[:, None] + np.arange(-SLOW_WINDOW, 0), since_us, columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        return total / count, count, known


def daily_window(
    tiers: Tiers, columns: np.ndarray, asset: np.ndarray, end: np.ndarray, since_us: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means and counts [pairs, signals, 30] of the daily bins before day `end`."""
    count, total = tiers.daily(asset, end[:, None] + np.arange(-DAYS_WINDOW, 0), since_us, columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        return total / count, count


def residuals(spec: Spec, mean: np.ndarray) -> np.ndarray:
    """What targets read over what is expected: [pairs, signals, ...] to [pairs, targets, ...]; term after term."""
    out = np.empty((mean.shape[0], len(spec.expected), *mean.shape[2:]))
    for at, one in enumerate(spec.expected):
        over = mean[:, spec.signals.index(one.target)] - one.intercept
        for signal, coefficient in one.terms:
            over -= coefficient * mean[:, spec.signals.index(signal)]
        out[:, at] = over
    return out


def latest(filled: np.ndarray, most: int) -> np.ndarray:
    """The last `most` of the filled bins of each row [pairs, bins]."""
    from_the_end = np.cumsum(filled[:, ::-1], axis=1)[:, ::-1]
    return filled & (from_the_end <= most)


def mean_over(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mean of the known values that are chosen, along the last axis; NaN of none."""
    known = chosen & ~np.isnan(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, values, 0.0).sum(axis=-1) / np.count_nonzero(known, axis=-1)


def slope(values: np.ndarray, weight: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Weighted least-squares slope along the last axis over places `at`; NaN under two known values."""
    unknown = np.isnan(values)
    weight = np.where(unknown, 0.0, weight)
    known = np.where(unknown, 0.0, values)
    total = weight.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = at - (weight * at).sum(axis=-1, keepdims=True) / total
        known -= (weight * known).sum(axis=-1, keepdims=True) / total
        known *= weight * off
        np.square(off, out=off)
        off *= weight
        return known.sum(axis=-1) / off.sum(axis=-1)


def unrolled(spec: Spec, mean: np.ndarray) -> np.ndarray:
    """Counters [pairs, counters, bins] as if they had never begun again: each rises on from where it was.

    One that falls to under RESET_SHARE of what it said has rolled over, where the spec knows at what value and it was
    within the same share of that, or was reset to 0, as Prometheus' `rate` takes it. Any other fall is left in.
    """
    if not mean.shape[1]:
        return mean
    known = ~np.isnan(mean)
    place = np.maximum.accumulate(np.where(known, np.arange(mean.shape[2]), -1), axis=2)
    before = np.full(mean.shape, np.nan)
    last = place[:, :, :-1]
    before[:, :, 1:] = np.where(last >= 0, np.take_along_axis(mean, np.maximum(last, 0), axis=2), np.nan)
    top = np.array([spec.rolls_over_at.get(name, np.inf) for name in spec.counters])[:, None]
    with np.errstate(invalid="ignore"):
        again = known & (mean < RESET_SHARE * before)
        rolled = again & (before > (1 - RESET_SHARE) * top)
    return mean + np.cumsum(np.where(rolled, top, np.where(again, before, 0.0)), axis=2)
