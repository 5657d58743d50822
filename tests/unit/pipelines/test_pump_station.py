"""The shipped model on the live path: what is no fault of the machine raises no warning about the machine.

Pumps here do not wear, so that every warning would be wrong. All of it is simulated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from connectors.scada import simulator
from connectors.scada.simulator import START_US, Outage
from models.failure.hazard import WARNING
from models.physics.cycles import CycleLaw
from models.physics.faults import FaultKind, FaultLaw
from models.physics.fleet import FleetSpec
from models.physics.plc import ON_CHANGE
from models.physics.wear import WearLaw
from models.records import Alert, AnyInput, Forecast, Maintenance, MaintenanceAction, OperatingState, decode
from pipelines.driver import Driver
from pipelines.ledger import Ledger
from pipelines.main import read_named, read_plant
from pipelines.partition import Partition
from pipelines.settings import STARTER
from pipelines.told import ALERTS
from pipelines.topics import Topic

DAY_US = 86_400_000_000
ROW_US = 600_000_000
SOUND = WearLaw(family="uniform", mean_life_days=3000.0, shape=0.1, first_life_used=(0.0, 0.0))
"""Lives of eight years: over weeks such a pump wears by less than its sensors can tell."""
QUIET = FaultLaw.none()
PLANT = read_plant(STARTER / "pumps.toml")
HAZARDS = read_named(PLANT, STARTER)
LIMIT = HAZARDS["pump"].card.warning_limit


@dataclass
class Run:
    """What a partition published."""

    forecasts: list[Forecast] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)

    def states(self) -> Counter[OperatingState]:
        return Counter(forecast.operating for forecast in self.forecasts)


def run(records: Iterable[AnyInput]) -> Run:
    partition, out = Partition(PLANT, HAZARDS), Run()
    for _, effects in Driver([partition], batch=5000).feed(records):
        for output in effects.outputs:
            record = decode(output.value)
            if isinstance(record, Forecast):
                out.forecasts.append(record)
            elif isinstance(record, Alert):
                out.alerts.append(record)
    out.ledger = partition.ledger
    return out


def history(tmp_path, seed: int, **spec):
    spec = {"n_pumps": 4, "days": 40, "wear": SOUND, "faults": QUIET} | spec
    return simulator.simulate(FleetSpec(start_us=START_US, **spec), seed, tmp_path)


def starts(told) -> int:
    """Transitions to running in the truth."""
    running = told.true_state.reshape(-1, told.n_pumps).T == 2
    return int((running[:, 1:] & ~running[:, :-1]).sum())


def test_a_thousand_starts_and_stops_of_a_sound_pump_raise_no_warning(tmp_path):
    cycles = CycleLaw(mean_run_hours=4.5, off_hours=(0.5, 1.5))
    told = history(tmp_path, 6001, n_pumps=1, days=270, cycles=cycles)
    found = run(simulator.records(told, "demo"))
    assert starts(told) >= 1000
    assert found.alerts == []
    assert found.states().keys() >= {OperatingState.RUNNING, OperatingState.STARTING, OperatingState.OFF}
    last = [forecast for forecast in found.forecasts if forecast.chances]
    assert max(forecast.chances[WARNING] for forecast in last) < LIMIT / 2


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (FaultKind.STUCK, replace(QUIET, stuck_a_month=1.5)),
        (FaultKind.SPIKE, replace(QUIET, spike_a_month=8.0)),
        (FaultKind.GAP, replace(QUIET, gap_a_month=3.0)),
        (FaultKind.DRIFT, replace(QUIET, drift_a_month=0.8)),
    ],
)
def test_every_fault_of_every_sensor_of_a_sound_pump_raises_no_warning(tmp_path, kind, law):
    told = history(tmp_path, 6002, faults=law)
    hit = {fault.signal for fault in told.faults if fault.kind is kind}
    gauges = set(HAZARDS["pump"].spec.signals) - set(ON_CHANGE)
    assert hit == gauges - ({"speed_rpm"} if kind is FaultKind.DRIFT else set()), "the test needs each sensor to fail"
    found = run(simulator.records(told, "demo"))
    assert found.alerts == []
    assert found.ledger.balances


def test_an_outage_of_eight_hours_delivered_late_is_accounted_for_and_raises_no_warning(tmp_path):
    told = history(tmp_path, 6003, days=12)
    outage = Outage(first_us=START_US + 6 * DAY_US, hours=8.0, assets=(0, 1))
    found, calm = (run(simulator.records(told, "demo", outages)) for outages in ((outage,), ()))
    away = (told.time_us >= outage.first_us) & (told.time_us < outage.end_us) & np.isin(told.asset, (0, 1))
    assert found.alerts == []
    assert found.ledger.balances
    assert found.ledger.rows_read == found.ledger.rows_stored == calm.ledger.rows_stored
    assert found.ledger.rows_late == away.sum() == 2 * 48


def test_a_pump_that_stands_keeps_its_last_forecast_of_running_and_says_until_when_it_ran(tmp_path):
    told = history(tmp_path, 6004, n_pumps=1, days=12)
    found = run(simulator.records(told, "demo"))
    last: Forecast | None = None
    kept = 0
    for forecast in sorted(found.forecasts, key=lambda f: f.window_end_us):
        if forecast.operating is OperatingState.RUNNING:
            assert forecast.running_until_us == forecast.window_end_us
            last = forecast
        elif last is not None:
            kept += 1
            said = (forecast.chances, forecast.running_until_us, forecast.drivers)
            assert said == (last.chances, last.window_end_us, last.drivers)
    assert kept > 50


def test_a_failed_pump_is_in_maintenance_until_its_repair_and_has_no_chances_until_it_ran_again(tmp_path):
    law = WearLaw(family="uniform", mean_life_days=6.0, shape=0.2)
    told = history(tmp_path, 6005, n_pumps=2, days=14, wear=law)
    found = run(simulator.records(told, "demo"))
    repairs = [e for e in told.events if e.action is MaintenanceAction.REPAIRED]
    assert len(repairs) >= 3
    for repair in repairs:
        failed_us = max(e.time_us for e in told.events if e.asset == repair.asset and e.time_us < repair.time_us)
        mine = [f for f in found.forecasts if f.asset == simulator.asset_name(repair.asset)]
        between = [f for f in mine if failed_us + ROW_US < f.window_end_us <= repair.time_us]
        assert {f.operating for f in between} == {OperatingState.MAINTENANCE}
        after = next(f for f in mine if f.window_end_us > repair.time_us + ROW_US)
        assert (after.chances, after.running_until_us) == ((), None)


def test_failures_repairs_and_work_orders_are_stored_as_they_were_told(tmp_path):
    told = history(tmp_path, 6006, days=30, wear=WearLaw(mean_life_days=12.0))
    partition = Partition(PLANT, HAZARDS)
    rows, warnings = Counter(), 0
    for _, effects in Driver([partition], batch=5000).feed(simulator.records(told, "demo")):
        for table in effects.rows:
            rows[table.measurement] += len(table)
        warnings += sum(output.topic is Topic.ALERTS for output in effects.outputs)
    assert rows.pop(ALERTS) == warnings > 5  # made here, and counted by no ledger
    assert len(told.events) > 5 and any(order.shift_us for order in told.orders)
    assert rows == {
        "pump": len(told.time_us), "maintenance": len(told.events), "work_orders": len(told.orders)
    }  # fmt: skip
    assert partition.ledger.rows_stored == rows.total()
    sent = [r for r in simulator.records(told, "demo") if isinstance(r, Maintenance)]
    assert len(sent) == len(told.events)
