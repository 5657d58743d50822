from __future__ import annotations

import numpy as np
import pytest

from onnx_export.survival import (
    Outcomes,
    classes_of,
    expanded,
    fit,
    likelihood,
    outcomes_of,
    priors,
    scores_of,
    within_of,
)

HORIZONS = (12.0, 24.0, 48.0)
INTERVALS = len(HORIZONS)
PARAMETERS = {
    "objective": "binary", "num_leaves": 6, "learning_rate": 0.1, "min_data_in_leaf": 20, "deterministic": True,
    "force_row_wise": True, "num_threads": 1, "seed": 1, "verbose": -1,
}  # fmt: skip


def lives(rows: int = 4000, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """One feature and hours to failure, exponential with a rate that the feature doubles."""
    random = np.random.default_rng(seed)
    feature = random.integers(2, size=rows).astype(np.float32)
    return feature[:, None], random.exponential(60.0 / (1.0 + feature)), random


def test_a_failure_is_of_its_interval_and_one_seen_well_may_be_of_any_after_what_was_seen():
    failed = np.array([12.0, 12.1, 49.0, np.inf, np.nan, 30.0])
    known = np.array([12.0, 99.0, 99.0, 30.0, 999.0, 29.0])
    outcomes, told = outcomes_of(failed, known, HORIZONS)
    assert outcomes.first.tolist() == [0, 1, 3, 2, 3, 2]
    assert outcomes.last.tolist() == [0, 1, 3, 3, 3, 3]
    assert outcomes.left == pytest.approx([1, 1, 1, 0.75, 1, 19 / 24])  # seen through 6 and 5 of 24 h
    assert told.all()


def test_a_row_of_which_nothing_is_known_or_that_failed_already_has_no_outcome():
    _, told = outcomes_of(np.array([np.inf, 0.0, -0.5, 5.0]), np.array([0.0, 99.0, 99.0, 99.0]), HORIZONS)
    assert told.tolist() == [False, False, False, True]


def test_a_row_makes_one_for_each_interval_it_was_seen_in_and_the_last_counts_for_the_part_seen():
    outcomes = Outcomes(np.array([1, 1, 3, 0]), np.array([1, 3, 3, 3]), np.array([1.0, 0.25, 1.0, 1.0]))
    found = expanded(outcomes, INTERVALS, np.array([1.0, 2.0, 1.0, 1.0]))
    assert found.row.tolist() == [0, 0, 1, 1, 2, 2, 2]  # of the last one nothing is known
    assert found.interval.tolist() == [0, 1, 0, 1, 0, 1, 2]
    assert found.failed.tolist() == [False, True, False, False, False, False, False]
    assert found.weight.tolist() == [1, 1, 2, 1.5, 1, 1, 1]


def test_priors_are_those_of_kaplan_and_meier_by_hand():
    # 10 rows: 2 fail in the first interval, 2 are lost in the second, 1 fails in the second, 5 are seen through all.
    left = np.repeat([1, 0.5, 1], [2, 2, 6])
    outcomes = Outcomes(np.array([0, 0, 1, 1, 1, 3, 3, 3, 3, 3]), np.array([0, 0, 3, 3, 1, 3, 3, 3, 3, 3]), left)
    assert priors(outcomes, INTERVALS) == pytest.approx([0.2, 0.8 / 7, 0.0, 0.8 * 6 / 7])


def test_chances_hold_although_half_of_all_machines_are_repaired_before_they_fail():
    feature, hours, random = lives(20_000)
    known = random.exponential(40.0, len(hours))  # without regard to the failure to come
    outcomes, told = outcomes_of(hours, np.where(hours <= known, hours, known), HORIZONS)
    model = fit(feature[told], outcomes.where(told), PARAMETERS, 60, intervals=INTERVALS)
    chances = within_of(scores_of(model, np.array([[0.0], [1.0]]), INTERVALS))
    true = 1 - np.exp(-np.outer([1 / 60, 2 / 60], HORIZONS))
    assert chances == pytest.approx(true, abs=0.03)
    seen = told & ((hours <= known) | (known >= HORIZONS[-1]))
    dropped = fit(feature[seen], outcomes.where(seen), PARAMETERS, 60, intervals=INTERVALS)
    assert abs(within_of(scores_of(dropped, np.array([[0.0]]), INTERVALS)) - true[:1]).max() > 0.1


def test_the_same_rows_give_the_same_bytes():
    feature, hours, _ = lives(500)
    outcomes, _ = outcomes_of(hours, np.full(len(hours), 1e9), HORIZONS)
    first, again = (fit(feature, outcomes, PARAMETERS, 5, intervals=INTERVALS).model_to_string() for _ in range(2))
    assert first == again


def test_chances_within_horizons_and_of_classes_are_one_another():
    scores = np.random.default_rng(2).normal(size=(50, 3))
    within = within_of(scores)
    hazard = 1 / (1 + np.exp(-scores))
    assert within[:, 1] == pytest.approx(1 - (1 - hazard[:, 0]) * (1 - hazard[:, 1]))
    assert classes_of(within).sum(axis=1) == pytest.approx(np.ones(50))
    assert np.cumsum(classes_of(within), axis=1)[:, :3] == pytest.approx(within)


def test_the_likelihood_of_a_row_is_the_chance_of_what_it_may_be():
    within = np.array([[0.1, 0.3, 0.6], [0.25, 0.5, 0.75]])
    outcomes = Outcomes(np.array([1, 0]), np.array([2, 3]), np.ones(2))
    assert likelihood(within, outcomes) == pytest.approx(-np.log(0.5) / 2)
