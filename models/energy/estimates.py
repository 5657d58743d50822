"""Estimates from sums over hours, each with its standard error: ratios, a line through rates, a robust mean.

An error is that of the mean of hours, not of minutes: minutes of one hour say the same again (the method of batch
means, Law 2015, "Simulation Modeling and Analysis", 9.5.3). It is widened where hours are few, so that two of it
hold the truth in 19 of 20 all the same. Older hours weigh less.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from models.energy.tails import t_quantile
from models.records import Learned

TWO_SIDED = 0.95
Z = 1.959963984540054
"""Of the normal distribution: 95 % lie between -Z and Z."""
TRIMMED = 0.2
"""Share of each end that is left out of a robust mean (Tukey and McLaughlin 1963; Wilcox 2012 advises a fifth)."""
METER = 1e-4
"""Power that scatters by less than this share of itself is not known better all the same: the best meters are of class
0.2 (IEC 62053-22), twenty times that."""
_ROUNDING = 1e-12

WEIGHT, MINUTES, SUM, WEIGHT2, MINUTES2, MIXED, SUM2, COUNT = range(8)
"""Columns of sums for a ratio: of weights, minutes and what is added up in them; with squared weights: of weights,
minutes squared, minutes times sum, sum squared; and minutes without weight."""
COLUMNS = 8


def ratio_sums(minutes: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """What an hour adds to the sums for ratios, float64 [keys, COLUMNS]; nothing for keys without minutes."""
    seen = (minutes > 0).astype(np.float64)
    return np.column_stack([seen, minutes, sums, seen, minutes**2, minutes * sums, sums**2, minutes])


def ratio_decay(share: float) -> np.ndarray:
    """Factors of the columns when all weights shrink to a share."""
    return np.array([share] * 3 + [share**2] * 4 + [1.0])


def ratio(sums: np.ndarray) -> Learned | None:
    """What is added up a minute, from one key's sums; None of nothing. Of one hour the error is the value itself."""
    if not sums[MINUTES] > 0:
        return None
    value = sums[SUM] / sums[MINUTES]
    freedom = sums[WEIGHT] ** 2 / sums[WEIGHT2] - 1.0
    if freedom < 0.9:
        return Learned(value=float(value), error=abs(float(value)), minutes=round(sums[COUNT]))
    square = sums[SUM2] - 2.0 * value * sums[MIXED] + value**2 * sums[MINUTES2]
    error = math.sqrt(max(square, 0.0) * (freedom + 1.0) / freedom) / sums[MINUTES]
    return Learned(value=float(value), error=float(error) * _widened(freedom), minutes=round(sums[COUNT]))


def _widened(freedom: float) -> float:
    return t_quantile(TWO_SIDED, freedom) / Z


class Line(NamedTuple):
    """Sums for mean power over rates, an hour's weight being its minutes of running.

    `normal` [1 + rates, 1 + rates] and `right` [1 + rates] are those of least squares, the constant first; `square`
    that of power; `weight`, `weight2` of hours with weights and their squares, `minutes2` of minutes with the latter.
    """

    normal: np.ndarray
    right: np.ndarray
    square: float
    weight: float
    weight2: float
    minutes2: float


def line_sums(minutes: float, kw_minutes: float, units: np.ndarray) -> Line:
    """What an hour adds: minutes of running, their kW added up, and units made of each product."""
    mean = kw_minutes / minutes
    row = np.concatenate([[1.0], units * (60.0 / minutes)])
    return Line(minutes * np.outer(row, row), minutes * row * mean, minutes * mean**2, 1.0, 1.0, minutes)


def line_added(older: Line, share: float, newer: Line) -> Line:
    """Both together, the weights of the older shrunk to a share."""
    return Line(
        older.normal * share + newer.normal,
        older.right * share + newer.right,
        older.square * share + newer.square,
        older.weight * share + newer.weight,
        older.weight2 * share**2 + newer.weight2,
        older.minutes2 * share**2 + newer.minutes2,
    )


def line(sums: Line, usual: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Constant and slopes, and their standard errors; None of nothing. `usual` [rates] are the usual rates.

    What the rates did not tell apart is held by what cannot be otherwise: power without output lies between nothing
    and the mean power, and so does that of the usual rate of a product. Each is taken as evenly likely there, by its
    mean and variance, before anything is measured; hours that vary in rate outweigh it.
    """
    weight = sums.normal[0, 0]
    if not weight > 0:
        return None
    mean_kw = sums.right[0] / weight
    scale = max(abs(mean_kw), _ROUNDING)
    most = np.concatenate([[scale], scale / np.maximum(usual, _ROUNDING)])
    variance, widened = _variance(sums, scale, len(most))
    known = sums.normal / (variance * sums.minutes2 / weight)
    held = np.diag(12.0 / most**2)
    inverse = _inverted(known + held, most)
    start = np.copysign(most / 2.0, mean_kw)
    found = inverse @ (sums.right / (variance * sums.minutes2 / weight) + held @ start)
    return found, np.sqrt(np.maximum(np.diag(inverse), 0.0)) * widened


def _inverted(matrix: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The inverse, by way of units in which all of its parts are about 1."""
    scaled = matrix * np.outer(units, units)
    return np.linalg.inv(scaled) * np.outer(units, units)


def _variance(sums: Line, scale: float, fitted: int) -> tuple[float, float]:
    """Variance of power of one minute's weight about the line, and how much wider few hours make errors."""
    hours = sums.weight**2 / sums.weight2
    freedom = hours - fitted
    if freedom < 0.9:
        return scale**2 * sums.normal[0, 0] / sums.weight, 1.0
    found = np.linalg.lstsq(sums.normal, sums.right, rcond=_ROUNDING)[0]
    left = sums.square - 2.0 * found @ sums.right + found @ sums.normal @ found
    return max(float(left), sums.square * METER**2, _ROUNDING**2) / sums.weight * hours / freedom, _widened(freedom)


def robust(values: np.ndarray, minutes: int) -> Learned | None:
    """The mean without the ends, with the error of Tukey and McLaughlin; None of nothing, of one the error is it."""
    count = len(values)
    if not count:
        return None
    if count == 1:
        return Learned(value=float(values[0]), error=abs(float(values[0])), minutes=minutes)
    cut = int(TRIMMED * count)
    ordered = np.sort(values)
    inner = ordered[cut : count - cut]
    clipped = np.clip(ordered, inner[0], inner[-1])
    error = clipped.std(ddof=1) / ((1.0 - 2.0 * cut / count) * math.sqrt(count))
    return Learned(value=float(inner.mean()), error=float(error) * _widened(count - 2 * cut - 1), minutes=minutes)
