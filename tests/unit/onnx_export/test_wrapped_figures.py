"""Any team's ONNX file as a model that gives figures: it says what the file says, or what is wrong is told."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from models.figures.card import KINDS, Input
from models.figures.model import FigureModel
from models.inference import ModelError
from models.release import Kind, Part
from onnx_export.wrapped_figures import From, Inputs, wrapped_figures
from pipelines.cli import app
from pipelines.releases.check import manifest_of
from pipelines.releases.measure import measured
from tests.kit import figures, tiny


def rows(count: int = 50) -> np.ndarray:
    return np.random.default_rng(1).normal(0.0, 10.0, (count, 3)).astype(np.float32)


def said(inputs: np.ndarray, columns: int = 12) -> np.ndarray:
    """The sums of the file of `figures.theirs`."""
    return inputs.astype(np.float64) @ np.linspace(-0.02, 0.03, 3 * columns, dtype=np.float32).reshape(3, columns)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_made_passes_the_check_and_the_trial(kind: Kind):
    files = figures.files(kind)
    made = manifest_of("tiny", files, 1)
    assert (made.kind, made.name, made.features) == (kind, figures.NAMES[kind], 3)
    found = measured(files)
    assert (found.rows, found.vectors) == (256 + 4 * 4, 32)


def test_outputs_are_the_columns_that_the_map_names():
    chances = 1.0 / (1.0 + np.exp(-said(rows())))
    assert np.abs(figures.model(Kind.ANOMALY).run(rows())["anomaly"][:, 0] - chances[:, 1]).max() < 1e-6
    found = figures.model(Kind.DEFECT).run(rows())
    assert np.abs(found["defect"][:, 0] - chances[:, 0]).max() < 1e-6
    assert np.abs(found["spread"][:, 0] - chances[:, 2]).max() < 1e-6


def test_quantiles_that_cross_are_put_in_order_and_are_the_same_figures():
    found = figures.model(Kind.ENERGY).run(rows())
    wanted = np.sort(said(rows()).reshape(50, 3, figures.STEPS), axis=1)
    for at, name in enumerate(("q10_kw", "q50_kw", "q90_kw")):
        assert np.abs(found[name] - wanted[:, at]).max() < 1e-5


def test_an_output_without_columns_gives_all_of_its_own():
    one = {"anomaly": From(name="p")}
    made, card = wrapped_figures(figures.theirs(columns=1), figures.map_of(Kind.ANOMALY, outputs=one), "command")
    assert card.outputs == {"anomaly": 1} and FigureModel(made, card).run(rows())["anomaly"].shape == (50, 1)


def test_what_is_missing_is_what_the_file_takes_for_it():
    inputs = Inputs(name="x", features=figures.INPUTS, missing=-1.0)
    made = FigureModel(*wrapped_figures(figures.theirs(), figures.map_of(Kind.ENERGY, input=inputs), "command"))
    gaps, filled = rows(), rows()
    gaps[:, 1], filled[:, 1] = np.nan, -1.0
    assert np.array_equal(made.run(gaps)["q50_kw"], made.run(filled)["q50_kw"])


def test_the_card_has_what_the_map_says_and_the_same_file_comes_out_again():
    made, card = wrapped_figures(figures.theirs(), figures.map_of(Kind.DEFECT, scores={"brier": 0.1}), "a command")
    assert (card.basis, card.trained_on, card.command, card.scores) == ("team B", "line 2", "a command", {"brier": 0.1})
    assert card.inputs == figures.INPUTS
    assert wrapped_figures(figures.theirs(), figures.map_of(Kind.DEFECT), "a command")[0] == made


P, TWICE = From(name="p", columns=(0,)), (Input(name="x", unit="1"),) * 3


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        (Kind.ANOMALY, {"outputs": {}}, "kind anomaly gives anomaly: not none"),
        (Kind.DEFECT, {"outputs": {"defect": P}}, "gives defect, spread: not defect"),
        (Kind.ANOMALY, {"outputs": {"anomaly": From(name="y")}}, "name: the graph gives z, p, not 'y'"),
        (Kind.ANOMALY, {"outputs": {"anomaly": From(name="p", columns=(12,))}}, "has 12 columns, not [12]"),
        (Kind.ANOMALY, {"outputs": {"anomaly": From(name="p")}}, "gives anomaly, all [rows, the same width]"),
        (Kind.ANOMALY, {"outputs": {"anomaly": From(name="z", columns=(0,))}}, "do not have an anomaly in 0 to 1"),
        (Kind.DEFECT, {"outputs": {"defect": P, "spread": From(name="z", columns=(0,))}}, "finite spread of 0 or more"),
        (Kind.ENERGY, {"outputs": figures.OUTPUTS[Kind.ENERGY] | {"q10_kw": P}}, "all [rows, the same width]"),
        (Kind.ENERGY, {"input": Inputs(name="x", features=figures.INPUTS)}, "which value the file takes for a missing"),
        (Kind.ENERGY, {"input": Inputs(name="y", features=figures.INPUTS, missing=0.0)}, "do not fit the graph"),
        (Kind.ENERGY, {"input": Inputs(name="x", features=TWICE, missing=0.0)}, "inputs must be some, each once"),
        (Kind.ENERGY, {"input": Inputs(name="x", features=figures.INPUTS[:2], missing=0.0)}, "takes 3 columns"),
        (Kind.ENERGY, {"name": "a/b"}, "names the files"),
    ],
)  # fmt: skip
def test_a_map_that_does_not_fit_says_what_is_wrong(kind: Kind, changes: dict, words: str):
    by = msgspec.structs.replace(figures.map_of(kind), **changes)
    with pytest.raises(ModelError) as wrong:
        wrapped_figures(figures.theirs(), by, "command")
    assert words in str(wrong.value)


FEATURES = """features = [
    { name = "ambient_degc", unit = "Cel" }, { name = "hour", unit = "h" }, { name = "speed", unit = "1" },
]"""
TOLD = {
    Kind.ANOMALY: '[outputs]\nanomaly = { name = "p", columns = [1] }',
    Kind.ENERGY: '[outputs]\nq10_kw = { name = "z", columns = [0] }\nq50_kw = { name = "z", columns = [1] }\n'
    'q90_kw = { name = "z", columns = [2] }',
    Kind.DEFECT: '[outputs]\ndefect = { name = "p", columns = [1] }\nspread = { name = "p", columns = [2] }',
}


def command(folder, kind: str, told: str, *more: str):
    (folder / "theirs.onnx").write_bytes(figures.theirs())
    (folder / "theirs.toml").write_text(
        f'kind = "{kind}"\nname = "line-2"\nbasis = "team B"\ntrained_on = "2024"\n'
        f'[input]\nname = "x"\n{FEATURES}\nmissing = 0.0\n{told}\n'
    )
    words = ["model", "wrap", str(folder / "theirs.onnx"), "--inputs", str(folder / "theirs.toml"), "--out",
             str(folder / "out"), *more]  # fmt: skip
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_makes_a_model_that_can_be_published_and_whose_card_can_be_read(tmp_path, kind: Kind):
    result = command(tmp_path, kind, TOLD[kind])
    assert result.exit_code == 0, result.output
    content, card = ((tmp_path / "out" / f"line-2.{end}").read_bytes() for end in ("onnx", "json"))
    assert manifest_of("tiny", {Part.ONNX: content, Part.CARD: card}, 1).kind is kind
    shown = CliRunner().invoke(app, ["model", "card", str(tmp_path / "out" / "line-2.onnx")])
    assert shown.exit_code == 0 and "ambient_degc" in shown.output and f"kind {kind}" in shown.output
    told = CliRunner().invoke(app, ["model", "card", str(tmp_path / "out" / "line-2.onnx"), "--json"])
    assert msgspec.json.decode(told.output)["features"] == ["ambient_degc", "hour", "speed"]


def test_a_health_model_is_not_made_of_another_file_and_a_feature_list_is_a_hazard_s(tmp_path):
    assert "makes one of kind 'anomaly'" in str(command(tmp_path, "health", TOLD[Kind.ANOMALY]).exception)
    (tmp_path / "card.json").write_bytes(msgspec.json.encode(tiny.hazard().card))
    spec = command(tmp_path, "energy", TOLD[Kind.ENERGY], "--spec", str(tmp_path / "card.json"))
    assert "take --spec out" in str(spec.exception)
    assert "give --spec" in str(command(tmp_path, "failure", TOLD[Kind.ENERGY]).exception)
    assert "Invalid enum value 'load'" in str(command(tmp_path, "load", TOLD[Kind.ENERGY]).exception)
