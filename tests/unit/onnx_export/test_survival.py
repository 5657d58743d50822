from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from onnx_export.survival import (
    Outcomes,
    class_chances,
    exponential,
    fit,
    likelihood,
    objective,
    outcomes_of,
    priors,
)

HORIZONS = (12.0, 24.0, 48.0)
CLASSES = 4
PARAMETERS = {
    "num_leaves": 6, "learning_rate": 0.1, "min_data_in_leaf": 20, "deterministic": True, "force_row_wise": True,
    "num_threads": 1, "seed": 1, "verbose": -1,
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


def test_priors_are_those_of_kaplan_and_meier_by_hand():
    # 10 rows: 2 fail in the first interval, 2 are lost in the second, 1 fails in the second, 5 are seen through all.
    outcomes = Outcomes(np.array([0, 0, 1, 1, 1, 3, 3, 3, 3, 3]), np.array([0, 0, 3, 3, 1, 3, 3, 3, 3, 3]), np.ones(10))
    found = priors(outcomes, np.ones(10), CLASSES)
    assert found == pytest.approx([0.2, 0.8 / 6, 1e-6, 0.8 * 5 / 6])


def test_the_exponential_is_that_of_the_c_library_to_its_last_bits():
    values = np.linspace(-700, 700, 100_001)
    assert np.abs(exponential(values) / np.exp(values) - 1).max() < 2e-15


def test_slopes_are_those_of_the_likelihood_by_differences():
    random = np.random.default_rng(3)
    scores, weight = random.normal(size=(6, CLASSES)), random.uniform(0.5, 2.0, 6)
    outcomes = Outcomes(np.array([0, 1, 2, 3, 1, 0]), np.array([0, 3, 2, 3, 2, 3]), np.array([1, 0.3, 1, 1, 1, 1]))
    slopes, curvatures = objective(outcomes, weight, CLASSES)(scores, None)

    def loss(moved: np.ndarray) -> np.ndarray:
        return -np.log((class_chances(moved) * outcomes.allowed(CLASSES)).sum(axis=1)) * weight

    for at in range(CLASSES):
        step = np.zeros_like(scores)
        step[:, at] = 1e-6
        assert slopes[:, at] == pytest.approx((loss(scores + step) - loss(scores - step)) / 2e-6, abs=1e-6)
    assert (curvatures > 0).all()
    assert slopes[5] == pytest.approx(np.zeros(CLASSES))  # it may be of any class: it teaches nothing


def test_where_every_outcome_is_known_the_model_is_lightgbms_own_multiclass():
    feature, hours, random = lives()
    features = np.column_stack([feature, random.normal(size=(len(feature), 2)).astype(np.float32)])
    outcomes, _ = outcomes_of(hours, np.full(len(hours), 1e9), HORIZONS)
    ours = fit(features, outcomes, PARAMETERS, 20, classes=CLASSES)
    label = lightgbm.Dataset(features, label=outcomes.first)
    own = lightgbm.train({**PARAMETERS, "objective": "multiclass", "num_class": CLASSES}, label, num_boost_round=20)
    assert ours.predict(features) == pytest.approx(own.predict(features), abs=1e-4)


def test_chances_hold_although_half_of_all_machines_are_repaired_before_they_fail():
    feature, hours, random = lives(20_000)
    known = random.exponential(40.0, len(hours))  # without regard to the failure to come
    outcomes, told = outcomes_of(hours, np.where(hours <= known, hours, known), HORIZONS)
    model = fit(feature[told], outcomes.where(told), PARAMETERS, 60, classes=CLASSES)
    chances = np.cumsum(model.predict(np.array([[0.0], [1.0]]))[:, :3], axis=1)
    true = 1 - np.exp(-np.outer([1 / 60, 2 / 60], HORIZONS))
    assert chances == pytest.approx(true, abs=0.03)
    seen = told & (hours <= known) | (known >= HORIZONS[-1])
    dropped = fit(feature[seen], outcomes.where(seen), PARAMETERS, 60, classes=CLASSES)
    assert abs(np.cumsum(dropped.predict(np.array([[0.0]]))[:, :3], axis=1) - true[:1]).max() > 0.1


def test_weights_count_as_rows_do():
    feature, hours, _ = lives(1000)
    outcomes, _ = outcomes_of(hours, np.full(len(hours), 1e9), HORIZONS)
    weight = np.where(feature[:, 0] > 0, 2.0, 1.0)
    twice = np.repeat(np.arange(len(hours)), weight.astype(int))
    settings = PARAMETERS | {"min_data_in_leaf": 1, "min_sum_hessian_in_leaf": 20.0, "num_leaves": 2}
    weighed = fit(feature, outcomes, settings, 10, classes=CLASSES, weight=weight)
    repeated = fit(feature[twice], outcomes.where(twice), settings, 10, classes=CLASSES)
    assert weighed.predict(feature) == pytest.approx(repeated.predict(feature), abs=1e-6)


def test_the_same_rows_give_the_same_bytes():
    feature, hours, _ = lives(500)
    outcomes, _ = outcomes_of(hours, np.full(len(hours), 1e9), HORIZONS)
    first, again = (fit(feature, outcomes, PARAMETERS, 5, classes=CLASSES).model_to_string() for _ in range(2))
    assert first == again


def test_the_likelihood_of_a_row_is_the_chance_of_what_it_may_be():
    chances = np.array([[0.1, 0.2, 0.3, 0.4], [0.25, 0.25, 0.25, 0.25]])
    outcomes = Outcomes(np.array([1, 0]), np.array([2, 3]), np.ones(2))
    assert likelihood(chances, outcomes) == pytest.approx(-np.log(0.5) / 2)
