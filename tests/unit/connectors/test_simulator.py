"""The simulated plant as a feed."""

from __future__ import annotations

import numpy as np

from connectors.scada import simulator
from connectors.scada.simulator import START_US
from models.physics.fleet import FleetSpec
from models.physics.wear import WearLaw
from models.records import Frame, Maintenance, MaintenanceAction, Tick
from pipelines.main import read_plant
from pipelines.settings import STARTER

SPEC = FleetSpec(start_us=START_US, n_pumps=3, days=12, wear=WearLaw(mean_life_days=6))


def test_a_history_is_the_same_from_the_cache(tmp_path):
    first = simulator.simulate(SPEC, 4, tmp_path)
    again = simulator.simulate(SPEC, 4, tmp_path, progress=lambda *_: 1 / 0)
    assert np.array_equal(first.values, again.values)
    assert np.array_equal(first.time_us, again.time_us)
    assert first.events == again.events
    assert len(first.events) > 2


def test_a_half_written_history_is_simulated_anew(tmp_path):
    simulator.simulate(SPEC, 4, tmp_path)
    (events,) = tmp_path.glob("*.events.parquet")
    events.unlink()
    days = []
    simulator.simulate(SPEC, 4, tmp_path, progress=lambda done, _of: days.append(done))
    assert days[-1] == SPEC.days


def test_records_come_in_order_of_time_with_every_event(tmp_path):
    history = simulator.simulate(SPEC, 4, tmp_path)
    found = list(simulator.records(history, "demo"))
    times = [r.times_us[0] if isinstance(r, Frame) else r.time_us for r in found]
    assert times == sorted(times)
    assert sum(isinstance(r, Frame) for r in found) == len(history.time_us)
    told = [(r.asset, r.time_us, r.action) for r in found if isinstance(r, Maintenance)]
    assert len(told) == len(history.events)
    assert {action for _, _, action in told} == set(MaintenanceAction)
    ticks = [r.time_us for r in found if isinstance(r, Tick)]
    assert len(ticks) == len(set(ticks))


def test_the_starters_plant_file_knows_every_signal_and_pump(tmp_path):
    plant = read_plant(STARTER / "pumps.toml")
    history = simulator.simulate(SPEC, 4, tmp_path)
    record = next(r for r in simulator.records(history, "demo") if isinstance(r, Frame))
    assert list(plant.types["pump"].signals) == list(record.signals)
    assert plant.type_of(record.asset) == "pump"
    assert len(plant.assets) == 12
