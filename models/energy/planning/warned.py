"""What a warning says to plans: before when its work is to be begun, and what it costs to wait."""

from __future__ import annotations

import numpy as np

from models.plant import Plant
from models.records import HORIZONS_H, Alert

HOUR_US = 3600 * 1_000_000
STILL_US = 72 * HOUR_US
"""Until when a warning that says no time is dealt with: the horizon that warnings speak of."""
DOWNTIME_H = 8.0
"""Hours of an avoided failure where the plant file says none: a shift. Our choice."""


def deadline_of(alert: Alert) -> int:
    """Before when what a warning asks for is to be begun."""
    return alert.window_end_us + STILL_US if alert.act_before_us is None else alert.act_before_us


def chance_by(alert: Alert, times_us: np.ndarray) -> np.ndarray:
    """The chance that a machine has failed by each time, between a forecast's horizons in a straight line; never less.

    Without a hazard it grows evenly to 1 at the deadline: what is known is a time, not a chance.
    """
    if not alert.chances:
        whole = max(1, deadline_of(alert) - alert.window_end_us)
        return np.clip((times_us - alert.window_end_us) / whole, 0.0, 1.0)
    hours = np.concatenate(([0.0], HORIZONS_H))
    return np.interp((times_us - alert.window_end_us) / HOUR_US, hours, np.concatenate(([0.0], alert.chances)))


def cost_of_failure(plant: Plant, asset: str) -> float:
    """What a failure costs more than planned work does, in the plant's currency; an hour as one of delay, if unsaid."""
    known, production = plant.assets[asset], plant.production
    hours = DOWNTIME_H if known.failure_downtime_h is None else known.failure_downtime_h
    late_per_h = production.late_per_h if production else 0.0
    return hours * (late_per_h if known.downtime_cost_per_h is None else known.downtime_cost_per_h)
