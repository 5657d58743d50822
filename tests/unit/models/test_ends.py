"""Which ends of lives labels and records of failures and repairs come to."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.failure.documents import Finding, Kind
from models.failure.ends import end_of, ends_of, repairs_of, usable
from models.failure.labels import confirmed, rejected
from models.records import Maintenance, MaintenanceAction
from tests.kit.documents import at, label, repair


def event(hours: float, action: str, asset: str = "a") -> Maintenance:
    mode = "seal" if action == "failed" else ""
    return Maintenance(plant="p", asset=asset, time_us=at(hours), action=MaintenanceAction(action), mode=mode)


def told(labels=(), events=()):
    return [((end.time_us - at(0)) / 3.6e9, end.failed, end.mode) for end in ends_of(labels, events)]


def test_only_what_is_confirmed_counts_unless_proposals_are_asked_for():
    labels = [label("1"), confirmed(label("2"), "ann", at(1)), rejected(label("3"), "ann", at(1))]
    assert [one.document for one in usable(labels)] == ["2"]
    assert [one.document for one in usable(labels, proposed=True)] == ["1", "2"]


def test_a_failure_is_where_signals_show_the_stop_and_else_where_it_was_reported():
    seen = replace(label(), last_normal_us=at(90), stopped_us=at(91))
    assert told([label()]) == [(100, True, "VIB")] and told([seen]) == [(91, True, "VIB")]


@pytest.mark.parametrize("action", ["recalibrated", "sensor-replaced"])
def test_work_on_a_sensor_ends_no_life(action):
    assert told(events=[event(1, action)]) == []


def test_damage_as_found_is_a_failure():
    found = label(breakdown=False, finding=Finding.DAMAGE)
    assert told([found]) == [(100, True, "VIB")]


@pytest.mark.parametrize("kind", [Kind.REPAIR, Kind.REPLACEMENT, Kind.PLANNED])
def test_work_without_damage_ends_what_is_known_and_is_no_failure(kind):
    assert told([repair(kind=kind)]) == [(100, False, "")]


def test_an_inspection_that_found_nothing_ends_nothing():
    assert end_of(repair(kind=Kind.INSPECTION, finding=Finding.NOTHING)) is None


def test_a_recorded_failure_near_a_label_is_the_same_one():
    assert told([label()], [event(60, "failed"), event(130, "failed")]) == [(100, True, "VIB")]


def test_a_recorded_failure_far_from_a_label_or_of_another_asset_is_another_one():
    events = [event(20, "failed"), event(101, "failed", "b")]
    assert told([label()], events) == [(20, True, "seal"), (100, True, "VIB"), (101, True, "seal")]


def test_a_repair_that_was_recorded_before_a_label_says_it_failed_does_not_hide_the_failure():
    assert told([label(finished_us=None)], [event(95, "repaired")]) == [(100, True, "VIB")]


def test_a_repair_after_a_failure_stays():
    assert told([label()], [event(108, "repaired")]) == [(100, True, "VIB"), (108, False, "")]


def test_records_without_labels_are_ends_as_they_are():
    assert told([], [event(5, "failed"), event(7, "repaired")]) == [(5, True, "seal"), (7, False, "")]


def test_work_ends_warnings_from_its_report_until_it_is_done():
    assert repairs_of(ends_of([repair()])) == [("a", at(100)), ("a", at(110))]
    assert repairs_of(ends_of([label()])) == [("a", at(110))]
