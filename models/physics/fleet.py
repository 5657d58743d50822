"""A plant of centrifugal pumps that run, wear, fail and are repaired: a day at a time, all at once, from one seed.

Each pump draws from generators of its own, so its history does not depend on how many stand beside it; the weather is
the site's. Pure: start time and seed come in, arrays go out. The equations are in `pump` and `heat`, the draws in
`wear` and `duty`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.physics import duty, sensors, wear
from models.physics.duty import HOURS_A_DAY, Duty, DutyDraws, DutyLaw
from models.physics.heat import heat_propagator, long_step, settled_heat
from models.physics.pump import (
    Array,
    PumpFailure,
    PumpLoad,
    PumpParameters,
    PumpState,
    WearRates,
    limits_reached,
    settle,
)
from models.physics.sensors import SIGNALS, TruthRows
from models.physics.wear import Life, WearLaw, WornPart, draw_life

SECOND_US = 1_000_000
HOUR_S = 3600
DAY_US = HOURS_A_DAY * HOUR_S * SECOND_US
NEVER_US = np.iinfo(np.int64).max

DUTY_STREAM, LIFE_STREAM, SENSOR_STREAM = 0, 1, 2
SITE_KEY = (0xFFFF_FFFF,)
"""The weather's spawn key; pumps have keys of two numbers, so it can be no pump's."""


class FleetEventKind(StrEnum):
    """What can happen to a pump: it fails, and it is repaired."""

    FAILED = "failed"
    REPAIRED = "repaired"


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetSpec:
    """What to simulate. `sample_s` is the step too: 60 to 600 s, a divisor of the hour. `start_us` is UTC."""

    start_us: int
    n_pumps: int = 12
    days: int = 60
    sample_s: int = 600
    wear: WearLaw = field(default_factory=WearLaw)
    duty: DutyLaw = field(default_factory=DutyLaw)
    pump: PumpParameters = field(default_factory=PumpParameters)

    def __post_init__(self) -> None:
        if not 60 <= self.sample_s <= 600 or HOUR_S % self.sample_s:
            raise ValueError(f"fleet: sample_s is {self.sample_s}; use a divisor of 3600 from 60 to 600")
        if self.n_pumps < 1 or self.days < 0:
            raise ValueError(
                f"fleet: {self.n_pumps} pumps over {self.days} days; use at least one pump and no negative days"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetEvent:
    """A failure, at the row that reached the limit, or the repair after it, one step before the first row again.

    `mode` is the limit that was reached, `part` the part that had worn: a radial bearing often ends as hot oil.
    """

    asset: int
    time_us: int
    kind: FleetEventKind
    mode: PumpFailure
    part: WornPart


@dataclass(frozen=True, kw_only=True, slots=True)
class FleetBlock:
    """A day of rows, by time and then asset.

    `asset` is (rows,) int32, `time_us` (rows,) int64, `values` (rows, signals) float64.
    """

    asset: NDArray[np.int32]
    time_us: NDArray[np.int64]
    values: Array
    events: tuple[FleetEvent, ...]


def generator(seed: int, *spawn_key: int) -> np.random.Generator:
    """The generator of one seed and spawn key; different keys give independent streams."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=spawn_key)))


def normals(rng: np.random.Generator, *shape: int) -> Array:
    """Standard normals to 9 decimals, since the tail of numpy's sampler goes through the CPU's log."""
    return np.round(rng.standard_normal(shape), 9)


class Fleet:
    """The plant's state; `next_day` moves it on. Two fleets of the same spec and seed give the same bytes for ever."""

    def __init__(self, spec: FleetSpec, seed: int) -> None:
        self.spec = spec
        self.now_us = spec.start_us
        pumps = range(spec.n_pumps)
        self._site = generator(seed, *SITE_KEY)
        self._duty_rng = [generator(seed, k, DUTY_STREAM) for k in pumps]
        self._life_rng = [generator(seed, k, LIFE_STREAM) for k in pumps]
        self._sensor_rng = [generator(seed, k, SENSOR_STREAM) for k in pumps]
        self._place = duty.place(spec.duty, np.stack([rng.random(3) for rng in self._duty_rng]))
        self._duty = duty.start(spec.n_pumps)
        self._offsets = np.stack([normals(rng, len(SIGNALS)) for rng in self._sensor_rng]) * sensors.OFFSET_STD
        self._heat = heat_propagator(spec.pump, float(spec.sample_s))
        self._running = np.ones(spec.n_pumps, dtype=bool)
        self._repaired_us = np.full(spec.n_pumps, NEVER_US)
        self._mode = [PumpFailure.IMPELLER_WEAR] * spec.n_pumps
        low, high = spec.wear.first_life_used
        self._lives = [
            draw_life(spec.pump, spec.wear, rng, low + (high - low) * rng.random()) for rng in self._life_rng
        ]
        self._parts = [life.part for life in self._lives]
        self._rates = WearRates(*(np.array([life[column] for life in self._lives]) for column in (1, 2, 3)))
        self._state = self._first_state()

    def _first_state(self) -> PumpState:
        """Every pump warm and at its first load."""
        own, law, p = self._place, self.spec.duty, self.spec.pump
        hour = [x[None] for x in duty.at_hour(law, own, self._duty, self._hour_of_day())]
        load = Duty(*hour).load(0)
        zero = np.zeros(self.spec.n_pumps)
        area, thrust, radial = (np.array([life[column] for life in self._lives]) for column in (4, 5, 6))
        cold = PumpState(
            speed_rad_s=zero, flow_m3_s=zero,
            oil_temp_k=load.ambient_temp_k, thrust_temp_k=load.ambient_temp_k, radial_temp_k=load.ambient_temp_k,
            impeller_area=area, thrust_friction=thrust, radial_friction=radial, leak_m3_s=zero,
        )  # fmt: skip
        speed, flow = settle(p, cold, load)
        temps = settled_heat(p, load.ambient_temp_k, thrust * speed * speed, radial * speed * speed)
        return PumpState(
            speed_rad_s=speed, flow_m3_s=flow, oil_temp_k=temps[0], thrust_temp_k=temps[1], radial_temp_k=temps[2],
            impeller_area=area, thrust_friction=thrust, radial_friction=radial, leak_m3_s=zero,
        )  # fmt: skip

    def _hour_of_day(self) -> int:
        return self.now_us // (HOUR_S * SECOND_US) % HOURS_A_DAY

    def _day_of_duty(self) -> Duty:
        per_pump = np.stack([normals(rng, HOURS_A_DAY, 4) for rng in self._duty_rng], axis=1)
        draws = DutyDraws(
            campaign_start=np.stack([rng.random(HOURS_A_DAY) for rng in self._duty_rng], axis=1),
            campaign=per_pump[..., 0],
            speed=per_pump[..., 1],
            pressure=per_pump[..., 2],
            suction=per_pump[..., 3],
            site=normals(self._site, HOURS_A_DAY),
        )
        return duty.day(
            self.spec.duty, self._place, self._duty, draws, self._hour_of_day(), HOUR_S // self.spec.sample_s
        )

    def next_day(self) -> FleetBlock:
        """The next 24 hours of rows and events."""
        asked = self._day_of_duty()
        n_rows, n_pumps = asked.speed_share.shape
        truth, runs, events = TruthRows.empty(n_rows, n_pumps), np.empty((n_rows, n_pumps), dtype=bool), []
        times_us = self.now_us + np.arange(n_rows, dtype=np.int64) * (self.spec.sample_s * SECOND_US)
        for row in range(n_rows):
            load = asked.load(row)
            self._state = long_step(self.spec.pump, self._heat, self._state, load, self._current_rates())
            truth.write(row, self._state, load)
            runs[row] = self._running
            events += self._stop_the_failed(int(times_us[row]))
            events += self._restart_the_repaired(int(times_us[row]), load)
        self.now_us += DAY_US
        noise = np.stack([normals(rng, n_rows, len(SIGNALS)) for rng in self._sensor_rng], axis=1)
        values = sensors.read(truth.values, self._offsets, noise)
        row_at, asset = np.nonzero(runs)
        return FleetBlock(
            asset=asset.astype(np.int32), time_us=times_us[row_at], values=values[runs], events=tuple(events)
        )

    def _current_rates(self) -> WearRates:
        """Each life's rates, made to grow with the damage done where the law says so; nothing wears while it stands."""
        if self.spec.wear.acceleration == 0.0:
            return self._rates
        p, s, ref = self.spec.pump, self._state, wear.reference(self.spec.pump)
        damages = (
            (p.new_impeller_area - s.impeller_area) / (p.new_impeller_area - p.impeller_area_limit),
            (s.thrust_friction / p.new_thrust_friction - 1.0) / (ref.thrust_ratio - 1.0),
            (s.radial_friction / p.new_radial_friction - 1.0) / (ref.radial_ratio - 1.0),
        )
        grown = (
            rate * (1.0 + self.spec.wear.acceleration * np.maximum(0.0, d))
            for rate, d in zip(self._rates, damages, strict=True)
        )
        return WearRates(*grown)

    def _stop_the_failed(self, time_us: int) -> list[FleetEvent]:
        reached = limits_reached(self.spec.pump, self._state) & self._running
        if not reached.any():
            return []
        failed = [int(k) for k in np.nonzero(reached.any(axis=0))[0]]
        return [self._stop(k, time_us, PumpFailure(int(np.argmax(reached[:, k])))) for k in failed]

    def _stop(self, k: int, time_us: int, mode: PumpFailure) -> FleetEvent:
        """Stop pump k; its next life is drawn now and waits, not wearing, until the repair is done."""
        rng, law, step_us = self._life_rng[k], self.spec.wear, self.spec.sample_s * SECOND_US
        low, high = law.repair_hours
        steps = -(-int((low + (high - low) * rng.random()) * HOUR_S * SECOND_US) // step_us)
        self._running[k], self._mode[k], self._repaired_us[k] = False, mode, time_us + steps * step_us
        event = FleetEvent(asset=k, time_us=time_us, kind=FleetEventKind.FAILED, mode=mode, part=self._parts[k])
        self._lives[k] = draw_life(self.spec.pump, law, rng)
        self._renew(k, self._lives[k])
        return event

    def _renew(self, k: int, life: Life) -> None:
        for array in self._rates:
            array[k] = 0.0
        self._state.impeller_area[k] = life.impeller_area
        self._state.thrust_friction[k] = life.thrust_friction
        self._state.radial_friction[k] = life.radial_friction

    def _restart_the_repaired(self, time_us: int, load: PumpLoad) -> list[FleetEvent]:
        if time_us < self._repaired_us.min():
            return []
        return [self._restart(int(k), time_us, load) for k in np.nonzero(self._repaired_us <= time_us)[0]]

    def _restart(self, k: int, time_us: int, load: PumpLoad) -> FleetEvent:
        """Start pump k cold, with its new rates."""
        life, found = self._lives[k], self._parts[k]
        self._running[k], self._repaired_us[k], self._parts[k] = True, NEVER_US, life.part
        for array, rate in zip(self._rates, life[1:4], strict=True):
            array[k] = rate
        for temp in (self._state.oil_temp_k, self._state.thrust_temp_k, self._state.radial_temp_k):
            temp[k] = load.ambient_temp_k[k]
        return FleetEvent(asset=k, time_us=time_us, kind=FleetEventKind.REPAIRED, mode=self._mode[k], part=found)


def simulate(spec: FleetSpec, seed: int) -> Iterator[FleetBlock]:
    """`spec.days` daily blocks; the same spec and seed give the same bytes.

    For a plant that runs on, keep a `Fleet`.
    """
    fleet = Fleet(spec, seed)
    for _ in range(spec.days):
        yield fleet.next_day()
