"""Simulated pumps that change half-way for one reason each, and a year in which nothing does: for telling drift apart.

The half before is the same for all. Then some pumps' sensor reads by another gain and offset, with a record of the
recalibration or, exchanged, without; or a product of another speed and pressure runs on header A; or the hall slowly
gets warmer or colder; or a few machines wear many times as fast. Seeds, sizes and shifts were fixed before anything
was tuned; all numbers are our assumptions.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from models.features import Spec
from models.physics.fleet import SIGNALS, Fleet, FleetBlock, FleetEvent, FleetEventKind
from models.physics.wear import WearLaw
from models.plant import AssetType
from models.plant.layout import Layout
from models.records import Maintenance, MaintenanceAction
from onnx_export.fleets import fleet_of
from onnx_export.history import DAY_US, History, Recorder, mode_of
from onnx_export.recipe import AUTUMN, SPRING, SUMMER, WINTER, Plan
from tests.kit.drifting import GAIN, OFFSETS

PUMPS, DAYS, DAYS_AFTER, EVERY_MIN = 12, 40, 28, 240
YEAR_DAYS = 365
SEEDS = tuple(range(6001, 6021))
"""Of the table. Bars were chosen on DEVELOPMENT alone."""
DEVELOPMENT = tuple(range(6901, 6907))
YEAR_SEEDS = tuple(range(6101, 6105))
"""One that begins in each season."""
YEAR_DEVELOPMENT = tuple(range(6951, 6955))
MOVE_KEY = 78
"""Beside a seed: of the draws of what changes, and on which pumps."""
SENSOR_PUMPS, HEADER_A, SICK_PUMPS = 4, 6, 2
"""How many pumps' sensors change, how many the new product is for, and how many wear fast."""
SPEED_SHARES, PRESSURE_SHARES = (0.02, 0.04), (0.04, 0.08)
"""A new product asks for so much more or less of nominal; one to two times its swing from night to day."""
WARMER_K_A_DAY = (0.25, 0.45)
"""Up or down: 7 to 12.6 K within 28 days, about a season's change in a third of its time."""
WEAR_TIMES = 8.0
"""A machine without oil in its bearing, or with sand in its flow."""
LONG_LIVES = WearLaw(mean_life_days=150.0, first_life_used=(0.0, 0.5))
"""Of every other plant; the others have lives of 46 days, so that some machine is always about to fail."""
STARTS = (WINTER, SPRING, SUMMER, AUTUMN)


class Made(StrEnum):
    """What was done to the plant."""

    NOTHING = "nothing changes"
    RECALIBRATED = "sensor recalibrated, with a record"
    EXCHANGED = "sensor exchanged, without a record"
    PRODUCT = "new product"
    AMBIENT = "slow ambient change"
    DEGRADATION = "machines wear fast"


class Plant(NamedTuple):
    """All rows of a plant, what was told of it, when it changed, on which pumps and in which signal, if in one."""

    rows: History
    events: tuple[Maintenance, ...]
    middle_us: int
    assets: tuple[int, ...]
    signal: str = ""


class Change(NamedTuple):
    """The draws of a seed."""

    signal: str
    gain: float
    offset: float
    sensor_pumps: tuple[int, ...]
    speed: float
    pressure: float
    k_a_day: float
    sick: tuple[int, ...]

    @classmethod
    def of(cls, seed: int) -> Change:
        random = np.random.default_rng((seed, MOVE_KEY))

        def drawn(span: tuple[float, float]) -> float:
            return float(random.choice((-1.0, 1.0)) * random.uniform(*span))

        def some(count: int) -> tuple[int, ...]:
            return tuple(sorted(random.choice(PUMPS, count, replace=False).tolist()))

        signal = str(random.choice(sorted(OFFSETS)))
        gain = 1.0 + drawn(GAIN)
        # of the gain's sign, so that they do not cancel out
        offset = float(np.copysign(random.uniform(*OFFSETS[signal]), gain - 1.0))
        speed, pressure = drawn(SPEED_SHARES), drawn(PRESSURE_SHARES)
        return cls(signal, gain, offset, some(SENSOR_PUMPS), speed, pressure, drawn(WARMER_K_A_DAY), some(SICK_PUMPS))

    def recalibrated(self, pump: int, time_us: int) -> Maintenance:
        """The record of it."""
        return Maintenance(
            plant="plant", asset=name_of(pump), time_us=time_us, mode=self.signal, action=MaintenanceAction.RECALIBRATED
        )

    def read(self, block: FleetBlock) -> FleetBlock:
        """A day as the pumps' new sensor tells it."""
        at, values = SIGNALS.index(self.signal), block.values.copy()
        rows = np.isin(block.asset, self.sensor_pumps)
        values[rows, at] = values[rows, at] * self.gain + self.offset
        return replace(block, values=values)


def begun(seed: int, days: int, *, seasons: bool, law: WearLaw) -> Fleet:
    """A fleet before its first day."""
    plan = Plan(seed=seed, law=law, start_us=STARTS[seed % 4], faults=seed % 2 == 0)
    spec = fleet_of(plan, PUMPS, days)
    # A season is an ambient change, so that only the year has them: elsewhere nothing but what is made may change.
    duty = spec.duty if seasons else replace(spec.duty, ambient_year_amplitude_k=0.0)
    return Fleet(replace(spec, duty=duty), seed)


def plants(seed: int, asset_type: AssetType, spec: Spec) -> dict[Made, Plant]:
    """The plant of a seed, changed each way."""
    law = LONG_LIVES if seed // 2 % 2 else WearLaw()
    fleet = begun(seed, DAYS + DAYS_AFTER, seasons=False, law=law)
    run = Run(asset_type, spec)
    for _ in range(DAYS):
        run.take(fleet.next_day())
    change, middle_us = Change.of(seed), fleet.now_us
    fleets = {made: copy.deepcopy(fleet) for made in (Made.NOTHING, Made.PRODUCT, Made.AMBIENT, Made.DEGRADATION)}
    runs = {made: copy.deepcopy(run) for made in Made if made is not Made.EXCHANGED}
    _new_product(fleets[Made.PRODUCT], change)
    _sicken(fleets[Made.DEGRADATION], change)
    for day in range(DAYS_AFTER):
        _warm(fleets[Made.AMBIENT], change.k_a_day * (day + 1))
        days = {made: one.next_day() for made, one in fleets.items()}
        days[Made.RECALIBRATED] = change.read(days[Made.NOTHING])
        for made, block in days.items():
            runs[made].take(block)
    every = tuple(range(PUMPS))
    on = {
        Made.NOTHING: (), Made.RECALIBRATED: change.sensor_pumps, Made.PRODUCT: every[:HEADER_A], Made.AMBIENT: every,
        Made.DEGRADATION: change.sick,
    }  # fmt: skip
    out = {made: one.plant(middle_us, on[made], change.signal) for made, one in runs.items()}
    exchanged = out[Made.RECALIBRATED]  # the rows are the same: what differs is what is told of them
    records = tuple(change.recalibrated(one, middle_us) for one in change.sensor_pumps)
    out[Made.RECALIBRATED] = exchanged._replace(events=(*exchanged.events, *records))
    return out | {Made.EXCHANGED: exchanged}


def year(seed: int, asset_type: AssetType, spec: Spec) -> Plant:
    """A plant that does not change, with its weather, its wear and its failures, over a year."""
    fleet, run = begun(seed, YEAR_DAYS, seasons=True, law=WearLaw()), Run(asset_type, spec)
    for _ in range(YEAR_DAYS):
        run.take(fleet.next_day())
    return run.plant(fleet.now_us, ())


def name_of(pump: int) -> str:
    """Of a pump, by number."""
    return f"pump-{pump:02}"


NAMES = tuple(map(name_of, range(PUMPS)))


class Run:
    """Rows and events of a plant so far."""

    def __init__(self, asset_type: AssetType, spec: Spec) -> None:
        self.recorder = Recorder(Layout("pump", asset_type), spec, PUMPS, EVERY_MIN)
        self.events: list[Maintenance] = []
        self.now_us = 0

    def take(self, block: FleetBlock) -> None:
        """Take a day."""
        self.recorder.take(block)
        self.events += map(_told, block.events)
        self.now_us = int(block.time_us[0]) + DAY_US

    def plant(self, middle_us: int, assets: tuple[int, ...], signal: str = "") -> Plant:
        """All of it so far."""
        return Plant(self.recorder.history(self.now_us), tuple(self.events), middle_us, assets, signal)


ACTIONS = {
    FleetEventKind.FAILED: MaintenanceAction.FAILED,
    FleetEventKind.REPAIRED: MaintenanceAction.REPAIRED,
}


def _told(event: FleetEvent) -> Maintenance:
    return Maintenance(
        plant="plant", asset=name_of(event.asset), time_us=event.time_us, action=ACTIONS[event.kind],
        mode=mode_of(event),
    )  # fmt: skip


def _new_product(fleet: Fleet, change: Change) -> None:
    on = np.arange(PUMPS) < HEADER_A
    place = fleet._place
    fleet._place = replace(
        place,
        speed_share=place.speed_share + on * change.speed,
        pressure_share=place.pressure_share + on * change.pressure,
    )


def _warm(fleet: Fleet, by_k: float) -> None:
    law = fleet.spec.duty
    mean = type(law)().ambient_mean_degc + by_k
    fleet.spec = replace(fleet.spec, duty=replace(law, ambient_mean_degc=mean))


def _sicken(fleet: Fleet, change: Change) -> None:
    for rates in fleet._rates:
        rates[list(change.sick)] *= WEAR_TIMES
