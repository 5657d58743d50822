"""Forecasts of signals held to what came: where they start in a life, what our trend says ahead, how they did.

Arrays in, arrays out; no plant is simulated here, and sktime is not known.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.bins import changes
from models.failure import trend
from models.failure.trend import BLOCK_H, HOURS, Hours, Trends
from onnx_export.bootstrap import DRAWS, INSIDE

HORIZONS_H = (24, 72)
"""Of running, from the middle of the last point that is known to the middle of the one that is forecast."""
STEPS = tuple(hours // BLOCK_H for hours in HORIZONS_H)
COVER = 0.9
DRAW_SEED = 20260131


class Said(NamedTuple):
    """Forecasts with intervals that are to hold 90 %: float64 [origins, tracks, horizons] each."""

    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray

    def at(self, horizon: int) -> Said:
        """Those of one horizon."""
        return Said(*(part[:, :, horizon] for part in self))


class Figures(NamedTuple):
    """How forecasts did: mean absolute error, how much more that is than another's, coverage, median width.

    `more_ends` and `ends` are those of 95 % intervals.
    """

    forecasts: int
    error: float
    more: float
    more_ends: tuple[float, float]
    coverage: float
    ends: tuple[float, float]
    width: float


def origins_of(asset: np.ndarray, since_us: np.ndarray, every_h: int) -> np.ndarray:
    """Rows that are forecast from: of each life the one after HOURS of running, and each `every_h` after it.

    Rows are hours of running, by asset and time. After a row its life has as much left as the last horizon.
    """
    begins = np.flatnonzero(changes(asset) | changes(since_us))
    ends = np.append(begins[1:], len(asset))
    spans = zip(begins.tolist(), ends.tolist(), strict=True)
    return np.concatenate([np.arange(begin + HOURS - 1, end - HORIZONS_H[-1], every_h) for begin, end in spans])


def known_at(hours: Hours, rows: np.ndarray) -> Trends:
    """What a trend would look back on at rows: those HOURS rows, which are of one life."""
    back = rows[:, None] + np.arange(1 - HOURS, 1)
    values, expected = (part[back].swapaxes(1, 2).astype(np.float32) for part in (hours.values, hours.expected))
    return Trends(hours.since_us[rows], hours.hour[back], hours.running_h[back], values, expected)


def came_after(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """What is to be forecast, [origins, tracks, horizons]: the median of BLOCK_H hours, NaN if one is not known."""
    ends = (rows[:, None] + back for back in (np.arange(hours - BLOCK_H + 1, hours + 1) for hours in HORIZONS_H))
    return np.stack([np.median(values[end], axis=1) for end in ends], axis=2)


def points_of(trends: Trends) -> tuple[np.ndarray, np.ndarray]:
    """Running hours before now [origins, points], and the points that a trend is laid through."""
    return trend._points(trends.running_h, trends.values.astype(np.float64))


def ours(trends: Trends) -> tuple[Said, Said]:
    """Where the lines of our trend are at the horizons: with the interval of the line, and of points about it.

    The line and its interval are those of `trend.ahead`, a horizon in place of a limit. Points lie about it as they did
    in the week: the 90 % quantile of their distances, added in squares.
    """
    at, points = points_of(trends)
    count = np.count_nonzero(~np.isnan(points), axis=2)
    slopes, pairs = trend._slopes(at, points)
    slope = trend._median(slopes, pairs)
    centre, spread = trend._centre(at, points, count)
    level = trend._level(at, points, slope)
    repeats = trend._repeats(at, points, count, slope, level)
    off = points - level[:, :, None] - slope[:, :, None] * at[:, None]
    with np.errstate(invalid="ignore"):
        scatter = np.quantile(np.abs(off), COVER, axis=2)
    alone, about = [], []
    for horizon_h in HORIZONS_H:
        place = at[:, -1:] + horizon_h
        far = place - centre
        middle = level + slope * place
        ends = trend._ends(slopes, pairs, count, np.hypot(1.0, spread / far) * repeats)
        low, high = (level + slope * centre + end * far for end in ends)
        alone.append((low, middle, high))
        about.append((middle - np.hypot(middle - low, scatter), middle, middle + np.hypot(high - middle, scatter)))
    return _joined(alone), _joined(about)


def _joined(by_horizon: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Said:
    return Said(*(np.stack(parts, axis=2) for parts in zip(*by_horizon, strict=True)))


def judged(machine: np.ndarray, came: np.ndarray, said: Said, other: Said, where: np.ndarray) -> Figures:
    """Forecasts of one horizon, and another's, against what came [origins, tracks], of those `where`.

    `machine` [origins] numbers.
    """
    of = machine[np.nonzero(where)[0]]
    low, middle, high, beside, true = (part[where] for part in (*said, other.middle, came))
    inside, error = (low <= true) & (true <= high), np.abs(middle - true)
    more = error - np.abs(beside - true)
    return Figures(
        forecasts=len(true),
        error=float(error.mean()),
        more=float(more.mean()),
        more_ends=between(of, more),
        coverage=float(inside.mean()),
        ends=between(of, inside),
        width=float(np.median(high - low)),
    )


def between(machine: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Ends of the 95 % interval of a mean: machines drawn anew with all that is theirs, as `onnx_export.bootstrap`."""
    _, which = np.unique(machine, return_inverse=True)
    total, count = np.bincount(which, values), np.bincount(which)
    drawn = np.random.default_rng(DRAW_SEED).integers(len(count), size=(DRAWS, len(count)))
    low, high = np.quantile(total[drawn].sum(axis=1) / count[drawn].sum(axis=1), INSIDE).tolist()
    return low, high
