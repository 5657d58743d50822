"""`forewarn model coverage` and the report of a backfill: whether intervals on time to failure held what came."""

from __future__ import annotations

import io
import json

import pytest
from msgspec.structs import replace
from rich.console import Console
from typer.testing import CliRunner

from models.failure.coverage import Verdict
from models.failure.interval import Levels
from models.inference import ModelError
from models.records import AlertReason, Remaining, Until
from pipelines.cli import app
from pipelines.cli.coverage import of_run, show
from pipelines.cli.report import judged
from pipelines.cli.rungs import standings
from tests.kit import tiny
from tests.kit.runs import MODEL, failed, forecasts, plan, repaired, run, said, warning

LEFT = Remaining(low_h=20.0, median_h=40.0, high_h=80.0, until=Until.FAILURE)
WEEKS = 40
"""Weeks of a run in which an asset fails every other week, some hours after its warning opened."""


def lives(hits: int, misses: int):
    """Warnings that a failure followed after 50 h, which the interval held, or after 100 h, which it did not."""
    records = []
    for number in range(hits + misses):
        opened_h = number * 14 * 24 + 24.0
        after_h = 50 if number < hits else 100
        one, ended = warning("a", opened_h, opened_h + after_h, AlertReason.REPAIRED)
        records += [replace(one, remaining=LEFT), replace(ended, remaining=replace(LEFT, low_h=0.0, high_h=1.0))]
        records += [failed("a", opened_h + after_h), repaired("a", opened_h + after_h + 5)]
    return records


def made(folder, records, tables=()):
    return run(folder, of=plan(days=14 * WEEKS), records=records, tables=tables)


@pytest.mark.parametrize(
    ("hits", "misses", "verdict", "words"),
    [(7, 0, Verdict.INSUFFICIENT, "insufficient events (7 of 20)"), (27, 3, Verdict.HOLDS, "90 % holds"),
     (15, 15, Verdict.DOES_NOT_HOLD, "90 % does not hold")],
)  # fmt: skip
def test_it_says_whether_intervals_hold_once_there_are_enough_failures(tmp_path, hits, misses, verdict, words):
    results = made(tmp_path / "run", lives(hits, misses))
    (found,) = of_run(results.folder, None)
    assert (found.opened.verdict, found.opened.held, found.opened.events) == (verdict, hits, hits + misses)
    console = Console(file=io.StringIO(), width=200)
    show((found,), console, as_json=False)
    assert words in console.file.getvalue()
    assert words in said(judged(results), "Time to failure")


def test_what_a_warning_said_when_it_opened_counts_and_not_what_it_said_later(tmp_path):
    (found,) = of_run(made(tmp_path / "run", lives(5, 0)).folder, None)
    assert (found.opened.held, found.opened.known) == (5, 5)


def test_what_was_told_a_day_and_three_before_a_failure_is_counted_by_the_last_forecast_until_then(tmp_path):
    hours = [*range(100, 201)]
    early, late = (replace(LEFT, low_h=low, high_h=high) for low, high in ((60.0, 90.0), (30.0, None)))
    tables = [
        forecasts("a", [h for h in hours if h <= 150], remaining=early),  # 72 h before: held
        forecasts("a", [h for h in hours if h > 150], remaining=late),  # 24 h before: failed before 30 h
    ]
    (found,) = of_run(made(tmp_path / "run", [failed("a", 200)], tables).folder, None)
    assert (found.model, found.before[72].held, found.before[72].known) == (MODEL, 1, 1)
    assert (found.before[24].held, found.before[24].known) == (0, 1)


def test_a_failure_that_no_interval_was_told_in_the_day_before_is_not_counted(tmp_path):
    tables = [forecasts("a", range(50, 60), remaining=LEFT), forecasts("a", range(60, 201))]
    assert of_run(made(tmp_path / "run", [failed("a", 200)], tables).folder, None) == ()


def test_a_run_without_intervals_has_nothing_to_say_of_them(tmp_path):
    results = made(tmp_path / "run", [*warning("a", 24, 74), failed("a", 74)])
    console = Console(file=io.StringIO(), width=200)
    show(of_run(results.folder, None), console, as_json=False)
    assert "no interval on time to failure was told" in console.file.getvalue()
    assert judged(results).covered == ()


def test_time_to_a_limit_is_no_time_to_failure(tmp_path):
    one, _ = warning("a", 24, 74)
    results = made(tmp_path / "run", [replace(one, remaining=replace(LEFT, until=Until.LIMIT)), failed("a", 74)])
    assert of_run(results.folder, None) == ()


def test_as_json_it_has_the_verdict(tmp_path):
    made(tmp_path / "run", lives(7, 0))
    found = CliRunner().invoke(app, ["model", "coverage", str(tmp_path / "run"), "--json"])
    (told,) = json.loads(found.stdout)
    assert (told["verdict"], told["opened"]["events"]) == ("insufficient events", 7)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no folder of a backfill"):
        of_run(tmp_path, None)


def test_a_folder_and_live_at_once_or_none_is_refused(tmp_path):
    for arguments in ([], [str(tmp_path), "--live"]):
        assert CliRunner().invoke(app, ["model", "coverage", *arguments]).exit_code == 2


def test_rungs_say_what_intervals_held_when_they_were_measured(tmp_path):
    levels = Levels(low=0.02, high=0.9, alone=0.1, from_chance=0.2, events=40, coverage=0.91, held_out=83)
    tiny.write(tmp_path, made=tiny.hazard(interval=levels))
    rests_on = [each for one in standings(tiny.plant(), tmp_path) for each in one.rests_on]
    assert "time to failure with intervals of 90 % that held 91 % of 83 failures held out" in rests_on
