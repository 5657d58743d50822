"""What the PLC sends of what it knows: changes of slow values, the run state, and alarms with hysteresis.

It alarms on what the sensors report, so a sensor that lies can raise one. Its memory is the fleet's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.physics.cycles import RunState
from models.physics.pump import Array
from models.physics.sensors import SENSED, SIGNALS, VOLTAGE

Codes = NDArray[np.int8]

TAGS = ("run_state", "plc_alarm")
"""The signals that are text, after the numeric ones in the plant file."""
NOT_SENT = -1

VOLTAGE_BAND_TENTHS = 10
"""The voltage is sent when it moved by 1 V, in its resolution of 0.1 V; our assumption."""
HOURS = len(SENSED)
"""Column of the hour counter."""


class Limit(NamedTuple):
    """An alarm is raised at `raised` and may be raised again once the reading is back at `cleared`."""

    alarm: str
    signal: str
    raised: float
    cleared: float

    @property
    def is_low(self) -> bool:
        """Whether low readings raise it."""
        return self.raised < self.cleared


# 71 degC: end of the normal range of a pump's bearing oil, Gorman-Rupp OM-02816. 93 degC: alarm of pump bearing
# assemblies, GIW Technical Series 2007-11-15.. All hysteresis is our assumption.
# 300 m3/h: 80 % of a new pump's 375 m3/h at the reference duty, our assumption; API 610 prefers 70 to 120 % of best
# efficiency.
LIMITS = (
    Limit("HIGH_OIL_TEMP", "oil_temp_degc", 71.0, 66.0),
    Limit("HIGH_RADIAL_TEMP", "radial_bearing_temp_degc", 93.0, 88.0),
    Limit("HIGH_THRUST_TEMP", "thrust_bearing_temp_degc", 93.0, 88.0),
    Limit("LOW_FLOW", "flow_m3_h", 300.0, 315.0),
)
ON_CHANGE = ("motor_voltage_v", "running_hours_h")
"""Numeric signals that are sent only when they changed."""

ALARMS = tuple(limit.alarm for limit in LIMITS)

_COLUMNS = [SENSED.index(limit.signal) for limit in LIMITS]
_SIGN = np.array([-1.0 if limit.is_low else 1.0 for limit in LIMITS])[:, None]
_RAISED = np.array([limit.raised for limit in LIMITS])[:, None] * _SIGN
_CLEARED = np.array([limit.cleared for limit in LIMITS])[:, None] * _SIGN
_LOW = _SIGN[:, 0] < 0


class Plc:
    """The PLC's memory, one place a pump: what was sent last, and which alarms stand."""

    def __init__(self, n_pumps: int) -> None:
        self._voltage_tenths = np.full(n_pumps, np.iinfo(np.int64).min // 2, dtype=np.int64)
        self._hours = np.full(n_pumps, np.nan)
        self._state: Codes = np.full(n_pumps, NOT_SENT, dtype=np.int8)
        self._stands = np.zeros((len(LIMITS), n_pumps), dtype=bool)
        self._waits = np.zeros((len(LIMITS), n_pumps), dtype=bool)

    def day(self, readings: Array, hours: Array, states: Codes) -> tuple[Array, Codes, Codes]:
        """What is sent on a day: values (rows, n, signals), NaN where nothing is; run states and alarms (rows, n).

        `readings` are (rows, n, sensors), `hours` the counter and `states` the run states, (rows, n).
        """
        values = np.concatenate([readings, hours[..., None]], axis=-1)
        assert values.shape[-1] == len(SIGNALS)
        alarms = self._alarms(readings, states)
        self._drop_small_moves(values[..., VOLTAGE])
        before = np.concatenate([self._hours[None], hours[:-1]])
        values[..., HOURS][hours == before] = np.nan
        sent = np.where(states == np.concatenate([self._state[None], states[:-1]]), NOT_SENT, states)
        self._hours, self._state = hours[-1].copy(), states[-1].copy()
        return values, sent.astype(np.int8), alarms

    def _drop_small_moves(self, voltage: Array) -> None:
        """NaN in place, (rows, n), where the voltage is within the band around what was sent last."""
        tenths = np.round(voltage * 10.0).astype(np.int64)
        for row, now in enumerate(tenths):
            moved = np.abs(now - self._voltage_tenths) >= VOLTAGE_BAND_TENTHS
            self._voltage_tenths = np.where(moved, now, self._voltage_tenths)
            voltage[row][~moved] = np.nan

    def _alarms(self, readings: Array, states: Codes) -> Codes:
        """Numbers of the alarms sent, (rows, n). One a row: those raised together follow row by row, in order."""
        before = np.concatenate([self._state[None], states[:-1]])
        delivers = (states == RunState.RUNNING) & (before == RunState.RUNNING)
        signed = np.moveaxis(readings[..., _COLUMNS], -1, 1) * _SIGN
        sent = np.full(states.shape, NOT_SENT, dtype=np.int8)
        for row, now in enumerate(signed):
            armed = delivers[row] | ~_LOW[:, None]
            over = armed & (now >= _RAISED)  # a gap is NaN: it neither raises nor clears
            self._waits |= over & ~self._stands
            self._stands = armed & (over | (self._stands & ~(now <= _CLEARED)))
            if self._waits.any():
                some = self._waits.any(axis=0)
                first = np.argmax(self._waits, axis=0)[some]
                sent[row][some] = first
                self._waits[first, np.nonzero(some)[0]] = False
        return sent
