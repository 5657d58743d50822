"""What a worker measures of itself while it works: how large batches are, how long outputs take, what was scored.

Counts of this process alone, in no snapshot: a partition that comes back goes on with those it had here. Only plain
numbers, added to once a batch; connectors show them, and nothing decides by them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

BATCH_RECORDS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)
"""Records of a step: one to a fetch's most and a wire batch more."""

LATENCY_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)
"""From an idle worker's quickest answer to what nobody would call live."""

US_PER_MS, MS_PER_S = 1_000, 1_000


class Histogram:
    """Counts by bounds, each inclusive; the last count is of what is over all bounds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def observe_all(self, values: np.ndarray) -> None:
        """Count many at once; `values` is [n] of float64."""
        found = np.bincount(np.searchsorted(self.bounds, values), minlength=len(self.counts))
        self.counts = [have + more for have, more in zip(self.counts, found.tolist(), strict=True)]
        self.total += float(values.sum())


@dataclass(slots=True)
class Meters:
    """Of one partition."""

    batches: Histogram = field(default_factory=lambda: Histogram(BATCH_RECORDS))
    latency: Histogram = field(default_factory=lambda: Histogram(LATENCY_S))
    snapshot_bytes: int | None = None
    """Of the last snapshot that was written here."""
    balanced: bool | None = None
    """Whether the ledger balanced when it was last looked at, which is between steps."""

    def published(self, arrived_ms: Sequence[int], now_us: int) -> None:
        """Outputs of records that arrived then are acknowledged now. A broker's clock that is ahead counts as none."""
        if arrived_ms:
            late_ms = now_us / US_PER_MS - np.array(arrived_ms, np.float64)
            self.latency.observe_all(np.maximum(late_ms, 0.0) / MS_PER_S)


class Size(NamedTuple):
    """Assets that a partition remembers, and bytes of their arrays in memory."""

    assets: int
    array_bytes: int


@dataclass(slots=True)
class Scores:
    """Minutes of running that became due, rows that the model was asked about, and what of it was not new.

    `unchanged` are due minutes not asked about, since their features are as they were, `repeated` those whose forecast
    says what the last did.
    """

    due: int = 0
    scored: int = 0
    unchanged: int = 0
    repeated: int = 0


@dataclass(slots=True)
class Doings:
    """Of a role beside the workers, since it began: when it last looked at its topics, by the clock; its work.

    `done` and `failed` count whole pieces of work: notifications, plans, suggestions, spans.
    """

    looked_s: float | None = None
    done: int = 0
    failed: int = 0
