"""What a window brings about is recovered from rows that were not made by chance, or said not to be known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kit.off_policy import WITHIN, CannotBeTold, Rows, Told, effective, told

EFFECT = -1.0
"""Of the window, in logits."""


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0)))


def made(seed: int, count: int = 4000, pull: float = 1.2) -> tuple[Rows, float, float]:
    """Rows that are inside the more, the worse their conditions; the true difference, and the plain one."""
    random = np.random.default_rng(seed)
    group = random.integers(0, 40, count)
    conditions = random.normal(size=(count, 3)) + 0.3 * random.normal(size=40)[group][:, None]
    inside = random.random(count) < sigmoid(pull * conditions[:, 0])
    logits = -1.0 + 1.2 * conditions[:, 0] + 0.3 * conditions[:, 1]
    found = (random.random(count) < sigmoid(logits + EFFECT * inside)).astype(float)
    true = float((sigmoid(logits + EFFECT) - sigmoid(logits)).mean())
    return Rows(found, inside, conditions, group), true, float(found[inside].mean() - found[~inside].mean())


def test_both_estimates_recover_an_effect_that_the_plain_difference_hides():
    rows, true, plain = made(1)
    said = told(rows)
    assert isinstance(said, Told) and plain > 0.0 > true
    for one in (said.weighted, said.robust):
        assert one.low <= true <= one.high < plain


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    held = []
    for seed in range(20):
        rows, true, _ = made(seed, count=1500)
        said = told(rows)
        assert isinstance(said, Told)
        held += [[one.low <= true <= one.high for one in (said.weighted, said.robust)]]
    assert np.sum(held, axis=0).min() >= 17  # of 20 at 95 %, fewer than 17 come once in 40


def test_the_robust_estimate_holds_where_the_chance_of_the_window_is_no_logistic_one():
    random = np.random.default_rng(5)
    group, conditions = random.integers(0, 40, 6000), random.normal(size=(6000, 2))
    inside = random.random(6000) < np.where(np.abs(conditions[:, 0]) < 0.8, 0.75, 0.25)
    logits = -0.5 + 1.0 * conditions[:, 0]
    found = (random.random(6000) < sigmoid(logits + EFFECT * inside)).astype(float)
    said = told(Rows(found, inside, conditions, group))
    assert isinstance(said, Told)
    true = float((sigmoid(logits + EFFECT) - sigmoid(logits)).mean())
    assert said.robust.low <= true <= said.robust.high


def test_the_robust_estimate_holds_where_rates_are_no_logistic_ones():
    random = np.random.default_rng(6)
    group, conditions = random.integers(0, 40, 8000), random.normal(size=(8000, 2))
    inside = random.random(8000) < sigmoid(1.5 * conditions[:, 0])
    logits = -2.0 + 2.0 * np.maximum(conditions[:, 0], 0.0) ** 2
    found = (random.random(8000) < sigmoid(logits + EFFECT * inside)).astype(float)
    said = told(Rows(found, inside, conditions, group))
    assert isinstance(said, Told)
    kept = sigmoid(1.5 * np.abs(conditions[:, 0])) <= WITHIN[1]
    true = float((sigmoid(logits + EFFECT) - sigmoid(logits))[kept].mean())
    assert said.robust.low <= true <= said.robust.high


def test_no_effect_is_not_taken_for_one():
    rows, _, _ = made(3)
    random = np.random.default_rng(4)
    said = told(rows._replace(found=(random.random(len(rows.found)) < 0.3).astype(float)))
    assert isinstance(said, Told) and said.weighted.low < 0.0 < said.weighted.high


@pytest.mark.parametrize("pull", [40.0, 200.0])
def test_a_window_that_conditions_decide_cannot_be_told_of(pull: float):
    rows, _, _ = made(1, pull=pull)
    said = told(rows)
    assert isinstance(said, CannotBeTold) and "both sides were made" in said.why


def test_nothing_is_told_of_few_rows_or_of_a_side_of_few_groups():
    rows, _, _ = made(1)
    few = rows._replace(inside=np.arange(len(rows.found)) < 10)
    alone = rows._replace(group=np.where(rows.inside, rows.group % 3, rows.group + 100))
    assert isinstance(told(few), CannotBeTold) and told(few).why.startswith("10 rows inside")
    assert isinstance(told(alone), CannotBeTold) and "3 groups" in told(alone).why


def test_effective_rows_are_all_of_equal_weight_and_one_where_one_has_all():
    assert effective(np.ones(7)) == pytest.approx(7.0)
    assert effective(np.array([1.0, 0.0, 0.0])) == pytest.approx(1.0)
