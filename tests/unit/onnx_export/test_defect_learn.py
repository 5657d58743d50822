"""What is learned of defects from parts made by a known law: slopes, levels, how unsure it is, and rare events."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from onnx_export.defect_learn import DRAWS, FURTHEST, UNSEEN, Recipe, Table, bent_of, learn, pairs, scaled
from onnx_export.defect_station import tried

SLOPES = np.array([0.4, -0.25, 0.0])
"""In sigma of what is to stay below its limit, for a standard deviation of the input."""


def inputs_of(parts, seed=1):
    return np.random.default_rng(seed).normal([9.0, 3.0, 20.0], [0.2, 0.1, 2.0], (parts, 3))


def sigmas_of(inputs, level=-2.0):
    return level + ((inputs - [9.0, 3.0, 20.0]) / [0.2, 0.1, 2.0]) @ SLOPES


def table(inputs, chances, seed=2, lot=None, units=1):
    parts = len(inputs)
    defects = np.random.default_rng(seed).binomial(units, chances)
    lots = np.full(parts, -1) if lot is None else lot
    return Table(inputs, np.full(parts, units), defects, (defects > 0).astype(int), ("", "crack"), lots)


RECIPE = Recipe((0.0, 0.0, 0.0), half_life=1e9)
INPUTS = inputs_of(20_000)
MADE = table(INPUTS, ndtr(sigmas_of(INPUTS)))


@pytest.fixture(scope="module")
def model():
    return learn(MADE, RECIPE)


def kind(of, name):
    return next(one for one in of.kinds if one.kind == name)


def alone(of, name):
    """The model of one kind of defect alone."""
    return of._replace(kinds=(kind(of, name),))


def test_what_an_input_does_is_found_within_what_the_model_says_of_its_error(model):
    by = np.array([0.2, 0.1, 2.0])
    for at, sign in enumerate((1, -1, 0)):
        ends = np.array([[9.0, 3.0, 20.0]] * 2)
        ends[0, at] -= by[at]
        ends[1, at] += by[at]
        logs = np.log(alone(model, "crack").chances(ends))
        found, draws = logs[1, 0] - logs[0, 0], logs[1, 1:] - logs[0, 1:]
        true = np.diff(np.log(ndtr(sigmas_of(ends))))[0]
        assert abs(found - true) < 4.0 * draws.std() and draws.std() < 0.3
        assert np.sign(found) == sign or not sign


def test_as_many_defects_are_expected_as_were_found(model):
    chances, _ = model.said(INPUTS)
    assert chances.sum() == pytest.approx(MADE.defects.sum(), rel=0.05)


def test_on_parts_that_it_had_not_seen_it_expects_what_is_found_within_sampling_error():
    scores = tried(MADE, RECIPE)
    expected, found = scores["expected_defects"], scores["found_defects"]
    assert abs(expected - found) < 4.0 * np.sqrt(expected)
    assert scores["log_loss"] < scores["log_loss_of_constant"]
    assert scores["parts"] == 4000


def test_chances_are_those_of_the_law_where_parts_were_made(model):
    fresh = inputs_of(2000, seed=5)
    chances, _ = model.said(fresh)
    true = ndtr(sigmas_of(fresh))
    assert np.abs(np.log(chances / true)).mean() < 0.2


def test_it_is_less_sure_the_further_from_parts(model):
    far = np.array([9.0, 3.0, 20.0]) + np.outer([0.0, 2.0, 5.0], [0.2, 0.1, 2.0])
    chances, spread = model.said(far)
    shares = spread / chances
    assert shares[0] < shares[1] < shares[2]


def test_it_is_less_sure_of_a_setting_that_never_varied():
    inputs = INPUTS[:3000].copy()
    inputs[:, 0] = 9.0
    model = learn(table(inputs, np.full(3000, 0.02)), Recipe((0.3, 0.0, 0.0), half_life=1e9))
    here, there = np.array([9.0, 3.0, 20.0]), np.array([9.3, 3.0, 20.0])
    chances, spread = model.said(np.array([here, there]))
    assert spread[1] / chances[1] > 3.0 * spread[0] / chances[0]


def test_five_defects_in_three_thousand_parts_are_a_rate_near_theirs_and_little_is_sure():
    inputs = inputs_of(3000)
    defects = np.zeros(3000, int)
    defects[[100, 900, 1500, 2100, 2900]] = 1
    made = Table(inputs, np.ones(3000, int), defects, defects, ("", "crack"), np.full(3000, -1))
    model = learn(made, RECIPE)
    chances, spread = model.said(inputs)
    assert alone(model, "crack").said(inputs)[0].sum() == pytest.approx(5.0, rel=0.001)
    assert chances.sum() == pytest.approx(5.0, rel=0.3)
    assert np.isfinite(spread).all() and np.median(spread / chances) > 0.3


def test_a_kind_that_nobody_saw_keeps_draws_apart_and_hardly_a_chance(model):
    assert alone(model, UNSEEN).said(INPUTS[:200])[0].max() < 0.002
    assert len({one.kind for one in model.kinds}) == 2


def test_each_kind_of_defect_has_slopes_of_its_own():
    by = 0.5 * (INPUTS[:, 0] - 9.0) / 0.2
    first, second = np.random.default_rng(3).random((2, len(INPUTS))) < ndtr(np.stack([by, -by]) - 2.2)
    which = np.where(first, 1, np.where(second, 2, 0))
    bad = (which > 0).astype(int)
    made = Table(INPUTS, np.ones(len(INPUTS), int), bad, which, ("", "burn", "loose"), np.full(len(INPUTS), -1))
    model = learn(made, RECIPE)
    assert kind(model, "burn").weights[0, 0] > 0.3 and kind(model, "loose").weights[0, 0] < -0.3
    low, middle, high = model.said(np.array([[8.6, 3.0, 20.0], [9.0, 3.0, 20.0], [9.4, 3.0, 20.0]]))[0]
    assert middle < low and middle < high


def test_defects_that_nobody_named_are_a_kind():
    made = MADE._replace(kind=np.zeros(len(INPUTS), int))
    assert [one.kind for one in learn(made, RECIPE).kinds] == ["defect"]


def test_the_level_is_that_of_the_last_lot():
    lot = np.repeat([0, 1, 2], 3000)
    inputs = inputs_of(9000)
    made = table(inputs, np.array([0.01, 0.01, 0.05])[lot], lot=lot)
    chances, _ = learn(made, RECIPE).said(inputs[-500:])
    assert chances.mean() == pytest.approx(0.05, rel=0.35)


def test_older_parts_count_less():
    chance = np.repeat([0.1, 0.01], 4000)
    inputs = inputs_of(8000)
    made = table(inputs, chance)
    old, _ = learn(made, RECIPE).said(inputs)
    young, _ = learn(made, Recipe((0.0,) * 3, half_life=500.0)).said(inputs)
    assert old.mean() == pytest.approx(0.055, rel=0.15) and young.mean() == pytest.approx(0.01, rel=0.4)


def test_a_batch_counts_as_its_units():
    inputs = inputs_of(500)
    made = table(inputs, np.full(500, 0.03), units=40)
    chances, _ = learn(made, RECIPE).said(inputs)
    assert chances.mean() == pytest.approx(made.defects.sum() / 20_000, rel=0.05)


def test_a_missing_input_is_taken_for_its_centre_and_one_far_off_for_far_off(model):
    centre, far = model.centres, np.array([FURTHEST * model.scales[0], 0.0, 0.0])
    odd = np.array([[np.nan, *centre[1:]], [np.inf, *centre[1:]], [-np.inf, *centre[1:]]])
    known = np.array([centre, centre + far, centre - far])
    assert model.said(odd)[0] == pytest.approx(model.said(known)[0])
    assert np.isfinite(model.chances(odd)).all()


def test_the_same_parts_make_the_same_model_and_another_seed_other_draws(model):
    again, other = learn(MADE, RECIPE), learn(MADE, RECIPE._replace(seed=9))
    assert all((a.weights == b.weights).all() for a, b in zip(model.kinds, again.kinds, strict=True))
    assert (kind(other, "crack").weights[:, 0] == kind(model, "crack").weights[:, 0]).all()
    assert not (kind(other, "crack").weights[:, 1:] == kind(model, "crack").weights[:, 1:]).any()


def test_draws_are_around_the_mode(model):
    assert model.chances(INPUTS[:5]).shape == (5, 1 + DRAWS)
    drawn = kind(model, "crack").weights
    assert drawn[:, 1:].mean(axis=1) == pytest.approx(drawn[:, 0])


def test_inputs_are_bent_by_all_their_squares_and_products():
    first, second = pairs(3)
    assert sorted(zip(first.tolist(), second.tolist(), strict=True)) == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    assert bent_of(np.array([[1.0, 2.0, 3.0]])).tolist() == [[1, 2, 3, 1, 2, 3, 4, 6, 9]]
    assert scaled(np.array([[3.0]]), np.array([1.0]), np.array([4.0])) == [[0.5]]


def test_nothing_can_be_learned_of_no_parts_or_of_what_is_no_number():
    with pytest.raises(ValueError, match="of no part"):
        learn(table(inputs_of(0), np.zeros(0)), RECIPE)
    with pytest.raises(ValueError, match="not a number"):
        learn(MADE._replace(inputs=np.where(INPUTS > 9.5, np.nan, INPUTS)), RECIPE)


def test_parts_of_which_none_is_defective_are_a_model_of_hardly_any():
    made = table(INPUTS[:2000], np.zeros(2000))
    chances, _ = learn(made, RECIPE).said(INPUTS[:100])
    assert 0.0 < chances.max() < 0.002
