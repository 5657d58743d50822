"""A load's history by the clock on the wall: columns are the same time of day, whatever the clock did in between.

A plant works by its wall's clock, so what it took at the same time yesterday is looked up there, not 24 h of UTC ago.
An hour that the wall skips is missing, and of one that it shows twice the second counts. No clock is read here.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from models.contracts import STEP_MIN
from models.plant.shifts import Date, day_number, offset_us

STEP_US = STEP_MIN * 60_000_000
DAY_STEPS = 24 * 60 // STEP_MIN
WEEK_STEPS = 7 * DAY_STEPS


class Calendar(Struct, frozen=True, kw_only=True):
    """What the wall says: the time zone, and the days on which no shift begins, as the plant file has them."""

    zone: str = "UTC"
    holidays: tuple[Date, ...] = ()

    @property
    def holiday_numbers(self) -> np.ndarray:
        """Days since 1970-01-01, int64, in order."""
        return np.array(sorted(day_number(day) for day in self.holidays), np.int64)


def wall_steps(zone: str, begin_us: int, count: int) -> np.ndarray:
    """Steps since 1970 of a clock on the wall, int64 [count], of steps of 15 min from a time on.

    Offsets are looked up a day apart, and step by step only in days over which they change.
    """
    steps = begin_us // STEP_US + np.arange(count, dtype=np.int64)
    edges = [*range(0, count, DAY_STEPS), count]
    offsets = [_offset(zone, begin_us, at) for at in edges]
    for first, end, before, after in zip(edges[:-1], edges[1:], offsets[:-1], offsets[1:], strict=True):
        same = before == after
        steps[first:end] += before if same else np.array([_offset(zone, begin_us, at) for at in range(first, end)])
    return steps


def _offset(zone: str, begin_us: int, at: int) -> int:
    return offset_us(zone, begin_us + at * STEP_US) // STEP_US


def by_wall(values: np.ndarray, wall: np.ndarray, end: int, count: int) -> np.ndarray:
    """The last `count` steps of the wall before `end`, float64 [count], of values and their steps of the wall."""
    out = np.full(count, np.nan)
    places = wall - (end - count)
    there = (places >= 0) & (places < count)
    out[places[there]] = values[there]
    return out
