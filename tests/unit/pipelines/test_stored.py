"""Stored rows back to records, and from where on an asset's life is read."""

from __future__ import annotations

import polars as pl
import pytest

from models.plant.layout import Layout
from models.records import Frame, Maintenance, MaintenanceAction, WorkOrderKind
from models.tiers import DAY_US
from pipelines.stored import CELLS, LifeGone, check_whole, life_from, records_of
from pipelines.told import done, maintenance_of, orders_of
from tests.kit import tiny

START_US = 20_000 * DAY_US


def told(time_us: int, action: str = "repaired") -> Maintenance:
    return Maintenance(plant="tiny", asset="pump-01", time_us=time_us, action=MaintenanceAction(action))


def page(times: list[int], **fields: list) -> pl.DataFrame:
    return pl.DataFrame({"asset": ["pump-01"] * len(times), "time_us": times, **fields})


def records(rows: pl.DataFrame, events: list[Maintenance] = []) -> list:  # noqa: B006 - it is only read
    return list(records_of(rows, Layout("pump", tiny.plant().types["pump"]), "tiny", events))


def test_rows_become_frames_with_events_at_their_time_between_them():
    found = records(page([1, 2, 3], pressure_bar=[5.0, None, 6.0]), [told(2), told(9)])
    assert [r.times_us if isinstance(r, Frame) else r.time_us for r in found] == [[1], 2, [2, 3], 9]


def test_fields_that_are_no_signals_or_have_no_values_are_left_out():
    (frame,) = records(page([1, 2], pressure_bar=[5.0, 5.1], temp_degc=[None, None], was_a_signal=[1.0, 2.0]))
    assert frame.signals == {"pressure_bar": [5.0, 5.1]}


def test_many_rows_are_several_frames_that_a_record_may_carry():
    found = records(page(list(range(CELLS)), pressure_bar=[5.0] * CELLS))
    assert [len(frame.times_us) for frame in found] == [CELLS // 2] * 2


def test_events_of_the_store_are_what_was_told():
    rows = pl.DataFrame(
        {"asset": ["pump-01"] * 2, "event_name": ["failed", "repaired"], "time_us": [5, 7],
         "action": ["failed", "repaired"], "mode": ["seal", None]}
    )  # fmt: skip
    failed, repaired = maintenance_of(rows, "tiny")
    assert (failed.action, failed.mode, failed.time_us) == (MaintenanceAction.FAILED, "seal", 5)
    assert repaired == told(7)
    assert maintenance_of(rows.clear(), "tiny") == []


def test_a_life_is_read_from_two_days_before_its_repair_on_a_whole_day():
    events = [told(START_US), told(START_US + 9 * DAY_US + 5), told(START_US + 10 * DAY_US, "failed")]
    assert life_from(events, START_US + 20 * DAY_US) == START_US + 7 * DAY_US
    assert life_from(events, START_US + 9 * DAY_US) == START_US - 2 * DAY_US


def test_a_life_that_no_repair_began_is_read_from_the_first_row():
    assert life_from([told(START_US)], START_US - 1) == 0


@pytest.mark.parametrize(
    ("read_from_us", "first_us", "kept_from_us"),
    [
        (0, START_US + DAY_US, START_US),  # rows from the retention's edge on: who knows what was before
        (START_US - 3 * DAY_US, START_US, START_US),  # the repair itself is gone by now
    ],
)
def test_a_life_that_begins_before_what_the_store_keeps_is_refused(read_from_us, first_us, kept_from_us):
    with pytest.raises(LifeGone, match="retention"):
        check_whole(read_from_us, first_us, kept_from_us)


@pytest.mark.parametrize(
    ("read_from_us", "first_us", "kept_from_us"),
    [(0, START_US, None), (0, START_US + 3 * DAY_US, START_US), (START_US - DAY_US, START_US, START_US)],
)
def test_a_life_that_the_store_has_whole_is_not(read_from_us, first_us, kept_from_us):
    check_whole(read_from_us, first_us, kept_from_us)


def test_work_orders_of_the_store_are_what_was_told():
    rows = pl.DataFrame(
        {"asset": ["pump-01"] * 2, "event_name": ["7", "8"], "time_us": [5, 6], "order": ["7", "8"],
         "kind": ["service", "corrective"], "mode": [None, "seal"], "started_us": [7.0, 8.0],
         "finished_us": [9.0, 10.0]}
    )  # fmt: skip
    service, repair = orders_of(rows, "tiny")
    assert (service.kind, service.mode, service.reported_us, service.finished_us) == (WorkOrderKind.SERVICE, "", 5, 9)
    assert (repair.order, repair.mode, repair.started_us, repair.done_us) == ("8", "seal", 8, 10)
    assert orders_of(rows.clear(), "tiny") == []
    assert done([told(3), told(12)], [repair, service], from_us=4) == [service, repair, told(12)]
