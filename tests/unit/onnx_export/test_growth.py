"""More trees behind a hazard's own: where they begin, and what old rows hold them to."""

from __future__ import annotations

import numpy as np
import pytest

from models.inference import Predictor
from onnx_export import growth
from onnx_export.forest import Forest, read
from onnx_export.growth import Ground
from tests.unit.onnx_export import refitting


def forest() -> Forest:
    return read(*refitting.parent())


def grounds() -> tuple[Ground, Ground]:
    """Of new rows, and of old ones."""
    new, old, learner = refitting.new(), refitting.old(), refitting.learner()
    outcomes, known = learner.outcomes(new)
    told, ones = np.flatnonzero(known), np.ones(len(new.asset))
    first = growth.seen(forest(), refitting.spec(), new, told, outcomes.where(told), ones)
    return first, growth.remembered(forest(), refitting.spec(), old, np.ones(len(old.asset)))


def test_old_rows_pull_at_nothing_where_the_parent_stands():
    _, old = grounds()
    chance = 1.0 / (1.0 + np.exp(-old.score))
    pull = old.weight * (chance - old.failed)
    half = len(pull) // 2
    assert np.abs(pull[:half] + pull[half:]).max() < 1e-12 and np.abs(pull).max() > 0.01


def test_of_old_rows_alone_trees_grow_that_say_next_to_nothing():
    _, old = grounds()
    features = refitting.old().features
    moved = growth.grown(forest(), old, 1).chances(features) - forest().chances(features)
    assert np.abs(moved).max() < 1e-6


def test_a_grown_file_says_what_its_trees_say():
    first, old = grounds()
    found, features = growth.grown(forest(), first.and_also(old), 1), refitting.new().features
    assert np.abs(found.chances(features) - forest().chances(features)).max() > 0.05
    assert np.abs(Predictor(found.onnx).predict(features) - found.chances(features)).max() < 1e-5


def test_trees_that_grow_leave_machines_out_that_they_are_to_be_judged_on():
    first, _ = grounds()
    kept = first.without(np.array([0, 1]))
    assert set(kept.asset.tolist()) == set(range(2, 12))
    assert len(kept.weight) == (~np.isin(first.asset, [0, 1])).sum()
    assert kept.weight.sum() == pytest.approx(first.weight[first.asset > 1].sum())
