"""What the export gate lets through, and each thing that it refuses, with its reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import lightgbm
import msgspec
import numpy as np
import onnx
import pytest
from onnx import helper

from models.failure.hazard import Hazard, card_json
from models.inference import Predictor
from models.onnx_limits import OPERATORS, Limit
from models.passed import Infinite, Kind, Passed
from onnx_export import parity
from onnx_export.card import card_of
from onnx_export.convert import to_onnx
from onnx_export.gate import TOLERANCES, VECTORS, Candidate, gate
from onnx_export.parity import Parity, candidate_of, expected, thresholds_of
from onnx_export.reasons import ParityError, Reason
from onnx_export.recut import differing
from onnx_export.resolution import resolutions
from onnx_export.survival import Outcomes, fit
from onnx_export.train import PARAMETERS, floored
from onnx_export.trials import REQUIRED, Trial, trials
from tests.unit.onnx_export import nets, small
from tests.unit.onnx_export.test_export import constant, corrupted, falling

EPOCH_S = 1_767_225_600.0
"""2026-01-01 00:00 UTC."""
DYNAMIC = OPERATORS | {("", name) for name in ("DynamicQuantizeLinear", "MatMulInteger")}


@pytest.fixture(scope="module")
def good() -> Candidate:
    return candidate_of(small.spec(), small.model(), to_onnx(floored(small.model())), small.rows(), small.rows())


@pytest.fixture(scope="module")
def passed(good: Candidate) -> tuple[bytes, Passed]:
    return gate(good)


def refused(candidate: Candidate) -> ParityError:
    with pytest.raises(ParityError, match="may not leave") as found:
        gate(candidate)
    return found.value


def test_trees_pass_with_a_figure_for_each_set_of_rows(passed: tuple[bytes, Passed]) -> None:
    found = passed[1]
    assert set(found.largest_difference) == set(found.rows) == {trial.value for trial in Trial}
    assert max(found.largest_difference.values()) <= 1e-6
    assert min(found.rows.values()) > 100
    assert found.recut > 1500
    assert found.infinite is Infinite.BEYOND


def test_what_passed_has_vectors_inside_and_gives_the_bits_it_gave(
    good: Candidate, passed: tuple[bytes, Passed]
) -> None:
    made, found = passed
    rows = small.rows()
    assert found.vectors == VECTORS
    assert found.size_bytes == len(made) > len(good.onnx)
    assert np.array_equal(Predictor(made).predict(rows), Predictor(good.onnx).predict(rows))


def test_the_same_model_passes_as_the_same_bytes(good: Candidate, passed: tuple[bytes, Passed]) -> None:
    assert gate(good) == passed


def test_a_card_keeps_what_the_gate_found_and_is_as_it_was_without(passed: tuple[bytes, Passed]) -> None:
    made, found = passed
    told = {
        "name": "pump", "onnx": made, "asset_type": "pump", "spec": small.spec(), "limit": 0.5, "basis": "tests",
        "trained_on": "tests", "command": "", "seeds": {}, "parity": Parity(1, 1, 1, 0.0, 0, 0), "scores": {},
    }  # fmt: skip
    card = card_json(card_of(**told, gate=found))
    hazard = Hazard.load(made, card)
    assert hazard.card.gate == found
    assert hazard.vectors == VECTORS
    assert set(msgspec.json.decode(card)) - set(msgspec.json.decode(card_json(card_of(**told)))) == {"gate"}


@pytest.mark.parametrize(
    ("spoiled", "reason"),
    [
        (corrupted, Reason.DIFFERS),
        (falling, Reason.DECREASES),
        (lambda graph: constant(graph, np.nan), Reason.NOT_FINITE),
        (lambda graph: constant(graph, -0.5), Reason.OUT_OF_RANGE),
    ],
)
def test_a_spoiled_graph_is_refused_for_what_is_wrong_with_it(good: Candidate, spoiled, reason: Reason) -> None:
    assert reason in refused(replace(good, onnx=spoiled(good.onnx))).reasons


def test_a_refusal_has_the_figures_of_each_set(good: Candidate) -> None:
    found = refused(replace(good, onnx=corrupted(good.onnx)))
    assert found.reasons == (Reason.DIFFERS,)
    assert max(found.figures.values()) > TOLERANCES[good.kind]


def test_thresholds_rounded_to_nearest_are_found_by_the_rows_that_stand_on_them(good: Candidate) -> None:
    found = refused(replace(good, onnx=to_onnx(small.model())))
    assert found.reasons == (Reason.DIFFERS,)
    assert found.figures[Trial.AT_THRESHOLD] > 1e-3
    assert found.figures[Trial.HELD_OUT] <= 1e-6


def test_a_graph_that_reads_missing_as_nought_is_refused(good: Candidate) -> None:
    nodes = (
        helper.make_node("IsNaN", ["features"], ["none"]),
        helper.make_node("Where", ["none", "nought", "features"], ["changed"]),
    )
    found = refused(replace(good, onnx=nets.before(good.onnx, *nodes, nought=np.array(0, np.float32))))
    assert found.reasons == (Reason.DIFFERS,)
    assert found.figures[Trial.MISSING] > 1e-3


def test_a_graph_that_reads_infinity_as_missing_is_refused(good: Candidate) -> None:
    nodes = (
        helper.make_node("IsInf", ["features"], ["far"]),
        helper.make_node("Where", ["far", "none", "features"], ["changed"]),
    )
    found = refused(replace(good, onnx=nets.before(good.onnx, *nodes, none=np.array(np.nan, np.float32))))
    assert set(found.reasons) == {Reason.DIFFERS, Reason.INFINITE}


def test_lightgbm_and_the_graph_read_infinity_as_the_largest_float32(good: Candidate) -> None:
    rows = small.rows()[:200].copy()
    rows[:, ::3], rows[:, 1::3] = np.inf, -np.inf
    largest = np.nan_to_num(rows, nan=np.nan)
    assert np.isfinite(largest[:, :2]).all()
    assert np.array_equal(good.native(rows), good.native(largest))
    assert np.array_equal(Predictor(good.onnx).predict(rows), Predictor(good.onnx).predict(largest))


def test_a_split_of_what_is_missing_from_all_else_keeps_infinity_with_all_else() -> None:
    rows = np.random.default_rng(1).normal(0, 1, (2000, 2)).astype(np.float32)
    rows[::2, 0] = np.nan
    first = np.where(np.isnan(rows[:, 0]), 0, 6 - 3 * (rows[:, 1] > 0))
    outcomes = Outcomes(first, first, np.ones(len(first)))
    model = fit(rows, outcomes, PARAMETERS | {"min_data_in_leaf": 5, "feature_fraction": 1.0}, 2)
    assert any(abs(value) > 1e38 for _, value in thresholds_of(model))
    held_out = trials(rows, {"a": np.array([0])}, thresholds_of(model))
    assert not any(np.isinf(one).any() for one in held_out.values())
    asked = Candidate(
        onnx=to_onnx(floored(model)), kind=Kind.TREES, native=lambda given: expected(model, given), trials=held_out,
        resolutions=resolutions(rows, "ab", thresholds_of(model)),
    )  # fmt: skip
    assert gate(asked)[1].infinite is Infinite.BEYOND


def test_a_net_passes_within_its_own_tolerance() -> None:
    made, found = gate(nets.candidate(nets.net()))
    assert found.tolerance == 1e-3
    assert found.infinite is Infinite.KEPT_OUT
    assert Trial.INFINITE.value not in found.rows
    assert Predictor(made).metadata


def test_dynamic_quantisation_gives_rows_other_bits_beside_others(tmp_path: Path) -> None:
    made = nets.dynamic(tmp_path)
    assert differing(Predictor(made).predict, nets.rows()).mean() > 0.9
    assert not differing(Predictor(nets.net()).predict, nets.rows()).any()


def test_dynamic_quantisation_is_refused_by_its_operators_and_would_be_by_its_batches(tmp_path: Path) -> None:
    made = nets.candidate(nets.dynamic(tmp_path))
    assert refused(made).reasons == (Limit.OPERATOR,)
    assert Reason.BATCH in refused(replace(made, operators=DYNAMIC)).reasons


def with_time(rows: np.ndarray) -> tuple[np.ndarray, lightgbm.Booster]:
    """History in float64 whose last column is the time in seconds, of rows a minute apart; trees that split on it."""
    history = np.column_stack([rows[:400].astype(np.float64), EPOCH_S + 60.0 * np.arange(400)])
    classes = np.arange(400) // 20 % 7
    data = lightgbm.Dataset(history, label=classes)
    parameters = {"objective": "multiclass", "num_class": 7, "min_data_in_leaf": 5, "verbose": -1, "num_threads": 1}
    return history, lightgbm.train(parameters, data, 2)


def test_raw_epoch_seconds_as_a_feature_are_refused() -> None:
    names = [f"f{at}" for at in range(nets.FEATURES)]
    history = nets.rows().astype(np.float64)
    history[:, 0] = EPOCH_S + 600.0 * np.arange(len(history))
    found = refused(nets.candidate(nets.net(), resolutions=resolutions(history, names)))
    assert found.reasons == (Reason.RESOLUTION,)
    assert "'f0' reaches" in str(found)


def test_trees_on_epoch_seconds_say_something_else_in_float32_which_is_why() -> None:
    history, model = with_time(nets.rows())
    assert np.abs(model.predict(history) - model.predict(history.astype(np.float32).astype(np.float64))).max() > 0.01


def test_all_that_is_wrong_is_told_at_once(good: Candidate) -> None:
    history = small.rows().astype(np.float64)
    history[:, 0] = EPOCH_S
    bad = replace(good, onnx=falling(good.onnx), resolutions=resolutions(history, small.spec().names))
    assert {Reason.DECREASES, Reason.RESOLUTION} <= set(refused(bad).reasons)


@pytest.mark.parametrize("trial", REQUIRED)
def test_a_set_of_rows_that_is_not_there_is_the_callers_fault(good: Candidate, trial: Trial) -> None:
    rows = {one: rows for one, rows in good.trials.items() if one is not trial}
    with pytest.raises(ValueError, match=trial.value):
        gate(replace(good, trials=rows))


def test_a_model_whose_card_will_keep_infinities_out_is_not_asked_about_them(good: Candidate) -> None:
    found = gate(replace(good, infinite=Infinite.KEPT_OUT))[1]
    assert found.infinite is Infinite.KEPT_OUT
    assert Trial.INFINITE.value not in found.rows


def test_the_starters_own_gate_has_reasons_too(good: Candidate) -> None:
    with pytest.raises(ParityError) as found:
        parity.gate(small.model(), falling(good.onnx), good.trials[Trial.HELD_OUT])
    assert found.value.reasons == (Reason.DIFFERS, Reason.DECREASES)
    assert found.value.figures["rows_decreasing"] > 0


def test_the_bytes_are_judged_before_a_session_is_made(good: Candidate) -> None:
    model = onnx.load_from_string(good.onnx)
    model.graph.node[0].op_type, model.graph.node[0].domain = "Strange", "com.example"
    assert refused(replace(good, onnx=model.SerializeToString())).reasons == (Limit.OPERATOR,)
