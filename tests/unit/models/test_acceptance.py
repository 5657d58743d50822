"""Acceptance vectors inside a file are run where it is loaded."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
import onnx
import pytest
from msgspec.structs import replace

from models.acceptance import KEY, Vectors, check
from models.failure.hazard import Hazard
from models.inference import ModelError, Predictor
from onnx_export.stamp import stamped
from tests.kit import tiny
from tests.unit.onnx_export import nets

ROWS = nets.rows(32)
CHANCES = Predictor(nets.net()).predict(ROWS)
GOOD = Vectors.of(ROWS, CHANCES, 1e-6)


def with_text(text: str) -> Predictor:
    model = onnx.load_from_string(nets.net())
    onnx.helper.set_model_props(model, {KEY: text})
    return Predictor(model.SerializeToString())


def test_vectors_that_come_out_are_counted() -> None:
    assert check(Predictor(stamped(nets.net(), GOOD))) == 32


def test_a_file_without_vectors_has_none() -> None:
    assert check(Predictor(nets.net())) == 0


def test_missing_values_are_kept() -> None:
    rows = ROWS.copy()
    rows[:, 3] = np.nan
    vectors = Vectors.of(rows, Predictor(nets.net()).predict(rows), 1e-6)
    assert check(Predictor(stamped(nets.net(), vectors))) == 32


@pytest.mark.parametrize(("off", "kept"), [(5e-7, True), (5e-6, False), (np.nan, False)])
def test_a_chance_may_be_off_by_the_tolerance_and_no_more(off: float, kept: bool) -> None:
    chances = CHANCES.copy()
    chances[7, 2] += np.float32(off)
    predictor = with_text(Vectors.of(ROWS, chances, 1e-6).packed())
    if kept:
        assert check(predictor) == 32
    else:
        with pytest.raises(ModelError, match="this onnxruntime or processor computes something else"):
            check(predictor)


@pytest.mark.parametrize(
    "text",
    [
        "", "{}", "[1]", GOOD.packed()[:-1], replace(GOOD, rows="???").packed(), replace(GOOD, rows="AAAA").packed(),
        replace(GOOD, features=0).packed(), replace(GOOD, features=5).packed(),
    ],
)  # fmt: skip
def test_vectors_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(ModelError, match="acceptance vectors cannot be read"):
        check(with_text(text))


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (replace(GOOD, features=6), "do not match"),
        (replace(GOOD, horizons=3), "do not match"),
        (Vectors.of(ROWS[:0], CHANCES[:0], 1e-6), "do not match"),
        (replace(GOOD, tolerance=0.5), "at most 0.001"),
        (replace(GOOD, tolerance=-1.0), "at most 0.001"),
    ],
)
def test_vectors_that_do_not_fit_the_graph_or_allow_too_much_are_refused(vectors: Vectors, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        check(with_text(vectors.packed()))


def loaded(onnx_bytes: bytes) -> Hazard:
    card = replace(tiny.hazard().card, sha256=hashlib.sha256(onnx_bytes).hexdigest())
    return Hazard.load(onnx_bytes, msgspec.json.encode(card))


def test_a_model_whose_vectors_do_not_come_out_is_not_loaded() -> None:
    graph = tiny.graph(len(tiny.hazard().spec.names))
    rows = np.zeros((4, len(tiny.hazard().spec.names)), np.float32)
    chances = Predictor(graph).predict(rows)
    assert loaded(graph).vectors == 0
    assert loaded(stamped(graph, Vectors.of(rows, chances, 1e-6))).vectors == 4
    with pytest.raises(ModelError, match="acceptance vectors"):
        loaded(stamped(graph, Vectors.of(rows, chances + np.float32(0.01), 1e-6)))


def test_stamping_twice_keeps_the_last_and_changes_nothing_else() -> None:
    once, twice = stamped(nets.net(), GOOD), stamped(stamped(nets.net(), replace(GOOD, tolerance=0.0)), GOOD)
    assert once == twice
    assert onnx.load_from_string(once).graph == onnx.load_from_string(nets.net()).graph
