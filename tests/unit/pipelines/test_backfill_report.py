"""What a backfill's report says, of small runs made by hand; all figures are reckoned in the tests."""

from __future__ import annotations

import polars as pl
import pytest

from models.records import (
    AlertReason,
    DeadLetter,
    Level,
    NoticeKind,
    Reject,
    RejectedSample,
    Rung,
    notice,
)
from pipelines.backfill.plan import What
from pipelines.backfill.results import FORECASTS
from pipelines.cli.report import Live, judged
from pipelines.cli.report.rungs import Opened
from pipelines.cli.report.texts import markdown
from tests.kit.runs import at, by_rules, failed, forecasts, ledger, minutes, mixed, plan, repaired, run, said, warning

# What warnings were worth


def test_unfounded_warnings_are_told_per_engineer_week(tmp_path):
    results = run(tmp_path, records=[*warning("a", 24, 30), *warning("b", 48, 50), *warning("b", 100, 110)])
    worth = judged(results, engineers=2).worth
    assert (worth.unfounded, worth.weeks) == (3, 4.0)
    assert worth.unfounded_per_engineer_week == 3 / 4 / 2


def test_weeks_are_those_that_the_source_has_data_for(tmp_path):
    of = plan(days=28)
    results = run(tmp_path, of=plan(days=28, found=of.found._replace(first_us=at(7 * 24), last_us=at(21 * 24))))
    assert judged(results).worth.weeks == 2.0


def test_unfounded_warnings_are_told_per_machine_month_of_running(tmp_path):
    running = forecasts("a", [hours / 4 for hours in range(360 * 4 + 1)])  # 360 h, half a month of 720 h
    worth = judged(run(tmp_path, tables=[running], records=warning("a", 24, 30))).worth
    assert (worth.running_h, worth.unfounded_per_machine_month) == (360.0, 2.0)


def test_lead_times_are_told_of_failures_that_a_warning_was_open_at(tmp_path):
    records = [*warning("a", 40), failed("a", 100), failed("b", 200)]
    report = judged(run(tmp_path, records=records))
    assert (report.worth.warned, report.worth.failures, report.worth.median_lead_h) == (1, 2, 60.0)
    assert "Warned 1 of 2 failures, median lead 60 h." in said(report, "Lead times")


def test_a_failure_without_a_warning_is_named(tmp_path):
    report = judged(run(tmp_path, records=[failed("b", 200, "seal-leak")]))
    assert "2026-01-09 08:00\nb\nseal-leak" in said(report, "Lead times")


def test_a_failure_before_the_span_is_not_missed(tmp_path):
    assert judged(run(tmp_path, records=[failed("a", -5)])).worth.failures == 0


def test_a_warning_that_a_repair_ended_before_a_failure_is_undecided(tmp_path):
    records = [*warning("a", 24, 60, AlertReason.REPAIRED), repaired("a", 60)]
    report = judged(run(tmp_path, records=records))
    assert (report.worth.unfounded, report.worth.undecided, report.worth.repaired) == (0, 1, 1)
    assert "undecided: repaired before it failed" in said(report, "What would have fired")


def test_a_warning_is_told_with_what_it_said_and_what_became_of_it(tmp_path):
    told = said(judged(run(tmp_path, records=[*warning("a", 24), failed("a", 54)])), "What would have fired")
    for part in (
        "2026-01-02 00:00\na\nwarning\nhazard: 50 % in 72 h (from simulated pumps), over its limit within 72 h\nlow\n"
        "open at the end\n30 h to act, then it failed",
        "oil_temp_degc +4.5",
    ):
        assert part in told


def test_simulated_chances_are_called_so(tmp_path):
    report = judged(run(tmp_path, records=warning("a", 24)))
    assert report.is_simulated and "simulated machines" in said(report, "What was done")


def test_chances_from_real_machines_are_not_called_simulated(tmp_path):
    report = judged(run(tmp_path, records=warning("a", 24, basis="real pumps")))
    assert not report.is_simulated and "simulated" not in markdown(report)


def test_what_a_model_learnt_from_can_be_given_where_no_warning_says_it(tmp_path):
    assert judged(run(tmp_path), bases={"pump@b59ef32e2636": "simulated pumps"}).is_simulated


def test_a_warning_by_rules_alone_is_told_with_its_rung_level_and_confidence(tmp_path):
    told = said(judged(run(tmp_path, records=by_rules("a", 24, level=Level.ALARM))), "What would have fired")
    assert "a\nalarm\nrules: bearing-hot 84.2 degC over 80 degC for 24 h\nmedium\n" in told


def test_rules_say_nothing_of_what_a_model_learnt_from(tmp_path):
    assert judged(run(tmp_path, records=by_rules("a", 24))).bases == {}


def test_each_rung_is_told_with_what_it_opened_and_what_became_of_that(tmp_path):
    records = [*by_rules("a", 24), *mixed("a", 30), failed("a", 54), *by_rules("b", 100, 120), repaired("b", 300)]
    rungs = judged(run(tmp_path, records=records)).rungs
    assert list(rungs) == list(Rung)
    assert rungs[Rung.RULES] == Opened(opened=2, caught=1, unfounded=1, undecided=0, median_act_h=30.0)
    assert rungs[Rung.HAZARD] == Opened(opened=1, caught=1, unfounded=0, undecided=0, median_act_h=24.0)
    assert rungs[Rung.HEALTH] == Opened(opened=0, caught=0, unfounded=0, undecided=0, median_act_h=None)


def test_a_failure_too_late_for_its_warning_is_no_time_to_act(tmp_path):
    rungs = judged(run(tmp_path, records=[*by_rules("a", 24), failed("a", 224)])).rungs
    assert (rungs[Rung.RULES].unfounded, rungs[Rung.RULES].median_act_h) == (1, None)


def test_each_piece_of_evidence_is_told_with_what_it_is_founded_on(tmp_path):
    records = [*by_rules("a", 24), *mixed("b", 30), failed("a", 54)]
    told = said(judged(run(tmp_path, records=records)), "What would have fired")
    assert "rules\nbearing-hot\n2\n1\n30\n1\n0\nmedium\na manual\n" in told
    assert "hazard\npump\n1\n0\n-\n1\n0\nlow\nsimulated pumps" in told


def test_without_forecasts_or_warnings_only_rules_could_have_warned(tmp_path):
    assert "only rules and limits could have" in said(judged(run(tmp_path)), "What would have fired")


# Running hours


def test_a_machine_ran_from_each_forecast_to_the_next_that_says_running(tmp_path):
    table = pl.concat([forecasts("a", minutes(1, 60)), forecasts("a", minutes(61, 90), "off")])
    assert judged(run(tmp_path, tables=[table])).scored.running_h == pytest.approx(59 / 60)


def test_after_a_silence_no_more_than_a_quarter_of_an_hour_counts(tmp_path):
    assert judged(run(tmp_path, tables=[forecasts("a", [1, 5])])).scored.running_h == 0.25


def test_at_a_cadence_of_an_hour_an_hour_counts(tmp_path):
    results = run(tmp_path, of=plan(every_min=60), tables=[forecasts("a", [1, 2, 3])])
    assert judged(results).scored.running_h == 2.0


def test_hours_of_one_asset_do_not_run_on_into_the_next(tmp_path):
    table = pl.concat([forecasts("a", [1]), forecasts("b", [1.1])])
    assert judged(run(tmp_path, tables=[table])).scored.running_h == 0


def test_the_last_revision_of_a_forecast_counts_across_parts(tmp_path):
    tables = [forecasts("a", [1, 1.1]), forecasts("a", [1.1], "off", revision=1)]
    report = judged(run(tmp_path, tables=tables))
    assert (report.scored.forecasts, report.scored.running_h) == (2, 0)


def test_forecasts_of_some_assets_at_a_time_are_all_of_them(tmp_path):
    tables = [forecasts(asset, [hour, hour + 1]) for hour in (0, 1) for asset in ("a", "b", "c")]
    results = run(tmp_path, tables=tables)
    parts = list(results.forecasts_by_assets(rows=5))
    assert len(parts) == 3 and pl.concat(parts).equals(results.forecasts())


def test_a_run_that_an_older_program_began_is_read_to_its_end(tmp_path):
    older = forecasts("a", minutes(0, 3)).drop("baseline", "missing")
    results = run(tmp_path, tables=[older, forecasts("b", minutes(0, 3))])
    assert results.forecasts()["baseline"].to_list() == [None] * 4 + ["nobody's"] * 4
    assert sum(map(len, results.forecasts_by_assets())) == 8


def test_the_assets_most_at_risk_come_first(tmp_path):
    tables = [forecasts(f"p{number:02}", [1, 2], chance=number / 20) for number in range(15)]
    risks = judged(run(tmp_path, tables=tables)).scored.risks
    assert [risk.asset for risk in risks] == [f"p{number:02}" for number in range(14, 4, -1)]
    assert risks[0].peak == 0.7


# Differences from live


def difference(tmp_path, records=(), tables=(), live=(), live_forecasts=None):
    none = pl.DataFrame(schema=FORECASTS)
    theirs = Live(alerts=tuple(live), forecasts=none if live_forecasts is None else live_forecasts)
    return judged(run(tmp_path, records=records, tables=tables), theirs).difference


def test_a_warning_that_live_gave_later_is_given_by_both(tmp_path):
    found = difference(tmp_path, warning("a", 24, 60), live=warning("a", 30, 60))
    assert ([pair.later_h for pair in found.both], found.only_here, found.only_live) == ([-6.0], (), ())


def test_warnings_that_were_never_open_at_one_time_are_of_one_alone(tmp_path):
    found = difference(tmp_path, warning("a", 24, 60), live=[*warning("a", 70, 80), *warning("b", 24, 60)])
    assert [w.asset for w in found.only_here] == ["a"]
    assert [(w.asset, w.opened_us) for w in found.only_live] == [("b", at(24)), ("a", at(70))]


def test_of_two_warnings_of_an_asset_the_one_of_the_same_failure_mode_is_compared(tmp_path):
    found = difference(tmp_path, by_rules("a", 24), live=[*warning("a", 20), *by_rules("a", 30)])
    assert [pair.later_h for pair in found.both] == [-6.0]


def test_a_warning_whose_failure_mode_live_did_not_tell_apart_is_given_by_both(tmp_path):
    found = difference(tmp_path, by_rules("a", 24), live=warning("a", 30))
    assert ([pair.later_h for pair in found.both], found.only_here) == ([-6.0], ())


def test_warnings_of_assets_that_were_not_asked_for_are_not_compared(tmp_path):
    assert difference(tmp_path, live=warning("elsewhere", 24)).only_live == ()


def test_forecasts_are_equal_to_the_last_bit_or_not(tmp_path):
    theirs = pl.concat([forecasts("a", [1]), forecasts("a", [2], chance=0.1 + 2**-56)])
    (of_model,) = difference(tmp_path, tables=[forecasts("a", [1, 2])], live_forecasts=theirs).forecasts
    assert (of_model.compared, of_model.equal) == (2, 1)


def test_forecasts_without_chances_are_equal(tmp_path):
    table = forecasts("a", [1], "off", chance=None)
    (of_model,) = difference(tmp_path, tables=[table], live_forecasts=table).forecasts
    assert (of_model.equal, of_model.largest) == (1, None)


def test_the_largest_difference_is_told_with_its_place(tmp_path):
    theirs = pl.concat([forecasts("a", [1, 3], chance=0.25), forecasts("b", [2], chance=0.5)])
    ours = [forecasts("a", [1], chance=0.125), forecasts("b", [2], chance=0.125), forecasts("a", [3], chance=None)]
    (of_model,) = difference(tmp_path, tables=ours, live_forecasts=theirs).forecasts
    assert (of_model.largest, of_model.asset, of_model.time_us) == (0.375, "b", at(2))


def test_forecasts_that_only_one_of_both_has_are_counted(tmp_path):
    found = difference(tmp_path, tables=[forecasts("a", [1, 2, 3])], live_forecasts=forecasts("a", [3, 4]))
    assert (found.forecasts_only_here, found.forecasts_only_live) == (2, 1)


def test_forecasts_are_told_by_the_models_that_made_them(tmp_path):
    theirs = pl.concat([forecasts("a", [1], model="old"), forecasts("a", [2], model="new")])
    found = difference(tmp_path, tables=[forecasts("a", [1, 2], model="new")], live_forecasts=theirs)
    assert [(one.model, one.live_model, one.compared) for one in found.forecasts] == [
        ("new", "new", 1),
        ("new", "old", 1),
    ]


def test_live_forecasts_outside_the_span_are_not_compared(tmp_path):
    found = difference(tmp_path, live_forecasts=forecasts("a", [0, 1 / 60, 28 * 24, 28 * 24 + 1 / 60]))
    assert found.forecasts_only_live == 2  # a forecast is of the minute that ends then


@pytest.mark.parametrize(("live", "why"), [(None, "nothing that was live"), ("InfluxDB was away", "InfluxDB was away")])
def test_why_nothing_was_compared_is_told(tmp_path, live, why):
    assert f"Not compared with live: {why}" in said(judged(run(tmp_path), live), "Differences from live")


# Data


def test_rejected_values_and_dead_letters_are_told_by_reason_with_their_place(tmp_path):
    letters = [
        DeadLetter(plant="plant", reason=Reject.NO_TIME, detail=f"history/a.csv, line {line}: no time", asset="a")
        for line in range(12)
    ]
    report = judged(run(tmp_path, records=letters, counted=ledger(rows=100, rejected=7)))
    told = said(report, "Data quality")
    assert report.letters_by_reason == {"no-time": 12}
    assert "out-of-range\n7" in told and "the first 10 of 12" in told
    assert "line 9" in told and "line 10" not in told


def test_a_sensor_fault_is_told_once_with_its_end(tmp_path):
    about = {"reason": "stuck", "detail": "stuck at 5", "signal": "pressure_bar"}
    kind, since_us = NoticeKind.SENSOR_FAULT, at(2)
    revisions = [
        notice(kind, "plant", "a", "pressure_bar", since_us, is_open=is_open, time_us=at(hours), **about)
        for is_open, hours in ((True, 3), (False, 9))
    ]
    report = judged(run(tmp_path, records=revisions))
    told = said(report, "Data quality")
    assert "Notices: 1 sensor-fault." in told
    assert "2026-01-01 02:00\na\npressure_bar\nstuck\n2026-01-01 09:00" in told


def test_gaps_are_told_with_their_share_of_the_time(tmp_path):
    report = judged(run(tmp_path, of=plan(days=5), gaps=[("a", 10, 22), ("b", 50, 60), ("b", 100, 102)]))
    gaps = report.gaps
    assert (gaps.number, gaps.hours, gaps.share) == (3, 24.0, 24 / 240)
    assert [(one.asset, one.number, one.longest_h) for one in gaps.worst] == [("a", 1, 12.0), ("b", 2, 10.0)]


def test_a_gap_counts_as_far_as_it_lies_in_the_span(tmp_path):
    report = judged(run(tmp_path, of=plan(days=5), gaps=[("a", -20, 2), ("b", -20, -10), ("b", 119, 130)]))
    assert (report.gaps.number, report.gaps.hours) == (2, 3.0)


def test_a_ledger_that_does_not_balance_is_a_problem_and_loud(tmp_path):
    report = judged(run(tmp_path, counted=ledger(rows=100, lost=1)))
    assert "the ledger does not balance" in report.problems[0]
    assert markdown(report).splitlines()[2].startswith("**the ledger does not balance")


@pytest.mark.parametrize(("source", "problems"), [("csv", 1), ("parquet", 1), ("kafka", 0)])
def test_lines_of_files_that_could_not_be_used_are_a_problem(tmp_path, source, problems):
    letter = DeadLetter(plant="plant", reason=Reject.NO_TIME, detail="a.csv, line 3: no time")
    sample = RejectedSample(signal="s", time_us=at(1), value="99")
    out = DeadLetter(plant="plant", reason=Reject.OUT_OF_RANGE, detail="s is 99", samples=(sample,))
    report = judged(run(tmp_path, of=plan(source=source), records=[letter, out], counted=ledger(rows=100)))
    assert [problem.partition(":")[2] for problem in report.problems] == [
        " 1 dead letters say what, and where"
    ] * problems


def test_a_ledger_that_balances_is_no_problem(tmp_path):
    report = judged(run(tmp_path, counted=ledger(rows=100, rejected=7)))
    assert report.problems == [] and "The ledger balances" in said(report, "Ledger")


# Nothing there


def test_a_run_that_read_nothing_says_so(tmp_path):
    report = judged(run(tmp_path, counted=ledger(rows=0)))
    assert report.problems == ["nothing was read from history/*.parquet"]
    assert "Nothing was read." in said(report, "Ledger")


def test_without_known_failures_unfounded_is_said_to_mean_little(tmp_path):
    report = judged(run(tmp_path, records=warning("a", 24, 30)))
    assert "No failure of these assets is known" in said(report, "Lead times")
    assert "nobody wrote one down" in said(report, "Unfounded warnings")


def test_without_warnings_none_would_have_opened(tmp_path):
    report = judged(run(tmp_path, tables=[forecasts("a", [1])]))
    assert said(report, "What would have fired") == "None: no warning would have opened."


def test_without_forecasts_there_is_no_figure_by_running_time(tmp_path):
    report = judged(run(tmp_path))
    assert report.worth.unfounded_per_machine_month is None
    assert "No machine ran by the forecasts" in said(report, "Unfounded warnings")


def test_warnings_that_were_not_asked_for_are_not_said_to_be_none(tmp_path):
    report = judged(run(tmp_path, of=plan(what=(What.INGEST,))))
    for title in ("What would have fired", "Unfounded warnings"):
        assert said(report, title) == "Warnings were not asked for."


def test_a_span_without_data_has_no_figure_by_week(tmp_path):
    of = plan()
    results = run(tmp_path, of=plan(found=of.found._replace(first_us=at(9999), last_us=at(9999))))
    assert judged(results).worth.unfounded_per_engineer_week is None
