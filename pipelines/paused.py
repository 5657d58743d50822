"""Pauses of machines whose values hold: minutes without a sample that stand for them, and which minute ends each."""

from __future__ import annotations

import numpy as np

from models.bins import COUNT, Bins
from models.holding import minutes_of, pauses, with_empty
from pipelines.state import Block


def has_samples(statistics: np.ndarray) -> np.ndarray:
    """Whether each bin [bins, 7, columns] has a sample, or is a pause in which values hold."""
    return np.any(statistics[:, COUNT] > 0, axis=1)


def with_pauses(block: Block, bins: Bins) -> tuple[Bins, np.ndarray]:
    """These bins and empty ones at which the values that hold through a pause are summed, in order.

    Of these the asset, the minute, and the minute that ends the pause: [pauses, 3].
    """
    found: list[tuple[int, int, int]] = []
    if not block.layout.held.columns.any() or not len(bins.asset):
        return bins, np.empty((0, 3), np.int64)
    for asset, minutes in minutes_of(bins):
        waiting = block.small.unsettled.get(asset, {})
        before, taken = int(block.machines.minute[asset]), int(block.machines.taken[asset])
        if waiting:
            each = np.array(sorted(waiting), np.int64)
            heard = has_samples(block.tiers.statistics(np.full(len(each), asset), each))
            minutes = np.union1d(minutes, each[heard])
        known = np.append(before, minutes) if before >= 0 else minutes
        every = (m for m in pauses(known, block.layout.rule.hearing_min) if m > taken and m not in waiting)
        found += ((asset, m, int(known[np.searchsorted(known, m)])) for m in every)
    return with_empty(bins, [pair[:2] for pair in found]), np.array(found, np.int64).reshape(-1, 3)
