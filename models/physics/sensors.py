"""What the pump's sensors make of its state: a sensor's own offset, noise, and the resolution it reports in.

Offset and noise are gaussian. Three standard deviations of offset are the accuracy of the sensor's class; noise is a
third of the offset, our assumption for repeatability. Rounding to the resolution makes the values equal on every CPU.
A transmitter says nothing outside of its span. Faults are in `faults`, what the PLC sends of it all in `plc`.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physics.duty import ZERO_CELSIUS_K
from models.physics.pump import Array, PumpLoad, PumpState, outputs

RPM_PER_RAD_S = 9.549296585513721  # 30 / pi
SECONDS_AN_HOUR = 3600.0
PA_PER_BAR = 1e5

PT100_CLASS_B_K = 0.60
"""IEC 60751 class B, 0.30 + 0.005 |t|, at 60 degC."""
PT100_SPAN_DEGC = (-40.0, 200.0)
HALL_SPAN_DEGC = (-40.0, 60.0)

LOW_FLOW_CUT_OFF_M3_H = 3.6
"""Below 1 % of 360 m3/h the flow meter reports 0, as meters are set to; the 1 % is our assumption."""


class Sensor(NamedTuple):
    """A signal with its unit in its name, the accuracy (3 standard deviations of offset), decimals and span."""

    signal: str
    accuracy: float
    decimals: int
    span: tuple[float, float]


SENSORS = (
    Sensor("speed_rpm", 1.0, 1, (0.0, 4500.0)),  # one pulse of a 60-pulse pick-up counted over 1 s
    Sensor("flow_m3_h", 1.8, 2, (-50.0, 600.0)),  # electromagnetic meter of class 0.5 (0.5 % of reading) at 360 m3/h
    # transmitter, 0.25 % of a 0..16 bar span, mid of the usual 0.1 to 0.5 %; it can tell vacuum
    Sensor("discharge_pressure_bar", 0.04, 3, (-1.0, 16.0)),
    Sensor("motor_voltage_v", 3.0, 1, (0.0, 600.0)),  # class 0.5 transducer (IEC 60688) of a 600 V span
    Sensor("oil_temp_degc", PT100_CLASS_B_K, 2, PT100_SPAN_DEGC),
    Sensor("radial_bearing_temp_degc", PT100_CLASS_B_K, 2, PT100_SPAN_DEGC),
    Sensor("thrust_bearing_temp_degc", PT100_CLASS_B_K, 2, PT100_SPAN_DEGC),
    Sensor("ambient_temp_degc", PT100_CLASS_B_K, 2, HALL_SPAN_DEGC),
)

SENSED = tuple(sensor.signal for sensor in SENSORS)
COUNTER = "running_hours_h"
"""Hours that the motor ran: counted by the PLC, not measured."""
SIGNALS = (*SENSED, COUNTER)
"""The numeric signals, in the order of the plant file."""
SPEED, FLOW, VOLTAGE = (SENSED.index(name) for name in ("speed_rpm", "flow_m3_h", "motor_voltage_v"))

OFFSET_STD = np.array([sensor.accuracy / 3.0 for sensor in SENSORS])
NOISE_STD = OFFSET_STD / 3.0

COUNTER_STEP_S = 360
"""The counter shows tenths of an hour."""


@dataclass(frozen=True, slots=True)
class TruthRows:
    """The physics' own values before any sensor, (rows, n, sensors)."""

    values: Array

    @classmethod
    def empty(cls, n_rows: int, n_pumps: int) -> "TruthRows":
        """Room for so many rows; what it holds is undefined until each row is written."""
        return cls(np.empty((n_rows, n_pumps, len(SENSORS))))

    def write(self, row: int, state: PumpState, load: PumpLoad) -> None:
        """Fill one row, in the order and the units of `SENSED`."""
        out, into = outputs(state), self.values[row].T
        into[0] = out.speed_rad_s * RPM_PER_RAD_S
        into[1] = out.discharge_flow_m3_s * SECONDS_AN_HOUR
        into[2] = load.discharge_pa / PA_PER_BAR
        into[3] = load.voltage_v
        into[4] = out.oil_temp_k - ZERO_CELSIUS_K
        into[5] = out.radial_temp_k - ZERO_CELSIUS_K
        into[6] = out.thrust_temp_k - ZERO_CELSIUS_K
        into[7] = load.ambient_temp_k - ZERO_CELSIUS_K


def reported(sensor: Sensor, values: Array) -> Array:
    """The values within the sensor's span and in its resolution."""
    low, high = sensor.span
    within: Array = np.minimum(high, np.maximum(low, values))
    return np.round(within, sensor.decimals) + 0.0


def read(truth: Array, offsets: Array, normals: Array) -> Array:
    """What is reported for `truth`, (rows, n, sensors).

    `offsets` are (n, sensors); `normals`, the standard normals behind the noise, have the shape of `truth`. A shaft
    that stands gives no pulses and a flow under the cut-off is 0: neither has an offset there.
    """
    noisy = truth + offsets + normals * NOISE_STD
    noisy[..., SPEED][truth[..., SPEED] == 0.0] = 0.0
    noisy[..., FLOW][truth[..., FLOW] < LOW_FLOW_CUT_OFF_M3_H] = 0.0
    return np.stack([reported(sensor, noisy[..., column]) for column, sensor in enumerate(SENSORS)], axis=-1)


def counted_hours(total_s: NDArray[np.int64]) -> Array:
    """What an hour counter with one decimal shows after so many seconds; same shape."""
    return (total_s // COUNTER_STEP_S) / 10.0
