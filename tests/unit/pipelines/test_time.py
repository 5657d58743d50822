"""Event time: when minutes close, what is late, when an asset is scored."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from models.failure.hazard import Hazard
from models.failure.learned import Learned
from models.plant import parse
from models.records import Forecast, Frame, Maintenance, MaintenanceAction, OperatingState, Tick, decode, encode
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.state import SnapshotError
from pipelines.topics import Topic
from tests.kit import tiny
from tests.kit.streams import MINUTE_US, START_US


class Recording(Hazard):
    """A hazard that remembers how many rows it was asked for at once."""

    def __init__(self) -> None:
        self.__dict__ |= tiny.hazard().__dict__
        self.calls: list[int] = []

    def run(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.calls.append(len(rows))
        return super().run(rows)


def frame(minute: float, pressure: float = 5.0, asset: str = "pump-01") -> Frame:
    time_us = START_US + round(minute * MINUTE_US)
    return Frame(plant="tiny", asset=asset, source="t", times_us=[time_us], signals={"pressure_bar": [pressure]})


def tick(minute: float) -> Tick:
    return Tick(plant="tiny", time_us=START_US + round(minute * MINUTE_US))


class Log:
    """A partition fed record by record; `told` are the forecasts so far as (minute that closed, revision)."""

    def __init__(self, hazard=None, plant=None) -> None:
        self.partition = Partition(plant or tiny.plant(), tiny.models() | ({"tiny": hazard} if hazard else {}))
        self.forecasts: list[Forecast] = []
        self._offset = 0

    def take(self, *records, arrived_ms: int = 0) -> Log:
        raw = [RawRecord(self._offset + at, arrived_ms, encode(record)) for at, record in enumerate(records)]
        self._offset += len(raw)
        effects = self.partition.receive(raw)
        self.partition.acknowledged()
        self.forecasts += [decode(o.value) for o in effects.outputs if o.topic is Topic.FORECASTS]
        return self

    @property
    def told(self) -> list[tuple[int, int]]:
        return [((f.window_end_us - START_US) // MINUTE_US - 1, f.revision) for f in self.forecasts]


def test_an_asset_is_scored_once_a_minute_with_samples():
    assert Log().take(tick(0), frame(0.1), frame(0.5), frame(1.1), frame(5.2), frame(6)).told == [
        (0, 0),
        (1, 0),
        (5, 0),
    ]


def test_a_tick_closes_the_minutes_of_a_silent_asset():
    log = Log().take(tick(0), frame(0.5), tick(1), tick(2))
    assert log.told == []
    assert log.take(tick(3)).told == [(0, 0)]


def test_a_minute_closes_when_its_end_is_reached():
    assert Log().take(tick(0), frame(0.5), frame(1 - 1e-6)).told == []
    assert Log().take(tick(0), frame(0.5), frame(1)).told == [(0, 0)]


def test_double_ticks_and_ticks_that_go_back_are_harmless():
    plain = Log().take(tick(0), frame(0.5), tick(1), frame(1.5), tick(4), frame(4.5))
    doubled = Log().take(
        tick(0), tick(0), frame(0.5), tick(1), tick(0), frame(1.5), tick(4), tick(4), tick(2), frame(4.5)
    )
    assert [encode(f) for f in plain.forecasts] == [encode(f) for f in doubled.forecasts]
    assert len(plain.forecasts) == 2


def test_a_late_sample_revises_the_forecasts_it_changes():
    log = Log().take(tick(0), frame(0.5), frame(1.5), frame(2.1))
    assert log.take(frame(0.9, 9.0)).told == [(0, 0), (1, 0), (0, 1), (1, 1)]


def test_a_late_sample_that_changes_nothing_is_not_published():
    log = Log().take(tick(0), frame(0.5), frame(1.5), frame(2.1))
    assert log.take(frame(0.5)).told == [(0, 0), (1, 0)]


def test_what_did_not_change_is_not_scored_again_and_that_is_counted():
    log = Log().take(tick(0), frame(0.5), frame(1.5), frame(2.1))
    scores = log.partition.scores
    assert (scores.due, scores.scored, scores.unchanged, scores.repeated) == (2, 2, 0, 0)
    log.take(frame(0.5))
    assert (scores.due, scores.scored, scores.unchanged, scores.repeated) == (4, 2, 2, 0)
    log.take(frame(0.9, 9.0))
    assert (scores.due, scores.scored, scores.unchanged, scores.repeated) == (6, 4, 2, 0)


def test_another_model_is_asked_about_what_did_not_change():
    log = Log().take(tick(0), frame(0.5), frame(1.1))
    other = tiny.hazard()
    other.card = replace(other.card, sha256="0" * 64)
    log.partition.learned["pump"] = Learned(other)
    assert log.take(frame(0.5)).told == [(0, 0), (0, 1)]
    assert [forecast.model for forecast in log.forecasts] == [tiny.hazard().card.version, other.card.version]


def test_each_output_says_when_the_record_arrived_that_made_it():
    partition = Partition(tiny.plant(), tiny.models())
    records = tick(0), frame(0.5), frame(1.1), frame(2.1), b"rubbish"
    raw = [
        RawRecord(at, 1_000 + at, record if isinstance(record, bytes) else encode(record))
        for at, record in enumerate(records)
    ]
    effects = partition.receive(raw)
    told = [int(dict(output.headers)["arrived_ms"]) for output in effects.outputs]
    assert list(effects.arrived_ms) == told and len(set(told)) > 2


def test_a_row_later_than_the_lateness_is_stored_and_counted_and_changes_no_forecast():
    log = Log().take(tick(0), frame(0.5), frame(1.5), frame(3.0))
    told = log.told
    ledger = log.partition.ledger
    before = ledger.rows_stored
    assert log.take(frame(0.9, 9.0)).told == told
    assert (ledger.rows_stored - before, ledger.rows_late, ledger.values_late, ledger.balances) == (1, 1, 1, True)


def test_a_row_exactly_at_the_lateness_is_in_time():
    log = Log().take(tick(0), frame(0.5), frame(3.0))
    assert log.take(frame(1.0, 9.0)).told == [(0, 0), (1, 0)]


def test_a_new_asset_knows_the_time_of_the_ticks_before_it():
    log = Log().take(tick(0), tick(60))
    log.take(frame(55, asset="pump-02"))
    assert log.partition.ledger.rows_late == 1


def minutes_ms(minute: float) -> int:
    return round((START_US + minute * MINUTE_US) / 1000)


def test_what_waited_through_an_outage_of_all_workers_is_not_the_far_future():
    log = Log().take(tick(0), arrived_ms=minutes_ms(0))
    for minute in range(120):
        log.take(frame(minute), arrived_ms=minutes_ms(minute))
    log.take(tick(120), arrived_ms=minutes_ms(120))
    ledger = log.partition.ledger
    assert (ledger.rows_stored, ledger.rows_rejected, ledger.rows_late) == (120, 0, 0)


def test_before_the_first_tick_the_arrival_tells_what_is_far_future():
    log = Log().take(frame(11), frame(9), arrived_ms=minutes_ms(0))
    assert log.partition.ledger.rejected_by_reason == {"far-future": 1}


def test_a_tick_that_is_ahead_of_its_arrival_is_rejected():
    log = Log().take(tick(0), tick(60 * 24), *(frame(m) for m in range(5)), arrived_ms=minutes_ms(1))
    ledger = log.partition.ledger
    assert (ledger.rejected_by_reason, ledger.rows_late) == ({"far-future": 1}, 0)


def repair(minute: float) -> Maintenance:
    time_us = START_US + round(minute * MINUTE_US)
    return Maintenance(plant="tiny", asset="pump-01", time_us=time_us, action=MaintenanceAction.REPAIRED)


DAY = 24 * 60
AWKWARD = {
    "a repair on a whole minute": [frame(0.2), frame(1.2), repair(1), frame(2.2)],
    "a repair told hours late": [
        *(frame(5 * m) for m in range(100)),
        repair(200),
        *(frame(5 * m) for m in range(100, 140)),
    ],
    "a repair told again and again": [
        *(r for m in range(40) for r in (frame(5 * m), *[repair(52)] * (m in (10, 11, 12, 20, 30)))),
    ],
    "a gap longer than the windows": [*(frame(m) for m in range(46)), frame(46 + 5 * DAY), frame(48 + 5 * DAY)],
    "two repairs within a minute": [
        frame(0.2),
        repair(1.1),
        repair(1.2),
        frame(1.5),
        frame(2.5),
        repair(1.15),
        frame(3.5),
    ],
}


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_records_give_the_same_bytes_one_by_one_and_at_once(name):
    together, alone = Log().take(*AWKWARD[name]), Log()
    for record in AWKWARD[name]:
        alone.take(record)
    assert [encode(f) for f in together.forecasts] == [encode(f) for f in alone.forecasts]


def test_a_repair_told_again_hours_later_begins_no_other_life():
    def told(again: bool) -> list[bytes]:
        repeats = {150: (repair(60), repair(30), repair(60))} if again else {}
        log = Log()
        for minute in range(200):
            log.take(frame(minute), *((repair(60),) if minute == 60 else ()), *repeats.get(minute, ()))
        return [encode(forecast) for forecast in log.forecasts]

    assert told(again=True) == told(again=False)


def test_a_repair_told_hours_late_begins_a_life_once():
    def told(times: int) -> list[bytes]:
        log = Log()
        for minute in range(200):
            log.take(frame(minute), *([repair(60)] * times if minute == 150 else []))
            log.take(*([repair(60)] * (times - 1) if minute == 170 else []))
        return [encode(forecast) for forecast in log.forecasts]

    assert told(2) == told(1) != told(0)


def test_under_a_model_with_other_features_what_is_usual_is_learned_anew():
    log = Log(plant=tiny.without_health()).take(
        tick(0), *(r for m in range(0, 30 * 60, 10) for r in (tick(m), frame(m)))
    )
    snapshot = log.partition.snapshot()
    assert log.partition.state.blocks["pump"].small.baselines
    other = tiny.hazard(signals=("temp_degc",))
    restored = Partition.restore(tiny.without_health(), {"tiny": other}, snapshot)
    assert not restored.state.blocks["pump"].small.baselines
    again = RawRecord(snapshot.next_offset, 0, encode(frame(30 * 60)))
    assert len(restored.receive([again]).outputs) == 1
    same = Partition.restore(tiny.without_health(), tiny.models(), snapshot)
    assert same.state.blocks["pump"].small.baselines


def test_one_inference_call_scores_all_that_is_due():
    hazard = Recording()
    log = Log(hazard)
    log.take(tick(25), *(frame(m, 5.0, asset) for m in range(22, 32) for asset in ("pump-01", "pump-02", "pump-03")))
    assert hazard.calls == [3 * 9]


def test_a_repair_begins_a_new_life_whose_windows_hold_nothing_from_before():
    worn = Log().take(tick(9), *(frame(m, 20.0) for m in range(9, 15)), repair(15), frame(15, 5.0), frame(16, 5.0))
    new = Log().take(tick(9), frame(15, 5.0), frame(16, 5.0))
    assert worn.forecasts[-1].chances == new.forecasts[-1].chances
    assert worn.forecasts[-1].chances != worn.forecasts[-2].chances


def test_drivers_name_the_signals_that_left_what_is_usual_for_the_asset():
    hours = 30
    usual = [frame(m, 5.0) for m in range(0, hours * 60, 10)]
    high = [frame(m, 24.0) for m in range(hours * 60, hours * 60 + 180, 10)]
    log = Log().take(tick(0), *(r for f in usual + high for r in (tick((f.times_us[0] - START_US) / MINUTE_US), f)))
    (driver,) = log.forecasts[-1].drivers
    assert driver.signal == "pressure_bar"
    assert driver.drop > 0.01


def test_drivers_are_told_from_where_an_assets_own_threshold_would_not_clear():
    own = parse(tiny.PLANT_TOML + "[thresholds.pump-01]\nhazard = 0.99\nclear_share = 0.95\n")
    minutes = [*range(0, 30 * 60, 10), *range(30 * 60, 33 * 60, 10)]
    records = [r for m in minutes for r in (tick(m), frame(m, 5.0 if m < 30 * 60 else 24.0))]
    told = [Log(plant=plant).take(*records).forecasts[-1].drivers for plant in (tiny.plant(), own)]
    assert [[driver.signal for driver in drivers] for drivers in told] == [["pressure_bar"], []]


def test_a_snapshot_of_another_lateness_is_refused():
    snapshot = Log().take(tick(0), frame(0), frame(1)).partition.snapshot()
    with pytest.raises(SnapshotError, match="FOREWARN_LATENESS_S=120"):
        Partition.restore(tiny.plant(), tiny.models(), snapshot, lateness_s=300)


@pytest.mark.parametrize("lateness_s", [-1, 601])
def test_a_lateness_that_the_rings_cannot_hold_is_refused(lateness_s):
    with pytest.raises(ValueError, match="use 0 to 600"):
        Partition(tiny.plant(), tiny.models(), lateness_s)


def test_a_failure_told_after_its_repair_leaves_the_machine_repaired():
    def stands(minute: float) -> Frame:
        return frame(minute, 0.5, "mixer-01")

    failed = Maintenance(
        plant="tiny", asset="mixer-01", time_us=START_US + 50 * MINUTE_US, action=MaintenanceAction.FAILED
    )
    repaired = Maintenance(
        plant="tiny", asset="mixer-01", time_us=START_US + 60 * MINUTE_US, action=MaintenanceAction.REPAIRED
    )
    told = (*map(stands, range(60)), repaired, *map(stands, range(60, 70)), failed, *map(stands, range(70, 80)))
    assert Log().take(tick(0), *told).forecasts[-1].operating is OperatingState.OFF
