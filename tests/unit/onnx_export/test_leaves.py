"""Leaf values: new rows move them by short Newton steps, old ones hold them, and what nobody speaks of stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.inference import Predictor
from onnx_export.calibrate import Scaling, scaled
from onnx_export.forest import Forest, read
from onnx_export.leaves import PRIOR, RATE, REMEMBERED, Lessons, refitted, remembered, rescaled, seen
from onnx_export.survival import INTERVALS, outcomes_of
from tests.unit.onnx_export import refitting


def forest() -> Forest:
    return read(*refitting.parent())


def lessons(rows: slice = slice(None)) -> Lessons:
    outcomes, told = refitting.new().outcomes
    chosen = np.flatnonzero(told)[rows]
    leaves = forest().leaves(refitting.new().features[chosen])
    return seen(leaves, outcomes.where(chosen), np.ones(len(chosen)))


def test_without_new_rows_predictions_are_the_parents_bit_for_bit():
    values = refitted(forest(), lessons(slice(0)))
    made = forest().with_values(values)
    rows = refitting.old().features[:500]
    assert Predictor(made.onnx).predict(rows).tobytes() == Predictor(refitting.parent()[0]).predict(rows).tobytes()


def test_old_rows_alone_teach_nothing():
    leaves = forest().leaves(refitting.old().features)
    values = refitted(forest(), remembered(forest(), leaves, np.ones(len(leaves))))
    assert np.abs(values - forest().values).max() < 1e-9


def test_a_leaf_that_no_row_comes_to_keeps_its_value_and_others_move():
    few = lessons(slice(0, 200, 20))
    visited = np.zeros(len(forest().values), bool)
    visited[np.unique(few.leaves)] = True
    moved = refitted(forest(), few) != forest().values
    assert not moved[~visited].any()
    assert moved[visited].mean() > 0.9
    assert (~visited).any()


def test_one_tree_moves_by_a_share_of_newtons_step():
    one = replace(forest(), trees=forest().trees[:1])
    some = lessons(slice(0, 400))._replace(leaves=lessons(slice(0, 400)).leaves[:, :1])
    group = list(one.trees[0].group)
    chance = 1.0 / (1.0 + np.exp(-one.scores(some.leaves)[:, group]))
    at = some.leaves[0, 0]
    mine = some.leaves[:, 0] == at
    slope = (some.weight[:, group] * (chance - some.share[:, group]))[mine].sum()
    bend = (some.weight[:, group] * chance * (1 - chance))[mine].sum()
    assert refitted(one, some)[at] - one.values[at] == pytest.approx(-RATE * slope / (bend + PRIOR))


def test_a_tree_learns_what_those_before_it_left():
    some = lessons(slice(0, 400))
    trees = forest().trees
    other = next(at for at in range(1, len(trees)) if set(trees[at].group) & set(trees[0].group))
    some = some._replace(leaves=some.leaves[:, [0, other]])
    two = replace(forest(), trees=(trees[0], trees[other]))
    both, after = refitted(two, some), two.values.copy()
    first = trees[0].leaf[trees[0].leaf >= 0]
    after[first] = both[first]
    told = two.scores(some.leaves, after)
    group, leaf = list(two.trees[1].group), some.leaves[0, 1]
    chance, mine = 1.0 / (1.0 + np.exp(-told[:, group])), some.leaves[:, 1] == leaf
    slope = (some.weight[:, group] * (chance - some.share[:, group]))[mine].sum()
    bend = (some.weight[:, group] * chance * (1 - chance))[mine].sum()
    assert both[leaf] - two.values[leaf] == pytest.approx(-RATE * slope / (bend + PRIOR))


def test_new_rows_become_likelier():
    some = lessons()
    values = refitted(forest(), some)

    def loss(scores: np.ndarray) -> float:
        chance = 1.0 / (1.0 + np.exp(-scores))
        each = some.share * np.log(chance) + (1.0 - some.share) * np.log(1.0 - chance)
        return float(-(some.weight * each).sum() / some.weight.sum())

    assert loss(forest().scores(some.leaves, values)) < 0.95 * loss(forest().scores(some.leaves))


def test_a_machine_repaired_in_time_counts_as_passed_for_as_long_as_it_was_seen():
    outcomes, told = outcomes_of(np.array([np.inf, 30.0]), np.array([18.0, 30.0]))
    found = seen(np.zeros((2, 1), np.int32), outcomes, np.array([1.0, 2.0]))
    assert told.all()
    assert found.share[0].sum() == 0.0
    assert found.weight[0].tolist() == [1.0, 0.5, 0.0, 0.0, 0.0, 0.0]  # 12 h, and 6 of the next 12
    assert found.share[1].tolist() == [0.0, 0.0, 1.0, 0.0, 0.0, 0.0]  # failed between 24 and 48 h
    assert found.weight[1].tolist() == [2.0, 2.0, 2.0, 0.0, 0.0, 0.0]


def test_an_old_row_weighs_in_an_interval_as_much_as_is_left_to_reach_it():
    leaves = forest().leaves(refitting.old().features[:20])
    found = remembered(forest(), leaves, np.full(20, 3.0))
    assert found.share.shape == found.weight.shape == (20, INTERVALS)
    assert found.weight[:, 0] == pytest.approx(3.0 * REMEMBERED)
    assert found.weight[:, 1] == pytest.approx(3.0 * REMEMBERED * (1.0 - found.share[:, 0]))


def test_a_row_that_stands_for_two_teaches_what_two_rows_teach():
    outcomes, told = refitting.new().outcomes
    rows = np.flatnonzero(told)[:300]
    leaves = forest().leaves(refitting.new().features[rows])
    once = seen(leaves, outcomes.where(rows), np.full(300, 2.0))
    single = seen(leaves, outcomes.where(rows), np.ones(300))
    assert refitted(forest(), once) == pytest.approx(refitted(forest(), single.and_also(single)), abs=1e-12)


def test_rescaled_values_sum_to_scaled_scores():
    scaling, leaves = Scaling(1.7, -0.4), forest().leaves(refitting.old().features[:100])
    values = rescaled(forest(), forest().values, scaling)
    assert forest().scores(leaves, values) == pytest.approx(scaled(forest().scores(leaves), scaling))
