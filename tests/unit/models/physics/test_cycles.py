"""Duty cycles: what each state does to a pump, how long states last, and when pumps stop."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from models.physics import duty
from models.physics.cycles import STOPS_BY_HOUR, CycleLaw, RunState
from models.physics.duty import DutyLaw, climate_k
from models.physics.faults import FaultLaw
from models.physics.fleet import FleetBlock, FleetSpec, simulate
from models.physics.heat import Drive, heat_propagator, long_step, settle_driven
from models.physics.pump import PumpLoad, PumpParameters, WearRates, step
from models.physics.sensors import SIGNALS
from models.physics.wear import REFERENCE_AMBIENT_K, new_state
from tests.unit.models.physics.small import HOUR_US, START_US, joined

P = PumpParameters()
ONE = np.ones(1)
YES, NO = np.array([True]), np.array([False])
WEAR = WearRates(1e-4 * ONE, 1e-12 * ONE, 1e-12 * ONE)
FOLLOWERS = {
    RunState.OFF: {RunState.STARTING, RunState.MAINTENANCE},
    RunState.STARTING: {RunState.RUNNING},
    RunState.RUNNING: {RunState.STOPPING, RunState.IDLE, RunState.MAINTENANCE},
    RunState.STOPPING: {RunState.OFF, RunState.MAINTENANCE},
    RunState.IDLE: {RunState.RUNNING, RunState.STOPPING},
    RunState.MAINTENANCE: {RunState.STARTING},
}


def load_at(share: float, ambient_k: float = 290.0) -> PumpLoad:
    voltage = share * duty.NOMINAL_VOLTAGE_V * ONE
    return PumpLoad(
        ambient_k * ONE, voltage, duty.NOMINAL_DISCHARGE_PA * ONE, duty.SUCTION_PA * ONE,
        voltage * duty.SYNC_RAD_S_PER_VOLT,
    )  # fmt: skip


@cache
def plant() -> FleetBlock:
    return joined(simulate(FleetSpec(start_us=START_US, n_pumps=40, days=30, faults=FaultLaw.none()), seed=2))


def by_pump(column: np.ndarray) -> np.ndarray:
    """Rows of a plant as (steps, pumps)."""
    return column.reshape(-1, 40)


def signal(name: str) -> np.ndarray:
    return plant().values[:, SIGNALS.index(name)]


def test_a_pump_that_stands_cools_to_ambient_makes_no_flow_and_does_not_wear() -> None:
    over = heat_propagator(P, 600.0)
    hot = replace(new_state(P, 12.0), oil_temp_k=345.0 * ONE, thrust_temp_k=360.0 * ONE, radial_temp_k=365.0 * ONE)
    cooled = hot
    for _ in range(72):
        cooled = long_step(P, over, cooled, load_at(0.0), WEAR, Drive(NO, NO))
    for name in ("oil_temp_k", "thrust_temp_k", "radial_temp_k"):
        assert getattr(cooled, name)[0] == pytest.approx(290.0, abs=0.01), name
    assert cooled.speed_rad_s[0] == cooled.flow_m3_s[0] == cooled.leak_m3_s[0] == 0.0
    for name in ("impeller_area", "thrust_friction", "radial_friction"):
        assert getattr(cooled, name) == getattr(hot, name)


@pytest.mark.parametrize("share", [0.4, 0.5])
def test_behind_a_closed_check_valve_a_pump_turns_and_heats_without_flow_and_its_impeller_does_not_wear(share) -> None:
    first = new_state(P, P.new_impeller_area)
    load, drive = load_at(share), Drive(YES, NO)
    then = long_step(P, heat_propagator(P, 600.0), first, load, WEAR, drive)
    assert then.flow_m3_s[0] == 0.0 and then.impeller_area == first.impeller_area
    assert then.speed_rad_s[0] == pytest.approx(share * 377.0, rel=0.02)
    assert then.thrust_friction[0] > first.thrust_friction[0]
    speed, flow = settle_driven(P, first, load, drive)
    still = step(P, replace(first, speed_rad_s=speed, flow_m3_s=flow), load, WEAR, 1.0)
    assert still.speed_rad_s[0] == pytest.approx(speed[0], abs=1e-3)
    head_pa = P.new_impeller_area * speed[0] ** 2
    assert head_pa < duty.NOMINAL_DISCHARGE_PA - duty.SUCTION_PA, "the header would open the valve"


def test_a_fleet_of_pumps_that_turn_and_deliver_steps_as_one_without_states() -> None:
    first, load, over = new_state(P, 12.0), load_at(0.97), heat_propagator(P, 600.0)
    assert long_step(P, over, first, load, WEAR) == long_step(P, over, first, load, WEAR, Drive(YES, YES))


def test_pumps_run_70_to_85_percent_of_the_time_and_idle_about_one() -> None:
    states = plant().true_state
    assert 0.70 < np.mean(states == RunState.RUNNING) < 0.85
    assert 0.005 < np.mean(states == RunState.IDLE) < 0.02
    assert 0.10 < np.mean(states == RunState.OFF) < 0.16


def test_states_follow_one_another_as_in_the_table_and_starts_and_stops_take_a_row() -> None:
    states = by_pump(plant().true_state)
    seen = {(int(a), int(b)) for a, b in zip(states[:-1].ravel(), states[1:].ravel(), strict=True)}
    lasting = {RunState.OFF, RunState.RUNNING, RunState.IDLE, RunState.MAINTENANCE}
    assert seen == {(a, b) for a, following in FOLLOWERS.items() for b in following} | {(a, a) for a in lasting}


def lengths_h(state: RunState) -> np.ndarray:
    """Hours of the stretches in a state that begin and end in the history."""
    out = []
    for own in by_pump(plant().true_state).T:
        edges = np.flatnonzero(np.diff(own)) + 1
        parts = np.split(own, edges)[1:-1]
        out += [len(part) / 6 for part in parts if part[0] == state]
    return np.array(out)


def test_stretches_last_as_the_law_says() -> None:
    law = CycleLaw()
    assert lengths_h(RunState.OFF).mean() == pytest.approx(np.mean(law.off_hours), rel=0.1)
    assert lengths_h(RunState.OFF).max() <= law.off_hours[1] + 0.34
    assert lengths_h(RunState.IDLE).mean() == pytest.approx(np.mean(law.idle_hours), abs=0.15)
    assert lengths_h(RunState.RUNNING).mean() == pytest.approx(law.mean_run_hours, rel=0.15)


def test_more_pumps_stop_at_night() -> None:
    states, hour = by_pump(plant().true_state), plant().time_us[::40] // HOUR_US % 24
    stops = np.diff(states, axis=0, prepend=states[:1]) != 0
    stops &= states == RunState.STOPPING
    night, day = stops[hour < 5].mean(), stops[(hour >= 7) & (hour < 19)].mean()
    assert 1.7 < night / day < 3.5
    assert np.mean(STOPS_BY_HOUR) == pytest.approx(1.0, abs=1e-3)


def test_a_pump_that_stands_reports_no_speed_and_no_flow_and_one_that_idles_no_flow() -> None:
    states = plant().true_state
    stands = np.isin(states, (RunState.OFF, RunState.MAINTENANCE))
    assert not signal("speed_rpm")[stands].any() and not signal("flow_m3_h")[stands].any()
    idles = states == RunState.IDLE
    assert not signal("flow_m3_h")[idles].any()
    assert signal("speed_rpm")[idles] == pytest.approx(0.4 * 3600, rel=0.02)
    assert signal("flow_m3_h")[states == RunState.RUNNING].min() > 200.0


def test_header_pressure_is_there_whatever_the_pump_does() -> None:
    pressure, states = signal("discharge_pressure_bar"), plant().true_state
    assert pressure[states == RunState.OFF].mean() == pytest.approx(
        pressure[states == RunState.RUNNING].mean(), abs=0.2
    )


def test_bearings_of_a_pump_that_stood_for_five_hours_are_at_ambient() -> None:
    stood = by_pump(np.isin(plant().true_state, (RunState.OFF, RunState.MAINTENANCE))).astype(int)
    window = np.cumsum(stood, axis=0)[30:] - np.cumsum(stood, axis=0)[:-30]
    rows = np.argwhere(window == 30) + np.array([30, 0])
    assert len(rows) > 500
    ambient = by_pump(signal("ambient_temp_degc"))
    for name in ("oil_temp_degc", "radial_bearing_temp_degc", "thrust_bearing_temp_degc"):
        above = by_pump(signal(name))[rows[:, 0], rows[:, 1]] - ambient[rows[:, 0], rows[:, 1]]
        assert np.abs(above).max() < 3.0


def test_services_stop_a_pump_for_2_to_6_hours_about_every_45_days_in_working_hours() -> None:
    served = [order for order in plant().orders if order.kind == "service"]
    assert 40 * 30 / len(served) == pytest.approx(45.0, rel=0.4)
    for order in served:
        started_us = order.started_us - order.shift_us
        assert 2 * HOUR_US <= order.finished_us - order.started_us <= 6 * HOUR_US + 600_000_000
        assert 7 <= started_us // HOUR_US % 24 <= 15
        own = plant().asset == order.asset
        during = own & (plant().time_us >= started_us) & (plant().time_us <= order.entered_us)
        assert set(plant().true_state[during]) == {RunState.MAINTENANCE}
    failed = {(event.asset, event.time_us) for event in plant().events}
    assert not failed & {(order.asset, order.entered_us) for order in served}


def test_the_year_is_coldest_in_mid_january_and_warmest_in_mid_july_around_the_mean_that_lives_refer_to() -> None:
    law = DutyLaw()
    noons = np.array([climate_k(law, START_US // HOUR_US + 24 * day + 9) for day in range(365)])
    assert abs(int(np.argmin(noons)) - 14) <= 8 and abs(int(np.argmax(noons)) - 196) <= 8
    assert (noons.max() - noons.min()) / 2 == pytest.approx(8.0, abs=0.01)
    year = np.mean([climate_k(law, START_US // HOUR_US + hour) for hour in range(24 * 365)])
    assert pytest.approx(year + 2.0, abs=0.05) == REFERENCE_AMBIENT_K


def test_runs_too_short_to_be_drawn_by_hours_are_refused() -> None:
    with pytest.raises(ValueError, match="cycle law:"):
        CycleLaw(mean_run_hours=0.5)
