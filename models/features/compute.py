"""Bins to feature rows. Slow windows are summed once for all minutes of an asset that share them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from models.bins import QUARTER, changes
from models.features import more
from models.features.groups import PER_COUNTED
from models.features.spec import PER_ASSET, PER_EVENT, PER_SHARE, PER_SIGNAL, PER_TARGET, Spec
from models.features.windows import (
    DAY,
    DAYS_WINDOW,
    QUARTER_H,
    SLOW_WINDOW,
    daily_window,
    latest,
    mean_over,
    residuals,
    slope,
    slow_window,
    unrolled,
)
from models.tiers import QUARTERS_A_DAY, SPAN, Tiers

MINUTES_A_DAY = QUARTERS_A_DAY * QUARTER
WEEK = 7
"""Days of running that the shorter of the daily slopes takes, within twice as many days of the calendar."""
OUTSIDE = 2.0
"""Spreads from its usual at which a residual lies outside; its rate is ECDF-like and blind to the size of outliers."""


class Pairs(NamedTuple):
    """What to compute rows of, sorted by asset and minute, and what is known of each: all arrays [pairs].

    `usual` and `spread` are [pairs, targets], NaN where the asset has no baseline yet.
    """

    asset: np.ndarray
    minute: np.ndarray
    since_us: np.ndarray
    running_min: np.ndarray
    starts: np.ndarray
    usual: np.ndarray
    spread: np.ndarray


def spans(asset: np.ndarray, minute: np.ndarray, span: int | np.ndarray = SPAN) -> np.ndarray:
    """Round of each bin (sorted by asset and minute): an asset's minutes of one round lie in one span of the clock.

    `span` is in minutes, and may be another one for each asset: then it is [bins].
    """
    first = np.maximum.accumulate(np.where(changes(asset), np.arange(len(asset)), 0))
    return minute // span - minute[first] // span


class Known(NamedTuple):
    """What the slow windows of an asset's last head gave; `key` begins with the 15-min bin before which they end."""

    key: tuple[int, int, bytes, bytes]
    row: np.ndarray


def compute(
    spec: Spec,
    columns: np.ndarray,
    tiers: Tiers,
    pairs: Pairs,
    known: dict[int, Known] | None = None,
    facts: more.Facts | None = None,
) -> np.ndarray:
    """Feature rows, float32 [pairs, features].

    `columns` are the places of `spec.inputs` in the tiers. A window without samples gives NaN. Slow windows that are
    `known` by asset are not summed again: whoever keeps them forgets those in whose bins something changed. `facts` are
    for groups alone.
    """
    out = np.empty((len(pairs.asset), len(spec.names)))
    signals, targets = len(spec.signals), len(spec.expected)
    ends = np.cumsum(
        (
            signals * len(PER_SIGNAL), targets * len(PER_TARGET), len(spec.counters),
            len(spec.shares) * len(PER_SHARE), len(spec.events) * len(PER_EVENT),
        )
    )  # fmt: skip
    per_signal = out[:, : ends[0]].reshape(len(out), signals, len(PER_SIGNAL))
    per_target = out[:, ends[0] : ends[1]].reshape(len(out), targets, len(PER_TARGET))
    shares = np.arange(len(spec.shares)) + signals + len(spec.counters)
    fast = tiers.fast(*pairs[:3])
    count, total, squares = (part[:, columns[:signals]] for part in fast)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / count
        variance = squares / count - np.square(mean - tiers.reference[columns[:signals]])
        per_share = out[:, ends[2] : ends[3]].reshape(len(out), len(shares), len(PER_SHARE))
        per_share[:, :, 0] = fast[1][:, columns[shares]] / fast[0][:, columns[shares]]
    per_signal[:, :, 0], per_signal[:, :, 1] = mean, np.sqrt(np.maximum(variance, 0.0))
    per_target[:, :, 0] = residuals(spec, mean)
    heads, of_pair = _heads(pairs)
    slow = _Slow.of(spec, _rows(spec, columns, tiers, Pairs(*(part[heads] for part in pairs)), known))
    per_signal[:, :, 2] = slow.mean[of_pair]
    per_target[:, :, 1:] = slow.targets[of_pair]
    out[:, ends[1] : ends[2]] = slow.rates[of_pair]
    per_share[:, :, 1] = slow.shares[of_pair]
    out[:, ends[3] : ends[4]] = slow.events[of_pair]
    out[:, ends[4]] = slow.completeness[of_pair, 0]
    out[:, ends[4] + 1], out[:, ends[4] + 2] = pairs.running_min / 60, pairs.starts
    if (width := ends[4] + len(PER_ASSET)) < out.shape[1]:
        row = more.Row(pairs.usual, slow.targets[of_pair, :, 0], slow.counts[of_pair], per_share[:, :, 0])
        out[:, width:] = more.columns_of(spec.groups, spec.shares, row, facts)
    return out.astype(np.float32)


def _heads(pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """The first of the pairs that share their slow windows and baseline, and for each pair which of them."""
    usual = pairs.usual.view(np.int64)
    other_usual = np.ones(len(usual), bool)
    other_usual[1:] = (usual[1:] != usual[:-1]).any(axis=1)
    changed = changes(pairs.asset) | changes((pairs.minute + 1) // QUARTER) | changes(pairs.since_us) | other_usual
    return np.flatnonzero(changed), np.cumsum(changed) - 1


class _Slow(NamedTuple):
    mean: np.ndarray  # [heads, signals]
    targets: np.ndarray  # [heads, targets, PER_TARGET but the first]
    rates: np.ndarray  # [heads, counters]
    shares: np.ndarray  # [heads, shares] of the last 24 h of running
    events: np.ndarray  # [heads, events]
    counts: np.ndarray  # [heads, counted events * 4]
    completeness: np.ndarray  # [heads, 1]

    @classmethod
    def of(cls, spec: Spec, rows: np.ndarray) -> _Slow:
        """Of rows as `rows` makes them."""
        targets, each = len(spec.expected), len(PER_TARGET) - 1
        widths = (
            len(spec.signals), targets * each, len(spec.counters), len(spec.shares), len(spec.events),
            len(spec.groups.counted) * len(PER_COUNTED),
        )  # fmt: skip
        mean, of_target, *others = np.split(rows, np.cumsum(widths), axis=1)
        return cls(mean, of_target.reshape(len(rows), targets, each), *others)

    def rows(self) -> np.ndarray:
        """All of each head in a row: [heads, width]."""
        return np.concatenate([part.reshape(len(part), math.prod(part.shape[1:])) for part in self], axis=1)


def _rows(spec: Spec, columns: np.ndarray, tiers: Tiers, heads: Pairs, known: dict[int, Known] | None) -> np.ndarray:
    """Slow windows of each head as a row, summed where they are not known."""
    if known is None or not len(heads.asset):
        return _summed(spec, columns, tiers, heads)
    assets, ends = heads.asset.tolist(), ((heads.minute + 1) // QUARTER).tolist()
    lives = zip(ends, heads.since_us.tolist(), heads.usual, heads.spread, strict=True)
    keys = [(end, since_us, usual.tobytes(), spread.tobytes()) for end, since_us, usual, spread in lives]
    new = [at for at, asset in enumerate(assets) if asset not in known or known[asset].key != keys[at]]
    fresh = _summed(spec, columns, tiers, Pairs(*(part[new] for part in heads))) if new else ()
    rows = [known[asset].row if asset in known else None for asset in assets]
    for at, row in zip(new, fresh, strict=True):
        rows[at] = row
        known[assets[at]] = Known(keys[at], row.copy())
    return np.array(rows)


HEADS = 64
"""Heads at a time: the windows of more leave the processor's cache. Measured."""


def _summed(spec: Spec, columns: np.ndarray, tiers: Tiers, heads: Pairs) -> np.ndarray:
    """Slow windows of each head as a row, summed."""
    begins = range(0, max(len(heads.asset), 1), HEADS)
    parts = (Pairs(*(part[begin : begin + HEADS] for part in heads)) for begin in begins)
    return np.concatenate([_slow(spec, columns, tiers, part).rows() for part in parts])


def _slow(spec: Spec, columns: np.ndarray, tiers: Tiers, heads: Pairs) -> _Slow:
    signals, shares = len(spec.signals), len(spec.signals) + len(spec.counters)
    events = shares + len(spec.shares)
    counted = events + len(spec.events)
    end = (heads.minute + 1) // QUARTER
    mean, count, known = slow_window(tiers, columns, heads.asset, end, heads.since_us)
    ran = latest(np.any(count > 0, axis=1), DAY)
    over = residuals(spec, mean[:, :signals])
    targets = np.empty((len(end), len(spec.expected), len(PER_TARGET) - 1))
    usual, spread = more.compared(spec.groups, heads.usual, heads.spread)
    targets[:, :, 0] = mean_over(over, ran[:, None, :])
    targets[:, :, 1] = targets[:, :, 0] - usual
    targets[:, :, 2] = _outside(over, usual, spread)
    targets[:, :, 3] = slope(over, np.ones_like(over), _hours())
    targets[:, :, 4:] = _daily(spec, columns, tiers, heads)
    return _Slow(
        mean_over(mean[:, :signals], ran[:, None, :]),
        targets,
        _rates(unrolled(spec, mean[:, signals:shares])),
        mean_over(mean[:, shares:events], ran[:, None, :]),
        (count[:, events:counted] * ran[:, None, :]).sum(axis=2),
        more.counts(
            tiers, columns[counted:], heads.asset, end, heads.since_us, count[:, counted:], ran, columns[:signals]
        ),
        known.sum(axis=1, keepdims=True) / SLOW_WINDOW,
    )


def _hours() -> np.ndarray:
    return np.arange(1 - SLOW_WINDOW, 1) * QUARTER_H


def _outside(over: np.ndarray, usual: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Share of residuals above the usual less the share below it, by more than OUTSIDE spreads: -1 to 1."""
    with np.errstate(invalid="ignore", divide="ignore"):
        off = (over - usual[:, :, None]) / spread[:, :, None]
        known = ~np.isnan(off)
        return ((off > OUTSIDE).sum(axis=2) - (off < -OUTSIDE).sum(axis=2)) / known.sum(axis=2)


def _rates(mean: np.ndarray) -> np.ndarray:
    """Slope per hour of counters [heads, counters, 288]; NaN where one went back and nothing says why."""
    if not mean.shape[1]:
        return np.empty(mean.shape[:2])
    went_back = (~np.isnan(mean) & (mean < np.fmax.accumulate(mean, axis=2))).any(axis=2)
    return np.where(went_back, np.nan, slope(mean, np.ones_like(mean), _hours()))


def _daily(spec: Spec, columns: np.ndarray, tiers: Tiers, heads: Pairs) -> np.ndarray:
    """Slopes per day over a week and a month of days that are over: [heads, targets, 2].

    A day weighs as much as its target has samples.
    """
    signals = len(spec.signals)
    end = (heads.minute + 1) // MINUTES_A_DAY
    mean, count = daily_window(tiers, columns[:signals], heads.asset, end, heads.since_us)
    over = residuals(spec, mean)
    of_target = np.array([spec.signals.index(one.target) for one in spec.expected], np.int64)
    weight = np.take(count, of_target, axis=1)
    days = np.arange(1.0 - DAYS_WINDOW, 1.0)
    recent = np.any(count > 0, axis=1)
    recent[:, : -2 * WEEK] = False
    week = weight * latest(recent, WEEK)[:, None, :]
    return np.stack([slope(over, week, days), slope(over, weight, days)], axis=2)
