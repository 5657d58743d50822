"""An asset's own usual: where its residuals lay over its first hours of running in a life, in float64."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from models.features.spec import Spec
from models.features.windows import residuals, slow_window
from models.tiers import Tiers

AFTER_RUNNING_MIN = 24 * 60
"""Running minutes in a life after which its usual is taken: a day and a night of load. Our choice."""
LEAST_QUARTERS = 48
"""15-min bins that a usual rests on at least: half of those 24 h, so that a sensor that came late has none."""


class Baseline(Struct, frozen=True, eq=False):
    """Taken in the life since `since_us`, at the end of `minute`; of use from the next hour of the clock on.

    `usual` and `spread` are float64 [targets], NaN where unknown; `features` is the float32 row of that minute.
    """

    since_us: int
    minute: int
    usual: bytes
    spread: bytes
    features: bytes

    def usable(self, since_us: int, minute: int, behind_min: int) -> bool:
        """Whether a minute of a life may use it: it was final before the minute's hour began, however batches fell."""
        return self.since_us == since_us and (self.minute + behind_min) // 60 < minute // 60


def baseline_of(
    spec: Spec, columns: np.ndarray, tiers: Tiers, asset: int, minute: int, since_us: int, features: bytes
) -> Baseline:
    """The usual of an asset from the 72 h that end with a minute."""
    end, since = np.array([(minute + 1) // 15]), np.array([since_us])
    mean, _, _ = slow_window(tiers, columns, np.array([asset]), end, since)
    over = residuals(spec, mean)[0]
    filled = ~np.isnan(over)
    count = filled.sum(axis=1)
    enough = count >= LEAST_QUARTERS
    usual, spread = np.full(len(over), np.nan), np.full(len(over), np.nan)
    if enough.any():
        usual[enough] = np.where(filled, over, 0.0).sum(axis=1)[enough] / count[enough]
        off = np.where(filled, over - usual[:, None], 0.0)
        spread[enough] = np.sqrt(np.square(off).sum(axis=1)[enough] / count[enough])
    return Baseline(since_us, minute, usual.tobytes(), spread.tobytes(), features)


def levels(spec: Spec, baselines: Sequence[Baseline | None]) -> tuple[np.ndarray, np.ndarray]:
    """Usual and spread, float64 [pairs, targets] each, NaN where there is no baseline."""
    usual = np.full((len(baselines), len(spec.expected)), np.nan)
    spread = usual.copy()
    for at, one in enumerate(baselines):
        if one is not None:
            usual[at], spread[at] = np.frombuffer(one.usual), np.frombuffer(one.spread)
    return usual, spread
