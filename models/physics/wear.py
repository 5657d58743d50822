"""How long a pump lives and which part ends it: lives drawn from a law, made into progpy's wear rates and first state.

A life of L days means: a pump that turns `WearLaw.running_share` of the time, at the reference duty below while it
does, reaches its worn part's limit after L days of the calendar. Real duty and weather move the day itself. The
distributions are a choice, not a fact about pumps; training may use other laws than the demo.
"""

import math
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from models.physics.duty import NOMINAL_DISCHARGE_PA, NOMINAL_VOLTAGE_V, SUCTION_PA, SYNC_RAD_S_PER_VOLT
from models.physics.heat import settled_heat
from models.physics.pump import PumpLoad, PumpParameters, PumpState, settle

DAY_S = 86400.0
REFERENCE_SPEED_SHARE = 0.98  # middle of DutyLaw: own speed 0.96, half a day of +0.03
REFERENCE_AMBIENT_K = 293.15  # 2 K above DutyLaw's mean of the year: a limit is met on a warm afternoon


class WornPart(IntEnum):
    """The part whose wear ends a life, and what a repair finds."""

    IMPELLER = 0
    THRUST_BEARING = 1
    RADIAL_BEARING = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class WearLaw:
    """What lives and rates are drawn from.

    `shape` is sigma of the logarithm (lognormal), Weibull's or gamma's shape, or half the relative width (uniform).
    """

    family: Literal["lognormal", "weibull", "gamma", "uniform"] = "lognormal"
    mean_life_days: float = 46.0
    """Days of the calendar."""
    running_share: float = 0.8
    """Share of the calendar that a pump turns: CycleLaw's. Wear while it turns is faster by one over this."""
    shape: float = 0.28
    part_weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Of impeller, thrust bearing and radial bearing as the part that ends a life."""
    background: tuple[float, float] = (0.02, 0.20)
    """The other parts wear at a share of the worn part's pace, drawn evenly from this range for each."""
    first_life_used: tuple[float, float] = (0.0, 0.6)
    """A plant does not start new: the share of its first life a pump has behind it is drawn evenly from this range."""
    acceleration: float = 0.0
    """Wear rates grow by this factor from new to the limit, on top of progpy's equations.

    Lives keep their mean, about.
    """
    part_spread: float = 0.04
    """Standard deviation of a new bearing's friction from unit to unit, relative.

    The impeller's area has a tenth of it.
    """
    repair_hours: tuple[float, float] = (6.0, 48.0)
    """A repair takes this long, drawn evenly; our assumption."""

    def __post_init__(self) -> None:
        if not 0.0 < self.running_share <= 1.0:
            raise ValueError(f"wear law: running_share is {self.running_share}; use more than 0 and at most 1")
        if self.family not in ("lognormal", "weibull", "gamma", "uniform"):
            raise ValueError(f"wear law: unknown family {self.family!r}; use lognormal, weibull, gamma or uniform")


class Reference(NamedTuple):
    """At the reference duty: settled speed and mean squared flow, and friction at the limit over friction when new."""

    speed2: float
    flow2: float
    thrust_ratio: float
    radial_ratio: float


class Life(NamedTuple):
    """One life: what wears, progpy's wear rates, and the parts' first state."""

    part: WornPart
    impeller_rate: float
    thrust_rate: float
    radial_rate: float
    impeller_area: float
    thrust_friction: float
    radial_friction: float


def significant(x: float, digits: int = 9) -> float:
    """`x` to so many digits: what the last bits of log, exp and pow differ by between CPUs does not get through."""
    return float(f"{x:.{digits - 1}e}")


def reference_settled(p: PumpParameters, impeller_area: float) -> tuple[float, float]:
    """Speed in rad/s and flow in m3/s at the reference duty."""
    one = np.ones(1)
    voltage = REFERENCE_SPEED_SHARE * NOMINAL_VOLTAGE_V * one
    load = PumpLoad(
        REFERENCE_AMBIENT_K * one, voltage, NOMINAL_DISCHARGE_PA * one, SUCTION_PA * one, voltage * SYNC_RAD_S_PER_VOLT
    )
    speed, flow = settle(p, new_state(p, impeller_area), load)
    return float(speed[0]), float(flow[0])


def new_state(p: PumpParameters, impeller_area: float) -> PumpState:
    """One pump at rest at reference ambient with parts as new, but for the impeller."""
    one, zero = np.ones(1), np.zeros(1)
    warm = REFERENCE_AMBIENT_K * one
    return PumpState(
        speed_rad_s=zero,
        flow_m3_s=zero,
        oil_temp_k=warm,
        thrust_temp_k=warm,
        radial_temp_k=warm,
        impeller_area=impeller_area * one,
        thrust_friction=p.new_thrust_friction * one,
        radial_friction=p.new_radial_friction * one,
        leak_m3_s=zero,
    )


def too_hot(p: PumpParameters, speed2: float, thrust_ratio: float, radial_ratio: float) -> bool:
    """Whether a temperature limit is met at reference ambient; ratios are of friction to friction when new."""
    one = np.ones(1)
    thrust_power = p.new_thrust_friction * thrust_ratio * speed2 * one
    radial_power = p.new_radial_friction * radial_ratio * speed2 * one
    oil, thrust, radial = settled_heat(p, REFERENCE_AMBIENT_K * one, thrust_power, radial_power)
    return bool(
        oil[0] >= p.oil_temp_limit_k or thrust[0] >= p.thrust_temp_limit_k or radial[0] >= p.radial_temp_limit_k
    )


def friction_ratio_at_limit(p: PumpParameters, speed2: float, part: WornPart) -> float:
    """How many times its first friction a bearing has when a temperature limit is met at the reference duty.

    Found by bisection.
    """
    low, high = 1.0, 100.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        thrust, radial = (middle, 1.0) if part is WornPart.THRUST_BEARING else (1.0, middle)
        low, high = (low, middle) if too_hot(p, speed2, thrust, radial) else (middle, high)
    return high


@lru_cache(maxsize=16)
def reference(p: PumpParameters) -> Reference:
    """The reference duty of pumps with these parameters; computed once and kept."""
    speed, flow_new = reference_settled(p, p.new_impeller_area)
    _, flow_worn = reference_settled(p, p.impeller_area_limit)
    speed2 = speed * speed
    ratios = [friction_ratio_at_limit(p, speed2, part) for part in (WornPart.THRUST_BEARING, WornPart.RADIAL_BEARING)]
    return Reference(speed2, 0.5 * (flow_new * flow_new + flow_worn * flow_worn), *ratios)


def draw_life_days(law: WearLaw, rng: np.random.Generator) -> float:
    """A life in days with mean `law.mean_life_days`."""
    mean, shape = law.mean_life_days, law.shape
    if law.family == "lognormal":
        return mean * math.exp(shape * rng.standard_normal() - 0.5 * shape * shape)
    if law.family == "weibull":
        return mean * float(rng.weibull(shape)) / math.gamma(1.0 + 1.0 / shape)
    if law.family == "gamma":
        return mean * float(rng.standard_gamma(shape)) / shape
    return mean * (1.0 + shape * (2.0 * rng.random() - 1.0))


def draw_life(p: PumpParameters, law: WearLaw, rng: np.random.Generator, used: float = 0.0) -> Life:
    """The next life of a pump from its own generator; `used` is the share of the life already behind it."""
    ref = reference(p)
    weights = np.cumsum(law.part_weights)
    part = WornPart(int(np.searchsorted(weights, rng.random() * weights[-1], side="right")))
    life_s = max(1.0, draw_life_days(law, rng)) * DAY_S * law.running_share
    low, high = law.background
    pace = [low + (high - low) * rng.random() for _ in WornPart]
    pace[part] = 1.0
    spread = law.part_spread * rng.standard_normal(3)
    area = p.new_impeller_area * (1.0 + 0.1 * float(spread[0]))
    thrust, radial = (1.0 + float(x) for x in spread[1:])
    eaten = p.new_impeller_area - p.impeller_area_limit
    slow_start = math.log1p(law.acceleration) / law.acceleration if law.acceleration > 0.0 else 1.0
    unit_life_s = life_s / slow_start
    return Life(
        part=part,
        impeller_rate=significant(eaten / ref.flow2 * pace[0] / unit_life_s),
        thrust_rate=significant(math.log(ref.thrust_ratio) / ref.speed2 * pace[1] / unit_life_s),
        radial_rate=significant(math.log(ref.radial_ratio) / ref.speed2 * pace[2] / unit_life_s),
        impeller_area=significant(area - eaten * pace[0] * used),
        thrust_friction=significant(p.new_thrust_friction * thrust * ref.thrust_ratio ** (pace[1] * used)),
        radial_friction=significant(p.new_radial_friction * radial * ref.radial_ratio ** (pace[2] * used)),
    )
