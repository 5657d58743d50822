"""The simulated plant as a feed."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from connectors.scada import history as histories
from connectors.scada import simulator
from connectors.scada.simulator import DAY_US, HOUR_US, ROWS_A_FRAME, START_US, Outage, Scenario, asset_name
from models.physics.cycles import RUN_STATES, CycleLaw
from models.physics.fleet import SIGNALS, FleetSpec
from models.physics.plc import ALARMS, TAGS
from models.physics.sensors import SENSED, SENSORS
from models.physics.wear import WearLaw
from models.plant import Sampling, SignalKind
from models.records import (
    Frame,
    Maintenance,
    MaintenanceAction,
    Tick,
    WorkOrder,
    WorkOrderKind,
    decode,
    encode,
)
from pipelines.main import read_plant
from pipelines.settings import STARTER

SPEC = FleetSpec(
    start_us=START_US, n_pumps=3, days=12, wear=WearLaw(mean_life_days=6), cycles=CycleLaw(service_mean_days=8)
)
OUTAGE = Outage(first_us=START_US + 2 * DAY_US + 9 * HOUR_US, assets=range(2))
ARRAYS = ("asset", "time_us", "values", "run_state", "alarm", "true_state")


@cache
def plant() -> simulator.History:
    with TemporaryDirectory() as folder:
        return simulator.simulate(SPEC, 4, Path(folder))


def told(outages=()):
    return list(simulator.records(plant(), "demo", outages))


def rows_of(found):
    """Every row that frames carry, as (asset, time) with its samples, in order of delivery."""
    return [
        ((frame.asset, time_us), {name: column[at] for name, column in frame.signals.items()})
        for frame in found
        if isinstance(frame, Frame)
        for at, time_us in enumerate(frame.times_us)
    ]


def test_a_history_is_the_same_from_the_cache(tmp_path):
    first = simulator.simulate(SPEC, 4, tmp_path)
    again = simulator.simulate(SPEC, 4, tmp_path, progress=lambda *_: 1 / 0)
    for name in ARRAYS:
        assert np.array_equal(getattr(first, name), getattr(again, name), equal_nan=name == "values"), name
    assert (first.events, first.orders, first.faults) == (again.events, again.orders, again.faults)
    assert len(first.events) > 2 and len(first.orders) > 2


def test_a_history_of_another_seed_or_law_is_another(tmp_path):
    folders = {
        histories.store(replace(SPEC, days=1), 4, tmp_path),
        histories.store(replace(SPEC, days=1), 5, tmp_path),
        histories.store(replace(SPEC, days=1, cycles=CycleLaw(mean_run_hours=19.0)), 4, tmp_path),
    }
    assert len(folders) == 3
    rows, events, size = histories.told(next(iter(folders)))
    assert (rows, events) == (432, 0) and size > 1000


def test_a_half_written_history_is_simulated_anew(tmp_path):
    folder = histories.store(SPEC, 4, tmp_path)
    (folder / histories.WHOLE).unlink()
    days = []
    simulator.simulate(SPEC, 4, tmp_path, progress=lambda done, _of: days.append(done))
    assert days[-1] == SPEC.days


def test_records_come_in_order_of_time_with_every_event_and_order():
    found = told()
    due = {(o.number, o.entered_us) for o in plant().orders}
    entered = dict(due)
    times = [
        r.times_us[0] if isinstance(r, Frame) else entered[r.order] if isinstance(r, WorkOrder) else r.time_us
        for r in found
    ]
    assert times == sorted(times)
    assert sum(isinstance(r, Frame) for r in found) == len(plant().time_us)
    events = [(r.asset, r.time_us, r.action) for r in found if isinstance(r, Maintenance)]
    assert len(events) == len(plant().events)
    assert {action for _, _, action in events} == {MaintenanceAction.FAILED, MaintenanceAction.REPAIRED}
    assert {(r.order, entered[r.order]) for r in found if isinstance(r, WorkOrder)} == due
    ticks = [r.time_us for r in found if isinstance(r, Tick)]
    assert len(ticks) == len(set(ticks))


def test_work_orders_tell_the_failure_as_found_and_services_none():
    orders = [r for r in told() if isinstance(r, WorkOrder)]
    assert {order.kind for order in orders} == set(WorkOrderKind)
    modes = {r.mode for r in told() if isinstance(r, Maintenance)}
    for order in orders:
        assert (order.mode in modes) if order.kind is WorkOrderKind.CORRECTIVE else order.mode == ""
        assert decode(encode(order)) == order


def test_a_frame_holds_what_was_sent_with_its_row_and_nothing_else():
    history, frames = plant(), rows_of(told())
    for row, (where, samples) in enumerate(frames):
        assert where == (asset_name(int(history.asset[row])), history.time_us[row])
        for name, value in zip(SIGNALS, history.values[row].tolist(), strict=True):
            assert samples.pop(name) == value if value == value else name not in samples
        for tag, names, code in zip(
            TAGS, (RUN_STATES, ALARMS), (history.run_state[row], history.alarm[row]), strict=True
        ):
            assert samples.pop(tag) == names[code] if code >= 0 else tag not in samples
        assert not samples
    assert {type(v) for _, s in rows_of(told()) for name, v in s.items() if name in SIGNALS} == {float}


def test_an_outage_withholds_its_pumps_rows_and_delivers_each_once_right_after_it():
    calm, held = rows_of(told()), rows_of(told((OUTAGE,)))
    pairs = zip(sorted(calm, key=lambda row: row[0]), sorted(held, key=lambda row: row[0]), strict=True)
    assert all(a == b and said.items() <= told_again.items() for (a, said), (b, told_again) in pairs)
    assert max(Counter(where for where, _ in held).values()) == 1
    own = [[row for row in rows if row[0][0] == "pump-01"] for rows in (calm, held)]
    assert [where for where, _ in own[0]] == [where for where, _ in own[1]], "a pump's rows stay in order"
    delivered_at, now_us = {}, 0
    for record in told((OUTAGE,)):
        if isinstance(record, Tick):
            now_us = record.time_us
        elif isinstance(record, Frame):
            delivered_at |= {(record.asset, time_us): now_us for time_us in record.times_us}
    out = {asset_name(k) for k in OUTAGE.assets}
    for (asset, time_us), at_us in delivered_at.items():
        away = asset in out and OUTAGE.first_us <= time_us < OUTAGE.end_us
        assert at_us == (OUTAGE.end_us if away else time_us)


def test_what_an_outage_held_back_comes_in_full_frames_without_nulls():
    weeks = replace(OUTAGE, hours=11 * 24.0)
    frames = [r for outage in (OUTAGE, weeks) for r in told((outage,)) if isinstance(r, Frame)]
    lengths = [len(frame.times_us) for frame in frames]
    assert max(lengths) == ROWS_A_FRAME
    assert all(len(column) == len(frame.times_us) for frame in frames for column in frame.signals.values())
    assert not any(value is None for frame in frames for column in frame.signals.values() for value in column)


def test_an_outage_delays_no_event_and_one_at_the_end_is_delivered_with_it():
    last = Outage(first_us=START_US + 12 * DAY_US - 4 * HOUR_US, assets=range(3))
    others = [[r for r in told(outages) if not isinstance(r, Frame)] for outages in ((), (OUTAGE,), (last,))]
    assert others[0] == others[1] == others[2]
    assert len(rows_of(told((last,)))) == len(plant().time_us)


@pytest.mark.parametrize(("days", "outages"), [(60, 1), (31, 1), (30, 0), (8, 0)])
def test_the_default_scenario_has_an_outage_of_six_pumps_on_day_30_where_the_history_is_long_enough(days, outages):
    found = Scenario.default(replace(SPEC, n_pumps=12, days=days)).outages
    assert len(found) == outages
    for outage in found:
        assert outage.first_us == START_US + 30 * DAY_US + 9 * HOUR_US
        assert outage.end_us - outage.first_us == 8 * HOUR_US and list(outage.assets) == [0, 1, 2, 3, 4, 5]


def test_a_history_cut_short_knows_nothing_of_what_came_after():
    cut = plant().first(3 * 144 * 6)
    end_us = int(cut.time_us[-1])
    assert len(cut.values) == len(cut.run_state) == len(cut.time_us) == 3 * 144 * 6
    assert cut.events == tuple(event for event in plant().events if event.time_us <= end_us)
    assert cut.orders == tuple(order for order in plant().orders if order.entered_us <= end_us)


def test_names_have_two_digits_or_four():
    assert (asset_name(0), asset_name(98, of=99)) == ("pump-01", "pump-99")
    assert (asset_name(0, of=100), asset_name(4999, of=5000)) == ("pump-0001", "pump-5000")


def test_the_starters_plant_file_knows_every_signal_and_pump():
    layout = read_plant(STARTER / "pumps.toml")
    signals = layout.types["pump"].signals
    assert list(signals) == [*SIGNALS, *TAGS]
    assert {name: signals[name].range for name in SENSED} == {sensor.signal: sensor.span for sensor in SENSORS}
    assert signals["running_hours_h"].kind is SignalKind.COUNTER
    assert (signals["run_state"].kind, signals["plc_alarm"].kind) == (SignalKind.STATE, SignalKind.EVENT)
    changing = {name for name, signal in signals.items() if signal.sampling is Sampling.ON_CHANGE}
    assert changing == {"motor_voltage_v", "running_hours_h", *TAGS}
    assert all(layout.type_of(asset_name(k)) == "pump" for k in range(12))
    assert len(layout.assets) == 12


def test_after_an_outage_a_pump_says_all_its_tags_anew_with_their_last_values():
    found = [r for r in told((OUTAGE,)) if isinstance(r, Frame)]
    plain = [r for r in told() if isinstance(r, Frame)]
    for asset in OUTAGE.assets:
        mine = [r for r in found if r.asset == simulator.asset_name(asset) and r.times_us[0] >= OUTAGE.end_us]
        assert {"run_state", "motor_voltage_v", "running_hours_h"} <= mine[0].signals.keys()
        before = [r for r in plain if r.asset == mine[0].asset and r.times_us[0] <= mine[0].times_us[0]]
        for tag in ("run_state", "running_hours_h", "motor_voltage_v"):
            assert mine[0].signals[tag][0] == [r.signals[tag][-1] for r in before if tag in r.signals][-1]
        assert (
            mine[1].signals
            == next(r for r in plain if r.asset == mine[1].asset and r.times_us == mine[1].times_us).signals
        )
