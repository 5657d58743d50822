"""What a plant asks of its pumps: speed setpoint, header pressure and weather, in straight lines from hour to hour.

The shape (season, day, campaign, wander) is our assumption; the levels are those of progpy's own example,
`examples/sim_pump.py`. Random numbers come in as arguments, rounded, so that the last bit of a CPU's log or cosine
cannot reach the physics.
"""

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from models.physics.pump import Array, PumpLoad

ArrayOrFloat = TypeVar("ArrayOrFloat", Array, float)

ZERO_CELSIUS_K = 273.15
HOURS_A_DAY = 24

NOMINAL_VOLTAGE_V = 471.2389  # progpy examples/sim_pump.py: 3600 rpm
SYNC_RAD_S_PER_VOLT = 0.8  # the same: wsync = 0.8 V, a drive with constant voltage over frequency
NOMINAL_DISCHARGE_PA = 928654.0  # the same
SUCTION_PA = 239179.0  # the same

WARMTH_BY_HOUR = tuple(round(math.cos(2 * math.pi * (hour - 15) / HOURS_A_DAY), 3) for hour in range(HOURS_A_DAY))
"""-1 to 1, warmest at 15 h."""

DAYS_A_YEAR = 365.2425  # of the Gregorian calendar, on the mean
COLDEST_DAY = 14  # mid-January, counted from 1 January as day 0; so the warmest is in mid-July
SEASON_BY_DAY = tuple(
    round(-math.cos(2 * math.pi * (day_of_year - COLDEST_DAY) / DAYS_A_YEAR), 3) for day_of_year in range(366)
)
"""-1 in mid-January to 1 in mid-July: a temperate climate north of the equator."""

DEMAND_BY_HOUR = (
    0.1, 0.0, 0.0, 0.0, 0.1, 0.3, 0.7, 0.9, 1.0, 1.0, 0.9, 0.9,
    0.8, 0.9, 0.9, 0.8, 0.8, 0.9, 1.0, 0.9, 0.7, 0.5, 0.3, 0.2,
)  # fmt: skip
"""0 to 1: a plant of two shifts with a quiet night; our assumption."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DutyLaw:
    """How hard the pumps are driven and how warm it is; shares are of nominal, all numbers are our assumptions."""

    speed_share: tuple[float, float] = (0.93, 0.99)
    """A pump's own night speed is drawn evenly from this range."""
    speed_day_swing: float = 0.03
    speed_campaign_std: float = 0.015
    campaign_mean_hours: float = 36.0
    speed_wander_std: float = 0.006
    speed_share_limits: tuple[float, float] = (0.88, 1.04)
    pressure_share: tuple[float, float] = (0.95, 1.05)
    pressure_day_swing: float = 0.03
    pressure_wander_std: float = 0.012
    suction_wander_std: float = 0.05
    """Level in the suction tank: no sensor sees it."""
    wander_hours: float = 12.0
    """Time constant of the wander of speed and pressures."""
    ambient_mean_degc: float = 18.0
    """Of the year: the seasons' wave has a mean of 0, so WearLaw's reference ambient stays 2 K above this."""
    ambient_year_amplitude_k: float = 8.0
    ambient_day_amplitude_k: float = 3.5
    ambient_wander_std_k: float = 2.5
    ambient_wander_hours: float = 96.0
    ambient_place_k: float = 1.5
    """A pump's own place in the hall is up to this much warmer or colder than the site."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is a pump's own for good, arrays of shape (n,)."""

    speed_share: Array
    pressure_share: Array
    ambient_k: Array


@dataclass(slots=True)
class DutyState:
    """Where the wanderings stand; owned by the fleet and moved on an hour at a time.

    Arrays of shape (n,); the site's is a number.
    """

    campaign: Array
    speed_wander: Array
    pressure_wander: Array
    suction_wander: Array
    site_wander_k: float


@dataclass(frozen=True, slots=True)
class DutyDraws:
    """One day of standard normals, (24, n) each and (24,) for the site, and of uniforms for the campaigns."""

    campaign_start: Array
    campaign: Array
    speed: Array
    pressure: Array
    suction: Array
    site: Array


@dataclass(frozen=True, slots=True)
class Duty:
    """Setpoints and weather, arrays of shape (times, n)."""

    speed_share: Array
    discharge_pa: Array
    suction_pa: Array
    ambient_k: Array

    def load(self, row: int, speed_share: Array) -> PumpLoad:
        """What the pumps get at one row of time, at the speeds that their states make of `speed_share[row]`; (n,)."""
        voltage = speed_share * NOMINAL_VOLTAGE_V
        return PumpLoad(
            self.ambient_k[row], voltage, self.discharge_pa[row], self.suction_pa[row], voltage * SYNC_RAD_S_PER_VOLT
        )


def wander(value: ArrayOrFloat, normal: ArrayOrFloat, std: float, hours: float) -> ArrayOrFloat:
    """One hour of a first-order autoregression with this standard deviation and time constant."""
    kept = 1.0 - 1.0 / hours
    return kept * value + math.sqrt(1.0 - kept * kept) * std * normal


def start(n_pumps: int) -> DutyState:
    """A fleet's duty before its first hour: no campaign and no wandering yet."""
    return DutyState(np.zeros(n_pumps), np.zeros(n_pumps), np.zeros(n_pumps), np.zeros(n_pumps), 0.0)


def place(law: DutyLaw, uniforms: Array) -> Place:
    """A pump's own levels from three uniforms, (n, 3)."""
    low_speed, high_speed = law.speed_share
    low_pressure, high_pressure = law.pressure_share
    return Place(
        low_speed + (high_speed - low_speed) * uniforms[:, 0],
        low_pressure + (high_pressure - low_pressure) * uniforms[:, 1],
        law.ambient_place_k * (2.0 * uniforms[:, 2] - 1.0),
    )


def move_on(law: DutyLaw, state: DutyState, draws: DutyDraws, hour: int) -> None:
    """Move the wanderings on by one hour, in place."""
    starts = draws.campaign_start[hour] < 1.0 / law.campaign_mean_hours
    state.campaign = np.where(starts, law.speed_campaign_std * draws.campaign[hour], state.campaign)
    state.speed_wander = wander(state.speed_wander, draws.speed[hour], law.speed_wander_std, law.wander_hours)
    state.pressure_wander = wander(
        state.pressure_wander, draws.pressure[hour], law.pressure_wander_std, law.wander_hours
    )
    state.suction_wander = wander(state.suction_wander, draws.suction[hour], law.suction_wander_std, law.wander_hours)
    site = float(draws.site[hour])
    state.site_wander_k = wander(state.site_wander_k, site, law.ambient_wander_std_k, law.ambient_wander_hours)


def climate_k(law: DutyLaw, hour: int) -> float:
    """The site's ambient temperature in K that season and hour of day make, without its wandering.

    `hour` counts from 1970-01-01 00:00.
    """
    season, warmth = SEASON_BY_DAY[int(hour // HOURS_A_DAY % DAYS_A_YEAR)], WARMTH_BY_HOUR[hour % HOURS_A_DAY]
    wave_k = law.ambient_year_amplitude_k * season + law.ambient_day_amplitude_k * warmth
    return ZERO_CELSIUS_K + law.ambient_mean_degc + wave_k


def at_hour(law: DutyLaw, own: Place, state: DutyState, hour: int) -> tuple[Array, Array, Array, Array]:
    """Speed share, discharge and suction pressure in Pa and ambient temperature in K, (n,) each.

    `hour` counts from 1970-01-01 00:00.
    """
    demand = DEMAND_BY_HOUR[hour % HOURS_A_DAY]
    low, high = law.speed_share_limits
    speed = own.speed_share + law.speed_day_swing * demand + state.campaign + state.speed_wander
    pressure = own.pressure_share * (1.0 + law.pressure_day_swing * (demand - 0.5) + state.pressure_wander)
    suction = SUCTION_PA * (1.0 + state.suction_wander)
    site_k = climate_k(law, hour) + state.site_wander_k
    return np.minimum(high, np.maximum(low, speed)), pressure * NOMINAL_DISCHARGE_PA, suction, site_k + own.ambient_k


def between_hours(knots: Array, rows_an_hour: int) -> Array:
    """(25, n) hourly values to (24 * rows_an_hour, n), straight lines, the last hour left out."""
    share = (np.arange(rows_an_hour) / rows_an_hour)[None, :, None]
    rows = knots[:-1, None, :] + (knots[1:] - knots[:-1])[:, None, :] * share
    return rows.reshape(-1, knots.shape[1])


def day(law: DutyLaw, own: Place, state: DutyState, draws: DutyDraws, first_hour: int, rows_an_hour: int) -> Duty:
    """24 hours from `first_hour`, counted from 1970-01-01 00:00; `state` moves on by a day."""
    hours = [at_hour(law, own, state, first_hour)]
    for hour in range(HOURS_A_DAY):
        move_on(law, state, draws, hour)
        hours.append(at_hour(law, own, state, first_hour + hour + 1))
    return Duty(*(between_hours(np.stack(column), rows_an_hour) for column in zip(*hours, strict=True)))
