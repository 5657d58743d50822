"""Time to failure with a 90 % interval, from the chances of one forecast.

The chances are a distribution function known at the horizons. Between them a failure is held to be as likely at any
hour (linear; a constant hazard would bend the curve by less than chances are wrong), and nothing is known beyond the
last. An interval lies between two levels of that function: 0.05 and 0.95 were the chances perfect, else the levels that
covered 90 % on machines that the model had not seen, which `onnx_export.conformal` finds and the card has. Where the
upper level lies beyond the last horizon the interval has no end, and nothing can be missed there: its low end then
leaves out all of the 10 %, so that both kinds of interval are of 90 %.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import Struct

from models.records import HORIZONS_H, Remaining, Until

COVERED = 0.9
"""What an interval is to cover."""
HOLDS_FROM, HOLDS_TO = 0.88, 0.92
"""Coverage on held-out machines between these is told as 90 %, any other as what it was. Source: issue 9."""
MEDIAN = 0.5
LAST_H = HORIZONS_H[-1]
_EDGES_H = np.array([0, *HORIZONS_H], np.float64)


class Levels(Struct, frozen=True, kw_only=True):
    """Between which levels of a forecast's distribution its interval lies, and how that was found.

    One that has an end lies between `low` and `high`, one that has none above `alone`. It is told from `from_chance`
    within the last horizon on, and was fitted and measured there. `events` are the lives ended by a failure that it was
    fitted on, `held_out` those that `coverage` was measured on; None where it was not.
    """

    low: float
    high: float
    alone: float
    from_chance: float
    events: int
    coverage: float | None = None
    held_out: int = 0

    @property
    def holds(self) -> bool:
        """Whether it covered what it says, where that was measured."""
        return self.coverage is not None and HOLDS_FROM <= self.coverage <= HOLDS_TO

    @property
    def wrong(self) -> str | None:
        """What is wrong with the figures; None where nothing is."""
        if not (0.0 <= self.low < MEDIAN < self.high <= 1.0 and 0.0 <= self.alone < MEDIAN):
            return f"levels of an interval lie on both sides of {MEDIAN}, but are {self}"
        if not 0.0 <= self.from_chance <= 1.0 or not 0.0 <= (self.coverage or 0.0) <= 1.0:
            return f"an interval's chance and coverage lie in 0..1, but are {self.from_chance} and {self.coverage}"
        return None


def within(chances: np.ndarray, hours: np.ndarray) -> np.ndarray:
    """The chance of failure within so many hours, float64 [rows], of chances [rows, horizons].

    Beyond the last horizon it is the least that it can be, the chance within that.
    """
    place = np.clip(np.searchsorted(_EDGES_H, hours, side="left") - 1, 0, len(HORIZONS_H) - 1)
    rows, whole = np.arange(len(chances)), _whole(chances)
    share = np.clip((hours - _EDGES_H[place]) / np.diff(_EDGES_H)[place], 0.0, 1.0)
    before = whole[rows, place]
    return before + share * (whole[rows, place + 1] - before)


def quantile(chances: np.ndarray, level: float) -> np.ndarray:
    """Hours within which the chance of failure reaches a level, float64 [rows]; infinite where no horizon does."""
    whole = _whole(chances)
    reached = chances >= level
    place = np.where(reached.any(axis=1), reached.argmax(axis=1), 0)
    rows = np.arange(len(chances))
    before, after = whole[rows, place], whole[rows, place + 1]
    with np.errstate(all="ignore"):  # a step of nothing has no middle
        share = np.where(after > before, np.clip((level - before) / (after - before), 0.0, 1.0), 0.0)
    found = _EDGES_H[place] + share * np.diff(_EDGES_H)[place]
    return np.where(reached.any(axis=1), found, np.inf)


def ends(levels: Levels, chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of each row's interval, in whole hours, float64 [rows] each.

    A high end beyond the last horizon is infinite, and a low end there is that horizon.
    """
    high = np.round(quantile(chances, levels.high))
    low = np.where(np.isinf(high), quantile(chances, levels.alone), quantile(chances, levels.low))
    return np.round(np.minimum(low, LAST_H)), high


def covers(low_h: np.ndarray, high_h: np.ndarray, hours: np.ndarray) -> np.ndarray:
    """Whether intervals hold the times of failure, bool [rows]; of `hours` over the last horizon only that is known.

    So an interval with no end covers them, and any that ends does not.
    """
    return (hours >= low_h) & np.where(hours > LAST_H, np.isinf(high_h), hours <= high_h)


def remaining(levels: Levels, chances: np.ndarray) -> list[Remaining | None]:
    """What is told of each row; None where the chance within the last horizon is under `from_chance`."""
    out: list[Remaining | None] = [None] * len(chances)
    told = np.flatnonzero(chances[:, -1] >= levels.from_chance)
    low, high = ends(levels, chances[told])
    columns = told, low, np.round(quantile(chances[told], MEDIAN)), high
    stated = None if levels.holds else levels.coverage
    for at, from_h, median_h, to_h in zip(*(column.tolist() for column in columns), strict=True):
        out[at] = Remaining(
            low_h=from_h, median_h=_known(median_h), high_h=_known(to_h), until=Until.FAILURE, covered=stated
        )
    return out


def _known(hours: float) -> float | None:
    return None if math.isinf(hours) else hours


def _whole(chances: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros((len(chances), 1)), chances], axis=1)
