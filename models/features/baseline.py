"""An asset's own usual: where its residuals lay once it had run for a day in a life, in float64.

It is looked for once an hour from then on, until each target has one: a pump that rests a lot needs longer, and a
sensor that was out has its turn later. What was found once stays for the life.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from msgspec import Struct

from models.features.spec import Spec
from models.features.windows import residuals, slow_window
from models.tiers import Tiers

AFTER_RUNNING_MIN = 24 * 60
"""Running minutes in a life after which its usual is looked for: a day and a night of load. Our choice."""
LEAST_QUARTERS = 24
"""15-min bins of settled running in 72 h that a usual rests on at least: a quarter of a day's. Our choice."""
HOUR_MIN = 60
NEVER_MIN = int(np.iinfo(np.int64).max)


class Baseline(Struct, frozen=True, eq=False):
    """Of the life since `since_us`, first looked for at the end of minute `first`, last of `minute`.

    `taken` is the minute that each target's usual was found at, int64 [targets], NEVER_MIN where it was not; `usual`
    and `spread` are float64 [targets]; `features` is the float32 row of the first of them, with nothing changed.
    """

    since_us: int
    first: int
    minute: int
    taken: bytes
    usual: bytes
    spread: bytes
    features: bytes

    @property
    def is_whole(self) -> bool:
        """Whether each target has its usual."""
        return NEVER_MIN not in memoryview(self.taken).cast("q")

    def wants(self, since_us: int, minute: int) -> bool:
        """Whether a final minute of a life is one to look for its usual at."""
        return self.since_us != since_us or (not self.is_whole and minute // HOUR_MIN > self.minute // HOUR_MIN)

    def usable(self, since_us: int, minute: int, behind_min: int) -> bool:
        """Whether a minute of a life may use it: `first` was final before the minute's hour began."""
        return self.since_us == since_us and (self.first + behind_min) // HOUR_MIN < minute // HOUR_MIN

    def known(self, minute: int | np.ndarray, behind_min: int) -> np.ndarray:
        """Targets whose usual was final before a minute's hour began, however batches fell.

        Of minutes [pairs, 1]: bool [pairs, targets].
        """
        taken = np.frombuffer(self.taken, np.int64)
        return (taken != NEVER_MIN) & ((np.minimum(taken, minute) + behind_min) // HOUR_MIN < minute // HOUR_MIN)


def baseline_of(
    spec: Spec,
    columns: np.ndarray,
    tiers: Tiers,
    asset: int,
    minute: int,
    since_us: int,
    features: bytes,
    before: Baseline | None = None,
) -> Baseline:
    """The usual of an asset from the 72 h that end with a minute, where `before` does not have it already."""
    end, since = np.array([(minute + 1) // 15]), np.array([since_us])
    mean, _, _ = slow_window(tiers, columns, np.array([asset]), end, since)
    over = residuals(spec, mean)[0]
    filled = ~np.isnan(over)
    count = filled.sum(axis=1)
    found = count >= LEAST_QUARTERS
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = np.where(filled, over, 0.0).sum(axis=1) / count
        spread = np.sqrt(np.square(np.where(filled, over - usual[:, None], 0.0)).sum(axis=1) / count)
    taken = np.where(found, minute, NEVER_MIN)
    usual[~found] = spread[~found] = np.nan
    first = minute
    if before is not None and before.since_us == since_us:
        first = before.first
        had = np.frombuffer(before.taken, np.int64)
        kept = had != NEVER_MIN
        taken[kept], usual[kept] = had[kept], np.frombuffer(before.usual)[kept]
        spread[kept] = np.frombuffer(before.spread)[kept]
        features = before.features
    return Baseline(
        since_us, first, minute, taken.tobytes(), usual.tobytes(), spread.tobytes(), _unchanged(spec, features, usual)
    )


def _unchanged(spec: Spec, features: bytes, usual: np.ndarray) -> bytes:
    """The row as it is while nothing is other than usual: no change, nothing outside."""
    row = np.frombuffer(features, np.float32).copy()
    for one, level in zip(spec.expected, usual.tolist(), strict=True):
        if level == level and len(row):
            row[spec.column(f"{one.target}.change_24h")] = row[spec.column(f"{one.target}.exceeds_72h")] = 0.0
            if spec.groups.fleet:
                row[spec.column(f"{one.target}.is_own")] = 1.0
    return row.tobytes()


def levels(
    spec: Spec, baselines: Sequence[Baseline | None], minute: np.ndarray, behind_min: int
) -> tuple[np.ndarray, np.ndarray]:
    """Usual and spread, float64 [pairs, targets] each, as each minute may use them; NaN where there is none."""
    usual = np.full((len(baselines), len(spec.expected)), np.nan)
    spread = usual.copy()
    for _, run in groupby(range(len(baselines)), lambda at: id(baselines[at])):
        at = list(run)
        one = baselines[at[0]]
        if one is not None:
            known = one.known(minute[at, None], behind_min)
            usual[at] = np.where(known, np.frombuffer(one.usual), np.nan)
            spread[at] = np.where(known, np.frombuffer(one.spread), np.nan)
    return usual, spread
