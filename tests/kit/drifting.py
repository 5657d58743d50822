"""A simulated plant that changes half-way, three ways, from one seed: for learning on without forgetting.

32 pumps over twice 40 days. Then, at once and for all of them: nothing (`STEADY`); the transmitters of flow, pressure and
temperatures are exchanged for ones of other gain and offset (`SENSORS`); the trips are set lower, so that pumps fail at
less wear and heat than before (`RELATION`). The law of lives and what wears stay. Seeds and sizes were fixed before
anything was tuned.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from models.features import Spec
from models.physics.fleet import SIGNALS, Fleet, FleetBlock
from models.physics.pump import PumpParameters
from models.physics.wear import WearLaw
from models.plant import AssetType
from models.plant.layout import Layout
from onnx_export.fleets import fleet_of
from onnx_export.history import DAY_US, History, Recorder
from onnx_export.learner import with_rows
from onnx_export.recipe import AUTUMN, SPRING, SUMMER, WINTER, Plan

PUMPS, HELD_OUT, DAYS, EVERY_MIN = 32, 12, 40, 110
"""Of the pumps the last HELD_OUT are for judging alone; DAYS are those before the change, and those after it."""
SEEDS = tuple(range(5001, 5021))
"""Of the table. Methods were chosen on DEVELOPMENT alone."""
DEVELOPMENT = tuple(range(5901, 5907))
SHIFT_KEY = 77
"""Beside a seed: of the draws of gains and offsets."""


class Drift(StrEnum):
    """What changes half-way."""

    STEADY = "nothing changes"
    SENSORS = "gain and offset of sensors"
    RELATION = "trips are set lower"


GAIN = (0.03, 0.08)
"""A transmitter of another span reads so much more or less, a share; our assumption."""
OFFSETS = {
    "flow_m3_h": (5.0, 15.0), "discharge_pressure_bar": (0.1, 0.3), "oil_temp_degc": (2.0, 5.0),
    "radial_bearing_temp_degc": (2.0, 5.0), "thrust_bearing_temp_degc": (2.0, 5.0),
}  # fmt: skip
"""And so much more or less, in the signal's unit; about 8 to 25 times a sensor's accuracy. Our assumption."""
LOWER = {
    "thrust_temp_limit_k": 360.0,
    "radial_temp_limit_k": 360.0,
    "oil_temp_limit_k": 344.0,
    "impeller_area_limit": 10.3,
}
"""Limits at which pumps fail afterwards; before they are progpy's 370, 370 and 350 K, and an area of 9.5."""


class Halves(NamedTuple):
    """Rows before the change, known as of it, and rows after it."""

    before: History
    after: History


class Shift(NamedTuple):
    """Gain and offset of each signal, float64 [signals]."""

    gain: np.ndarray
    offset: np.ndarray

    def seen(self, block: FleetBlock) -> FleetBlock:
        """A day as the exchanged transmitters tell it."""
        return replace(block, values=block.values * self.gain + self.offset)


def shift_of(seed: int) -> Shift:
    """Gains and offsets, evenly drawn, up or down, the same for all pumps."""
    random, out = np.random.default_rng((seed, SHIFT_KEY)), Shift(np.ones(len(SIGNALS)), np.zeros(len(SIGNALS)))
    for signal, span in OFFSETS.items():
        at = SIGNALS.index(signal)
        out.gain[at] += random.choice((-1.0, 1.0)) * random.uniform(*GAIN)
        out.offset[at] = random.choice((-1.0, 1.0)) * random.uniform(*span)
    return out


def plants(seed: int, asset_type: AssetType, spec: Spec, days: int = DAYS, pumps: int = PUMPS) -> dict[Drift, Halves]:
    """The plant of a seed, changed each way; the half before is the same."""
    start_us = (WINTER, SPRING, SUMMER, AUTUMN)[seed % 4]
    plan = Plan(seed=seed, law=WearLaw(), start_us=start_us, faults=seed % 2 == 0)
    fleet = Fleet(fleet_of(plan, pumps, 2 * days), seed)
    recorder = Recorder(Layout("pump", asset_type), spec, pumps, EVERY_MIN)
    for _ in range(days):
        recorder.take(fleet.next_day())
    middle_us = start_us + days * DAY_US
    before = recorder.history(middle_us)
    lower = copy.deepcopy(fleet)
    lower.spec = replace(fleet.spec, pump=PumpParameters(**LOWER))
    recorders = {drift: copy.deepcopy(recorder) for drift in Drift}
    shift = shift_of(seed)
    for _ in range(days):
        day = fleet.next_day()
        recorders[Drift.STEADY].take(day)
        recorders[Drift.SENSORS].take(shift.seen(day))
        recorders[Drift.RELATION].take(lower.next_day())
    end_us = middle_us + days * DAY_US
    return {drift: Halves(before, _after(one.history(end_us), middle_us)) for drift, one in recorders.items()}


def _after(whole: History, middle_us: int) -> History:
    """Rows after the change, and the failures then."""
    later = with_rows(whole, np.flatnonzero(whole.window_end_us > middle_us))
    return replace(later, failures=tuple(one for one in whole.failures if one.time_us > middle_us))


def of_machines(history: History, held_out: bool, pumps: int = PUMPS, kept: int = HELD_OUT) -> History:
    """Rows and failures of the pumps that are for judging alone, or of the others."""
    mine = (np.arange(pumps) >= pumps - kept) == held_out
    rows = with_rows(history, np.flatnonzero(mine[history.asset]))
    return replace(rows, failures=tuple(one for one in history.failures if mine[one.asset]))


def joined(histories: Sequence[History]) -> History:
    """Histories of the same machines, one after another in time, as one."""
    first = histories[0]
    names = ("features", "asset", "window_end_us", "since_us", "hours", "known_h", "mode")
    columns = {name: np.concatenate([getattr(one, name) for one in histories]) for name in names}
    failures = tuple(failure for one in histories for failure in one.failures)
    return replace(first, **columns, failures=failures, end_us=max(one.end_us for one in histories))
