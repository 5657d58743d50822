"""A plant's own hazard from rows: judged by machine, the same bytes again, refused where there is too little."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import msgspec
import numpy as np
import polars as pl
import pytest

from models.failure.hazard import Card, Hazard
from models.failure.similar import load as load_cases
from models.records import Became
from onnx_export.calibrate import Scaling
from onnx_export.card import card_json
from onnx_export.episodes import Replay, episodes
from onnx_export.hazard_own import Asked, NotTrained, Own, Refusal, aside_of, final_of, of_folds, train_own
from onnx_export.history import quiet
from onnx_export.judged import Machines, folds_of, warnings
from onnx_export.learner import Learner, of_components, pool_of, with_rows
from onnx_export.own_run import write_own
from onnx_export.own_says import cases
from onnx_export.shards import gathered
from onnx_export.table import TableError, data_of
from tests.kit import labelled
from tests.unit.onnx_export import test_evaluate

PATIENT = 600
"""Rows of the gate: fewer than of a model that ships."""


def asked(**changed: object) -> Asked:
    given = Asked(
        name="press", asset_type="press", spec=labelled.spec(), command="forewarn model train rows", trees=40,
        parity_rows=PATIENT,
    )  # fmt: skip
    return msgspec.structs.replace(given, **changed)


@cache
def place() -> str:
    return str(labelled.write(Path(mkdtemp()), labelled.table()))


@cache
def plain() -> Own:
    return train_own(data_of(place()), asked())


@cache
def plenty() -> Own:
    """Of 15 machines, so that each two folds have failures enough for an interval."""
    rows = labelled.table(machines=15, every_h=4)
    return train_own(data_of(str(labelled.write(Path(mkdtemp()), rows))), asked())


def loaded(own: Own) -> Hazard:
    return Hazard.load(own.onnx, card_json(own.card), own.says.cases)


@cache
def pooled() -> Own:
    return train_own(data_of(place()), asked(modes=labelled.MODES))


def test_a_model_loads_with_its_card_and_says_what_it_learned_from():
    own = plain()
    card = loaded(own).card
    assert card.failures == len(own.survey.failures) == card.scores["failures"] == 28
    assert card.basis == "28 failures of 6 machines of this plant"
    assert "out of fold: 3 folds by machine" in card.trained_on


def test_rows_before_a_failure_are_told_from_others():
    own, rows = plain(), pl.read_parquet(f"{place()}/*.parquet").sort("asset", "window_end_us")
    chances = loaded(own).chances(rows.select(labelled.spec().names).to_numpy())[:, 3]
    hours = rows["failed_in_h"].fill_null(1e9).to_numpy()
    assert chances[hours < 24].mean() > 5 * chances[hours > 168].mean()


def test_the_same_rows_and_seed_give_the_same_bytes_and_another_seed_others():
    again = train_own(data_of(place()), asked())
    assert (again.onnx, again.says) == (plain().onnx, plain().says)
    assert card_json(again.card) == card_json(plain().card)
    assert train_own(data_of(place()), asked(seed=5)).onnx != plain().onnx


def test_how_rows_are_cut_into_files_changes_nothing(tmp_path):
    cut = labelled.write(tmp_path, labelled.table(), files=7)
    assert train_own(data_of(str(cut)), asked()).onnx == plain().onnx


def test_a_machine_is_judged_by_a_model_that_never_saw_it():
    """What the model of its fold is does not depend on its rows; what the others are does."""
    found, learner = plain().survey, Learner(spec=labelled.spec(), pool=pool_of(labelled.spec(), {}), trees=20)
    rows, weight = gathered(found, labelled.spec(), plain().sample, quiet)
    strange = replace(rows, features=np.where((rows.asset == 0)[:, None], np.float32(-50), rows.features))
    before, after = (of_folds(found, learner, each, weight, asked().seed, quiet) for each in (rows, strange))
    same = {at for at in range(6) if before[at].model_to_string() == after[at].model_to_string()}
    (fold,) = (set(fold.tolist()) for fold in folds_of(6, asked().seed) if 0 in fold)
    assert same == fold


def test_time_to_failure_is_told_with_what_held_on_machines_that_its_levels_were_not_fitted_on():
    levels = plenty().card.interval
    assert levels is not None
    assert levels.from_chance == round(0.6 * plenty().card.warning_limit, 4)
    assert levels.held_out == levels.events >= 40
    assert levels.coverage == pytest.approx(0.9, abs=0.08)
    certain = np.full((1, 6), 0.99)
    (told,) = loaded(plenty()).remaining(certain)
    assert told is not None
    assert told.low_h < 12


def test_of_too_few_failures_no_time_is_told_and_why():
    """28 are enough to fit on, but two of three folds are not, and what is not measured is not told."""
    assert plain().card.interval is None
    assert "without the machines of fold 1" in plain().says.remains.why_not


def test_past_cases_are_of_lives_that_models_which_never_saw_them_would_have_warned_of():
    hazard, rows = loaded(plenty()), plenty().sample
    assert rows.share == 1.0
    past = load_cases(plenty().says.cases, hazard.spec)
    assert hazard.past_cases == len(past.cases) >= 30
    assert {case.mode for case in past.cases if case.outcome is Became.FAILED} == {"comp1", "comp2"}
    assert np.median([case.lead_h for case in past.cases if case.lead_h is not None]) < 168


def test_past_cases_change_with_what_other_folds_would_say():
    """The model that ships has seen all machines and would say other chances of them."""
    own, learner = (
        plain(),
        Learner(spec=labelled.spec(), pool=pool_of(labelled.spec(), {}), trees=40, seed=asked().seed),
    )
    rows, weight = gathered(own.survey, labelled.spec(), own.sample, quiet)
    seen = dict.fromkeys(range(6), learner.train(rows, weight))
    unseen = of_folds(own.survey, learner, rows, weight, asked().seed, quiet)
    scaling, limit = own.calibration.scaling, own.card.warning_limit
    assert cases(learner, rows, unseen, scaling, limit) == own.says.cases
    assert cases(learner, rows, seen, scaling, limit) != own.says.cases


def test_the_gate_has_rows_that_the_model_never_saw():
    own = plain()
    rows = aside_of(own.trained_rows + int(own.card.gate.rows["held-out"]))
    assert own.card.gate.rows["held-out"] == rows.sum()
    assert f"; {rows.sum()} more were kept for the gate" in own.card.trained_on
    assert (aside_of(100).sum(), aside_of(19).sum(), aside_of(1_000_000).sum()) == (5, 1, 5000)


def test_rows_that_are_kept_aside_teach_nothing():
    learner = Learner(spec=labelled.spec(), pool=pool_of(labelled.spec(), {}), trees=5)
    rows, weight = gathered(plain().survey, labelled.spec(), plain().sample, quiet)
    strange = np.where(aside_of(len(weight))[:, None], np.float32(-50), rows.features)
    made = [final_of(learner, each, weight, Scaling(), PATIENT) for each in (rows, replace(rows, features=strange))]
    assert made[0].gain == made[1].gain
    assert made[0].onnx != made[1].onnx  # other vectors


def test_components_are_learned_as_one_model_that_names_them():
    own = pooled()
    hazard = loaded(own)
    assert hazard.card.modes == ("comp1", "comp2")
    row = np.zeros((2, len(labelled.spec().names)), np.float32)
    row[0, labelled.spec().column("heat.mean_1h")] = row[1, labelled.spec().column("volt.mean_1h")] = 6.0
    _, shares = hazard.run(row)
    assert shares[0, 0] > 0.6
    assert shares[1, 1] > 0.6


def test_components_tell_more_than_no_components_where_failures_are_few():
    assert pooled().calibration.after.log_loss < plain().calibration.after.log_loss


def test_a_failure_of_another_component_censors():
    history, _ = gathered(plain().survey, labelled.spec(), plain().sample, quiet)
    hours, known_h = of_components(history, ("comp1", "comp2"))
    row = int(np.flatnonzero((history.mode == history.modes.index("comp2")) & (history.hours > 0))[0])
    assert hours[2 * row : 2 * row + 2].tolist() == [np.inf, history.hours[row]]
    assert known_h[2 * row : 2 * row + 2].tolist() == [history.hours[row]] * 2


def test_a_wear_that_nobody_named_is_of_no_component():
    own = pooled()
    assert own.card.scores["failures_comp1"] + own.card.scores["failures_comp2"] == 28


def test_of_simulated_rows_no_failure_counts_as_real():
    card = train_own(data_of(place()), asked(simulated="made-up presses")).card
    assert (card.failures, card.basis) == (0, "made-up presses")
    assert card.scores["failures"] == 28


def few(table: pl.DataFrame, failed: int) -> pl.DataFrame:
    """The rows with so many failures, all others unknown: what is known of a life ends with its last row but one."""
    us = (pl.col("window_end_us") + (pl.col("failed_in_h") * labelled.HOUR_US).round().cast(pl.Int64)).alias("us")
    ends = table.filter(pl.col("failed_in_h").is_not_null()).select("asset", us).unique().sort("asset", "us")
    keep = ends.filter(pl.int_range(pl.len()).over("asset") == 0).head(failed)
    kept = table.with_columns(us).join(keep.with_columns(kept=True), on=["asset", "us"], how="left")
    is_kept = pl.col("kept").fill_null(False)
    return kept.with_columns(
        pl.when(is_kept).then("failed_in_h").alias("failed_in_h"), pl.when(is_kept).then("mode").alias("mode")
    ).drop("us", "kept")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda table: few(table, 4), Refusal.TOO_FEW_FAILURES),
        (lambda table: table.filter(pl.col("asset") < "press-02"), Refusal.TOO_FEW_MACHINES),
        (
            lambda table: pl.concat([
                table.filter(pl.col("asset") == "press-00"), few(table.filter(pl.col("asset") != "press-00"), 0)
            ]),
            Refusal.FAILURES_OF_ONE_FOLD,
        ),
    ],
    ids=["failures", "machines", "folds"],
)  # fmt: skip
def test_too_little_to_learn_from_is_refused_and_what_serves_meanwhile_is_said(change, reason, tmp_path):
    rows = change(labelled.table(days=240 if reason is Refusal.FAILURES_OF_ONE_FOLD else 120))
    with pytest.raises(NotTrained, match="rules, by health and by time to limit") as told:
        train_own(data_of(str(labelled.write(tmp_path, rows))), asked())
    assert told.value.reason is reason


def test_components_that_labels_do_not_know_are_refused():
    with pytest.raises(NotTrained, match="failures are of comp1, comp2: use the words of the labels") as told:
        train_own(data_of(place()), asked(modes={"bearing": ("heat",)}))
    assert told.value.reason is Refusal.NO_SUCH_COMPONENT


def test_components_that_own_what_is_not_there_are_refused():
    with pytest.raises(TableError, match="components must be some"):
        train_own(data_of(place()), asked(modes={"comp1": ("torque",)}))


def test_machines_one_by_one_are_the_whole_history():
    judged = plain().judged
    assert len(judged) == 6
    assert sum(len(run.history.asset) for run in judged) == plain().survey.rows
    assert sum(len(run.history.failures) for run in judged) == 28


@pytest.mark.parametrize("every_min", [10, 20, 30, 60, 1200])
def test_rows_that_are_far_apart_warn_as_forecasts_ten_minutes_apart_that_say_the_same(every_min):
    rows = [0.1, 0.9, 0.1, 0.9, 0.9, 0.9, *[0.1] * 70, 0.9, 0.9, 0.9, *[0.1] * 5, 0.9, 0.9, 0.9]
    times = every_min // 10
    close = test_evaluate.run([chance for chance in rows for _ in range(times)])
    first = np.arange(0, len(rows) * times, times)
    apart = Replay(replace(with_rows(close.history, first), every_min=every_min), close.chances[first])
    expected = list(episodes(close, 0.5))
    found = warnings(apart, 0.5)
    assert [one.opened_us for one in found] == [one.opened_us for one in expected]
    assert [one.ended_us is None for one in found] == [one.ended_us is None for one in expected]


def test_chances_at_a_limit_stay_there():
    run = test_evaluate.run([0.35] * 5)
    assert len(warnings(Machines.of(*run)[0], 0.35)) == 1


def test_a_run_folder_has_config_figures_and_pictures_and_is_the_same_again(tmp_path):
    first, second = (write_own(tmp_path / name, plain()) for name in ("a", "b"))
    files = sorted(path.name for path in first.iterdir())
    assert files == [
        "config.json", "importance.svg", "leads.svg", "limits.csv", "limits.svg", "machine.svg", "press.cases.json",
        "press.json", "press.onnx", "reliability.csv", "reliability.svg", "resources.json", "scores.json",
    ]  # fmt: skip
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in files)
    scores = msgspec.json.decode((first / "scores.json").read_bytes())
    assert scores["out_of_fold"]["failures"] == scores["failures"] == 28
    assert msgspec.json.decode((first / "resources.json").read_bytes())["peak_rss_mib"] > 10
    assert msgspec.json.decode((first / "press.json").read_bytes(), type=Card) == plain().card
