"""What the PLC sends: changes alone, a counter that never falls, alarms with hysteresis."""

import numpy as np
import pytest

from models.physics.cycles import RunState
from models.physics.plc import ALARMS, LIMITS, NOT_SENT, Plc
from models.physics.sensors import COUNTER, SENSED, SIGNALS, VOLTAGE
from tests.unit.models.physics.small import joined, quick

PUMPS = 5


def column(name: str) -> np.ndarray:
    """A signal of the quick run as (rows, pumps)."""
    return joined(quick()).values[:, SIGNALS.index(name)].reshape(-1, PUMPS)


def states() -> np.ndarray:
    return joined(quick()).true_state.reshape(-1, PUMPS)


def test_the_run_state_is_sent_when_it_changed_and_at_no_other_row() -> None:
    sent, true = joined(quick()).run_state.reshape(-1, PUMPS), states()
    changed = np.ones(true.shape, dtype=bool)
    changed[1:] = true[1:] != true[:-1]
    assert (sent[changed] == true[changed]).all() and (sent[~changed] == NOT_SENT).all()
    assert set(np.unique(sent)) == {NOT_SENT, *RunState}


def test_the_voltage_is_sent_when_it_moved_by_a_volt() -> None:
    for own in column("motor_voltage_v").T:
        sent = own[np.isfinite(own)]
        assert np.isfinite(own[0]) and (np.abs(np.diff(sent)) > 0.99).all()
        assert 0.02 < len(sent) / len(own) < 0.6


def test_the_hour_counter_never_falls_is_sent_on_change_and_counts_running_alone() -> None:
    for own, true in zip(column(COUNTER).T, states().T, strict=True):
        sent = own[np.isfinite(own)]
        assert np.isfinite(own[0]) and (np.diff(sent) > 0.09).all()
        ran_h = np.sum(true == RunState.RUNNING) / 6
        assert sent[-1] - sent[0] == pytest.approx(ran_h, abs=0.3)
        stands = np.isin(true[1:], (RunState.OFF, RunState.MAINTENANCE))
        assert np.isnan(own[1:][stands]).all()


def day_of(readings: dict[str, list[float]], run: list[int] | None = None) -> tuple[Plc, list[str]]:
    """A PLC and the alarms it sent for one pump with these readings, '' where it sent none."""
    n_rows = len(next(iter(readings.values())))
    values = np.zeros((n_rows, 1, len(SENSED)))
    values[..., SENSED.index("flow_m3_h")] = 375.0
    for name, rows in readings.items():
        values[:, 0, SENSED.index(name)] = rows
    true = np.array(run or [RunState.RUNNING] * n_rows, dtype=np.int8)[:, None]
    plc = Plc(1)
    _, _, alarms = plc.day(values, np.arange(n_rows, dtype=float)[:, None], true)
    return plc, ["" if code == NOT_SENT else ALARMS[code] for code in alarms[:, 0]]


@pytest.mark.parametrize("limit", [limit for limit in LIMITS if not limit.is_low])
def test_a_high_temperature_is_told_once_and_again_only_after_it_was_back(limit) -> None:
    up, between, down = limit.raised, limit.cleared + 1.0, limit.cleared
    _, sent = day_of({limit.signal: [down, up, up + 5, between, up, np.nan, up, down, between, up]})
    assert sent == ["", limit.alarm, "", "", "", "", "", "", "", limit.alarm]


def test_low_flow_is_told_of_pumps_that_run_and_not_of_those_that_start_or_stand() -> None:
    run = [RunState.OFF, RunState.STARTING] + [RunState.RUNNING] * 4
    _, sent = day_of({"flow_m3_h": [0.0, 0.0, 250.0, 250.0, 250.0, 320.0]}, run)
    assert sent == ["", "", "", "LOW_FLOW", "", ""]


def test_alarms_raised_together_follow_row_by_row() -> None:
    hot = [20.0, 99.0, 99.0, 99.0, 99.0]
    names = ("oil_temp_degc", "radial_bearing_temp_degc", "thrust_bearing_temp_degc")
    _, sent = day_of(dict.fromkeys(names, hot))
    assert sent == ["", "HIGH_OIL_TEMP", "HIGH_RADIAL_TEMP", "HIGH_THRUST_TEMP", ""]


def test_the_plcs_memory_lasts_over_midnight() -> None:
    plc, sent = day_of({"oil_temp_degc": [60.0, 75.0]})
    values = np.zeros((1, 1, len(SENSED)))
    values[..., SENSED.index("oil_temp_degc")] = 75.0
    values[..., SENSED.index("flow_m3_h")] = 375.0
    next_values, state, alarm = plc.day(values, np.array([[1.0]]), np.array([[RunState.RUNNING]], dtype=np.int8))
    assert sent == ["", "HIGH_OIL_TEMP"] and alarm[0, 0] == NOT_SENT and state[0, 0] == NOT_SENT
    assert np.isnan(next_values[0, 0, [VOLTAGE, SIGNALS.index(COUNTER)]]).all()
