"""From LightGBM to ONNX: the same numbers, the same bytes, and a gate that refuses anything else."""

from __future__ import annotations

import lightgbm
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from models.features.spec import PER_ASSET
from models.inference import Predictor
from models.records import HORIZONS_H
from onnx_export.convert import to_onnx
from onnx_export.parity import TOLERANCE, ParityError, compare, expected, gate, thresholds_of, trial_rows
from onnx_export.survival import Outcomes, fit
from onnx_export.train import PARAMETERS, ZERO, floor32, floored, masked, needing, rows_of, train
from tests.unit.onnx_export import small


@pytest.fixture(scope="module")
def graph() -> bytes:
    return to_onnx(floored(small.model()))


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return trial_rows(small.spec(), small.rows(), small.model(), least=3000)


def test_the_graph_says_what_lightgbm_says(graph: bytes, rows: np.ndarray) -> None:
    found = gate(small.model(), graph, rows)
    assert found.largest_difference <= TOLERANCE
    assert found.rows_at_threshold > 900
    assert found.rows_with_nan > 400


def test_it_does_so_where_every_signal_is_missing(graph: bytes) -> None:
    rows = small.rows()[:50].copy()
    rows[:, :-2] = np.nan
    assert np.abs(Predictor(graph).predict(rows) - expected(small.model(), rows)).max() <= TOLERANCE


def test_every_signal_can_be_missing_by_the_trees_own_rule() -> None:
    per_signal = len(small.spec().names) - len(PER_ASSET)
    for tree in small.model().dump_model()["tree_info"]:
        waiting = [tree["tree_structure"]]
        while waiting:
            node = waiting.pop()
            if "threshold" in node:
                assert node["split_feature"] >= per_signal or node["missing_type"] == "NaN"
                waiting += (node["left_child"], node["right_child"])


def test_a_threshold_rounded_to_nearest_is_refused(rows: np.ndarray) -> None:
    with pytest.raises(ParityError, match="differs from LightGBM by up to"):
        gate(small.model(), to_onnx(small.model()), rows)


def test_flooring_moves_no_float32_row() -> None:
    model, rows = small.model(), trial_rows(small.spec(), small.rows(), small.model(), least=3000)
    assert np.array_equal(expected(model, rows), expected(floored(model), rows))


@pytest.mark.parametrize("value", [0.1, -0.1, 1e-35, 3.0, -3.0, 1.0000000180025095e-35, 71.23456789])
def test_floor32_is_a_float32_not_above(value: float) -> None:
    low = floor32(value)
    assert low <= value < float(np.nextafter(np.float32(low), np.float32(np.inf)))  # in float64
    assert np.float32(low) == low


def test_a_split_at_zero_sends_what_lightgbm_reads_as_zero_the_same_way() -> None:
    values = np.linspace(-1, 1, 4001)
    rows = np.stack([np.where(np.abs(values) < 0.3, 0.0, values)] * 2, axis=1).astype(np.float32)
    classes = (rows[:, 0] >= 0).astype(int) + 2 * (rows[:, 0] > 0)  # splits on both sides of 0
    outcomes = Outcomes(classes, classes, np.ones(len(classes)))
    model = fit(rows, outcomes, PARAMETERS | {"min_data_in_leaf": 5, "feature_fraction": 1.0}, 5)
    assert {-ZERO, ZERO} <= {value for _, value in thresholds_of(model)}
    edges = np.array([-ZERO, ZERO, 0.0, *(np.nextafter(np.float32(-ZERO), np.float32([-1, 1])))], np.float32)
    around = np.stack([edges, edges], axis=1)
    assert np.abs(Predictor(to_onnx(floored(model))).predict(around) - expected(model, around)).max() <= TOLERANCE


def test_chances_never_decrease_and_stay_under_one(graph: bytes, rows: np.ndarray) -> None:
    chances = Predictor(graph).predict(rows)
    assert chances.shape == (len(rows), len(HORIZONS_H))
    assert chances.dtype == np.float32
    assert (np.diff(chances, axis=1) >= 0).all()
    assert ((chances >= 0) & (chances <= 1)).all()


def corrupted(graph: bytes) -> bytes:
    """One leaf of one tree says something else."""
    model = onnx.load_from_string(graph)
    trees = next(node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor")
    for attribute in trees.attribute:
        if attribute.name == "target_weights":
            attribute.floats[0] += 0.5
    return model.SerializeToString()


def falling(graph: bytes) -> bytes:
    """The products the other way round."""
    model = onnx.load_from_string(graph)
    products = next(node for node in model.graph.node if list(node.output) == ["survives"])
    products.input[:] = list(products.input)[::-1]
    return model.SerializeToString()


def constant(graph: bytes, value: float) -> bytes:
    """A graph whose upper limit is something else, NaN for one that says nothing."""
    model = onnx.load_from_string(graph)
    for tensor in model.graph.initializer:
        if tensor.name == "one":
            tensor.CopyFrom(numpy_helper.from_array(np.array(value, np.float32), "one"))
    return model.SerializeToString()


def test_the_gate_refuses_a_corrupted_leaf(graph: bytes, rows: np.ndarray) -> None:
    with pytest.raises(ParityError, match="do not ship"):
        gate(small.model(), corrupted(graph), rows)


def test_the_gate_refuses_falling_chances(graph: bytes, rows: np.ndarray) -> None:
    with pytest.raises(ParityError, match="decreases in the horizon"):
        gate(small.model(), falling(graph), rows)


def test_the_gate_refuses_chances_that_are_no_numbers(graph: bytes, rows: np.ndarray) -> None:
    with pytest.raises(ParityError, match="up to nan"):
        gate(small.model(), constant(graph, np.nan), rows)


def test_a_row_alone_has_the_bits_it_has_among_others(graph: bytes, rows: np.ndarray) -> None:
    assert compare(small.model(), graph, rows).rows_differing_by_batch == 0


def test_the_same_model_makes_the_same_bytes(graph: bytes) -> None:
    again: lightgbm.Booster = train(small.spec(), *rows_of([small.history()]), trees=35)
    assert again.model_to_string() == small.model().model_to_string()
    assert to_onnx(floored(again)) == graph


def test_the_graph_tells_nothing_of_where_it_was_made(graph: bytes) -> None:
    model = onnx.load_from_string(graph)
    assert not model.metadata_props
    assert not model.doc_string
    assert not model.graph.doc_string
    assert all(not node.doc_string for node in model.graph.node)


def test_masking_hides_one_signal_of_a_row_and_leaves_the_rest() -> None:
    spec, rows = small.spec(), np.ones((2000, len(small.spec().names)), np.float32)
    missing = np.isnan(masked(spec, rows, share=0.5)).sum(axis=1)
    assert set(missing.tolist()) == {0, *(len(needing(spec, signal)) for signal in spec.signals)}
    assert 800 < (missing > 0).sum() < 1200
    assert not np.isnan(rows).any()


def test_thresholds_are_found_in_every_tree() -> None:
    trees = small.model().dump_model()["tree_info"]
    splits = sum(tree["num_leaves"] - 1 for tree in trees)
    assert 0 < len(thresholds_of(small.model())) <= splits
