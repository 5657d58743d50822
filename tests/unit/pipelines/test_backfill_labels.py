"""A backfill's report by labels of people, and by dates that are off."""

from __future__ import annotations

from msgspec.structs import replace

from models.failure.documents import Finding, Kind
from models.records import (
    AlertReason,
)
from pipelines.cli.report import judged
from tests.kit.documents import label, repair
from tests.kit.runs import at, failed, repaired, run, said, warning


def test_a_label_is_a_failure_at_the_stop_that_signals_showed(tmp_path):
    seen = replace(label(), last_normal_us=at(90), stopped_us=at(95))
    report = judged(run(tmp_path, records=warning("a", 40)), labels=[seen])
    assert (report.worth.failures, report.worth.median_lead_h, report.labels) == (1, 55.0, 1)
    assert "by 1 labels of people" in said(report, "What was done")


def test_a_repair_after_a_warning_leaves_it_undecided_never_unfounded(tmp_path):
    warned = warning("a", 40, 120)
    assert judged(run(tmp_path / "1", records=warned)).worth.unfounded == 1
    worth = judged(run(tmp_path / "2", records=warned), labels=[repair()]).worth
    assert (worth.unfounded, worth.undecided, worth.failures) == (0, 1, 0)


def test_a_repair_that_was_reported_on_the_morning_of_its_warning_leaves_it_undecided(tmp_path):
    dated = repair(reported_us=at(24), finished_us=at(40))
    worth = judged(run(tmp_path, records=warning("a", 30, 60)), labels=[dated]).worth
    assert (worth.unfounded, worth.undecided) == (0, 1)


def test_an_inspection_that_found_nothing_leaves_a_warning_unfounded(tmp_path):
    looked = repair(kind=Kind.INSPECTION, finding=Finding.NOTHING)
    assert judged(run(tmp_path, records=warning("a", 40, 120)), labels=[looked]).worth.unfounded == 1


def test_a_failure_of_both_record_and_label_is_one(tmp_path):
    report = judged(run(tmp_path, records=[*warning("a", 40), failed("a", 80)]), labels=[label()])
    assert [failure.lead_h for failure in report.outcome.failures] == [60.0]


def test_labels_of_assets_that_were_not_asked_for_do_not_count(tmp_path):
    report = judged(run(tmp_path), labels=[label(asset="elsewhere")])
    assert (report.worth.failures, report.labels) == (0, 0)


def test_results_are_told_for_all_dates_three_days_early_as_they_are_and_three_days_late(tmp_path):
    records = [*warning("a", 40, 110), failed("a", 100), *warning("b", 100, 180), failed("b", 330)]
    report = judged(run(tmp_path, records=records))
    found = [(one.days, one.warned, one.recall, one.median_lead_h, one.unfounded) for one in report.shifted]
    assert found == [(-3, 0, 0.0, None, 1), (0, 1, 0.5, 60.0, 1), (3, 0, 0.0, None, 1)]


def test_repairs_are_moved_with_the_failures(tmp_path):
    records = [repaired("a", 30), *warning("a", 40, 45), failed("b", 300)]
    assert [one.unfounded for one in judged(run(tmp_path, records=records)).shifted] == [1, 1, 0]


def test_a_warning_that_a_repair_ended_ends_with_it(tmp_path):
    records = [*warning("a", 40, 110, AlertReason.REPAIRED), failed("a", 100), repaired("a", 110)]
    found = [(one.days, one.warned, one.median_lead_h) for one in judged(run(tmp_path, records=records)).shifted]
    assert found == [(-3, 0, None), (0, 1, 60.0), (3, 1, 132.0)]


def test_dates_that_are_off_are_a_table_of_lead_times(tmp_path):
    report = judged(run(tmp_path, records=[*warning("a", 40), failed("a", 100)]))
    assert "as they are\n1\n1\n1.00\n60\n0\n+3 days" in said(report, "Lead times")


def test_without_a_known_failure_nothing_is_moved(tmp_path):
    assert judged(run(tmp_path, records=[*warning("a", 40), repaired("a", 90)])).shifted == ()
