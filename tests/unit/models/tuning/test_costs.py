"""What a part takes as settings move: log-linear, learned from parts."""

from __future__ import annotations

import numpy as np
import pytest

from models.tuning.costs import LEAST_PARTS, learned

NOISE = np.random.default_rng(1)
INPUTS = NOISE.normal([150.0, 5.0], [4.0, 0.5], (500, 2))
ENERGY = 10.0 * np.exp(0.02 * (INPUTS[:, 0] - 150.0) - 0.1 * (INPUTS[:, 1] - 5.0) + NOISE.normal(0, 0.005, 500))
ALL = np.ones(500, bool)


def test_it_finds_by_what_share_a_figure_moves_with_an_input():
    assert learned(INPUTS, ENERGY, ALL).slopes == pytest.approx([0.02, -0.1], rel=0.05)


def test_it_tells_a_figure_with_inputs_moved():
    found = learned(INPUTS, ENERGY, ALL)
    assert found.at(np.array([[0.0, 0.0], [5.0, 0.0]])) == pytest.approx(
        [ENERGY.mean(), ENERGY.mean() * np.exp(0.1)], rel=0.01
    )


def test_what_it_takes_now_is_of_parts_as_they_are_made_now():
    now = INPUTS[:, 0] > 152
    assert learned(INPUTS, ENERGY, now).now == pytest.approx(ENERGY[now].mean())


def test_an_input_that_never_varied_moves_nothing():
    flat = INPUTS.copy()
    flat[:, 1] = 5.0
    assert learned(flat, ENERGY, ALL).slopes[1] == 0.0


def test_rows_with_a_missing_value_are_left_out():
    odd, figure = INPUTS.copy(), ENERGY.copy()
    odd[::7], figure[1::7], figure[2::7] = np.nan, np.nan, 0.0
    assert learned(odd, figure, ALL).slopes == pytest.approx([0.02, -0.1], rel=0.05)


def test_too_few_parts_or_none_as_now_tell_nothing():
    assert learned(INPUTS[: LEAST_PARTS - 1], ENERGY[: LEAST_PARTS - 1], ALL[: LEAST_PARTS - 1]) is None
    assert learned(INPUTS, ENERGY, ~ALL) is None
