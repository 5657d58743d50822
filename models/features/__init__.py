"""What a model sees of an asset at the end of a minute: one ordered, hashed list of features over the bins.

Live, driver and training all come through `compute`; its float32 rows are equal bit for bit, alone or among others.
"""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np
from msgspec import Struct

from models.bins import MINUTE_US, QUARTER, changes
from models.tiers import SPAN, Tiers

SLOW_WINDOW = 288
"""15-min bins in 72 h."""
DAY = 96
"""15-min bins in 24 h."""
QUARTER_H = QUARTER / 60

PER_SIGNAL = ("mean_1h", "mean_24h_less_72h", "slope_72h_per_h", "spread_1h")
PER_ASSET = ("completeness_72h", "running_h")


class Spec(Struct, frozen=True, dict=True):
    """The features of one model: PER_SIGNAL of each signal, in order, then PER_ASSET."""

    signals: tuple[str, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(f"{signal}.{what}" for signal in self.signals for what in PER_SIGNAL) + PER_ASSET

    @cached_property
    def sha256(self) -> str:
        """Identity of the list: a model and a worker must agree on it."""
        return hashlib.sha256("\n".join(self.names).encode()).hexdigest()

    def columns_of(self, signal: str) -> slice:
        """Where a signal's features stand."""
        at = self.signals.index(signal) * len(PER_SIGNAL)
        return slice(at, at + len(PER_SIGNAL))

    @property
    def completeness(self) -> int:
        """Column of the share of 15-min bins of the last 72 h that hold samples."""
        return len(self.names) - 2

    @property
    def running(self) -> int:
        """Column of the hours with samples since the last repair."""
        return len(self.names) - 1


class Lives(Struct):
    """Running time settled so far, per asset: in the life since `since_us`, quarters up to `quarter`, how many."""

    since_us: np.ndarray
    quarter: np.ndarray
    quarters: np.ndarray

    @classmethod
    def none(cls, assets: int) -> Lives:
        """Assets of which nothing is known."""
        return cls(np.zeros(assets, np.int64), np.full(assets, -1, np.int64), np.zeros(assets, np.int64))

    def grow(self, assets: int) -> None:
        """Make room for `assets` machines in all."""
        fresh = Lives.none(assets - len(self.quarter))
        for name in self.__struct_fields__:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    def settle(self, asset: int, minute: int, since_us: int) -> None:
        """Count the quarter of a bin that can no longer change; bins come in order."""
        if since_us != self.since_us[asset]:
            self.since_us[asset], self.quarters[asset] = since_us, 0
        quarter = minute // QUARTER
        if quarter > self.quarter[asset] and quarter * QUARTER * MINUTE_US >= since_us:
            self.quarter[asset] = quarter
            self.quarters[asset] += 1


def spans(bins_asset: np.ndarray, bins_minute: np.ndarray) -> np.ndarray:
    """Round of each bin (sorted by asset and minute): within one round no asset's minutes are SPAN or more apart."""
    first = np.maximum.accumulate(np.where(changes(bins_asset), np.arange(len(bins_asset)), 0))
    return (bins_minute - bins_minute[first]) // SPAN


def compute(
    spec: Spec,
    columns: np.ndarray,
    tiers: Tiers,
    lives: Lives,
    asset: np.ndarray,
    minute: np.ndarray,
    since_us: np.ndarray,
) -> np.ndarray:
    """Feature rows, float32 [pairs, features], of pairs sorted by asset and minute.

    `columns` are the places of the spec's signals in the tiers; `since_us` [pairs] is the start of the machine's life.
    A window without samples gives NaN.
    """
    out = np.empty((len(asset), len(spec.names)))
    per_signal = out[:, : len(spec.signals) * len(PER_SIGNAL)].reshape(len(asset), len(spec.signals), len(PER_SIGNAL))
    count, total, squares = (part[:, columns] for part in tiers.fast(asset, minute, since_us))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / count
        variance = squares / count - np.square(mean - tiers.reference[columns])
    per_signal[:, :, 0] = mean
    per_signal[:, :, 3] = np.sqrt(np.maximum(variance, 0.0))
    end = (minute + 1) // QUARTER
    changed = changes(asset) | changes(end) | changes(since_us)
    heads, of_pair = np.flatnonzero(changed), np.cumsum(changed) - 1
    slow, known, quarters = _slow(tiers, columns, asset[heads], end[heads], since_us[heads])
    per_signal[:, :, 1:3] = slow[of_pair]
    out[:, spec.completeness] = (known.sum(axis=1) / SLOW_WINDOW)[of_pair]
    out[:, spec.running] = _running_h(lives, asset, minute, since_us, known, quarters, of_pair)
    return out.astype(np.float32)


def _slow(
    tiers: Tiers, columns: np.ndarray, asset: np.ndarray, end: np.ndarray, since_us: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """24 h mean less 72 h mean, and slope per hour over 72 h: [pairs, signals, 2]; with the bins they rest on."""
    quarters = end[:, None] + np.arange(-SLOW_WINDOW, 0)
    count, total, known = tiers.slow(asset, quarters, since_us, columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        day = total[:, :, -DAY:].sum(axis=2) / count[:, :, -DAY:].sum(axis=2)
        difference = day - total.sum(axis=2) / count.sum(axis=2)
        return np.stack([difference, _slope(count, total)], axis=2), known, quarters


def _slope(count: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Least-squares slope per hour of the 15-min means, each filled bin weighing the same; NaN under two bins."""
    filled = (count > 0).astype(np.float64)
    mean = np.where(count > 0, total / count, 0.0)
    hours = np.arange(1 - SLOW_WINDOW, 1) * QUARTER_H
    weight = filled.sum(axis=2)
    at = (filled * hours).sum(axis=2) / weight
    off = (hours - at[:, :, None]) * filled
    level = mean.sum(axis=2) / weight
    return (off * (mean - level[:, :, None])).sum(axis=2) / np.square(off).sum(axis=2)


def _running_h(
    lives: Lives,
    asset: np.ndarray,
    minute: np.ndarray,
    since_us: np.ndarray,
    known: np.ndarray,
    quarters: np.ndarray,
    of_pair: np.ndarray,
) -> np.ndarray:
    """Hours with samples in this life: what is settled, filled bins after that, and the unfinished one."""
    same = lives.since_us[asset] == since_us
    after = np.where(same, lives.quarter[asset], -1)
    settled = np.where(same, lives.quarters[asset], 0)
    later = (known[of_pair] & (quarters[of_pair] > after[:, None])).sum(axis=1)
    current = minute // QUARTER
    unfinished = (current > quarters[of_pair, -1]) & (current > after) & (current * QUARTER * MINUTE_US >= since_us)
    return (settled + later + unfinished) * QUARTER_H
