"""What each kind of model gives, and which figures are not sound."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from models.acceptance import Vectors
from models.contracts import CONTRACTS, MOST_STEPS, check_outputs, outputs_of, unsound
from models.failure.health import OUTPUTS
from models.figures.card import KINDS, Input, check
from models.figures.model import FigureModel
from models.inference import ModelError
from models.release import File, Kind, Part
from onnx_export.stamp import stamped
from tests.kit import figures, tiny

NAN, INF = float("nan"), float("inf")


def test_each_kind_has_a_contract():
    assert set(CONTRACTS) == set(Kind)


def test_outputs_are_those_of_the_card():
    assert outputs_of(tiny.hazard().card) == {"chances": 6}
    assert outputs_of(tiny.hazard(modes=("a", "b")).card) == {"chances": 6, "modes": 2}
    assert tuple(outputs_of(tiny.health().card)) == OUTPUTS
    assert outputs_of(figures.model(Kind.ANOMALY).card) == {"anomaly": 1}
    assert outputs_of(figures.model(Kind.ENERGY).card) == {"q10_kw": 4, "q50_kw": 4, "q90_kw": 4}
    assert outputs_of(figures.model(Kind.DEFECT).card) == {"defect": 1, "spread": 1}


HEALTHY = {"index": 50.0, "t2": 1.0, "spe": 1.0, "known": 1.0, "contributions": 0.0, "over": 0.0, "own": 1.0}


@pytest.mark.parametrize(
    ("kind", "said", "sound"),
    [
        (Kind.FAILURE, {"chances": [0.1, 0.1, 1.0]}, True),
        (Kind.FAILURE, {"chances": [0.2, 0.1, 1.0]}, False),
        (Kind.FAILURE, {"chances": [0.1, 0.2, NAN]}, False),
        (Kind.FAILURE, {"chances": [0.1, 0.2, 1.1]}, False),
        (Kind.HEALTH, HEALTHY, True),
        (Kind.HEALTH, HEALTHY | {"index": 101.0}, False),
        (Kind.HEALTH, HEALTHY | {"index": NAN}, False),
        (Kind.HEALTH, HEALTHY | {"index": NAN, "known": 0.0}, True),
        (Kind.HEALTH, HEALTHY | {"t2": INF}, False),
        (Kind.ANOMALY, {"anomaly": 0.0}, True),
        (Kind.ANOMALY, {"anomaly": 1.0}, True),
        (Kind.ANOMALY, {"anomaly": -0.1}, False),
        (Kind.ANOMALY, {"anomaly": 1.1}, False),
        (Kind.ANOMALY, {"anomaly": NAN}, False),
        (Kind.ENERGY, {"q10_kw": [-5.0, 1.0], "q50_kw": [-5.0, 2.0], "q90_kw": [9.0, 2.0]}, True),
        (Kind.ENERGY, {"q10_kw": [1.0, 1.0], "q50_kw": [2.0, 0.5], "q90_kw": [3.0, 3.0]}, False),
        (Kind.ENERGY, {"q10_kw": [1.0, 1.0], "q50_kw": [2.0, 2.0], "q90_kw": [3.0, 1.9]}, False),
        (Kind.ENERGY, {"q10_kw": [1.0, NAN], "q50_kw": [2.0, 2.0], "q90_kw": [3.0, 3.0]}, False),
        (Kind.ENERGY, {"q10_kw": [1.0, 1.0], "q50_kw": [2.0, 2.0], "q90_kw": [3.0, INF]}, False),
        (Kind.DEFECT, {"defect": 0.5, "spread": 0.0}, True),
        (Kind.DEFECT, {"defect": 1.5, "spread": 0.0}, False),
        (Kind.DEFECT, {"defect": NAN, "spread": 0.0}, False),
        (Kind.DEFECT, {"defect": 0.5, "spread": -0.1}, False),
        (Kind.DEFECT, {"defect": 0.5, "spread": NAN}, False),
        (Kind.DEFECT, {"defect": 0.5, "spread": INF}, False),
    ],
)
def test_what_is_not_sound_is_told_with_what_would_be(kind: Kind, said: dict, sound: bool):
    rows = {name: np.atleast_2d(np.array(value, np.float32)) for name, value in said.items()}
    found = unsound(kind, rows)
    assert (found is None) is sound
    assert sound or CONTRACTS[kind].sound in str(found)


def test_the_first_row_that_is_not_sound_is_shown_and_all_are_counted():
    said = {"anomaly": np.array([[0.5], [2.0], [3.0]], np.float32)}
    assert str(unsound(Kind.ANOMALY, said)).startswith("2 of 3 rows do not have an anomaly in 0 to 1")
    assert str(unsound(Kind.ANOMALY, said)).endswith("the first has anomaly [2.0]")


CARD = figures.model(Kind.ENERGY).card


@pytest.mark.parametrize(
    "outputs",
    [{}, {"q50_kw": 4}, {"q50_kw": 4, "q10_kw": 4, "q90_kw": 4}, {"q10_kw": 3, "q50_kw": 4, "q90_kw": 4},
     dict.fromkeys(CARD.outputs, MOST_STEPS + 1)],
    ids=["none", "the middle alone", "another order", "other widths", "too far ahead"],
)  # fmt: skip
def test_a_card_gives_what_its_kind_gives(outputs: dict[str, int]):
    with pytest.raises(ModelError):
        check_outputs(replace(CARD, outputs=outputs))


@pytest.mark.parametrize(
    "changes",
    [{"kind": Kind.HEALTH}, {"name": "../x"}, {"inputs": ()}, {"inputs": (Input(name="x", unit="1"),) * 2},
     {"inputs": (Input(name="x", unit=""),)}, {"features_sha256": "0" * 64}],
    ids=["kind", "name", "no inputs", "twice", "no unit", "another list"],
)  # fmt: skip
def test_a_card_that_contradicts_itself_is_wrong(changes: dict):
    check(CARD)
    with pytest.raises(ModelError, match="is wrong"):
        check(replace(CARD, **changes))


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_gives_its_outputs_by_name_row_by_row(kind: Kind):
    model = figures.model(kind)
    rows = np.random.default_rng(1).normal(0.0, 9.0, (5, 3)).astype(np.float32)
    said = model.run(rows)
    assert {name: found.shape for name, found in said.items()} == {n: (5, w) for n, w in model.card.outputs.items()}
    assert all(np.array_equal(model.run(rows[2:3])[name][0], said[name][2]) for name in said)
    assert {name: found.shape[0] for name, found in model.run(rows[:0]).items()} == dict.fromkeys(said, 0)


def test_vectors_that_come_out_otherwise_are_refused_where_it_is_loaded():
    model = figures.model(Kind.ENERGY)
    assert model.vectors == 32
    rows = np.zeros((4, 3), np.float32)
    off = stamped(figures.files(Kind.ENERGY)[Part.ONNX], Vectors.of(rows, np.full((4, 12), 0.01, np.float32), 1e-6))
    with pytest.raises(ModelError, match="acceptance vectors come out"):
        FigureModel(off, replace(model.card, sha256=File.of(off).sha256))


def test_one_that_stands_in_says_so_and_the_other_does_not():
    model = figures.model(Kind.DEFECT)
    assert model.standing_in().stands_in and not model.stands_in
