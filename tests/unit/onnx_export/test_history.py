"""Training rows are live rows: the same kernel, the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from models.failure.hazard import Hazard
from models.features import Spec
from models.physics.cycles import RUN_STATES
from models.physics.fleet import SIGNALS, FleetBlock, FleetEvent, FleetEventKind, FleetSpec, simulate
from models.physics.plc import ALARMS
from models.physics.wear import WearLaw
from models.plant import AssetType, Plant, Signal, SignalKind
from models.records import HORIZONS_H, AnyInput, Frame, Maintenance, MaintenanceAction, Tick
from onnx_export.history import HOUR_US, Failure, History, mode_of, record
from pipelines.driver import Driver
from pipelines.partition import Partition
from tests.kit import tiny
from tests.unit.onnx_export import small

STEP_US = 600_000_000


class Recording(Hazard):
    """A hazard that keeps the rows it is asked about and finds nothing to fear."""

    def __init__(self, spec: Spec) -> None:
        self.card, self.spec, self.seen = tiny.hazard().card, spec, []

    def run(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.seen.append(rows.copy())
        return np.zeros((len(rows), len(HORIZONS_H))), np.empty((len(rows), 0))


def records_of(blocks: list[FleetBlock], pump: int) -> Iterator[AnyInput]:
    """What a live log would hold of one pump: a tick each step, then its row, then what happened to it."""
    name = f"pump-{pump + 1:02d}"
    rows: dict[int, tuple[np.ndarray, int, int]] = {}
    events: dict[int, list[FleetEvent]] = {}
    for block in blocks:
        mine = np.flatnonzero(block.asset == pump)
        told = zip(block.values[mine], block.run_state[mine].tolist(), block.alarm[mine].tolist(), strict=True)
        rows |= dict(zip(block.time_us[mine].tolist(), told, strict=True))
        for event in block.events:
            if event.asset == pump:
                events.setdefault(event.time_us, []).append(event)
    first, last = small.START_US, small.START_US + len(blocks) * 24 * HOUR_US
    for time_us in range(first, last + STEP_US, STEP_US):
        yield Tick(plant="demo", time_us=time_us)
        if time_us in rows:
            values, state, alarm = rows[time_us]
            signals: dict = {s: [v] for s, v in zip(SIGNALS, values.tolist(), strict=True) if v == v}
            if state >= 0:
                signals["run_state"] = [RUN_STATES[state]]
            if alarm >= 0:
                signals["plc_alarm"] = [ALARMS[alarm]]
            yield Frame(plant="demo", asset=name, source="test", times_us=[time_us], signals=signals)
        for event in events.get(time_us, ()):
            action = MaintenanceAction(event.kind.value)
            yield Maintenance(plant="demo", asset=name, time_us=time_us, action=action, mode=mode_of(event))


PLAIN, GROUPS = (small.plant, small.spec), (small.with_groups, small.spec_with_groups)


@pytest.mark.parametrize(("batch", "of"), [(1, PLAIN), (37, PLAIN), (37, GROUPS)], ids=["alone", "37", "groups"])
def test_rows_are_those_that_a_live_partition_computes_bit_for_bit(
    batch: int, of: tuple[Callable[[], Plant], Callable[[], Spec]]
) -> None:
    plant, spec = of[0](), of[1]()
    law = WearLaw(family="uniform", mean_life_days=4.0, shape=0.5, repair_hours=(6.0, 30.0))
    fleet = FleetSpec(start_us=small.START_US, n_pumps=3, days=9, wear=law)
    blocks = list(simulate(fleet, 21))
    history = record(fleet, 21, plant.types["pump"], spec, 10)
    repairs = [event for block in blocks for event in block.events if event.kind is FleetEventKind.REPAIRED]
    assert len(repairs) >= 3, "the test needs lives that start within it"
    for pump in range(3):
        hazard = Recording(spec)
        Driver([Partition(plant, {"pump": hazard})], batch=batch).run(records_of(blocks, pump))
        live, offline = np.concatenate(hazard.seen), history.features[history.asset == pump]
        assert live.dtype == offline.dtype == np.float32
        assert live.tobytes() == offline.tobytes()
    if of is GROUPS:
        said = {name: history.features[:, spec.column(name)] for name in spec.groups.names(spec.targets)}
        assert set(said["oil_temp_degc.is_own"].tolist()) == {0.0, 1.0}, "pumps that are new, and that are known"
        for name in ("oil_temp_degc.siblings_24h", "impeller.since_maintenance_h", "run_state.code", "asset_type.code"):
            assert np.nanmax(said[name]) > 0


def test_fewer_rows_are_a_subset_of_all_rows() -> None:
    fleet, spec = small.fleet(pumps=2, days=4), small.spec()
    every = record(fleet, 3, small.asset_type(), spec, 10)
    some = record(fleet, 3, small.asset_type(), spec, 110)
    chosen = np.isin(every.window_end_us, some.window_end_us)
    assert every.features[chosen].tobytes() == some.features.tobytes()


def test_a_machine_that_stands_still_has_no_rows() -> None:
    history = small.history()
    assert history.failures
    for failure in history.failures:
        next_us = history.window_end_us[
            (history.asset == failure.asset) & (history.window_end_us > failure.time_us + STEP_US)
        ]
        assert not len(next_us) or next_us.min() >= failure.time_us + 6 * HOUR_US


def labelled(hours: list[float], seen_h: float) -> History:
    """Rows that all end `seen_h` hours before the history does."""
    n, end_us = len(hours), small.START_US
    ends = np.full(n, end_us - int(seen_h * HOUR_US))
    return History(
        features=np.zeros((n, 1), np.float32),
        asset=np.zeros(n, np.int64),
        window_end_us=ends,
        since_us=np.zeros(n, np.int64),
        hours=np.array(hours),
        known_h=np.minimum(hours, seen_h),
        mode=np.zeros(n, np.int8),
        failures=(Failure(0, end_us, 0),),
        modes=("worn",),
        end_us=end_us,
        every_min=10,
    )


def test_a_class_is_the_interval_that_holds_the_failure() -> None:
    history = labelled([0.5, 12.0, 12.1, 48.0, 71.0, 100.0, 168.0, 168.1, 4000.0], seen_h=5000.0)
    outcomes, told = history.outcomes
    assert outcomes.first.tolist() == outcomes.last.tolist() == [0, 0, 1, 2, 3, 4, 5, 6, 6]
    assert told.all() and history.known.all()


def test_a_row_without_a_failure_counts_for_what_the_history_shows() -> None:
    outcomes, told = labelled([np.inf], seen_h=60.0).outcomes
    assert (outcomes.first.tolist(), outcomes.last.tolist(), outcomes.left.tolist()) == ([3], [6], [0.5])
    assert told.all()
    assert not labelled([np.inf], seen_h=168.0).known.any()
    assert labelled([np.inf], seen_h=169.0).known.all()


def test_the_minute_of_a_failure_teaches_nothing() -> None:
    history = labelled([-1 / 60], seen_h=10.0)
    assert not history.outcomes[1].any()
    assert not history.known.any()


def test_samples_outside_of_the_range_are_left_out_as_live_does() -> None:
    signals = dict(small.asset_type().signals)
    signals["oil_temp_degc"] = Signal(kind=SignalKind.GAUGE, range=(900.0, 901.0))
    spec = Spec(("oil_temp_degc", "flow_m3_h"))
    asset_type = AssetType(signals=signals, operating=small.asset_type().operating)
    history = record(small.fleet(pumps=1, days=1), 3, asset_type, spec, 10)
    assert np.isnan(history.features[:, spec.columns_of("oil_temp_degc")]).all()
    assert not np.isnan(history.features[10:, spec.columns_of("flow_m3_h")]).any()
