"""A station of centrifugal pumps that start, run, stop, wear, fail and are repaired: a day at a time, from one seed.

Each pump draws from generators of its own, so its history does not depend on how many stand beside it; the weather is
the site's. Pure: start time and seed come in, arrays go out. The equations are in `pump` and `heat`, the draws in
`wear`, `duty`, `cycles`, `faults` and `orders`, what is sent of it in `sensors` and `plc`.
"""

from collections.abc import Iterator

import numpy as np

from models.physics import cycles, duty, faults, sensors, wear
from models.physics.blocks import HOUR_S, FleetBlock, FleetEvent, FleetEventKind, FleetSpec
from models.physics.cycles import HOUR_US, Cycles, RunState
from models.physics.draws import SITE_KEY, Stream, generator, generators, normals, uniforms
from models.physics.duty import HOURS_A_DAY, Duty, DutyDraws
from models.physics.faults import Faults, SensorFault
from models.physics.heat import Drive, heat_propagator, long_step, settle_driven, settled_heat
from models.physics.orders import FleetOrder, Orders
from models.physics.plc import Codes, Plc
from models.physics.pump import Array, PumpFailure, PumpLoad, PumpState, WearRates, limits_reached
from models.physics.sensors import SENSORS, SIGNALS, TruthRows
from models.physics.wear import Life, draw_life

__all__ = ["SIGNALS", "Fleet", "FleetBlock", "FleetEvent", "FleetEventKind", "FleetSpec", "simulate"]

SECOND_US = 1_000_000
DAY_US = HOURS_A_DAY * HOUR_US

FIRST_HOURS = (1_000.0, 30_000.0)
"""The hour counters of a station that has been there for years, drawn evenly; our assumption."""


class Fleet:
    """The plant's state; `next_day` moves it on. Two fleets of the same spec and seed give the same bytes for ever."""

    def __init__(self, spec: FleetSpec, seed: int) -> None:
        self.spec, self.now_us, self.step_us = spec, spec.start_us, spec.sample_s * SECOND_US
        self._site = generator(seed, *SITE_KEY)
        self._rng = {stream: generators(seed, spec.n_pumps, stream) for stream in Stream}
        self._place = duty.place(spec.duty, uniforms(self._rng[Stream.DUTY], 3))
        self._duty = duty.start(spec.n_pumps)
        offsets = np.stack([normals(rng, len(SENSORS)) for rng in self._rng[Stream.SENSOR]])
        self._offsets = offsets * sensors.OFFSET_STD
        self._heat = heat_propagator(spec.pump, float(spec.sample_s))
        first = uniforms(self._rng[Stream.CYCLE], 3)
        self._cycles = Cycles(spec.cycles, first[:, :2], self.now_us, self.step_us)
        low, high = FIRST_HOURS
        self._ran_s = (low + (high - low) * first[:, 2]).astype(np.int64) * HOUR_S
        self._faults, self._plc = Faults(spec.faults, self.step_us), Plc(spec.n_pumps)
        self._orders = Orders(spec.orders, self._rng[Stream.ORDER])
        low, high = spec.wear.first_life_used
        lives = [
            draw_life(spec.pump, spec.wear, rng, low + (high - low) * rng.random()) for rng in self._rng[Stream.LIFE]
        ]
        self._parts = [life.part for life in lives]
        self._next_parts = list(self._parts)
        self._modes = [PumpFailure.IMPELLER_WEAR] * spec.n_pumps
        self._rates = WearRates(*(np.array([life[column] for life in lives]) for column in (1, 2, 3)))
        self._state = self._first_state(lives)

    def _first_state(self, lives: list[Life]) -> PumpState:
        """Running pumps warm and at their first load, the others at rest and at ambient."""
        p = self.spec.pump
        asked = Duty(*(x[None] for x in duty.at_hour(self.spec.duty, self._place, self._duty, self._hour())))
        load, drive = self._load(asked, 0)
        zero = np.zeros(self.spec.n_pumps)
        area, thrust, radial = (np.array([life[column] for life in lives]) for column in (4, 5, 6))
        cold = PumpState(
            speed_rad_s=zero, flow_m3_s=zero,
            oil_temp_k=load.ambient_temp_k, thrust_temp_k=load.ambient_temp_k, radial_temp_k=load.ambient_temp_k,
            impeller_area=area, thrust_friction=thrust, radial_friction=radial, leak_m3_s=zero,
        )  # fmt: skip
        speed, flow = settle_driven(p, cold, load, drive)
        temps = settled_heat(p, load.ambient_temp_k, thrust * speed * speed, radial * speed * speed)
        return PumpState(
            speed_rad_s=speed, flow_m3_s=flow, oil_temp_k=temps[0], thrust_temp_k=temps[1], radial_temp_k=temps[2],
            impeller_area=area, thrust_friction=thrust, radial_friction=radial, leak_m3_s=zero,
        )  # fmt: skip

    def _hour(self) -> int:
        """Hours since 1970."""
        return self.now_us // HOUR_US

    def _load(self, asked: Duty, row: int) -> tuple[PumpLoad, Drive]:
        """What the pumps get at a row of time in the states they are in."""
        share = self._cycles.speed_share(asked.speed_share[row])
        return asked.load(row, share), Drive(share > 0.0, self._cycles.state == RunState.RUNNING)

    def _day_of_duty(self) -> Duty:
        rngs = self._rng[Stream.DUTY]
        per_pump = np.stack([normals(rng, HOURS_A_DAY, 4) for rng in rngs], axis=1)
        draws = DutyDraws(
            campaign_start=np.stack([rng.random(HOURS_A_DAY) for rng in rngs], axis=1),
            campaign=per_pump[..., 0],
            speed=per_pump[..., 1],
            pressure=per_pump[..., 2],
            suction=per_pump[..., 3],
            site=normals(self._site, HOURS_A_DAY),
        )
        return duty.day(self.spec.duty, self._place, self._duty, draws, self._hour(), HOUR_S // self.spec.sample_s)

    def next_day(self) -> FleetBlock:
        """The next 24 hours of rows, events, orders and faults."""
        asked = self._day_of_duty()
        plan = cycles.day(
            self.spec.cycles, uniforms(self._rng[Stream.CYCLE], HOURS_A_DAY, cycles.DRAWS_AN_HOUR), self.now_us
        )
        n_rows, n_pumps = asked.speed_share.shape
        times_us = self.now_us + np.arange(n_rows, dtype=np.int64) * self.step_us
        truth, states = TruthRows.empty(n_rows, n_pumps), np.empty((n_rows, n_pumps), dtype=np.int8)
        events: list[FleetEvent] = []
        orders: list[FleetOrder] = []
        for row, now_us in enumerate(times_us.tolist()):
            self._cycles.advance(plan, row * HOURS_A_DAY // n_rows, now_us)
            load, drive = self._load(asked, row)
            self._state = long_step(self.spec.pump, self._heat, self._state, load, self._current_rates(), drive)
            truth.write(row, self._state, load)
            states[row] = self._cycles.state
            events += self._trip_the_failed(now_us)
            self._end_the_maintained(now_us, events, orders)
        self.now_us += DAY_US
        readings = self._readings(truth.values)
        begun = self._spoil(readings, times_us)
        values, sent, alarms = self._plc.day(readings, self._count(states), states)
        return FleetBlock(
            asset=np.tile(np.arange(n_pumps, dtype=np.int32), n_rows), time_us=np.repeat(times_us, n_pumps),
            values=values.reshape(-1, len(SIGNALS)), run_state=sent.ravel(), alarm=alarms.ravel(),
            true_state=states.ravel(), events=tuple(events), orders=tuple(orders), faults=begun,
        )  # fmt: skip

    def _readings(self, truth: Array) -> Array:
        noise = np.stack([normals(rng, len(truth), len(SENSORS)) for rng in self._rng[Stream.SENSOR]], axis=1)
        return sensors.read(truth, self._offsets, noise)

    def _spoil(self, readings: Array, times_us: cycles.Times) -> tuple[SensorFault, ...]:
        return self._faults.day(readings, times_us, uniforms(self._rng[Stream.FAULT], *faults.DRAWS_A_DAY))

    def _count(self, states: Codes) -> Array:
        """The hour counters over a day, (rows, n); they move on with the rows that ran."""
        total_s = self._ran_s + np.cumsum((states == RunState.RUNNING) * self.spec.sample_s, axis=0)
        self._ran_s = total_s[-1]
        return sensors.counted_hours(total_s)

    def _current_rates(self) -> WearRates:
        """Each life's rates, made to grow with the damage done where the law says so."""
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

    def _trip_the_failed(self, now_us: int) -> list[FleetEvent]:
        """Running pumps that reached a limit stop: this row is their last running one."""
        reached = limits_reached(self.spec.pump, self._state) & (self._cycles.state == RunState.RUNNING)
        if not reached.any():
            return []
        failed = [int(k) for k in np.nonzero(reached.any(axis=0))[0]]
        return [self._trip(k, now_us, PumpFailure(int(np.argmax(reached[:, k])))) for k in failed]

    def _trip(self, k: int, now_us: int, mode: PumpFailure) -> FleetEvent:
        """Trip pump k and give it its next life, which does not wear while the pump stands."""
        rng, (low, high) = self._rng[Stream.LIFE][k], self.spec.wear.repair_hours
        steps = -(-int((low + (high - low) * rng.random()) * HOUR_US) // self.step_us)
        self._cycles.trip(k, now_us, now_us + steps * self.step_us)
        life = draw_life(self.spec.pump, self.spec.wear, rng)
        self._modes[k], self._next_parts[k] = mode, life.part
        for rates, rate in zip(self._rates, life[1:4], strict=True):
            rates[k] = rate
        self._state.impeller_area[k] = life.impeller_area
        self._state.thrust_friction[k] = life.thrust_friction
        self._state.radial_friction[k] = life.radial_friction
        return FleetEvent(asset=k, time_us=now_us, kind=FleetEventKind.FAILED, mode=mode, part=self._parts[k])

    def _end_the_maintained(self, now_us: int, events: list[FleetEvent], orders: list[FleetOrder]) -> None:
        """Add the orders of the repairs and services that end with this row, and the repairs themselves."""
        for k in self._cycles.finished(now_us):
            since_us, mode, part = int(self._cycles.stands_since_us[k]), self._modes[k], self._parts[k]
            if self._cycles.serviced[k]:
                orders.append(self._orders.service(k, since_us, now_us))
                continue
            events.append(FleetEvent(asset=k, time_us=now_us, kind=FleetEventKind.REPAIRED, mode=mode, part=part))
            orders.append(self._orders.corrective(k, since_us, now_us, mode, part))
            self._parts[k] = self._next_parts[k]


def simulate(spec: FleetSpec, seed: int) -> Iterator[FleetBlock]:
    """`spec.days` daily blocks; the same spec and seed give the same bytes.

    For a plant that runs on, keep a `Fleet`.
    """
    fleet = Fleet(spec, seed)
    for _ in range(spec.days):
        yield fleet.next_day()
