"""Trees read back from an ONNX file: they say what they said, and other values change nothing else in the file."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from msgspec.structs import replace

from models.inference import Predictor
from onnx_export.forest import Forest, NotTrees, read
from onnx_export.parity import expected, thresholds_of, trial_rows
from tests.kit import tiny
from tests.unit.onnx_export import refitting


def forest(components: bool = False) -> Forest:
    return read(*refitting.parent(components))


def rows(components: bool = False) -> np.ndarray:
    learner = refitting.learner(components)
    return trial_rows(learner.spec, refitting.old().features, refitting.model(components), 2000, learner.pool)


@pytest.mark.parametrize("components", [False, True])
def test_trees_from_the_file_say_what_lightgbm_says_at_thresholds_and_with_gaps_too(components: bool):
    learner, tried = refitting.learner(components), rows(components)
    native = expected(refitting.model(components), tried, learner.pool)
    assert np.abs(forest(components).chances(tried) - native).max() < 1e-6
    assert np.isnan(tried).any(axis=1).sum() > 200


def test_components_are_read_from_the_graph():
    pool = forest(components=True).pool
    assert pool.columns == refitting.learner(True).pool.columns
    assert (pool.modes, pool.features) == (("comp1", "comp2"), len(refitting.spec().names))


def test_thresholds_are_those_of_the_model_as_float32():
    pool = refitting.learner().pool
    told = sorted({(column, float(np.float32(value))) for column, value in thresholds_of(refitting.model(), pool)})
    found = forest().thresholds
    assert len(found) == len(told) > 50
    assert np.allclose([value for _, value in found], [value for _, value in told], rtol=1e-6)


def test_the_same_values_give_the_same_bytes():
    assert forest().with_values(forest().values).onnx == refitting.parent()[0]


def test_other_values_change_weights_of_leaves_and_nothing_else():
    before, moved = forest(), forest().with_values(forest().values + 0.5)
    was, now = (onnx.load_from_string(each.onnx) for each in (before, moved))
    assert moved.onnx != before.onnx
    for model in (was, now):
        for node in model.graph.node:
            kept = [one for one in node.attribute if one.name != "target_weights"]
            del node.attribute[:]
            node.attribute.extend(kept)
    assert was == now
    again = read(moved.onnx, refitting.parent()[1])
    assert np.abs(again.values - before.values - 0.5).max() < 1e-6


def test_every_interval_has_the_first_trees_once():
    found = forest()
    one = np.where(found.first, 1.0, 0.0)
    leaves = found.leaves(refitting.old().features[:50])
    assert (found.scores(leaves, one) == 1.0).all()


def test_what_is_no_hazard_of_trees_is_refused():
    card = refitting.parent()[1]
    with pytest.raises(NotTrees, match="expected one ensemble of trees"):
        read(tiny.graph(8), card)
    with pytest.raises(NotTrees, match="no ONNX file"):
        read(b"nothing", card)


def test_a_leaf_that_tells_intervals_apart_is_refused():
    made, card = refitting.parent()
    model = onnx.load_from_string(made)
    (node,) = (node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor")
    (weights,) = (one for one in node.attribute if one.name == "target_weights")
    (targets,) = (one for one in node.attribute if one.name == "target_nodeids")
    at = next(at for at in range(len(weights.floats) - 1) if targets.ints[at] == targets.ints[at + 1])
    weights.floats[at] += 1.0
    with pytest.raises(NotTrees, match="different values"):
        read(model.SerializeToString(), replace(card))


def test_the_runtime_says_what_moved_trees_say():
    moved = forest().with_values(forest().values * 1.3)
    tried = rows()
    assert np.abs(Predictor(moved.onnx).predict(tried) - moved.chances(tried)).max() < 1e-6
