"""`forewarn budget` on runs made by hand: what each asset gets, what other budgets would have done, and the file."""

from __future__ import annotations

import io
import json
import re
import sys

import numpy as np
import polars as pl
import pytest
from msgspec.structs import replace
from rich.console import Console

from models.alerting.hindsight import Past, worths
from models.alerting.life import Threshold, Watch, step
from models.failure.labels import confirmed, encoded
from models.plant import PlantError
from models.records import AlertReason, Rung
from pipelines.backfill.results import CHANCES, WHOLE
from pipelines.cli.budget import budget
from pipelines.cli.budget.asked import Asked, BudgetError, budgets
from pipelines.cli.outcome import Verdict, judge
from pipelines.main import read_plant
from pipelines.settings import Settings
from tests.kit import tiny
from tests.kit.documents import label
from tests.kit.runs import HOUR_US, at, failed, forecasts, plan, repaired, run, warning

ASSETS = ("gear-01", "pump-01", "pump-02")
WEEKS = 8
QUARTERS = [quarter / 4 for quarter in range(1, WEEKS * 168 * 4 + 1)]
NONE = "no inspected case"


def chances(asset: str, *spans: tuple[float, float, float]) -> pl.DataFrame:
    """Forecasts each quarter of an hour that say 1 % and, over spans of hours, another chance."""
    hours, said = np.array(QUARTERS), np.full(len(QUARTERS), 0.01)
    for from_h, to_h, chance in spans:
        said[(hours > from_h) & (hours <= to_h)] = chance
    return forecasts(asset, QUARTERS, model=VERSION).with_columns(*(pl.Series(name, said) for name in CHANCES))


VERSION = tiny.hazard().card.version
"""Its own limit is 0.55."""
SPANS = {
    # A failure at 400 h after 50 h of 0.9, and noise: half a day of 0.3, three of 0.6.
    "pump-01": ((350, 420, 0.9), (700, 712, 0.3), (900, 912, 0.6), (1000, 1012, 0.6), (1100, 1112, 0.6)),
    # A failure at 500 h that only 0.4 told of, and noise of 0.3.
    "pump-02": ((440, 510, 0.4), (800, 812, 0.3)),
    "gear-01": ((600, 612, 0.6),),
}
EVENTS = (failed("pump-01", 400), repaired("pump-01", 420), failed("pump-02", 500), repaired("pump-02", 510))
CRITICALITIES = '[assets.pump-01]\ntype = "pump"\ncriticality = "{}"\n'


@pytest.fixture
def place(tmp_path):
    """A plant in a folder, its model, and a run of three of its assets."""
    (tmp_path / "plants").mkdir()
    toml = tiny.PLANT_TOML.replace('[assets.pump-01]\ntype = "pump"\n', CRITICALITIES.format("A"))
    (tmp_path / "plants" / "plant.toml").write_text(toml)
    tiny.write(tmp_path)
    left(tmp_path)
    return tmp_path


def left(folder, name: str = "run", spans=SPANS, events=EVENTS, **changes) -> None:
    models = dict.fromkeys(("pump", "gear", "mixer", "lathe"), VERSION)
    done = plan(days=WEEKS * 7, assets=ASSETS, plant="tiny", models=models, **changes)
    # What the run itself said: of pump-01 a warning that came true, of gear-01 one of which nothing came.
    said = [*warning("pump-01", 350.5, 420, AlertReason.REPAIRED), *warning("gear-01", 600.5, 627)]
    run(folder / name, of=done, tables=[chances(asset, *spans[asset]) for asset in spans], records=[*said, *events])
    (folder / name / WHOLE).touch()


def told(place, name: str = "run", **asked):
    """What the command prints, and its figures."""
    console = Console(file=io.StringIO(), width=220)
    settings = Settings(plant=place / "plants", models=place)
    found = budget(settings, Asked(folder=place / name, **asked), console, console, as_json=False)
    return console.file.getvalue(), found


def of(found, asset: str):
    return next(one for one in found.assets if one.asset == asset)


def test_an_asset_of_higher_criticality_gets_more_and_all_together_get_the_budget(place):
    _, found = told(place, per_week=3.0, engineers=2.0)
    assert of(found, "pump-01").granted_per_week == pytest.approx(2 * of(found, "pump-02").granted_per_week)
    assert sum(one.granted_per_week for one in found.assets) == pytest.approx(6.0)
    assert found.assets[0].asset == "pump-01"


def test_today_is_what_the_models_limit_would_have_done(place):
    said, found = told(place)
    worked = found.today.worked
    assert (worked.warnings, worked.caught, worked.failures, worked.unfounded) == (5, 1, 2, 4)
    assert worked.median_lead_h == pytest.approx(50 - 0.75)  # the third quarter of an hour over the limit opens
    assert of(found, "pump-01").today.limit == 0.55
    assert "5 warnings: 1 of 2 failures caught, median lead 49 h, 4 unfounded, 0.50 per engineer and week" in said


def test_labels_that_a_person_confirmed_are_failures_and_repairs_and_others_are_not(place):
    made = [
        confirmed(label("1", "pump-01", reported_us=at(905), finished_us=at(915)), "somebody", at(1300)),
        label("2", "pump-01", reported_us=at(1005), finished_us=at(1015)),
    ]
    file = place / "labels.jsonl"
    file.write_bytes(encoded(made))
    _, without = told(place)
    _, found = told(place, labels=file)
    assert (found.today.worked.failures, found.today.worked.caught) == (3, 2)
    assert found.today.worked.unfounded == without.today.worked.unfounded - 1


def test_thresholds_of_the_first_half_are_judged_on_the_second(place):
    said, found = told(place)
    assert (found.held_out.failures, found.held_out.unfounded > 0) == (0, True)  # all failures were in the first half
    assert f"on the second they would have had {found.held_out.warnings} warnings: " in said


def test_what_is_chosen_keeps_the_budget_and_catches_more(place):
    _, found = told(place)
    assert found.chosen.is_kept and found.chosen.worked.caught == 2
    assert found.chosen.worked.unfounded <= 2 * WEEKS
    assert of(found, "pump-02").threshold.limit <= 0.4


def test_a_tighter_budget_never_had_more_unfounded_warnings(place):
    said, found = told(place, compare=budgets("8,0.1,0.25,0.5,1"))
    unfounded = [one.worked.unfounded for one in found.budgets]
    assert [one.unfounded_per_engineer_week for one in found.budgets] == [0.1, 0.25, 0.5, 1, 2, 8]
    assert unfounded == sorted(unfounded) and unfounded[0] < unfounded[-1]
    assert "2 (the plant's)" in said
    curve = [one.worked.unfounded for one in found.curve]
    assert curve == sorted(curve) and len(curve) > len(unfounded)


def test_unfounded_warnings_of_rules_alone_are_taken_off_the_budget(place):
    rules = [replace(alert, rung=Rung.RULES) for alert in warning("pump-02", 1000, 1010)]
    also = [replace(warning("pump-02", 1100)[0], rung=Rung.RULES), *warning("pump-02", 1100)]  # a hazard spoke later
    also[1] = replace(also[1], revision=1)
    left(place, "ruled", events=(*EVENTS, *rules, *also))
    _, without = told(place)
    said, found = told(place, "ruled")
    assert (without.others, found.others) == (0, 1)
    assert "The run had 1 unfounded warnings of rules alone: they are in these rates" in said
    assert found.today.had_per_engineer_week == pytest.approx(5 / WEEKS, rel=1e-3)


def test_assets_without_history_keep_their_part_and_it_is_said(place):
    said, found = told(place)
    assert of(found, "pump-03").threshold is None
    assert of(found, "pump-03").granted_per_week == of(found, "pump-02").granted_per_week
    assert f"{len(found.assets) - 3} of {len(found.assets)} assets have no chances in this history" in said


def test_the_plants_own_budget_is_the_default(place):
    (place / "plants" / "own.toml").write_text("[budget]\nunfounded_per_engineer_week = 0.5\nengineers = 3\n")
    _, found = told(place)
    assert (found.budget.per_week, found.chosen.unfounded_per_engineer_week) == (1.5, 0.5)


def test_the_cost_of_each_limit_is_told_where_it_is_said_what_a_missed_failure_costs(place):
    said, found = told(place, missed_to_unfounded=20.0)
    by_limit = {one.threshold.limit: one for one in found.thresholds}
    own = by_limit[0.55]
    assert (own.worked.caught, own.worked.failures, own.worked.unfounded, own.cost) == (1, 2, 4, 24.0)
    assert by_limit[0.3].cost == 0 * 20 + by_limit[0.3].worked.unfounded
    assert "today's thresholds would have cost 24" in said
    assert all(one.threshold == Threshold(one.threshold.limit) for one in found.thresholds)


def test_without_a_ratio_nothing_is_said_of_cost(place):
    said, found = told(place)
    assert found.thresholds == () and "would have cost" not in said


def test_the_plants_own_cost_of_a_missed_failure_is_the_default_and_decides(place):
    file = place / "plants" / "plant.toml"
    file.write_text(file.read_text() + "[budget]\nmissed_to_unfounded = 0.1\n")
    left(place, "noisy", SPANS | {"pump-02": ((440, 510, 0.4), (800, 880, 0.4), (1000, 1080, 0.4))})
    _, cheap = told(place, "noisy", per_week=8.0)
    _, dear = told(place, "noisy", per_week=8.0, missed_to_unfounded=50.0)
    assert cheap.budget.missed_to_unfounded == 0.1
    assert cheap.chosen.worked.unfounded < dear.chosen.worked.unfounded
    assert cheap.chosen.worked.caught < dear.chosen.worked.caught


def test_the_file_that_is_written_is_read_back_with_the_plant_and_is_then_as_it_is_today(place):
    file = place / "plants" / "thresholds.toml"
    said, found = told(place, write=file)
    own = read_plant(place / "plants").thresholds
    assert own.keys() == set(ASSETS)
    for asset, one in own.items():
        assert Threshold(one.hazard, one.open_after, one.clear_after, one.clear_share) == of(found, asset).threshold
    head = file.read_text().splitlines()[:3]
    assert "forewarn budget --write" in head[0] and "Run run, 2026-01-01" in head[1] and VERSION in head[1]
    assert "2 for each engineer" in head[2]
    assert f"thresholds of 3 assets in {file}, which is part of the plant" in said
    _, again = told(place, write=file)
    assert again.today.worked == found.chosen.worked == again.chosen.worked
    assert of(again, "pump-02").today == of(found, "pump-02").threshold


def test_a_name_that_toml_would_not_take_as_it_is_is_read_back(place):
    name = 'ö "1"\\\t\x7f.'
    file = place / "plants" / "plant.toml"
    file.write_text(file.read_text() + f"[assets.{json.dumps(name)}]\ntype = 'pump'\n".replace("\x7f", "\\u007f"))
    left(place, "odd", {name: SPANS["pump-01"]})
    done = place / "odd" / "plan.json"
    done.write_text(json.dumps(json.loads(done.read_text()) | {"assets": [name]}))
    told(place, "odd", write=place / "plants" / "t.toml")
    assert list(read_plant(place / "plants").thresholds) == [name]


def test_a_file_that_somebody_wrote_is_not_overwritten(place):
    file = place / "plants" / "plant.toml"
    before = file.read_text()
    with pytest.raises(BudgetError, match="was not written by this command: name another"):
        told(place, write=file)
    assert file.read_text() == before


def test_nothing_is_written_that_the_plant_would_not_be_right_with(place):
    (place / "plants" / "own.toml").write_text("[thresholds.pump-02]\nhazard = 0.2\n")
    file = place / "plants" / "t.toml"
    with pytest.raises(PlantError, match=r"thresholds.pump-02 is in own.toml, line 1 and in t.toml, line \d+"):
        told(place, write=file)
    assert not file.exists()
    with pytest.raises(BudgetError, match=r"only \*.toml of the plant's folder count"):
        told(place, write=place / "plants" / "t.txt")


def inspected(place, *lines: str):
    file = place / "inspected.csv"
    file.write_text("alert_id,found\n" + "".join(f"{line}\n" for line in lines))
    return file


FOUND = ("pump-01@350.5,founded", "gear-01@600.5,nothing", "elsewhere,nothing")


def test_without_inspected_cases_there_is_no_precision(place):
    said, found = told(place)
    assert (found.today.worked.precision, found.chosen.worked.precision) == (None, None)
    assert f"As it is today: {NONE}." in said
    said, found = told(place, inspected=inspected(place, "pump-01@350.5,not-inspected"))
    assert f"As it is today: {NONE}." in said and not re.search(r"\d inspected", said)


def test_only_inspected_cases_count_for_precision_whatever_else_was_unfounded(place):
    said, found = told(place, inspected=inspected(place, *FOUND))
    worked = found.today.worked
    assert (worked.inspected, worked.founded, worked.warnings) == (2, 1, 5)
    assert worked.precision.share == 0.5
    assert (round(worked.precision.low, 3), round(worked.precision.high, 3)) == (0.095, 0.905)  # Wilson, 1 of 2
    assert "As it is today: 50% (9% to 91%), 1 of 2 inspected." in said
    assert "1 warnings of the file of inspected ones are none of this run" in said


def test_precision_is_told_for_the_plants_own_rate_of_failures(place):
    _, found = told(place, inspected=inspected(place, *FOUND), failure_rate=0.5)
    years = 3 * WEEKS * 7 / 365.25
    assert found.failure_rate_of_history == pytest.approx(2 / years, rel=1e-3)
    odds = 0.5 / (2 / years)  # 1 : 1 at the history's own rate
    assert found.today.worked.reweighted.share == pytest.approx(odds / (odds + 1), rel=1e-3)


def test_at_another_rate_nothing_is_said_of_a_history_without_failures(place):
    left(place, "quiet", events=())
    said, found = told(place, "quiet", inspected=inspected(place, *FOUND), failure_rate=0.5)
    assert found.today.worked.precision and found.today.worked.reweighted is None
    assert "At another rate of failures nothing can be said: this history has none." in said
    assert "No failure is known of this history" in said
    assert found.today.worked.unfounded == 5


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("a,maybe",), "line 2: found is 'maybe': use one of founded, nothing, not-inspected"),
        (("a,founded", "a,nothing"), "line 3: warning a stands there before with another finding"),
        (("a",), "line 2: found is ''"),
    ],
)
def test_a_wrong_line_of_the_inspected_is_told(place, lines, said):
    with pytest.raises(BudgetError, match=re.escape(said)):
        told(place, inspected=inspected(place, *lines))


def test_a_file_without_its_columns_is_told(place):
    file = place / "i.csv"
    file.write_text("id,result\na,founded\n")
    with pytest.raises(BudgetError, match="has no columns alert_id and found"):
        told(place, inspected=file)


def test_a_run_of_another_model_plant_or_without_forecasts_is_refused(place):
    left(place, "other", **{"plant_version": "v2"})
    done = place / "other" / "plan.json"
    good = done.read_text()
    done.write_text(good.replace(VERSION, "tiny@000000000000"))
    with pytest.raises(BudgetError, match=f"by tiny@000000000000, live does by {VERSION}"):
        told(place, "other")
    done.write_text(good.replace('"plant":"tiny"', '"plant":"elsewhere"'))
    with pytest.raises(BudgetError, match="the run is of plant 'elsewhere', the plant file of 'tiny'"):
        told(place, "other")
    left(place, "empty", {})
    with pytest.raises(BudgetError, match="no chances of assets of this plant"):
        told(place, "empty")


def test_what_is_no_run_or_not_ended_is_refused(place):
    with pytest.raises(BudgetError, match="is no folder of a backfill"):
        told(place, "plants")
    (place / "run" / WHOLE).unlink()
    with pytest.raises(BudgetError, match="has not come to its end: run it once more with --resume"):
        told(place)


def test_a_run_of_another_version_is_refused(place):
    (place / "run" / "lane-0" / "records-00001.jsonl").write_text('{"type":"alert","id":"a"}\n')
    with pytest.raises(BudgetError, match=r"was left by another version of Forewarn .*: run the backfill once more"):
        told(place)


@pytest.mark.parametrize("text", ["", "0,1", "1;2", "inf", "-1"])
def test_budgets_that_are_none_are_refused(text):
    with pytest.raises(BudgetError, match="give numbers over 0 with commas between"):
        budgets(text)


def test_the_page_has_the_picture_and_all_assets(place):
    told(place)
    page = (place / "run" / "budget.html").read_text()
    assert page.count("<svg") == 1 and "Failures caught on history" in page
    assert all(asset in page for asset in ASSETS)


def test_without_matplotlib_the_page_says_what_adds_the_picture(place, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as where it is not installed
    told(place)
    page = (place / "run" / "budget.html").read_text()
    assert "<svg" not in page and "pip install -e" in page


def test_as_json_it_is_json_alone(place):
    console, errors = Console(file=io.StringIO()), Console(file=io.StringIO())
    settings, file = Settings(plant=place / "plants", models=place), place / "plants" / "t.toml"
    budget(settings, Asked(folder=place / "run", write=file), console, errors, as_json=True)
    said = json.loads(console.file.getvalue())
    assert {one["asset"] for one in said["assets"] if one["threshold"]} == set(ASSETS)
    assert said["chosen"]["worked"]["caught"] == 2 and "t.toml" in errors.file.getvalue()


def test_of_history_scored_each_quarter_of_an_hour_persistences_are_rounded_up_to_that_and_it_is_said(place):
    left(place, "seldom", every_min=15)
    said, found = told(place, "seldom")
    assert "History was scored every 15 minutes" in said
    assert found.today.worked.median_lead_h == 50 - 0.25  # 3 minutes are one forecast


@pytest.mark.parametrize("seed", range(20))
def test_of_warnings_shorter_than_a_week_the_worth_is_what_the_report_of_a_backfill_says(seed):
    random = np.random.default_rng(seed)
    hours = np.arange(1, 6 * 168 * 4) / 4
    level = np.repeat(random.gamma(0.6, 0.3, len(hours)), random.choice([4, 40, 200], len(hours)))[: len(hours)]
    failures, repairs = (sorted(random.choice(hours[100:], 3, replace=False).tolist()) for _ in range(2))
    past = Past(
        window_end_us=np.array([at(h) for h in hours]),
        chance=level,
        failures_us=np.array([at(h) for h in failures]),
        repairs_us=np.array([at(h) for h in repairs]),
        weeks=6.0,
        to_us=at(hours[-1]),
    )
    alerts, watch, life, opened = [], Watch(), 0, None
    for hour, chance in zip(hours.tolist(), level.tolist(), strict=True):
        if (now := sum(repair < hour for repair in repairs)) != life:
            alerts += warning("a", opened, hour, AlertReason.REPAIRED) if watch.holds else []
            watch, life = Watch(), now
        watch, reason = step(watch, (chance,) * 6, Threshold(0.5))
        if reason is AlertReason.OPENED:
            opened = hour
        elif reason is AlertReason.CLEARED:
            alerts += warning("a", opened, hour)
    alerts += warning("a", opened) if watch.holds else []
    outcome = judge([("a", at(h), "") for h in failures], alerts, past.to_us, 1.0, [("a", at(h)) for h in repairs])
    (worth,) = worths(past, [Threshold(0.5)])
    short = all((w.ended_us or past.to_us) - w.opened_us <= 168 * HOUR_US for w in outcome.warnings)
    assert (worth.warnings, worth.undecided) == (len(outcome.warnings), outcome.count(Verdict.UNDECIDED))
    assert sorted(worth.leads_h) == outcome.leads_h
    assert worth.unfounded >= outcome.count(Verdict.UNFOUNDED)
    assert not short or worth.unfounded == outcome.count(Verdict.UNFOUNDED)
