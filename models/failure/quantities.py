"""What rules look at: of each final minute a number a rule, made of the minute's means, or of 15-min bins behind it.

NaN where nothing can be said: a signal without a sound sample, a machine in another state, a pump off its curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.bins import COUNT, MINUTE_MS, QUARTER, SUM
from models.operating import RUNNING, SOUND, STATES, Found
from models.plant import Quantity, Rule, When, seconds
from models.plant.layout import Layout
from models.records import OperatingState
from models.tiers import QUARTER_US, Tiers

QUARTER_S = QUARTER_US // 1_000_000
HOUR_S = 3600
WATER_KG_M3, GRAVITY_M_S2 = 1000.0, 9.80665
"""Density of cold water; standard gravity (CGPM 1901). A curve is of the liquid that it was measured with."""
SETTLED = (OperatingState.RUNNING,)
PLAIN = (Quantity.LEVEL, Quantity.CHANGE)
"""Quantities of which only the level of their one signal is found here."""


class Minutes(NamedTuple):
    """Final minutes of machines, sorted by asset and minute, and what was found of them."""

    asset: np.ndarray
    minute: np.ndarray
    since_us: np.ndarray
    statistics: np.ndarray  # [minutes, 7, columns]
    found: Found

    def part(self, of: slice) -> Minutes:
        """Some of them."""
        return Minutes(self.asset[of], self.minute[of], self.since_us[of], self.statistics[of], self.found.part(of))


class Quantities:
    """The quantities of some rules, and their units."""

    def __init__(self, rules: Sequence[Rule], layout: Layout) -> None:
        self._rules, self._layout = rules, layout
        self._places = [[layout.column_index[name] for name in rule.signals] for rule in rules]
        self._states = np.array([[state in rule.states for state in STATES] for rule in rules]).reshape(-1, len(STATES))
        self._settled = np.array([rule.states == SETTLED for rule in rules], bool)
        self._plain = np.array([at for at, rule in enumerate(rules) if rule.of in PLAIN], np.int64)
        self._plain_places = np.array([self._places[at][0] for at in self._plain], np.int64)
        self._made = [at for at, rule in enumerate(rules) if rule.of not in (*PLAIN, Quantity.RATE)]
        self._rates: dict[int, list[int]] = {}
        for at, rule in enumerate(rules):
            if rule.of is Quantity.RATE:
                self._rates.setdefault(seconds(rule.span) // QUARTER_S, []).append(at)
        self._when = [(at, each) for at, rule in enumerate(rules) for each in rule.when]
        self.units = tuple(_unit(rule, layout) for rule in rules)
        self.changes = tuple(at for at, rule in enumerate(rules) if rule.of is Quantity.CHANGE)
        """Rules that look at the change from a baseline: of these only the level is found here."""

    def of(self, minutes: Minutes, tiers: Tiers) -> np.ndarray:
        """float64 [minutes, rules]."""
        sound = self._means(minutes)
        settled = np.where(minutes.found.use, sound, np.nan)
        out = np.empty((len(minutes.asset), len(self._rules)))
        either = (part[:, self._plain_places] for part in (settled, sound))
        out[:, self._plain] = np.where(self._settled[self._plain], *either)
        for back, rules in self._rates.items():
            out[:, rules] = self._rate(back, [self._places[at][0] for at in rules], minutes, tiers)
        with np.errstate(invalid="ignore", divide="ignore"):
            for at in self._made:
                signals = (settled if self._settled[at] else sound)[:, self._places[at]]
                out[:, at] = _made(self._rules[at], signals)
        out[~self._states.T[minutes.found.state]] = np.nan
        now = self._now(minutes) if self._when else sound
        for at, when in self._when:
            out[~_within(when, now[:, self._layout.column_index[when.signal]]), at] = np.nan
        return out

    def _means(self, minutes: Minutes) -> np.ndarray:
        """Means of the minutes of sound sensors, with what held into them, [minutes, columns]."""
        count, total = (minutes.statistics[:, what].copy() for what in (COUNT, SUM))
        held = self._layout.held_places
        count[:, held] += minutes.found.lead[:, COUNT]
        total[:, held] += minutes.found.lead[:, SUM]
        with np.errstate(invalid="ignore", divide="ignore"):
            means = total / count
        return np.where(minutes.found.fault == SOUND, means, np.nan)

    def _now(self, minutes: Minutes) -> np.ndarray:
        """Means of the minutes alone: of what held into them, only from where they began, [minutes, columns].

        A minute stands for the time since the one before it, too; whether a rule looks at it is a matter of itself.
        """
        count, total = (minutes.statistics[:, what].copy() for what in (COUNT, SUM))
        held, lead = self._layout.held_places, minutes.found.lead
        with np.errstate(invalid="ignore", divide="ignore"):
            part = np.clip((MINUTE_MS - count[:, held]) / lead[:, COUNT], 0, 1)
        part[lead[:, COUNT] == 0] = 0
        count[:, held] += part * lead[:, COUNT]
        total[:, held] += part * lead[:, SUM]
        with np.errstate(invalid="ignore", divide="ignore"):
            return total / count

    def _rate(self, back: int, columns: list[int], minutes: Minutes, tiers: Tiers) -> np.ndarray:
        """How far the last whole 15-min bin lies from the one so many before it, per hour: both of settled running."""
        last = (minutes.minute + 1) // QUARTER - 1
        quarters = np.stack([last - back, last], axis=1)
        count, total, _ = tiers.slow(minutes.asset, quarters, minutes.since_us, np.array(columns))
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / count
        rate = (mean[:, :, 1] - mean[:, :, 0]) * HOUR_S / (back * QUARTER_S)
        return np.where((minutes.found.state == RUNNING)[:, None], rate, np.nan)


def _within(when: When, mean: np.ndarray) -> np.ndarray:
    """Minutes in which the signal is known and within."""
    out = ~np.isnan(mean)
    if when.above is not None:
        out &= mean > when.above
    if when.below is not None:
        out &= mean < when.below
    return out


def _made(rule: Rule, signals: np.ndarray) -> np.ndarray:
    """The quantity of the rule's signals [minutes, signals], of one that takes more than one."""
    match rule.of:
        case Quantity.DIFFERENCE:
            return signals[:, 0] - signals[:, 1]
        case Quantity.RATIO:
            return _finite(signals[:, 0] / signals[:, 1])
        case Quantity.IMBALANCE:
            mean = signals.mean(axis=1)
            return _finite(100 * np.abs(signals - mean[:, None]).max(axis=1) / np.abs(mean))
        case _:
            return _efficiency_loss(rule, *signals.T)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _efficiency_loss(rule: Rule, flow_m3_h: np.ndarray, head_m: np.ndarray, power_kw: np.ndarray) -> np.ndarray:
    """Points of efficiency that are missing: the curve's at this flow less hydraulic power over power (ISO 9906)."""
    flow, percent = np.array(rule.curve).T
    hydraulic_kw = WATER_KG_M3 * GRAVITY_M_S2 * flow_m3_h / HOUR_S * head_m / 1000
    expected = np.interp(flow_m3_h, flow, percent, left=np.nan, right=np.nan)
    return _finite(expected - 100 * hydraulic_kw / power_kw)


def _unit(rule: Rule, layout: Layout) -> str:
    known = layout.asset_type.signals.get(rule.signals[0])
    unit = known.unit if known else ""
    match rule.of:
        case Quantity.RATE:
            return f"{unit}/h" if unit else "1/h"
        case Quantity.RATIO:
            return ""
        case Quantity.IMBALANCE:
            return "%"
        case Quantity.EFFICIENCY_LOSS:
            return "points"
        case _:
            return unit
