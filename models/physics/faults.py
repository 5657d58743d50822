"""Sensors that lie while the machine is well: a value stuck, a single outlier, a gap, a slow drift.

The faults are applied to what the sensors report; the physics never sees them. A sensor has one fault at a time: what
would begin while another lasts does not happen. Each fault is told as truth, for tests and for counting.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from models.physics.cycles import HOUR_US, NEVER_US, Times
from models.physics.duty import HOURS_A_DAY
from models.physics.pump import Array
from models.physics.sensors import SENSED, SENSORS, reported

DAY_US = HOURS_A_DAY * HOUR_US
DAYS_A_MONTH = 365.2425 / 12.0


class FaultKind(StrEnum):
    """What goes wrong with a sensor; the order is that of the draws."""

    STUCK = "stuck"
    SPIKE = "spike"
    GAP = "gap"
    DRIFT = "drift"


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultLaw:
    """How often sensors lie and how much. All numbers are our assumptions; a pair is drawn from evenly.

    Rates are per sensor and month and hold for the gauges: the voltage is the drive's own word, the counter the PLC's.
    """

    stuck_a_month: float = 0.02
    stuck_hours: tuple[float, float] = (2.0, 72.0)
    spike_a_month: float = 0.10
    spike_span_share: tuple[float, float] = (0.05, 0.5)
    """Size of a spike as a share of the sensor's span, up or down; the span's ends cut it off."""
    gap_a_month: float = 0.05
    gap_hours: tuple[float, float] = (1.0, 24.0)
    drift_a_month: float = 0.01
    """Of all but the speed: a pulse counter does not drift."""
    drift_days: tuple[float, float] = (5.0, 15.0)
    drift_accuracies_a_day: tuple[float, float] = (1.0 / 6.0, 5.0 / 6.0)
    """In units of the sensor's accuracy, up or down: 0.1 to 0.5 K a day for a Pt100."""

    @classmethod
    def none(cls) -> "FaultLaw":
        """Sensors that never fail."""
        return cls(stuck_a_month=0.0, spike_a_month=0.0, gap_a_month=0.0, drift_a_month=0.0)

    def __post_init__(self) -> None:
        wrong = [f.name for f in fields(self) if f.name.endswith("_a_month") and not 0 <= getattr(self, f.name) <= 20]
        if wrong:
            raise ValueError(f"fault law: {', '.join(wrong)} must be 0 to 20: a sensor has at most one fault a day")


@dataclass(frozen=True, kw_only=True, slots=True)
class SensorFault:
    """A fault of one sensor, in the rows from `first_us` to `last_us` inclusive.

    `size` is in the signal's unit: the frozen value (stuck), what was added (spike), added a day (drift), 0 (gap).
    """

    asset: int
    signal: str
    kind: FaultKind
    first_us: int
    last_us: int
    size: float


class _Draw(NamedTuple):
    """Four uniforms for one pump, sensor, kind and day."""

    happens: Array
    when: Array
    length: Array
    size: Array


FAULTY = tuple(column for column, name in enumerate(SENSED) if name != "motor_voltage_v")
"""Columns of the sensors that fail."""
DRAWS_A_DAY = (len(FAULTY), len(FaultKind), len(_Draw._fields))


def chances_a_day(law: FaultLaw) -> Array:
    """Chance that a fault begins on a day, (faulty sensors, kinds)."""
    a_month = np.array([law.stuck_a_month, law.spike_a_month, law.gap_a_month, law.drift_a_month])
    chances = np.repeat(a_month[None, :] / DAYS_A_MONTH, len(FAULTY), axis=0)
    chances[FAULTY.index(SENSED.index("speed_rpm")), list(FaultKind).index(FaultKind.DRIFT)] = 0.0
    return chances


def within(span: tuple[float, float], uniform: float) -> float:
    """A uniform of [0, 1) spread evenly over `span`."""
    return span[0] + (span[1] - span[0]) * uniform


def either_sign(span: tuple[float, float], uniform: float) -> float:
    """A size from `span`, negative for uniforms below one half."""
    return -within(span, 2.0 * uniform) if uniform < 0.5 else within(span, 2.0 * uniform - 1.0)


class Faults:
    """The faults that last; owned by the fleet, which hands it each day's readings."""

    def __init__(self, law: FaultLaw, step_us: int) -> None:
        self.law, self.step_us = law, step_us
        self._chances = chances_a_day(law)
        self._lasting: dict[tuple[int, int], SensorFault] = {}

    def day(self, values: Array, times_us: Times, uniforms: Array) -> tuple[SensorFault, ...]:
        """Spoil a day of readings, (rows, n, sensors), in place; returns the faults that begin on it.

        `uniforms` are (faulty sensors, n, kinds, 4).
        """
        for (asset, column), fault in self._lasting.items():
            spoil(values[:, asset, column], times_us, fault, column)
        day_us, end_us = int(times_us[0]), int(times_us[-1])
        begun = []
        hits = np.argwhere(uniforms[..., 0] < self._chances[:, None, :])
        planned = [self._plan(_Draw(*uniforms[s, k, kind]), s, k, kind, day_us) for s, k, kind in hits.tolist()]
        for fault, column in sorted(planned, key=lambda plan: (plan[0].first_us, plan[0].asset, plan[1])):
            before = self._lasting.get((fault.asset, column))
            if before is None or before.last_us < fault.first_us:
                told = self._frozen(fault, values[:, fault.asset, column], times_us)
                spoil(values[:, fault.asset, column], times_us, told, column)
                self._lasting[fault.asset, column] = told
                begun.append(told)
        self._lasting = {where: fault for where, fault in self._lasting.items() if fault.last_us > end_us}
        return tuple(begun)

    def _plan(self, draw: _Draw, sensor: int, asset: int, kind: int, day_us: int) -> tuple[SensorFault, int]:
        """A fault that would begin on the day, on the grid of rows, and its column."""
        column, law, what = FAULTY[sensor], self.law, list(FaultKind)[kind]
        first_us = day_us + int(float(draw.when) * (DAY_US // self.step_us)) * self.step_us
        lengths_h = {FaultKind.STUCK: law.stuck_hours, FaultKind.GAP: law.gap_hours}
        if what is FaultKind.DRIFT:
            lengths_h[what] = (law.drift_days[0] * HOURS_A_DAY, law.drift_days[1] * HOURS_A_DAY)
        hours = within(lengths_h.get(what, (0.0, 0.0)), float(draw.length))
        last_us = first_us + int(hours * HOUR_US) // self.step_us * self.step_us
        size = self._size(what, column, float(draw.size))
        signal = SENSED[column]
        return SensorFault(asset=asset, signal=signal, kind=what, first_us=first_us, last_us=last_us, size=size), column

    def _size(self, kind: FaultKind, column: int, uniform: float) -> float:
        (low, high), accuracy = SENSORS[column].span, SENSORS[column].accuracy
        if kind is FaultKind.SPIKE:
            return (high - low) * either_sign(self.law.spike_span_share, uniform)
        return accuracy * either_sign(self.law.drift_accuracies_a_day, uniform) if kind is FaultKind.DRIFT else 0.0

    @staticmethod
    def _frozen(fault: SensorFault, readings: Array, times_us: Times) -> SensorFault:
        """The fault with the value that a stuck sensor keeps: its reading when it got stuck."""
        if fault.kind is not FaultKind.STUCK:
            return fault
        value = float(readings[int(np.searchsorted(times_us, fault.first_us))])
        return SensorFault(
            asset=fault.asset, signal=fault.signal, kind=fault.kind,
            first_us=fault.first_us, last_us=fault.last_us, size=value,
        )  # fmt: skip


def spoil(readings: Array, times_us: Times, fault: SensorFault, column: int) -> None:
    """Put the fault into one sensor's readings (rows,), in place."""
    first = int(np.searchsorted(times_us, fault.first_us))
    end = int(np.searchsorted(times_us, min(fault.last_us, NEVER_US - 1), side="right"))
    rows = slice(first, end)
    if fault.kind is FaultKind.STUCK:
        readings[rows] = fault.size
    elif fault.kind is FaultKind.GAP:
        readings[rows] = np.nan
    elif fault.kind is FaultKind.SPIKE:
        readings[rows] = reported(SENSORS[column], readings[rows] + fault.size)
    else:
        days = (times_us[rows] - fault.first_us) / DAY_US
        readings[rows] = reported(SENSORS[column], readings[rows] + fault.size * days)
