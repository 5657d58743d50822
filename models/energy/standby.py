"""Standby: after how many idle minutes a machine had better be stood down, by what its idle times were.

Each start costs energy, each idle minute too: they weigh the same after the break-even time. A machine that is stood
down at that time never takes more than twice the least possible, whatever comes (Karlin, Manasse, Rudolph and Sleator
1988, "Competitive snoopy caching"); idle times that were seen tell of a better one.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from models.energy.advice import Asked, Declined, Find, NoAdvice, id_of_suggestion, suggested
from models.records import EnergyProfile, Expected, Learned, Suggestion
from models.tuning.rails import Refused

PARAMETER = "standby after"
TRIED_MIN = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240)
"""Minutes that are tried beside the break-even time: few, since the best of many would be so by chance. Our choice."""
DRAWS = 1000
LEAST_SPELLS = 20
"""Idle times under which nothing is suggested. Our choice: the worst tenth is then two of them."""
MOST_SPELLS = 2000
LOW, HIGH = 0.1, 0.9
"""Ends of an interval of 80 %."""


class Idle(NamedTuple):
    """Idle times of a machine in so many days, float64 minutes each, the newest last; and when it stands down now."""

    spells_min: np.ndarray
    days: float
    now_min: float
    standby_kw: Learned


class _Power(NamedTuple):
    idle_kw: Learned
    standby_kw: Learned
    start_kwh: Learned


def break_even_min(idle_kw: float, standby_kw: float, start_kwh: float) -> float:
    """Idle minutes that take as much over standby as a start does; infinite where standby saves nothing."""
    return 60.0 * start_kwh / (idle_kw - standby_kw) if idle_kw > standby_kw else math.inf


def stand_down(profile: EnergyProfile, idle: Idle, asked: Asked) -> Suggestion | Declined | Refused:
    """Minutes after which to stand down that would have taken least, if they surely save anything."""
    idle_kw, start_kwh = profile.states_kw.get("idle"), profile.start_kwh
    if idle_kw is None or start_kwh is None:
        return Declined(NoAdvice.NOT_KNOWN, "no idle time or no start of it was ever seen")
    spells = idle.spells_min[np.isfinite(idle.spells_min) & (idle.spells_min > 0)][-MOST_SPELLS:]
    if len(spells) < LEAST_SPELLS or not idle.days > 0:
        return Declined(NoAdvice.TOO_LITTLE, f"{len(spells)} of {LEAST_SPELLS} idle times were seen")
    power = _Power(idle_kw, idle.standby_kw, start_kwh)
    even = break_even_min(idle_kw.value, idle.standby_kw.value, start_kwh.value)
    if not math.isfinite(even):
        return Declined(NoAdvice.NOTHING_TO_GAIN, "standby takes no less than idle")
    limits = asked.limits
    tried = sorted(float(one) for one in {*TRIED_MIN, math.ceil(even)} if limits.low <= one <= limits.high)
    if not tried:
        return Declined(NoAdvice.NOTHING_TO_GAIN, f"no time within {limits.low:g} to {limits.high:g} min is tried")
    best = min(tried, key=lambda at: (_mean_kwh(spells, at, power), -at))
    draws = _drawn(spells, (idle.now_min, best), power, id_of_suggestion(asked, PARAMETER))
    if not np.quantile(draws[1] / draws[0], HIGH) < 1.0:
        return Declined(NoAdvice.NOTHING_TO_GAIN, f"{best:g} min would not surely take less than {idle.now_min:g} min")
    return suggested(_find(spells, idle, power, best, even, asked), asked)


def parts(spells_min: np.ndarray, after_min: float) -> np.ndarray:
    """Hours idle, hours in standby and starts of each idle time, float64 [spells, 3]."""
    idle = np.minimum(spells_min, after_min)
    return np.column_stack([idle / 60.0, (spells_min - idle) / 60.0, spells_min > after_min])


def _mean_kwh(spells_min: np.ndarray, after_min: float, power: _Power) -> float:
    return float((parts(spells_min, after_min) @ np.array([one.value for one in power])).mean())


def _drawn(spells_min: np.ndarray, at: tuple[float, ...], power: _Power, seed: str) -> np.ndarray:
    """Mean kWh of an idle time at each of some times, float64 [times, DRAWS].

    Idle times are drawn anew, and power and start by their errors; by a seed that follows from the id, so that the
    same history says the same.
    """
    random = np.random.default_rng(int(seed[:16], 16))
    rows = random.integers(0, len(spells_min), (DRAWS, len(spells_min)))
    value, error = np.array([[one.value, one.error] for one in power]).T
    kw = np.maximum(value + error * random.standard_normal((DRAWS, 3)), 0.0)
    means = [parts(spells_min, one)[rows].mean(axis=1) for one in at]
    return np.array([np.maximum((one * kw).sum(axis=1), 1e-12) for one in means])


def _find(spells: np.ndarray, idle: Idle, power: _Power, best: float, even: float, asked: Asked) -> Find:
    return Find(
        subject="standby",
        parameter=PARAMETER,
        unit="min",
        now=idle.now_min,
        proposed=best,
        evidence=len(spells),
        expect=lambda after: _expected(spells, idle, power, after, id_of_suggestion(asked, PARAMETER)),
        why=lambda after: (
            f"standby after {after:g} min: a start takes what {even:.0f} idle minutes do, and of {len(spells)} idle "
            f"times {int((spells > after).sum())} were longer than {after:g} min"
        ),
        revert=f"stand down after {idle.now_min:g} min again",
        assumed=(
            "idle times stay as they were; each return from standby takes as much as a start",
            "the job after an idle time can wait for the start",
        ),
    )


def _expected(spells: np.ndarray, idle: Idle, power: _Power, after_min: float, seed: str) -> tuple[Expected, ...]:
    per_year = 365.0 * len(idle.spells_min) / idle.days
    draws = _drawn(spells, (idle.now_min, after_min), power, seed)
    before, after = (per_year * _mean_kwh(spells, at, power) for at in (idle.now_min, after_min))
    low, high = before * np.quantile(draws[1] / draws[0], (LOW, HIGH))
    starts = [parts(spells, at)[:, 2].mean() for at in (idle.now_min, after_min)]
    spread = 1.2815515655446004 * math.sqrt(max(starts[1] * (1.0 - starts[1]), 0.0) / len(spells))
    return (
        Expected(
            figure="energy of idle times",
            unit="kWh a year",
            before=before,
            after=after,
            after_low=float(min(low, after)),
            after_high=float(max(high, after)),
        ),
        Expected(
            figure="starts",
            unit="a year",
            before=per_year * float(starts[0]),
            after=per_year * float(starts[1]),
            after_low=per_year * max(float(starts[1]) - spread, 0.0),
            after_high=per_year * min(float(starts[1]) + spread, 1.0),
        ),
    )
