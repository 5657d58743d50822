"""A meter's series to rows of a load model: each with what came, and when it was told and of when.

Rows of an origin are made of what lies before it alone (`models.energy.load`); what is cut off here is by time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from models.energy.load import STEPS, inputs_of, rows_of
from models.energy.wall import DAY_STEPS, STEP_US, Calendar

Progress = Callable[[int, int, str], object]
FIRST_DAYS = 14
"""Of history before the first origin: the weekday before is then known twice. Our choice."""
SEED = 20260106


class Known(NamedTuple):
    """A series that is known ahead: its unit as UCUM writes it, and a value for each step of the load."""

    unit: str
    values: np.ndarray


class Series(NamedTuple):
    """Means over 15 min in kW, float64 [n] from `begin_us` on, NaN where missing; `ahead` may reach further."""

    kw: np.ndarray
    begin_us: int
    calendar: Calendar
    ahead: Mapping[str, Known] = {}

    @property
    def units(self) -> dict[str, str]:
        """Of what is known ahead, by name."""
        return {name: known.unit for name, known in self.ahead.items()}

    def known(self, origin: int, steps: int) -> dict[str, np.ndarray]:
        """What is known ahead of the steps from an origin on; NaN beyond what was given."""
        out = {}
        for name, of in self.ahead.items():
            found = of.values[origin : origin + steps]
            out[name] = np.concatenate([found, np.full(steps - len(found), np.nan)])
        return out

    def rows(self, origin: int, level_kw: float, steps: int = STEPS) -> np.ndarray:
        """Float32 rows [steps, inputs] at an origin, a step of the series."""
        at_us = self.begin_us + origin * STEP_US
        return rows_of(self.kw[:origin], at_us, self.calendar, level_kw, self.known(origin, steps), steps)


class Rows(NamedTuple):
    """Features float32 [n, inputs], loads that came [n], and steps of the series: of origins and of targets [n]."""

    features: np.ndarray
    kw: np.ndarray
    origin: np.ndarray
    target: np.ndarray

    def where(self, chosen: np.ndarray) -> Rows:
        """Some of them."""
        return Rows(*(part[chosen] for part in self))

    def between(self, begin: int, end: int) -> Rows:
        """Told from a step on, of targets before another."""
        return self.where((self.origin >= begin) & (self.target < end))

    @property
    def step(self) -> np.ndarray:
        """Of targets, from 0 at the origin on."""
        return self.target - self.origin


def rows_until(
    series: Series, end: int, level_kw: float, every: int, shares: np.ndarray, show: Progress = lambda *_: None
) -> Rows:
    """Rows of origins so many steps apart whose targets came before `end`; each step by chance, with its share."""
    origins = range(FIRST_DAYS * DAY_STEPS, end, every)
    random, parts = np.random.default_rng(SEED), []
    for number, origin in enumerate(origins):
        if number % 50 == 0:
            show(number, len(origins), "rows")
        steps = np.flatnonzero(random.random(STEPS) < shares)
        target = origin + steps
        came = np.where(target < end, series.kw[np.minimum(target, end - 1)], np.nan)
        steps = steps[~np.isnan(came)]
        rows = series.rows(origin, level_kw)[steps]
        parts.append(Rows(rows, came[~np.isnan(came)], np.full(len(steps), origin), origin + steps))
    if not parts:
        empty = np.empty(0, np.int64)
        return Rows(np.empty((0, len(inputs_of(series.units))), np.float32), np.empty(0), empty, empty)
    return Rows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
