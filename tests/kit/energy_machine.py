"""A machine whose energy is known: constants drawn by a seed, and minutes of it that follow from them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.energy.profiles import STATES, Minutes
from models.records import OperatingState

PRODUCTS = ("cup", "lid")
EPOCH_MINUTE = 29_000_160
"""Midnight of 20 February 2025, UTC."""
DAY_MIN = 1440
OFF, START, RUN, STOP, IDLE = (
    STATES.index(one)
    for one in (
        OperatingState.OFF,
        OperatingState.STARTING,
        OperatingState.RUNNING,
        OperatingState.STOPPING,
        OperatingState.IDLE,
    )
)


class Truth(NamedTuple):
    """What the machine takes, in kW, kWh and minutes, and what it makes, in units an hour of running."""

    off_kw: float
    idle_kw: float
    running_kw: float
    kwh_per_unit: tuple[float, ...]
    units_per_h: tuple[float, ...]
    start_kwh: float
    start_min: float


def machine(seed: int) -> Truth:
    """Constants of a machine of some tens of kW."""
    random = np.random.default_rng((seed, 1))
    running = random.uniform(15.0, 40.0)
    return Truth(
        off_kw=random.uniform(0.2, 1.0),
        idle_kw=running * random.uniform(0.5, 0.9),
        running_kw=running,
        kwh_per_unit=tuple(random.uniform(0.05, 0.3, 2)),
        units_per_h=tuple(random.uniform(60.0, 150.0, 2)),
        start_kwh=running * random.uniform(0.2, 0.4),
        start_min=14.0,
    )


def minutes(truth: Truth, seed: int, days: int, noise: float = 0.04, memory: float = 0.5) -> Minutes:
    """So many days: off at night, a start at six, both products, breaks, and a stop at ten in the evening."""
    random = np.random.default_rng((seed, 2))
    each = [_day(truth, random) for _ in range(days)]
    state, units, product, power = (np.concatenate([one[at] for one in each]) for at in range(4))
    kernel = memory ** np.arange(12)
    white = random.standard_normal(len(power) + len(kernel) - 1)
    shaken = np.convolve(white, kernel / np.sqrt(np.square(kernel).sum()), "valid")
    minute = EPOCH_MINUTE + np.arange(len(power))
    return Minutes(minute, power * (1.0 + noise * shaken), state, units, product, PRODUCTS)


def _day(truth: Truth, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    state, product = np.full(DAY_MIN, OFF), np.full(DAY_MIN, -1)
    start = 360 + int(truth.start_min) + int(random.integers(-3, 4))
    state[360:start], state[start:1315], state[1315:1320] = START, RUN, STOP
    for at in random.integers(400, 1280, 5):
        state[at : at + int(random.integers(5, 30))] = IDLE
    product[start:840], product[840:1315] = 0, 1
    rate = np.repeat(2.0 * random.uniform(0.1, 0.9, DAY_MIN // 30), 30) * np.array([*truth.units_per_h, 0.0])[product]
    rate = np.where(state == RUN, rate, 0.0)
    units = np.diff(np.floor(np.cumsum(rate) / 60.0 + random.uniform()), prepend=0.0)
    takes = np.array([0.0] * len(STATES))
    takes[[OFF, RUN, STOP, IDLE]] = truth.off_kw, truth.running_kw, truth.off_kw, truth.idle_kw
    takes[START] = 60.0 * truth.start_kwh * random.normal(1.0, 0.1) / (start - 360)
    return state, units, product, takes[state] + rate * np.array([*truth.kwh_per_unit, 0.0])[product]
