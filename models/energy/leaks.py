"""Leaks of a compressed-air network: what flows while all consumers stand, what it costs a year, and what is usual."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from models.energy.advice import HOURS_A_YEAR, Asked, Declined, Find, NoAdvice, suggested
from models.energy.tails import t_quantile
from models.records import Expected, Suggestion
from models.tuning.rails import Refused

TARGET, TARGET_LOW = 0.10, 0.05
"""Leaks of 5 to 10 % of output are a reasonable target; 20 to 30 % are common (US-DOE compressed air tip sheet 3)."""
SPECIFIC_KW = 6.0
"""kW for a m3 a minute at about 7 bar where it is not known: the middle of 5 to 7, typical CAGI data sheets."""
LEAST_NIGHTS = 3
"""Nights under which nothing is suggested. Our choice: two have no interval worth its name."""
INSIDE = 0.80
DAY_MIN, NOON_MIN = 1440, 720


class Night(NamedTuple):
    """Minutes in which all consumers stood and the network was under pressure: flow, or power where flow is NaN.

    `minute` are minutes since 1970 (int64); means are over all minutes under pressure, `specific_kw` kW a m3 a minute.
    """

    minute: np.ndarray
    flow_m3_per_min: np.ndarray
    power_kw: np.ndarray
    mean_flow_m3_per_min: float
    price_per_kwh: float
    currency: str
    hours_a_year: float = HOURS_A_YEAR
    specific_kw: float = SPECIFIC_KW


class Leak(NamedTuple):
    """Leaks as a share of output with an interval of 80 %, their flow, and what they take and cost a year."""

    share: float
    low: float
    high: float
    m3_per_min: float
    kwh_a_year: float
    cost_a_year: float
    nights: int


def leak_test_percent(on_s: float, off_s: float) -> float:
    """Leaks in % of the compressor's capacity by a load/unload test while all consumers stand (US-DOE).

    Raises ValueError where no time was measured.
    """
    if not (on_s >= 0 and off_s >= 0 and 0 < on_s + off_s < math.inf):
        raise ValueError(f"a leak test needs times on and off load, but {on_s} and {off_s} s")
    return 100.0 * on_s / (on_s + off_s)


def leak(night: Night) -> Leak | Declined:
    """What leaks, by the means of whole nights: minutes of one night say the same again."""
    flow = np.where(np.isfinite(night.flow_m3_per_min), night.flow_m3_per_min, night.power_kw / night.specific_kw)
    known = np.isfinite(flow)
    nights, of = np.unique((night.minute[known] + NOON_MIN) // DAY_MIN, return_inverse=True)
    if len(nights) < LEAST_NIGHTS:
        return Declined(NoAdvice.TOO_LITTLE, f"{len(nights)} of {LEAST_NIGHTS} nights without a consumer were seen")
    if not night.mean_flow_m3_per_min > 0:
        return Declined(NoAdvice.NOT_KNOWN, "the mean flow of the network is not known")
    means = np.bincount(of, flow[known]) / np.bincount(of)
    mean = float(means.mean())
    half = t_quantile(INSIDE, len(means) - 1) * float(means.std(ddof=1)) / math.sqrt(len(means))
    kwh = mean * night.specific_kw * night.hours_a_year
    share, low, high = (one / night.mean_flow_m3_per_min for one in (mean, max(mean - half, 0.0), mean + half))
    return Leak(share, low, high, mean, kwh, kwh * night.price_per_kwh, len(means))


def mend(night: Night, asked: Asked) -> Suggestion | Declined | Refused:
    """That leaks be mended down to the target, where they are surely above it."""
    found = leak(night)
    if isinstance(found, Declined):
        return found
    if not found.low > TARGET:
        said = f"leaks are {found.share:.0%} of output ({found.low:.0%} to {found.high:.0%})"
        return Declined(NoAdvice.NOTHING_TO_GAIN, f"{said}: not surely over the target of {TARGET:.0%}")
    return suggested(_find(night, found), asked)


def _find(night: Night, found: Leak) -> Find:
    return Find(
        subject="compressed air",
        parameter="leak share of output",
        unit="%",
        now=100.0 * found.share,
        proposed=100.0 * TARGET,
        evidence=found.nights,
        expect=lambda percent: _expected(night, found, percent / 100.0),
        why=lambda _: (
            f"with all consumers standing {found.m3_per_min:.2f} m3/min flow, {found.share:.0%} of output, at "
            f"{found.cost_a_year:,.0f} {night.currency} a year; 5 to 10 % are a reasonable target (US-DOE)"
        ),
        revert="nothing to revert: leaks that are mended need no setting; the next nights show what came of it",
        assumed=(
            f"{night.specific_kw:g} kW a m3/min, {night.hours_a_year:,.0f} h a year under pressure",
            "leaks flow by day as they do by night; no consumer ran that is not known of",
        ),
    )


def _expected(night: Night, found: Leak, share: float) -> tuple[Expected, ...]:
    """Energy and cost of leaks a year; the target is reached between DOE's two ends."""
    rate = found.kwh_a_year / found.share
    ends = share * TARGET_LOW / TARGET, share + found.high - found.share
    return tuple(
        Expected(
            figure=figure,
            unit=unit,
            before=found.share * rate * price,
            after=share * rate * price,
            after_low=ends[0] * rate * price,
            after_high=ends[1] * rate * price,
        )
        for figure, unit, price in (
            ("energy of leaks", "kWh a year", 1.0),
            ("cost of leaks", f"{night.currency} a year", night.price_per_kwh),
        )
    )
