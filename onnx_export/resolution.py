"""Whether float32 can hold what a feature says: its steps against the feature's spread, and against thresholds.

Raw epoch seconds and large counters cannot: at 1.7e9 the next float32 is 128 further. They belong into float64
arithmetic upstream of the graph, as a difference or a rate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

MOST_SHARE = 1e-3
"""Of its spread that one float32 step may be: a thousandth is finer than sensors are. The starter's worst is 4e-6. Our
choice."""
LARGEST = float(np.finfo(np.float32).max)
WHOLE = 2.0**24
"""From here on float32 does not hold every whole number (IEEE 754, 24 bits of significand)."""
MIDDLE, NEARLY_ALL = (25.0, 75.0), (1.0, 99.0)


class Resolution(Struct, frozen=True):
    """A feature in float32: the step at its largest magnitude, its spread, and the narrowest gap between thresholds.

    `spread` is the interquartile range; where that is 0 the middle 98 %, where that is 0 all of its range. `gap_steps`
    is in float32 steps at the thresholds' own magnitude, 0 where two are the same, infinite where there are no two.
    """

    feature: str
    largest: float
    step: float
    spread: float
    gap_steps: float

    @property
    def share(self) -> float:
        """The step over the spread; 0 of a feature that never changes."""
        return self.step / self.spread if self.spread else 0.0

    def wrong(self) -> str | None:
        """Why float32 cannot hold it."""
        if self.largest >= WHOLE:
            return f"'{self.feature}' reaches {self.largest:.9g}, where float32 steps by {self.step:g}"
        if self.share > MOST_SHARE:
            of = f"{self.share:.2g} of its spread {self.spread:.3g}"
            return f"'{self.feature}' steps by {self.step:.3g} in float32, {of}"
        if self.gap_steps < 1.0:
            return f"'{self.feature}' has thresholds that are the same in float32"
        return None


def resolutions(
    history: np.ndarray, names: Sequence[str], thresholds: Sequence[tuple[int, float]] = ()
) -> list[Resolution]:
    """Of each column of history [rows, features] in float32 or float64; thresholds are (column, value)."""
    by_column: dict[int, list[float]] = {}
    for column, value in thresholds:
        by_column.setdefault(column, []).append(value)
    return [_of(history[:, at], name, by_column.get(at, [])) for at, name in enumerate(names)]


def _of(column: np.ndarray, name: str, thresholds: Sequence[float]) -> Resolution:
    values = column[np.isfinite(column)].astype(np.float64)
    largest = float(np.abs(values).max()) if len(values) else 0.0
    return Resolution(
        feature=name,
        largest=largest,
        step=float(np.spacing(np.float32(largest))),
        spread=_spread(values) if len(values) else 0.0,
        gap_steps=_gap(np.unique(np.asarray(thresholds, np.float64))),
    )


def _spread(values: np.ndarray) -> float:
    for low, high in (np.percentile(values, MIDDLE), np.percentile(values, NEARLY_ALL)):
        if high > low:
            return float(high - low)
    return float(np.ptp(values))


def _gap(thresholds: np.ndarray) -> float:
    """Float32 steps between the two that are nearest, each rounded down as it is exported (train.floor32)."""
    if len(thresholds) < 2:
        return float("inf")
    near = np.clip(thresholds, -LARGEST, LARGEST).astype(np.float32)
    floors = np.where(near > thresholds, np.nextafter(near, np.float32(-np.inf)), near)
    bits = floors.view(np.int32).astype(np.int64)
    places = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)  # float32 in order are whole numbers in order
    return float(np.diff(places).min())
