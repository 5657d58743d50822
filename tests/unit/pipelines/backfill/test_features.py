"""Feature rows of history: those that live scores by, with what became of each machine as of the end."""

from __future__ import annotations

import polars as pl
import pytest
from msgspec.structs import replace

from models.failure.documents import Finding, Kind
from models.failure.ends import ends_of
from models.failure.labels import Label
from models.records import Frame, Maintenance, MaintenanceAction, Tick, encode
from pipelines.backfill.features import FOLDER, Outcomes, features_table, label
from pipelines.made import Pace
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from tests.kit import documents, history, streams, tiny

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
REPAIRED, FAILED = MaintenanceAction.REPAIRED, MaintenanceAction.FAILED
END_US = 100 * HOUR_US


def event(at_h: float, action: MaintenanceAction, asset: str = "pump-01") -> Maintenance:
    mode = "seal" if action is FAILED else ""
    return Maintenance(plant="tiny", asset=asset, time_us=round(at_h * HOUR_US), action=action, mode=mode)


def labels(events: list[Maintenance], at_h: float, since_h: float = 0.0, asset: str = "pump-01") -> tuple:
    row = {"asset": [asset], "window_end_us": [round(at_h * HOUR_US)], "since_us": [round(since_h * HOUR_US)]}
    return (
        Outcomes(ends_of([], events), END_US)
        .labelled(pl.DataFrame(row))
        .select("failed_in_h", "mode", "known_h")
        .row(0)
    )


def test_a_life_that_ends_in_a_failure_says_when_and_how():
    assert labels([event(30, FAILED)], 10) == (20.0, "seal", 20.0)


def test_a_repair_before_a_failure_ends_what_is_known():
    assert labels([event(30, REPAIRED), event(50, FAILED)], 10) == (None, None, 20.0)


def test_what_never_failed_is_known_to_the_end():
    assert labels([], 10) == (None, None, 90.0)


def test_what_happens_after_the_end_is_not_known():
    assert labels([event(120, FAILED)], 10) == (None, None, 90.0)


def test_the_repair_that_began_a_life_ends_none():
    assert labels([event(10, REPAIRED), event(40, FAILED)], 10, since_h=10) == (30.0, "seal", 30.0)


def test_a_failure_of_another_asset_says_nothing():
    assert labels([event(30, FAILED, "pump-02")], 10) == (None, None, 90.0)


def test_the_minute_of_a_failure_still_belongs_to_it():
    failed_in_h, mode, _ = labels([event(10 - 0.5 / 60, FAILED)], 10)
    assert mode == "seal"
    assert -1 / 60 < failed_in_h < 0


# Labels of people


def of_labels(ends: list[Label], at_h: float, *events: Maintenance) -> tuple:
    row = {"asset": ["a"], "window_end_us": [documents.at(at_h)], "since_us": [documents.at(0)]}
    found = Outcomes(ends_of(ends, events), documents.at(1000)).labelled(pl.DataFrame(row))
    return found.select("failed_in_h", "mode", "known_h").row(0)


def test_a_breakdown_is_a_positive_before_its_onset():
    assert of_labels([documents.label()], 40) == (60.0, "VIB", 60.0)


def test_a_repair_after_a_warning_is_censored_never_a_negative():
    assert of_labels([documents.repair()], 40) == (None, None, 60.0)


def test_a_repair_of_the_very_moment_of_a_failure_does_not_hide_it():
    later = documents.label("5", finished_us=None)
    assert of_labels([documents.repair(finished_us=None), later], 40) == (60.0, "VIB", 60.0)


def test_so_is_planned_work():
    assert of_labels([documents.repair(kind=Kind.PLANNED)], 40) == (None, None, 60.0)


def test_a_failure_after_a_repair_is_of_another_life():
    later = documents.label("5", reported_us=documents.at(200), finished_us=documents.at(210))
    assert of_labels([documents.repair(), later], 40) == (None, None, 60.0)
    assert of_labels([documents.repair(), later], 150) == (50.0, "VIB", 50.0)


def test_damage_as_found_by_planned_work_is_a_positive():
    found = documents.label(breakdown=False, kind=Kind.PLANNED, finding=Finding.DAMAGE)
    assert of_labels([found], 40) == (60.0, "VIB", 60.0)


def test_an_inspection_that_found_nothing_is_a_negative():
    looked = documents.repair(kind=Kind.INSPECTION, finding=Finding.NOTHING)
    assert of_labels([looked], 40) == (None, None, 960.0)


def test_within_an_onset_and_a_repair_nothing_is_known():
    seen = replace(documents.label(), last_normal_us=documents.at(90), stopped_us=documents.at(95))
    known = [of_labels([seen], hours) for hours in (90, 90.5, 95, 100, 110)]
    assert known == [(5.0, "VIB", 5.0)] + [(None, None, 0.0)] * 4
    assert of_labels([seen], 111) == (None, None, 889.0)


def test_while_a_machine_is_repaired_in_time_nothing_is_known():
    assert [of_labels([documents.repair()], hours)[2] for hours in (99, 101, 109, 111)] == [1.0, 0.0, 0.0, 889.0]


def test_a_label_counts_in_place_of_the_record_of_the_same_failure():
    record = Maintenance(plant="p", asset="a", time_us=documents.at(80), action=FAILED, mode="seal")
    assert of_labels([documents.label()], 40, record) == (60.0, "VIB", 60.0)


def test_all_parts_of_a_run_are_written_with_labels(tmp_path):
    for lane in range(2):
        part = pl.DataFrame({"asset": ["pump-01"], "window_end_us": [HOUR_US], "since_us": [0], "x": [float(lane)]})
        (tmp_path / f"lane-{lane}").mkdir()
        part.write_parquet(tmp_path / f"lane-{lane}" / "features-000000.parquet")
    assert label(tmp_path, Outcomes(ends_of([], [event(3, FAILED)]), END_US)) == 2
    table = pl.read_parquet(tmp_path / FOLDER / "*.parquet")
    assert table.sort("x").select("x", "failed_in_h").rows() == [(0.0, 2.0), (1.0, 2.0)]


@pytest.fixture(scope="module")
def records():
    return streams.weeks(2, days=5)


def rows(partition: Partition) -> pl.DataFrame:
    assert partition.looked is not None
    return pl.concat([features_table(looked) for looked in partition.looked if len(looked.asset)])


def last(table: pl.DataFrame) -> pl.DataFrame:
    """Of each minute the row that it was scored by last."""
    keys = ["asset", "window_end_us"]
    return table.unique(keys, keep="last", maintain_order=True).sort(keys)


def test_rows_of_history_by_the_hour_are_those_that_live_scores_by(records):
    end_us = streams.time_of(records[-1]) // MINUTE_US * MINUTE_US + 10 * MINUTE_US
    hazards = tiny.models()
    live = Partition(tiny.plant(), hazards, pace=Pace(features=True))
    raw = [*records, Tick(plant="tiny", time_us=end_us)]
    for at in range(0, len(raw), 200):
        live.receive([RawRecord(n, 0, encode(record)) for n, record in enumerate(raw[at : at + 200], at)])
    hourly = Partition(tiny.plant(), hazards, pace=Pace(span=1440, every_min=60, features=True))
    for stretch in history.stretches(records, tiny.plant(), range(streams.START_US, end_us, 20 * HOUR_US)):
        hourly.take(stretch, "test")
    found = last(rows(hourly))
    wanted = last(rows(live)).join(found.select("asset", "window_end_us"), on=["asset", "window_end_us"], how="semi")
    assert len(found) > 100
    assert set((found["window_end_us"] // MINUTE_US - 1) % 60) == {0}
    assert found.equals(wanted, null_equal=True)


def test_the_streams_have_rows_to_compare(records):
    assert sum(isinstance(record, Frame) for record in records) > 1000
