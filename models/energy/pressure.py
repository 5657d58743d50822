"""Pressure of a compressed-air network: no higher than its most demanding consumer needs, with a margin."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from models.energy.advice import HOURS_A_YEAR, Asked, Declined, Find, NoAdvice, suggested
from models.records import Expected, Suggestion
from models.tuning.rails import Refused

PER_BAR, PER_BAR_LOW, PER_BAR_HIGH = 0.06, 0.05, 0.07
"""Share of the compressors' energy that a bar less saves: 6 % may be credited (Swiss standard measure DL-02a); 5 and 7
are the ends of what is commonly told, 7 % a bar or 1 % a 2 psi."""
MARGIN_BAR = 0.2
"""Pressure over what the consumer needs, for filters that clog and meters that are off. Our choice."""
LOWEST = 0.001
"""The pressure of a consumer is the one that it falls below in a minute of a thousand. Our choice."""
STEP_BAR = 0.1
"""Setpoints are multiples of it. Our choice: controllers show one digit."""
LEAST_MIN = 7 * 1440
"""A week: all hours of the day and days of the week. Our choice."""


class Network(NamedTuple):
    """Minutes of a network: pressure at the consumer that needs most, kW of all compressors; NaN is not known.

    `least_bar` is what that consumer needs, all in bar(g).
    """

    setpoint_bar: float
    least_bar: float
    consumer_bar: np.ndarray
    compressors_kw: np.ndarray
    margin_bar: float = MARGIN_BAR


def lower_pressure(network: Network, asked: Asked) -> Suggestion | Declined | Refused:
    """The setpoint that leaves the consumer what it needs and the margin, if that is less than now."""
    known = network.consumer_bar[np.isfinite(network.consumer_bar)]
    power = network.compressors_kw[np.isfinite(network.compressors_kw)]
    if len(known) < LEAST_MIN or len(power) < LEAST_MIN:
        return Declined(NoAdvice.TOO_LITTLE, f"{min(len(known), len(power))} of {LEAST_MIN} minutes are known")
    lowest = float(np.quantile(known, LOWEST))
    room = lowest - network.least_bar - network.margin_bar
    if not room >= STEP_BAR:
        why = NoAdvice.NOTHING_TO_GAIN if room >= 0 else NoAdvice.SHORT
        return Declined(why, f"the consumer falls to {lowest:.2f} bar(g) and needs {network.least_bar:.2f} with margin")
    return suggested(_find(network, lowest, room, float(power.mean()), len(known)), asked)


def _find(network: Network, lowest: float, room: float, mean_kw: float, minutes: int) -> Find:
    steps = math.ceil((network.setpoint_bar - room) / STEP_BAR - 1e-9)
    return Find(
        subject="compressed air",
        parameter="network pressure",
        unit="bar(g)",
        now=network.setpoint_bar,
        proposed=round(steps * STEP_BAR, 9),
        evidence=minutes,
        expect=lambda bar: (saved(mean_kw, network.setpoint_bar - bar),),
        why=lambda bar: (
            f"compressor network at {bar:.1f} bar(g): its most demanding consumer needs {network.least_bar:.2f} "
            f"and has {lowest:.2f} or more but for a minute in a thousand"
        ),
        revert=f"set the network pressure back to {network.setpoint_bar:.1f} bar(g), at once if a consumer complains",
        assumed=(
            f"6 % of energy a bar (Swiss DL-02a), 5 to 7; {network.margin_bar:.2f} bar of margin",
            "the consumer's pressure falls as the setpoint does; no consumer that is not measured needs more",
        ),
    )


def saved(mean_kw: float, bar: float) -> Expected:
    """What the compressors take in a year, now and with so many bar less."""
    year = mean_kw * HOURS_A_YEAR
    shares = (max(1.0 - rate * bar, 0.0) for rate in (PER_BAR, PER_BAR_HIGH, PER_BAR_LOW))
    after, low, high = (year * share for share in shares)
    return Expected(
        figure="compressor energy", unit="kWh a year", before=year, after=after, after_low=low, after_high=high
    )
