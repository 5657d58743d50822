"""Rows that a graph is tried on, and cuts of them."""

from __future__ import annotations

import numpy as np
import pytest

from onnx_export.recut import SIZES, differing
from onnx_export.trials import LARGEST, PER_GROUP, SMALL, at_thresholds, edges, infinite, missing, nudged, trials

ROWS = np.random.default_rng(2).normal(5, 1, (300, 4)).astype(np.float32)


@pytest.mark.parametrize("value", [*SMALL, LARGEST, -LARGEST, float(ROWS[:, 0].min()), float(ROWS[:, 0].max())])
def test_a_feature_stands_at_each_edge_alone_and_beside_the_others(value: float) -> None:
    found = edges(ROWS)
    hit = (found[:, 0] == np.float32(value)) & (np.signbit(found[:, 0]) == np.signbit(np.float32(value)))
    others = np.isin(found[hit][:, 1:], ROWS[:, 1:]).all(axis=1)
    assert others.any()
    assert hit.sum() >= 2


def test_a_feature_that_no_row_has_is_tried_at_the_edges_too() -> None:
    rows = ROWS.copy()
    rows[:, 2] = np.nan
    assert LARGEST in edges(rows)[:, 2]
    assert not np.isinf(edges(rows)).any()


def test_each_feature_is_infinite_once_on_either_side_and_all_are_together() -> None:
    found = infinite(ROWS)
    assert len(found) == 2 * 5
    assert (np.isinf(found).sum(axis=1) == [1, 1, 1, 1, 4] * 2).all()


def test_each_signal_is_missing_alone_and_all_are_together() -> None:
    found = np.isnan(missing(ROWS, {"a": np.array([0, 1]), "b": np.array([2])}))
    assert np.unique(found, axis=0).tolist() == [[False, False, True, False], [True, True, False, False], [True] * 4]
    assert len(found) == 3 * PER_GROUP


def test_a_row_stands_on_each_threshold_one_float32_under_and_one_over() -> None:
    near = np.float32(0.1)
    found = at_thresholds(ROWS, [(1, 0.1), (3, -7.5)])
    assert len(found) == 6
    for value in (near, np.nextafter(near, np.float32(-9)), np.nextafter(near, np.float32(9))):
        assert (found[:, 1] == value).sum() == 1


def test_without_thresholds_all_values_are_one_float32_off() -> None:
    found = nudged(ROWS)
    assert (found[300:600] == np.nextafter(ROWS, np.float32(-np.inf))).all()
    assert (found[600:] == np.nextafter(ROWS, np.float32(np.inf))).all()


def test_trials_are_the_same_again_and_leave_what_they_are_given() -> None:
    kept = ROWS.copy()
    first, again = (trials(ROWS, {"a": np.array([0])}, [(0, 5.0)]) for _ in range(2))
    assert all(np.array_equal(first[name], again[name], equal_nan=True) for name in first)
    assert np.array_equal(ROWS, kept)


@pytest.mark.parametrize("size", SIZES[1:])
def test_results_that_change_in_batches_of_one_size_are_found(size: int) -> None:
    def chances(rows: np.ndarray) -> np.ndarray:
        return rows + np.float32(len(rows) == size)

    assert differing(chances, ROWS).any()


def test_results_that_are_of_the_row_alone_are_not() -> None:
    assert not differing(lambda rows: rows * np.float32(2), ROWS).any()


def test_a_nought_of_another_sign_is_another_result() -> None:
    assert differing(lambda rows: np.full_like(rows, -0.0 if len(rows) == 3 else 0.0), ROWS).any()
