"""In which steps machines may work: the shifts of the plant file, less its planned stops."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from models.plant import Plant

US = 1_000_000
LOOK_S = 900
"""Shifts are asked for by the quarter-hour: they begin and end at no finer times in plans."""


def open_steps(plant: Plant, shifts: Collection[str], begin_us: int, step_s: int, steps: int) -> np.ndarray:
    """Whether a machine may work in each step, bool [steps]. Without shifts it always may, but on days of stops."""
    each = LOOK_S // step_s
    quarters = -(-steps // each)
    found = np.ones(quarters, bool)
    stops = set(plant.stops)
    for at in range(quarters):
        time_us = begin_us + at * LOOK_S * US
        is_shift = not shifts or plant.shift_of(time_us) in shifts
        found[at] = is_shift and not (stops and plant.day_of(time_us) in stops)
    return np.repeat(found, each)[:steps]
