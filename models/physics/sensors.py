"""What the pump's sensors make of its state: a sensor's own offset, noise, and the resolution it reports in.

Offset and noise are gaussian. Three standard deviations of offset are the accuracy of the sensor's class; noise is a
third of the offset, our assumption for repeatability. Rounding to the resolution makes the values equal on every CPU.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.physics.duty import ZERO_CELSIUS_K
from models.physics.pump import Array, PumpLoad, PumpState, outputs

RPM_PER_RAD_S = 9.549296585513721  # 30 / pi
SECONDS_AN_HOUR = 3600.0
PA_PER_BAR = 1e5

PT100_CLASS_B_K = 0.60
"""IEC 60751 class B, 0.30 + 0.005 |t|, at 60 degC."""


class Sensor(NamedTuple):
    """A signal with its unit in its name, the accuracy (3 standard deviations of offset) and the reported decimals."""

    signal: str
    accuracy: float
    decimals: int


SENSORS = (
    Sensor("speed_rpm", 1.0, 1),  # one pulse of a 60-pulse pick-up counted over 1 s
    Sensor("flow_m3_h", 1.8, 2),  # electromagnetic meter of class 0.5 (0.5 % of reading) at 360 m3/h
    Sensor("discharge_pressure_bar", 0.04, 3),  # transmitter, 0.25 % of a 0..16 bar span, mid of the usual 0.1 to 0.5 %
    Sensor("motor_voltage_v", 3.0, 1),  # class 0.5 transducer (IEC 60688) of a 600 V span
    Sensor("oil_temp_degc", PT100_CLASS_B_K, 2),
    Sensor("radial_bearing_temp_degc", PT100_CLASS_B_K, 2),
    Sensor("thrust_bearing_temp_degc", PT100_CLASS_B_K, 2),
    Sensor("ambient_temp_degc", PT100_CLASS_B_K, 2),
)

SIGNALS = tuple(sensor.signal for sensor in SENSORS)

OFFSET_STD = np.array([sensor.accuracy / 3.0 for sensor in SENSORS])
NOISE_STD = OFFSET_STD / 3.0


@dataclass(frozen=True, slots=True)
class TruthRows:
    """The physics' own values before any sensor, (rows, n, signals)."""

    values: Array

    @classmethod
    def empty(cls, n_rows: int, n_pumps: int) -> "TruthRows":
        """Room for so many rows; what it holds is undefined until each row is written."""
        return cls(np.empty((n_rows, n_pumps, len(SIGNALS))))

    def write(self, row: int, state: PumpState, load: PumpLoad) -> None:
        """Fill one row, in the order and the units of `SIGNALS`."""
        out, into = outputs(state), self.values[row].T
        into[0] = out.speed_rad_s * RPM_PER_RAD_S
        into[1] = out.discharge_flow_m3_s * SECONDS_AN_HOUR
        into[2] = load.discharge_pa / PA_PER_BAR
        into[3] = load.voltage_v
        into[4] = out.oil_temp_k - ZERO_CELSIUS_K
        into[5] = out.radial_temp_k - ZERO_CELSIUS_K
        into[6] = out.thrust_temp_k - ZERO_CELSIUS_K
        into[7] = load.ambient_temp_k - ZERO_CELSIUS_K


def read(truth: Array, offsets: Array, normals: Array) -> Array:
    """What is reported for `truth`, (rows, n, signals).

    `offsets` are (n, signals); `normals`, the standard normals behind the noise, have the shape of `truth`.
    """
    noisy = truth + offsets + normals * NOISE_STD
    reported = [np.round(noisy[..., column], sensor.decimals) for column, sensor in enumerate(SENSORS)]
    return np.stack(reported, axis=-1) + 0.0
