"""`forewarn model train DATA` and what goes with it, as people call them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.failure.draft import Draft
from models.failure.hazard import Hazard
from pipelines.cli import app
from pipelines.cli.faults import told
from pipelines.cli.training import mebibytes
from pipelines.settings import STARTER
from tests.kit import labelled

SMALL = ("--trees", "30")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Rows in a folder, a plant file, and the model that a command trained of both."""
    folder = tmp_path_factory.mktemp("place")
    labelled.write(folder / "rows", labelled.table())
    (folder / "plant.toml").write_text(labelled.PLANT_TOML + '[assets.press-00]\ntype = "press"\n')
    ran = forewarn(
        "train", "rows", "--plant", "plant.toml", "--type", "press", "--out", "models", *SMALL, folder=folder
    )
    (folder / "said").write_text(ran)
    return folder


def forewarn(*arguments: str, folder: Path, status: int = 0) -> str:
    """What a model command says; a fault that the user is told becomes its words."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ran = CliRunner().invoke(app, ["model", *arguments], env={"COLUMNS": "200"})
    if ran.exception is not None and not isinstance(ran.exception, SystemExit):
        words = told(ran.exception)  # type: ignore[arg-type]
        assert words is not None, ran.exception
        assert status == 1
        return words
    assert ran.exit_code == status, ran.output
    return ran.output


def test_a_model_of_ones_own_is_trained_and_its_run_kept(place):
    kinds = ("onnx", "json", "cases.json")
    hazard = Hazard.load(*((place / "models" / f"press.{kind}").read_bytes() for kind in kinds))
    said = (place / "said").read_text()
    assert hazard.card.version in said
    assert "out of fold it warned of" in said
    assert "it tells no time to failure: without the machines of fold" in said
    assert "it tells past cases like a machine, of press.cases.json beside it" in said
    assert hazard.card.command == "forewarn model train rows --plant plant.toml --type press --memory 512MiB --trees 30"
    run = place / "build" / "runs" / hazard.card.version.replace("@", "-")
    assert json.loads((run / "scores.json").read_text())["version"] == hazard.card.version


def test_what_was_trained_verifies(place):
    assert "press@" in forewarn("verify", "models/press.onnx", folder=place)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rows", "--type", "lathe"), "--type lathe: plant.toml has the types press"),
        (("nowhere", "--type", "press"), "nowhere has no rows: name a backfill's run folder"),
        (("rows", "--type", "press", "--memory", "much"), "--memory much: write such as 512MiB or 2GiB"),
        (("rows", "--type", "press", "--spec", "none.json"), "none.json cannot be read"),
        (("rows", "--type", "press", "--memory", "1MiB"), "split it, or give --memory"),
    ],
    ids=["type", "data", "memory", "spec", "small"],
)
def test_what_cannot_be_trained_is_said_with_what_to_do(arguments, words, place):
    options = ("--plant", "plant.toml", "--out", "models")
    assert words in forewarn("train", *arguments, *options, folder=place, status=1)


def test_without_rows_both_commands_that_make_and_use_them_are_named(place):
    said = forewarn("train", "--type", "press", "--out", "models", folder=place, status=1)
    assert "forewarn backfill" in said
    assert "--labels labels.jsonl" in said


def test_memory_is_in_binary_units():
    assert (mebibytes("16MiB"), mebibytes("2GiB")) == (16, 2048)


def test_a_model_is_judged_on_rows_and_a_report_is_left(place):
    arguments = ("evaluate", "models/press.onnx", "rows", "--out", "judged", "--missed-to-unfounded", "3")
    said = forewarn(*arguments, folder=place)
    assert "4 sigma" in said
    assert "a missed failure counts as 3 unfounded warnings" in said
    assert (place / "judged" / "report.md").is_file()


def test_figures_of_an_evaluation_come_as_json(place):
    found = json.loads(forewarn("evaluate", "models/press.onnx", "rows", "--json", folder=place))
    assert found["lines"][0]["scores"]["failures"] == 28
    assert found["judging"]["budget"] == 0.5


def test_a_card_is_told_by_what_people_ask(place):
    said = forewarn("card", "models/press.onnx", folder=place)
    assert "28 failures of 6 machines of this plant" in said
    assert "28, so confidence is high" in said
    assert "it tells no time to failure" in said
    assert "at threshold" in said
    card = json.loads(forewarn("card", "models/press.onnx", "--json", folder=place))
    assert len(card.pop("features")) > 5
    assert card == json.loads((place / "models" / "press.json").read_text())


def test_the_shipped_card_says_what_its_intervals_held(place):
    said = forewarn("card", str(STARTER / "pump.onnx"), folder=place)
    of = json.loads((STARTER / "pump.json").read_text())["interval"]
    assert f"held {of['coverage']:.1%} of what came to machines that it was not fitted on" in said
    assert "it tells past cases like a machine, of pump.cases.json beside it" in said


def test_the_shipped_health_model_has_a_card_too(place):
    said = forewarn("card", str(STARTER / "pump.health.onnx"), folder=place)
    assert "simulated pumps without a failure" in said


@pytest.mark.parametrize(("name", "reason"), [("pump", "trees-do-not-quantise"), ("pump.health", "health-models-are")])
def test_what_does_not_quantise_says_why(place, name, reason):
    assert reason in forewarn("quantize", str(STARTER / f"{name}.onnx"), folder=place, status=1)


def test_a_health_model_gives_no_chances_to_judge(place):
    said = forewarn("evaluate", str(STARTER / "pump.health.onnx"), "rows", folder=place, status=1)
    assert "is a health model, which gives no chances" in said


def test_of_influx_a_backfill_makes_the_rows_by_the_types_list(place, monkeypatch):
    """The backfill is one that leaves a run as the real one does; that one is held by its own tests."""
    seen = []

    def backfill(settings, asked, *_, **__) -> int:
        seen.append((settings.plant, asked.source, asked.what, asked.every_min, Draft.read(asked.spec.read_bytes())))
        run = asked.out / "1f3a"
        labelled.write(run / "features", labelled.table())
        (run / "whole").touch()
        return 0

    monkeypatch.setattr("pipelines.cli.backfill.run.backfill", backfill)
    span = ("--influx", "--from", "2025-01-01", "--to", "2025-06-01", "--every", "60")
    forewarn("train", *span, "--plant", "plant.toml", "--type", "press", "--out", "own", *SMALL, folder=place)
    assert seen == [(Path("plant.toml"), "influx", ("features",), 60, labelled.draft())]
    assert (place / "own" / "press.onnx").read_bytes() == (place / "models" / "press.onnx").read_bytes()


@pytest.mark.parametrize("arguments", [("rows", "--influx"), ("--influx",), ("--influx", "--from", "2025-01-01")])
def test_influx_goes_with_a_span_and_without_data(arguments, place):
    said = forewarn("train", *arguments, "--type", "press", "--out", "own", folder=place, status=1)
    assert "--influx with --from and --to" in said
