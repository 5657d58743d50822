"""The bins an asset type's windows are merged from: an hour and more of 1-min bins, 72 h of 15-min bins, as rings.

A block of arrays over all assets of one type in one partition, owned by whoever steps it. A slot says which bin it
holds, so a ring needs no cleaning when time jumps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.bins import COUNT, EMPTY, MINUTE_US, QUARTER, SQUARES, SUM, Bins

MINUTES = 128
"""Slots of 1-min bins: 60 of the longest fast window, SPAN that close together, and what lateness can still correct."""
QUARTERS = 304
"""Slots of 15-min bins: 288 of the longest slow window and what closes together or can still be corrected."""
SPAN = 60
"""Minutes of one asset that may be written before the windows of the first of them are read."""
QUARTER_US = QUARTER * MINUTE_US


@dataclass(slots=True)
class Tiers:
    """Rings of `assets` machines with `signals` signals; `reference` [signals] is what squares are taken about."""

    reference: np.ndarray
    minute: np.ndarray  # [assets, MINUTES] index of the bin in the slot, -1 for none
    minute_statistics: np.ndarray  # [assets, MINUTES, 7, signals]
    quarter: np.ndarray  # [assets, QUARTERS]
    quarter_count: np.ndarray  # [assets, QUARTERS, signals]
    quarter_sum: np.ndarray  # [assets, QUARTERS, signals]

    @classmethod
    def empty(cls, assets: int, reference: np.ndarray) -> Tiers:
        """Rings that hold nothing."""
        signals = len(reference)
        return cls(
            reference=reference,
            minute=np.full((assets, MINUTES), -1, np.int64),
            minute_statistics=np.tile(EMPTY[:, None], (assets, MINUTES, 1, signals)),
            quarter=np.full((assets, QUARTERS), -1, np.int64),
            quarter_count=np.zeros((assets, QUARTERS, signals), np.int32),
            quarter_sum=np.zeros((assets, QUARTERS, signals)),
        )

    def grow(self, assets: int) -> None:
        """Make room for `assets` machines in all."""
        more = assets - len(self.minute)
        if more <= 0:
            return
        fresh = Tiers.empty(more, self.reference)
        for name in ("minute", "minute_statistics", "quarter", "quarter_count", "quarter_sum"):
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    def write(self, bins: Bins) -> None:
        """Put 1-min bins in their slots and merge anew each 15-min bin they belong to."""
        slot = bins.minute % MINUTES
        self.minute[bins.asset, slot] = bins.minute
        self.minute_statistics[bins.asset, slot] = bins.statistics
        quarter = bins.minute // QUARTER
        heads = np.flatnonzero(np.diff(bins.asset, prepend=-1) | np.diff(quarter, prepend=-1))
        self._merge(bins.asset[heads], quarter[heads])

    def _merge(self, asset: np.ndarray, quarter: np.ndarray) -> None:
        minutes = quarter[:, None] * QUARTER + np.arange(QUARTER)
        merged = self._merged(asset, minutes, np.zeros(len(asset), np.int64))
        slot = quarter % QUARTERS
        self.quarter[asset, slot] = quarter
        self.quarter_count[asset, slot] = merged[:, COUNT]
        self.quarter_sum[asset, slot] = merged[:, SUM]

    def _merged(self, asset: np.ndarray, minutes: np.ndarray, since_us: np.ndarray) -> np.ndarray:
        """Count, sum and squares [pairs, 3, signals] over bins [pairs, minutes].

        Unknown bins and those before `since_us` count nothing. Summed along the last axis of contiguous memory, which
        is the same order for a pair alone and among others.
        """
        slot = minutes % MINUTES
        known = (self.minute[asset[:, None], slot] == minutes) & (minutes * MINUTE_US >= since_us[:, None])
        statistics = self.minute_statistics[asset[:, None], slot, : SQUARES + 1]
        statistics[~known] = 0.0
        return np.ascontiguousarray(statistics.transpose(0, 2, 3, 1)).sum(axis=3)

    def fast(
        self, asset: np.ndarray, minute: np.ndarray, since_us: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Count, sum and squares, each [pairs, signals], of the hour that ends with each pair's minute."""
        merged = self._merged(asset, minute[:, None] - np.arange(59, -1, -1), since_us)
        return merged[:, COUNT], merged[:, SUM], merged[:, SQUARES]

    def slow(
        self, asset: np.ndarray, quarters: np.ndarray, since_us: np.ndarray, columns: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of 15-min bins [pairs, quarters]: counts and sums, each [pairs, columns, quarters], and which are known.

        A bin that was never written, is overwritten or begins before `since_us` counts nothing.
        """
        slot = quarters % QUARTERS
        known = (self.quarter[asset[:, None], slot] == quarters) & (quarters * QUARTER_US >= since_us[:, None])
        at = asset[:, None, None], slot[:, None, :], columns[None, :, None]
        unknown = np.broadcast_to(~known[:, None, :], (len(slot), len(columns), slot.shape[1]))
        count = self.quarter_count[at].astype(np.float64)
        total = self.quarter_sum[at]
        count[unknown] = 0.0
        total[unknown] = 0.0
        return count, total, known
