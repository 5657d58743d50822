"""Any team's ONNX file as a hazard: it says what the file says, at the horizons it knows and between them."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from models.failure.hazard import Hazard
from models.inference import ModelError, Predictor
from models.records import HORIZONS_H
from onnx_export.wrapped import Inputs, Map, Outputs, between, wrapped
from pipelines.cli import app
from tests.kit import tiny

SPEC = tiny.hazard().spec
CHOSEN = (SPEC.names[3], SPEC.names[0])
WEIGHTS = np.array([[0.02, 0.01], [0.03, 0.04]], np.float32)


def theirs(opset: int = 15) -> bytes:
    """Two columns of chances of two inputs: a logistic regression as others export one."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Sigmoid", ["z"], ["probabilities"])]
    graph = helper.make_graph(
        nodes, "theirs", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(WEIGHTS, "w")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8).SerializeToString()


def map_of(columns: dict[int, int], missing: float | None = 0.0, **more) -> Map:
    said = {"name": "x", "features": CHOSEN, "missing": missing} | more
    return Map(
        name="tiny", warning_limit=0.4, basis="team B", trained_on="41 failures", failures=41, input=Inputs(**said),
        output=Outputs(name="probabilities", columns=columns),
    )  # fmt: skip


def rows(count: int = 50) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 10, (count, len(SPEC.names))).astype(np.float32)


def said(features: np.ndarray) -> np.ndarray:
    x = features[:, [SPEC.names.index(name) for name in CHOSEN]].astype(np.float64)
    return 1.0 / (1.0 + np.exp(-x @ WEIGHTS.astype(np.float64)))


@pytest.mark.parametrize("opset", [13, 15, 17, 21])
def test_a_chance_within_72_h_becomes_chances_within_all_horizons_at_one_hazard(opset):
    made, card = wrapped(theirs(opset), map_of({72: 0}), SPEC, "pump", "command")
    chances = Hazard(made, card).chances(rows())
    known = said(rows())[:, 0]
    assert np.abs(chances[:, HORIZONS_H.index(72)] - known).max() < 2e-6
    assert np.abs(chances[:, HORIZONS_H.index(24)] - (1 - (1 - known) ** (24 / 72))).max() < 2e-6
    assert np.abs(chances[:, HORIZONS_H.index(168)] - (1 - (1 - known) ** (168 / 72))).max() < 2e-6
    assert (np.diff(chances, axis=1) >= 0).all()


def test_horizons_that_the_file_knows_are_its_own_and_never_fall():
    made, card = wrapped(theirs(), map_of({24: 0, 120: 1}), SPEC, "pump", "command")
    chances, known = Hazard(made, card).chances(rows()), said(rows())
    assert np.abs(chances[:, HORIZONS_H.index(24)] - known[:, 0]).max() < 2e-6
    assert np.abs(chances[:, HORIZONS_H.index(120)] - known.max(axis=1)).max() < 2e-6
    middle = 1 - np.sqrt((1 - known[:, 0]) * (1 - known.max(axis=1)))
    assert np.abs(chances[:, HORIZONS_H.index(72)] - middle).max() < 2e-6


def test_what_is_missing_is_what_the_file_takes_for_it():
    made, _ = wrapped(theirs(), map_of({72: 0}, missing=-1.0), SPEC, "pump", "command")
    gaps, filled = rows(4), rows(4)
    gaps[:, SPEC.names.index(CHOSEN[0])] = np.nan
    filled[:, SPEC.names.index(CHOSEN[0])] = -1.0
    assert np.array_equal(Predictor(made).predict(gaps), Predictor(made).predict(filled))


def test_a_certain_failure_has_no_infinite_hazard():
    made, card = wrapped(theirs(), map_of({72: 0}), SPEC, "pump", "command")
    sure = np.full((1, len(SPEC.names)), 1e6, np.float32)
    chances = Hazard(made, card).chances(sure)
    assert np.isfinite(chances).all() and chances[0, -1] > 0.999


def test_the_file_carries_acceptance_vectors_and_its_card_what_the_map_says():
    made, card = wrapped(theirs(), map_of({72: 0}), SPEC, "pump", "a command")
    assert Hazard(made, card).vectors == 32
    assert (card.basis, card.failures, card.warning_limit, card.command) == ("team B", 41, 0.4, "a command")
    assert wrapped(theirs(), map_of({72: 0}), SPEC, "pump", "a command")[0] == made


def test_weights_between_horizons_add_up_to_hazards_that_are_constant_in_between():
    weights = between([24, 72])
    of = {hours: weights[:, at] for at, hours in enumerate(HORIZONS_H)}
    assert of[12].tolist() == [0.5, 0.0] and of[24].tolist() == [1.0, 0.0] and of[48].tolist() == [0.5, 0.5]
    assert of[120].tolist() == [-1.0, 2.0] and math.isclose(of[168].sum(), 1.0)


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (map_of({72: 0}, features=("nothing",)), "nothing are none of the feature list"),
        (map_of({72: 0}, name="y"), "do not fit the graph"),
        (map_of({72: 5}), "more than 5 columns"),
        (map_of({30: 0}), "[output.columns]: give hours of 12, 24"),
        (map_of({}), "one at least"),
        (map_of({72: 0}, missing=None), "say which value the file takes for a missing one"),
    ],
)  # fmt: skip
def test_a_map_that_does_not_fit_says_what_is_wrong(by, words):
    with pytest.raises(ModelError) as wrong:
        wrapped(theirs(), by, SPEC, "pump", "command")
    assert words in str(wrong.value)


def test_what_is_no_model_is_told():
    with pytest.raises(ModelError, match="no ONNX model"):
        wrapped(b"x", map_of({72: 0}), SPEC, "pump", "command")


def test_the_command_makes_a_model_that_can_be_published(tmp_path):
    (tmp_path / "theirs.onnx").write_bytes(theirs())
    (tmp_path / "card.json").write_bytes(msgspec.json.encode(tiny.hazard().card))
    (tmp_path / "theirs.toml").write_text(
        f"""name = "tiny"\nwarning_limit = 0.4\nbasis = "team B"\ntrained_on = "41 failures"\nfailures = 41
[input]\nname = "x"\nfeatures = ["{CHOSEN[0]}", "{CHOSEN[1]}"]\nmissing = 0.0
[output]\nname = "probabilities"\ncolumns = {{ 72 = 0 }}\n"""
    )
    command = ["model", "wrap", str(tmp_path / "theirs.onnx"), "--inputs", str(tmp_path / "theirs.toml"), "--spec",
               str(tmp_path / "card.json"), "--out", str(tmp_path / "out")]  # fmt: skip
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    made = (tmp_path / "out" / "tiny.onnx").read_bytes(), (tmp_path / "out" / "tiny.json").read_bytes()
    assert Hazard.load(*made).spec.sha256 == SPEC.sha256
    onnx.checker.check_model(onnx.load_from_string(made[0]))
