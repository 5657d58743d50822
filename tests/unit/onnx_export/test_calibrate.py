"""Chances are held to outcomes, and the temperature is in the trees."""

from __future__ import annotations

import math

import numpy as np
import pytest

from onnx_export.calibrate import (
    Scaling,
    calibration,
    cooled,
    fit_of,
    reliability,
    scaled,
    scaling_of,
    thinned,
)
from onnx_export.convert import to_onnx
from onnx_export.parity import gate, trial_rows
from onnx_export.survival import Outcomes, scores_of, within_of
from onnx_export.train import floored
from tests.unit.onnx_export import small


def seen(classes: np.ndarray) -> Outcomes:
    return Outcomes(classes, classes, np.ones(len(classes)))


def drawn(temperature: float, offset: float, rows: int = 60_000) -> tuple[np.ndarray, Outcomes]:
    """Scores of hazards, and classes drawn from them with a scaling."""
    random = np.random.default_rng(5)
    scores = random.normal(-1.5, 2, (rows, 6))
    within = within_of(scaled(scores, Scaling(temperature, offset)))
    return scores, seen((within < random.random((rows, 1))).sum(axis=1))


@pytest.mark.parametrize(("temperature", "offset"), [(0.6, 0.0), (1.0, 0.5), (1.8, -1.0)])
def test_the_scaling_that_outcomes_were_drawn_with_is_found(temperature: float, offset: float) -> None:
    found = scaling_of(*drawn(temperature, offset))
    assert abs(found.temperature - temperature) < 0.03
    assert abs(found.offset - offset) < 0.03


def test_calibrating_lowers_the_log_loss_and_the_brier_scores() -> None:
    scores, outcomes = drawn(1.8, 0.3)
    found = calibration(scaling_of(scores, outcomes), scores, outcomes, failures=9)
    assert found.figures()["calibration_failures"] == 9
    assert found.after.log_loss < found.before.log_loss
    assert all(after < before for before, after in zip(found.before.brier, found.after.brier, strict=True))


def test_the_log_loss_of_equal_chances_is_the_logarithm_of_how_many() -> None:
    within = np.tile(np.arange(1, 7) / 7, (10, 1))
    assert math.isclose(fit_of(within, seen(np.arange(10) % 7)).log_loss, math.log(7), abs_tol=1e-6)


def test_a_row_counts_at_the_horizons_for_which_its_outcome_is_known() -> None:
    one = Outcomes(np.array([2]), np.array([6]), np.array([0.5]))  # seen well through two horizons and a half
    found = fit_of(np.array([[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]]), one)
    assert found.known == (1, 1, 0, 0, 0, 0)
    assert found.brier[:3] == (0.01, 0.04, 0.0)


def test_a_cooled_model_gives_the_scores_of_its_scaling() -> None:
    model, rows = small.model(), small.rows()[:500]
    scaling = Scaling(1.37, 0.25)
    assert np.abs(scores_of(cooled(model, scaling), rows) - scaled(scores_of(model, rows), scaling)).max() < 1e-12


def test_a_cooled_model_passes_the_parity_gate() -> None:
    model = cooled(small.model(), Scaling(0.8, -0.1))
    assert gate(model, to_onnx(floored(model)), trial_rows(small.spec(), small.rows(), model, least=3000)).rows >= 3000


def test_bins_count_chances_and_what_came_of_them() -> None:
    found = reliability(np.array([0.05, 0.05, 0.55, 1.0]), np.array([False, True, True, True]))
    assert [(one.low, one.rows, one.chance, one.share) for one in found] == [
        (0.0, 2, 0.05, 0.5),
        (0.5, 1, 0.55, 1.0),
        (0.9, 1, 1.0, 1.0),
    ]


def test_sure_and_right_chances_have_no_brier_score() -> None:
    assert fit_of(np.cumsum(np.eye(7), axis=1)[:, :6], seen(np.arange(7))).brier == (0.0,) * 6


def test_rows_without_an_outcome_are_left_out() -> None:
    features, outcomes = thinned([small.history()])
    assert len(features) == len(outcomes.first) == small.history().outcomes[1][::6].sum()
