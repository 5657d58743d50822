"""The benchmark of the pump model: its plants are new to the model, and its tables say what was found."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from models.features import Spec
from onnx_export.evaluate import Outcome, Scores
from onnx_export.recipe import STARTER
from tests.bench import pumps
from tests.bench.pumps import MODEL, RULES, Found, Trial
from tests.kit.bench import Row
from tests.kit.pump_rivals import LEARN, Rival
from tests.kit.rungs_alone import ALL
from tests.unit.onnx_export import small


def found() -> list[Found]:
    """Two plants: all warned of and nothing unfounded in one, half and one unfounded in the other."""
    good = Scores((Outcome("impeller", 80.0), Outcome("thrust_bearing", 100.0)), 2, 0, 0, 5.0)
    fair = Scores((Outcome("impeller", None), Outcome("thrust_bearing", 60.0)), 2, 1, 1, 5.0)
    rule = Scores((Outcome("impeller", None), Outcome("thrust_bearing", 10.0)), 9, 8, 0, 5.0)
    laws = list(pumps.LAWS)
    return [
        Found(Trial(laws[0], 1001), {MODEL: good} | dict.fromkeys(RULES[1:], rule)),
        Found(Trial(laws[1], 1006), {MODEL: fair} | dict.fromkeys(RULES[1:], rule)),
    ]


def test_the_plants_are_thirty_with_seeds_of_their_own() -> None:
    trials = pumps.trials()
    assert [trial.seed for trial in trials] == list(range(1001, 1031))
    assert [trial.seed for trial in pumps.trials(1)] == [1001, 1006, 1011, 1016, 1021, 1026]


def test_no_law_of_the_plants_is_in_the_recipe() -> None:
    known = [plan.law for plan in (*STARTER.training, *STARTER.validation, *STARTER.test)]
    assert all(law not in known for law in pumps.LAWS.values())
    assert len(set(pumps.LAWS.values())) == 6


def test_the_figures_with_bars_are_those_of_all_plants_together() -> None:
    rows = {row.name: row for row in pumps.rows_of(found())}
    assert (rows["recall"].value, rows["median lead"].value, rows["unfounded"].value) == (0.75, 80.0, 0.1)
    assert [rows[name].holds for name in ("recall", "median lead", "unfounded")] == [False, True, True]
    assert rows["4 sigma: unfounded"].value == 1.6
    assert rows["early warnings, counted as unfounded"].value == 1


def test_intervals_hold_the_figure_and_are_the_same_again() -> None:
    recall, lead, unfounded = pumps.intervals(found())
    assert recall == (0.5, 1.0)
    assert lead[0] <= 80.0 <= lead[1]
    assert unfounded == (0.0, 0.2)
    assert pumps.intervals(found()) == [recall, lead, unfounded]


def test_parts_are_laws_seeds_and_modes() -> None:
    parts = {row.name: row.value for row in pumps.parts_of(found())}
    assert parts["seed 1006: recall"] == 0.5
    assert parts["impeller: recall"] == 0.5
    assert parts["thrust_bearing: median lead"] == 80.0
    assert parts["lognormal: unfounded"] == 0.0


def test_the_tables_name_every_law_mode_and_rule() -> None:
    console = Console(width=pumps.WIDTH, file=io.StringIO())
    for table in (pumps.law_table(found()), pumps.mode_table(found()), pumps.seed_table(found())):
        console.print(table)
    text = console.file.getvalue()
    for word in (*pumps.LAWS, "impeller", "thrust_bearing", "4 sigma", "age alone", "0.750", "1.00/90/0.00"):
        assert word in text, word


def test_a_run_is_added_to_the_log(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    for _ in range(2):
        pumps.log_run([Row(name="recall", value=0.75, unit="share")], found(), "pump@1", path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 2
    assert lines[0]["figures"] == {"recall": 0.75}
    assert lines[0]["seeds"] == [1001, 1006]


def test_a_bar_that_is_the_most_fails_over_it() -> None:
    assert Row(name="unfounded", value=0.3, unit="", bar=0.3, at_most=True).holds
    assert not Row(name="unfounded", value=0.31, unit="", bar=0.3, at_most=True).holds


@pytest.mark.parametrize("trial", pumps.trials(1)[:1])
def test_a_small_plant_runs_through_the_model_and_all_that_stands_beside_it(trial: Trial) -> None:
    spec = pumps.load()[1].spec
    seen = replace(small.history(), features=rows_of(spec))
    rivals = {name: Rival(learn(spec, [seen]), name, 0.5) for name, learn in LEARN.items()}
    one = pumps.run(trial, rivals, pumps=2, days=20)
    assert set(one.scores) == set(pumps.RULES)
    assert len({scores.machine_months for name, scores in one.scores.items() if name != ALL}) == 1
    assert one.scores[ALL].machine_months == pytest.approx(one.scores[MODEL].machine_months, rel=0.01)


def rows_of(spec: Spec) -> np.ndarray:
    """Rows of a list of features that mean nothing; one in ten lacks its first."""
    out = np.random.default_rng(1).normal(size=(len(small.history().asset), len(spec.names))).astype(np.float32)
    out[::10, 0] = np.nan
    return out
