"""A defect model as a file: it says what numpy says, whatever it is asked, and holds to the contract."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from models.contracts import DEFECT, SPREAD
from models.failure.hazard import card_json
from models.figures.card import Input
from models.figures.model import FigureModel
from models.release import Kind, Part
from onnx_export.defect_graph import exported, to_onnx
from onnx_export.defect_learn import Recipe, Table, learn
from pipelines.releases.measure import measured

INPUTS = tuple(Input(name=name, unit="1") for name in ("a", "b", "c"))


def model_of(parts=4000, kinds=2, seed=1):
    noise = np.random.default_rng(seed)
    inputs = noise.normal([9.0, 3.0, 200.0], [0.2, 0.1, 10.0], (parts, 3))
    kind = np.where(noise.random(parts) < 0.03, noise.integers(0, kinds + 1, parts), 0)
    bad = ((kind > 0) | (noise.random(parts) < 0.005)).astype(int)
    names = ("", "crack", "burn", "loose")[: kinds + 1]
    return learn(Table(inputs, np.ones(parts, int), bad, kind, names, np.full(parts, -1)), Recipe((0.3, 0.1, 20.0)))


def files(model):
    return exported(model, "weld-defects", INPUTS, "4000 parts", "forewarn model defects", {"log_loss": 0.1})


@pytest.fixture(scope="module")
def model():
    return model_of()


@pytest.fixture(scope="module")
def loaded(model):
    return FigureModel(*files(model))


def asked(model, loaded, rows):
    said, (chances, spread) = loaded.run(rows.astype(np.float32)), model.said(rows.astype(np.float32))
    assert np.abs(said[DEFECT][:, 0] - chances).max() < 1e-5
    assert (np.abs(said[SPREAD][:, 0] - spread) < 1e-5 * (1.0 + spread)).all()
    return said


def test_it_says_what_numpy_says_near_parts_and_far_from_them(model, loaded):
    noise = np.random.default_rng(2)
    for wide in (0.5, 1.0, 3.0, 30.0):
        asked(model, loaded, noise.normal([9.0, 3.0, 200.0], np.array([0.2, 0.1, 10.0]) * wide, (300, 3)))


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 3e38, -3e38])
def test_it_says_what_numpy_says_of_rows_with_what_is_no_number(model, loaded, odd):
    rows = np.tile([9.0, 3.0, 200.0], (4, 1))
    rows[0, 0], rows[1, 1:], rows[2] = odd, odd, odd
    said = asked(model, loaded, rows)
    assert np.isfinite(said[DEFECT]).all() and np.isfinite(said[SPREAD]).all()


@pytest.mark.parametrize("kinds", [1, 2, 3])
def test_any_number_of_kinds_is_one_chance(kinds):
    model = model_of(kinds=kinds)
    assert len(model.kinds) == kinds + 1
    asked(model, FigureModel(*files(model)), np.random.default_rng(3).normal([9.0, 3.0, 200.0], 0.2, (50, 3)))


def test_a_row_says_the_same_beside_others_and_alone(model, loaded):
    rows = np.random.default_rng(4).normal([9.0, 3.0, 200.0], 0.2, (20, 3)).astype(np.float32)
    whole = loaded.run(rows)
    assert all(loaded.run(rows[at : at + 1])[DEFECT][0] == whole[DEFECT][at] for at in range(20))


def test_the_same_parts_make_the_same_bytes():
    first, second = model_of(), model_of()
    assert hashlib.sha256(to_onnx(first)).digest() == hashlib.sha256(to_onnx(second)).digest()
    assert files(first)[0] == files(second)[0]
    assert files(first)[0] != files(model_of(seed=2))[0]


def test_its_card_says_what_it_takes_and_how_it_did(loaded):
    card = loaded.card
    assert (card.kind, card.name, card.inputs, card.scores) == (Kind.DEFECT, "weld-defects", INPUTS, {"log_loss": 0.1})
    assert card.outputs == {DEFECT: 1, SPREAD: 1}


def test_it_passes_the_trial_that_all_releases_pass(model):
    onnx, card = files(model)
    assert measured({Part.ONNX: onnx, Part.CARD: card_json(card)}).rows
