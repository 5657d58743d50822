"""A plant's budget of unfounded warnings, shared out to its assets: the more stands still with one, the more it gets.

An asset's weight is 4 for criticality A, 2 for B, 1 for C, and 2 where nothing is said, times the square root of its
cost of downtime over the median cost of those that have one, held to 1/2 ... 2. So cost tells assets of one criticality
apart by up to a factor of 2, and never puts one before another that is more critical. The figures are our choice.
"""

from __future__ import annotations

import math
from statistics import median

from models.plant import Criticality, Plant

_OF_CRITICALITY = {Criticality.A: 4.0, Criticality.B: 2.0, Criticality.C: 1.0, None: 2.0}
_COST_MOST = 2.0


def warned_assets(plant: Plant) -> tuple[str, ...]:
    """Assets that there can be warnings of, in order: they have limits, or their type a model, rules or templates."""
    types = {name for name, of in plant.types.items() if of.model or of.health or of.rules or of.templates}
    return tuple(sorted(name for name, of in plant.assets.items() if of.type in types or plant.limits_of(name)))


def weights(plant: Plant) -> dict[str, float]:
    """The weight of each asset that there can be warnings of."""
    assets = {name: plant.assets[name] for name in warned_assets(plant)}
    costs = [cost for asset in assets.values() if (cost := asset.downtime_cost_per_h)]
    usual = median(costs) if costs else math.inf
    return {
        name: _OF_CRITICALITY[asset.criticality] * _of_cost(asset.downtime_cost_per_h, usual)
        for name, asset in assets.items()
    }


def _of_cost(cost: float | None, usual: float) -> float:
    if cost is None or math.isinf(usual):
        return 1.0
    return math.sqrt(min(_COST_MOST, max(1 / _COST_MOST, cost / usual)))


def allocated(plant: Plant, per_week: float) -> dict[str, float]:
    """Unfounded warnings a week of each asset that there can be warnings of; together they are `per_week`."""
    of = weights(plant)
    whole = sum(of.values())
    return {name: per_week * weight / whole for name, weight in of.items()}
