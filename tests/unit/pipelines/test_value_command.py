"""`forewarn value` and `forewarn alerts kpis` as they are told and exported; months and weeks as people write them."""

from __future__ import annotations

import csv
from datetime import UTC, datetime

import pytest
import typer
from rich.console import Console

from connectors.kafka.plain import LogRecord
from models.alerting.kpis import kpis
from models.alerting.value import value
from models.plant import Budget, parse
from models.records import CloseReason, Move, encode
from pipelines.cli.kpis import advice, print_kpis
from pipelines.cli.revisions import revisions
from pipelines.cli.spans import Span, month, thinned, week, week_of
from pipelines.cli.valued import COLUMNS, print_value, write_csv
from tests.kit.closing import close, move, opened
from tests.kit.runs import at, failed

PLANT = parse("""
plant = "north"
currency = "EUR"
[types.pump.signals.temp_degc]
kind = "gauge"
[assets.a]
type = "pump"
downtime_cost_per_h = 1800
failure_downtime_h = 14
[assets.b]
type = "pump"
""")
ROWS = [opened("a", 1), close(opened("a", 1), CloseReason.REPAIRED, 3, mode="seal", found="=HYPERLINK(evil)")]
ROWS += [opened("b", 1), close(opened("b", 1), CloseReason.REPAIRED, 4)]
FOUND = value(ROWS, [failed("b", 300)], PLANT, at(0), at(31 * 24))


def told(hours=None) -> str:
    console = Console(record=True, width=200)
    print_value(FOUND, PLANT, Span("2026-01", at(0), at(31 * 24)), hours, console)
    return console.export_text()


def test_missed_failures_are_told_first_and_money_with_what_it_was_reckoned_by():
    lines = told().splitlines()
    assert lines[:2] == ["north, 2026-01", "     1  missed failure"]
    assert "1 of 2 confirmed saves are worth 25,200 EUR: the plant file's failure_downtime_h, times" in told()
    assert "1 of 2 confirmed saves have no amount: the plant file lacks" in told()
    assert "14 h (--hours)" in told(14)


def test_the_csv_has_a_line_an_entry_and_no_cell_that_a_spreadsheet_reckons(tmp_path):
    write_csv(FOUND, PLANT, tmp_path / "value.csv")
    rows = list(csv.DictReader((tmp_path / "value.csv").read_text("utf-8-sig").splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert [row["kind"] for row in rows] == ["missed failure", "confirmed save", "confirmed save"]
    assert (rows[1]["found"], rows[1]["amount"], rows[1]["currency"]) == ("'=HYPERLINK(evil)", "25200", "EUR")
    assert rows[2]["amount"] == ""


def test_a_month_is_by_the_plants_calendar():
    begins = datetime(2026, 10, 31, 23, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC)
    assert month("2026-11", "Europe/Brussels") == (
        "2026-11", *(round(one.timestamp()) * 1_000_000 for one in begins),
    )  # fmt: skip
    assert month("2026-12", "UTC").to_us == month("2027-01", "UTC").from_us


def test_a_week_is_of_iso_8601_and_the_week_of_a_time_has_it():
    found = week("2026-W47", "UTC")
    assert found.from_us == round(datetime(2026, 11, 16, tzinfo=UTC).timestamp()) * 1_000_000
    assert week_of(found.from_us, "UTC") == week_of(found.to_us - 1, "UTC") == found
    assert week_of(found.from_us, "America/New_York").name == "2026-W46"
    assert (
        week("2025-W43", "Europe/Brussels").to_us - week("2025-W43", "Europe/Brussels").from_us == 169 * 3_600_000_000
    )


@pytest.mark.parametrize("said", ["2026-13", "2026", "november", "0000-01"])
def test_what_is_no_month_is_told_with_how_to_write_one(said):
    with pytest.raises(typer.BadParameter, match="write year and month, as 2026-11"):
        month(said, "UTC")


@pytest.mark.parametrize("said", ["2026-W54", "2026-47", "this", "0000-W01"])
def test_what_is_no_week_is_told_with_how_to_write_one(said):
    with pytest.raises(typer.BadParameter, match="write year and week, as 2026-W47"):
        week(said, "UTC")


def test_a_time_whose_revisions_may_be_gone_is_said_to_be_one():
    span = month("2026-01", "UTC")
    assert thinned(span, span.from_us + 92 * 24 * 3_600_000_000) == ""
    assert "2026-01 began over 92 days ago" in thinned(span, span.from_us + 92 * 24 * 3_600_000_000 + 1)


def test_kpis_are_told_by_engineer_with_what_a_broken_budget_asks_for():
    cases = [opened(name, 1) for name in "abc"]
    seen = [move(case, Move.ASSIGN, 2, to="kim") for case in cases]
    closed = [close(case, CloseReason.NOTHING_FOUND, 5) for case in seen]
    found = kpis([*cases, *seen, *closed], Budget(), at(0), at(168), at(168))
    console = Console(record=True, width=200)
    print_kpis(found, Span("2026-W01", at(0), at(168)), console)
    said = console.export_text()
    assert "kim" in said
    assert "0% (0% to 56%)" in said  # Wilson for 0 of 3, by scipy's binomtest(0, 3).proportion_ci(method="wilson")
    assert "The budget of unfounded warnings is broken: kim: 3, of 2 a week; all together: 3" in said
    assert "forewarn budget FOLDER --write" in said
    assert not list(advice(kpis([], Budget(), at(0), at(168), at(168))))


def test_revisions_are_all_of_them_and_what_cannot_be_read_is_named_and_left_out():
    errors = Console(record=True, width=200)
    values = [b"{}", *map(encode, ROWS)]
    records = [LogRecord(3, offset, 0, None, value, ()) for offset, value in enumerate(values)]
    assert [one.alert for one in revisions(records, errors)] == ROWS
    assert "left out what cannot be read (partition 3, offset 0)" in errors.export_text()
