"""A model judged on rows: by event first, beside rules and a rival, with bounds over machines."""

from __future__ import annotations

from functools import cache

import msgspec
import numpy as np
import pytest

from models.failure.hazard import Hazard
from onnx_export.bootstrap import bounds_of
from onnx_export.evaluate import Outcome, Scores, judge
from onnx_export.evaluation import Chosen, Evaluation, Judging, evaluate, line, shifted
from onnx_export.evaluation_report import document, markdown, write_evaluation
from onnx_export.history import HOUR_US
from onnx_export.judged import Machines, score, within
from onnx_export.table import data_of
from tests.kit import labelled
from tests.unit.onnx_export.test_evaluate import run
from tests.unit.onnx_export.test_hazard_own import place, plain

DAY = 24 * 6
"""Rows of a day, 10 min apart."""


@cache
def hazard() -> Hazard:
    return Hazard(plain().onnx, plain().card, plain().says.cases)


@cache
def found() -> Evaluation:
    return evaluate(hazard(), data_of(place()), Judging(budget=0.3))


def named(name: str):
    (one,) = (each for each in found().lines if each.name == name)
    return one


def test_a_model_its_dates_moved_and_all_that_is_beside_it_are_in_one_table():
    assert [one.name for one in found().lines] == [
        "this model", "this model, at the budget", "this model, dates of failures 3 days early",
        "this model, dates of failures 3 days late", "4 sigma", "age alone", "a 72 h classifier, out of fold",
    ]  # fmt: skip
    assert {one.scores["failures"] for one in found().lines if "dates" not in one.name} == {28.0}


def test_the_budget_is_kept_where_it_can_be():
    assert named("this model").limit == plain().card.warning_limit
    for one in found().lines:
        if one.chosen is Chosen.BUDGET:
            assert one.scores["unfounded_a_machine_month"] <= 0.3


def test_a_model_on_the_rows_it_learned_from_warns_of_more_than_age():
    assert named("this model, at the budget").scores["recall"] > named("age alone").scores["recall"]


def test_bounds_hold_the_figure_and_are_the_same_again():
    one = named("this model")
    assert one.bounds.recall.low <= one.scores["recall"] <= one.bounds.recall.high
    assert one.bounds.lead_h_median.low < one.bounds.lead_h_median.high
    again = evaluate(hazard(), data_of(place()), Judging(budget=0.3))
    assert document(again) == document(found())


def test_machines_that_are_alike_have_bounds_that_meet():
    each = Scores((Outcome("wear", 50.0), Outcome("wear", None)), 2, 1, 0, 2.0)
    bounds = bounds_of([each] * 5, 1)
    assert bounds.recall == (0.5, 0.5)
    assert bounds.lead_h_median == (50.0, 50.0)
    assert bounds.unfounded_a_machine_month == (0.5, 0.5)


def test_bounds_of_few_machines_are_wide():
    good, bad = Scores((Outcome("wear", 50.0),)), Scores((Outcome("wear", None),))
    assert bounds_of([good, bad], 1).recall == (0.0, 1.0)


@pytest.fixture
def one_failure():
    """Warned of 80 h ahead, at row 4000 of 6000."""
    chances = np.full(6000, 0.1)
    chances[4000 - 480 : 4001] = 0.9
    return run(chances.tolist(), failures=[4000])


def test_an_earlier_date_shortens_a_lead_and_a_warning_that_cleared_before_a_later_one_does_not_count(one_failure):
    leads = {
        days: score([one_failure._replace(history=shifted(one_failure.history, days))], 0.5).leads_h
        for days in (0, 3, -3)
    }
    assert leads[0][0] == pytest.approx(80, abs=1)
    assert leads[-3][0] == pytest.approx(8, abs=1)
    assert leads[3] == ()  # the warning cleared with the failure that was recorded


def test_dates_that_do_not_move_change_nothing(one_failure):
    same = shifted(one_failure.history, 0)
    assert np.array_equal(same.hours, one_failure.history.hours)
    assert np.array_equal(same.known_h, one_failure.history.known_h)


def test_a_failure_that_moves_behind_the_end_of_history_is_not_known(one_failure):
    late = shifted(one_failure.history, 20)
    assert late.failures == ()
    assert np.isinf(late.hours).all()
    assert late.known_h[0] == pytest.approx((late.end_us - late.window_end_us[0]) / HOUR_US)


def test_cost_counts_a_missed_failure_as_so_many_unfounded_warnings():
    missed = run([0.1] * (60 * DAY), failures=[50 * DAY])
    months = judge(missed.history, []).machine_months
    one = line("none", Machines.of(*missed), 0.5, Chosen.FIXED, Judging(missed_to_unfounded=7))
    assert one.cost == pytest.approx(7 / months, abs=1e-4)
    assert one.precision is None


def test_precision_is_of_warnings_whose_outcome_is_known(one_failure):
    chances = one_failure.chances.copy()
    chances[100:110] = chances[-20:] = 0.9  # one for nothing, one whose outcome is not seen
    one = line("mixed", Machines.of(one_failure.history, chances), 0.5, Chosen.FIXED, Judging())
    assert one.precision == 0.5


def test_where_no_limit_keeps_a_budget_the_calmest_is_taken():
    noisy, calm = Scores((), 9, 9, 0, 1.0), Scores((), 5, 5, 0, 1.0)
    assert within({0.2: noisy, 0.4: calm}, 0.1) == 0.4


def test_a_report_says_what_flatters_and_shows_its_pictures(tmp_path):
    folder = write_evaluation(tmp_path / "report", found())
    page = (folder / "report.md").read_text()
    assert page == markdown(found())
    assert "Where it learned from these very rows, its figures flatter it." in page
    assert all(f"({name})" in page for name in ("limits.svg", "leads.svg", "reliability.svg"))
    assert {path.name for path in folder.glob("*.svg")} == {"limits.svg", "leads.svg", "reliability.svg"}
    assert len(msgspec.json.decode((folder / "scores.json").read_bytes())["lines"]) == 7


def test_rows_are_told_with_how_many_failures_they_are_before():
    of = found().by_row
    assert of.failures == 28
    assert 0.3 < of.average_precision_72h <= 1
    assert len(of.fit.brier) == 6


def test_with_two_machines_the_classifier_is_left_out_and_that_is_said(tmp_path):
    two = labelled.table().filter(labelled.pl.col("asset") < "press-02")
    judged = evaluate(hazard(), data_of(str(labelled.write(tmp_path, two))), Judging())
    assert judged.left_out == ("a 72 h classifier: judging it out of fold takes 3 machines",)


def test_rows_without_a_failure_are_judged_by_what_is_unfounded_alone(tmp_path):
    none = labelled.pl.lit(None)
    quiet = labelled.table(days=60).with_columns(failed_in_h=none.cast(labelled.pl.Float64), mode=none.cast(str))
    judged = evaluate(hazard(), data_of(str(labelled.write(tmp_path, quiet))), Judging())
    assert judged.by_row.average_precision_72h is None
    assert judged.lines[0].scores["failures"] == 0
    assert judged.lines[0].scores["unfounded"] > 0
    assert "none fails" in markdown(judged)
