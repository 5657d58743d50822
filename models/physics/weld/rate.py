"""The expected rate of defects, energy and cycle of a setting: what a run of endless length would show.

The same fixed points for every setting, so that two settings differ by the settings alone. For judging who tunes a
cell; who tunes one must not look here.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from models.physics.pump import Array
from models.physics.weld import joint as of
from models.physics.weld.cell import (
    DRESS_EVERY,
    HOLD_S,
    LIMIT_SD_MM,
    MOVE_S,
    PLAIN,
    SQUEEZE_S,
    Luck,
    Scenario,
    Settings,
    joint_of,
    nugget_sd_mm,
)
from models.physics.weld.joint import Joint

ORDERS = (7, 5, 1, 20, 5, 3)
"""Points for each of `Luck`: Gauss and Hermite's rule, but Gauss and Legendre's for the gap, which is one-sided."""
SINCE_ORDER = 8
"""Points over a dressing period, closer where the tips are fresh."""
GAP_REACH = 5.0
"""Gaps are looked at up to so many times their scale; 6e-7 of them are wider."""


class Kinds(NamedTuple):
    """Shares of welds, each kind of defect."""

    undersize: float
    expulsion: float


class Points(NamedTuple):
    """Weighted welds of a dressing period."""

    since: Array
    luck: Luck
    weight: Array


def rule(order: int, one_sided: bool) -> tuple[Array, Array]:
    """Points and weights for a standard normal, or for its absolute value."""
    if not one_sided:
        at, weight = np.polynomial.hermite_e.hermegauss(order)
        return at, weight / np.sum(weight)
    at, weight = np.polynomial.legendre.leggauss(order)
    at = 0.5 * GAP_REACH * (1.0 + at)
    weight = weight * np.exp(-0.5 * at * at)
    return at, weight / np.sum(weight)


@lru_cache(maxsize=4)
def points(orders: tuple[int, ...] = ORDERS, since_order: int = SINCE_ORDER) -> Points:
    """The product of the rules; a weld since dressing stands for half a weld before and after it."""
    rules = [rule(order, name == "gap") for name, order in zip(Luck._fields, orders, strict=True)]
    at, weight = np.polynomial.legendre.leggauss(since_order)
    root = 0.5 * (1.0 + at)
    rules.append((DRESS_EVERY * root * root - 0.5, weight * root))
    grid = np.meshgrid(*(x for x, _ in rules), indexing="ij")
    weights = np.meshgrid(*(w for _, w in rules), indexing="ij")
    product = np.prod(weights, axis=0).ravel()
    flat = [x.ravel() for x in grid]
    return Points(flat[-1], Luck(*flat[:-1]), product / np.sum(product))


def below(x: Array) -> Array:
    """P(a standard normal is below x), within 7.5e-8: Abramowitz and Stegun 26.2.17."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    series = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    above = np.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi) * series
    return np.where(x > 0.0, 1.0 - above, above)


def joints(settings: Settings, scenario: Scenario, number: int, at: Points) -> Joint:
    """Welds of a full dressing period, all with the wear growth and the lot of one part number."""
    return joint_of(settings, scenario, np.full(at.since.shape, number, np.int64), at.since, at.luck)


def kinds(settings: Settings, scenario: Scenario = PLAIN, number: int = 0, at: Points | None = None) -> Kinds:
    """Expected shares of undersize welds and of expulsions over a full dressing period."""
    at = at or points()
    joint = joints(settings, scenario, number, at)
    size = of.nugget_mm(joint)
    burst = below((size - of.expulsion_mm(joint)) / LIMIT_SD_MM)
    small = below((of.undersize_mm(joint) - size) / nugget_sd_mm(at.since))
    return Kinds(float(np.sum(at.weight * (1.0 - burst) * small)), float(np.sum(at.weight * burst)))


def true_rate(settings: Settings, scenario: Scenario = PLAIN, number: int = 0) -> float:
    """Expected share of welds with either defect over a full dressing period."""
    return sum(kinds(settings, scenario, number))


def energy_kj(settings: Settings, scenario: Scenario = PLAIN, number: int = 0) -> float:
    """Expected electric energy of a weld between the tips, bursts not counted off."""
    at = points()
    return float(np.sum(at.weight * of.electric_j(joints(settings, scenario, number, at)))) * 1e-3


def cycle_s(settings: Settings) -> float:
    """Expected time of a weld; dressing is not counted."""
    return SQUEEZE_S + 1e-3 * settings.weld_ms + HOLD_S + MOVE_S
