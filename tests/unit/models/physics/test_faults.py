"""Sensor faults: each kind shows in the readings as its truth says, and the machine does not know of it."""

from functools import cache

import numpy as np
import pytest

from models.physics.faults import DAY_US, FaultKind, FaultLaw, SensorFault
from models.physics.fleet import FleetBlock, FleetSpec, simulate
from models.physics.sensors import SENSED, SENSORS, SIGNALS
from tests.unit.models.physics.small import START_US, joined

PUMPS, DAYS = 60, 40
LAW = FaultLaw(drift_a_month=0.03)


@cache
def run(lying: bool) -> FleetBlock:
    """The same plant with sensors that drift oftener than by default, so that some do, or that never fail."""
    law = LAW if lying else FaultLaw.none()
    return joined(simulate(FleetSpec(start_us=START_US, n_pumps=PUMPS, days=DAYS, faults=law), seed=3))


def faults(kind: FaultKind) -> list[SensorFault]:
    return [fault for fault in run(True).faults if fault.kind is kind]


def readings(fault: SensorFault) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, readings with the fault and readings without it, in the rows of the fault."""
    rows = run(True)
    there = (rows.asset == fault.asset) & (rows.time_us >= fault.first_us) & (rows.time_us <= fault.last_us)
    column = SIGNALS.index(fault.signal)
    return rows.time_us[there], rows.values[there, column], run(False).values[there, column]


def test_outside_of_faults_the_readings_are_those_of_healthy_sensors() -> None:
    lying, healthy = run(True), run(False)
    spoilt = np.zeros(lying.values.shape, dtype=bool)
    for fault in lying.faults:
        rows = (lying.asset == fault.asset) & (lying.time_us >= fault.first_us) & (lying.time_us <= fault.last_us)
        assert not spoilt[rows, SIGNALS.index(fault.signal)].any(), "a sensor has one fault at a time"
        spoilt[rows, SIGNALS.index(fault.signal)] = True
    same = (lying.values == healthy.values) | (np.isnan(lying.values) & np.isnan(healthy.values))
    assert (same | spoilt).all()


def test_the_machine_does_not_fail_of_its_sensors() -> None:
    lying, healthy = run(True), run(False)
    assert lying.events == healthy.events and lying.orders == healthy.orders
    assert (lying.true_state == healthy.true_state).all()


def test_a_stuck_sensor_repeats_one_value_for_hours_to_days() -> None:
    found = faults(FaultKind.STUCK)
    assert len(found) >= 5
    for fault in found:
        times, values, truth = readings(fault)
        assert set(values) == {fault.size} and values[0] == truth[0]
        assert 1.8 <= (fault.last_us - fault.first_us) / 3.6e9 <= 72.0
        assert len(times) > 10 or fault.last_us > run(True).time_us[-1]


def test_a_spike_is_one_row_off_by_a_share_of_the_span() -> None:
    found = faults(FaultKind.SPIKE)
    assert len(found) >= 30
    assert 0.3 < np.mean([fault.size > 0 for fault in found]) < 0.7
    for fault in found:
        low, high = SENSORS[SENSED.index(fault.signal)].span
        _, (value,), (truth,) = readings(fault)
        assert 0.05 <= abs(fault.size) / (high - low) <= 0.5
        assert value == pytest.approx(min(high, max(low, truth + fault.size)), abs=0.06)


def test_a_gap_sends_nothing_for_hours() -> None:
    found = faults(FaultKind.GAP)
    assert len(found) >= 10
    for fault in found:
        _, values, _ = readings(fault)
        assert np.isnan(values).all()
        assert 0.8 <= (fault.last_us - fault.first_us) / 3.6e9 <= 24.0


def test_a_drift_grows_by_its_size_a_day_and_is_then_calibrated_away() -> None:
    found = faults(FaultKind.DRIFT)
    assert len(found) >= 3
    for fault in found:
        times, values, truth = readings(fault)
        wanted = fault.size * (times - fault.first_us) / DAY_US
        open_end = (values > SENSORS[SENSED.index(fault.signal)].span[0]) & (truth != 0.0)
        assert (values - truth)[open_end] == pytest.approx(wanted[open_end], abs=0.011)
        assert 5.0 - 0.01 <= (fault.last_us - fault.first_us) / DAY_US <= 15.0
        accuracy = SENSORS[SENSED.index(fault.signal)].accuracy
        assert 1 / 6 <= abs(fault.size) / accuracy <= 5 / 6


def test_faults_come_as_often_as_the_law_says_and_never_to_voltage_or_counter() -> None:
    months = PUMPS * 7 * DAYS / 30.44
    law = LAW
    for kind, a_month in (
        (FaultKind.STUCK, law.stuck_a_month),
        (FaultKind.SPIKE, law.spike_a_month),
        (FaultKind.GAP, law.gap_a_month),
        (FaultKind.DRIFT, law.drift_a_month * 6 / 7),
    ):
        wanted = a_month * months
        assert abs(len(faults(kind)) - wanted) < 3.0 * np.sqrt(wanted), kind
    signals = {fault.signal for fault in run(True).faults}
    assert signals == set(SENSED) - {"motor_voltage_v"}
    assert all(fault.signal != "speed_rpm" for fault in faults(FaultKind.DRIFT))


def test_rates_beyond_one_a_day_are_refused() -> None:
    with pytest.raises(ValueError, match="gap_a_month"):
        FaultLaw(gap_a_month=40.0)
