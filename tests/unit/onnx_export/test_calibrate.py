"""Chances are held to outcomes, and the temperature is in the trees."""

from __future__ import annotations

import math

import numpy as np
import pytest

from onnx_export.calibrate import (
    calibration,
    class_chances,
    cooled,
    fit_of,
    reliability,
    scores_of,
    temperature_of,
    thinned,
)
from onnx_export.convert import to_onnx
from onnx_export.parity import gate, trial_rows
from onnx_export.survival import Outcomes
from onnx_export.train import floored
from tests.unit.onnx_export import small


def seen(classes: np.ndarray) -> Outcomes:
    return Outcomes(classes, classes, np.ones(len(classes)))


def drawn(temperature: float, rows: int = 60_000) -> tuple[np.ndarray, Outcomes]:
    """Scores, and classes drawn from them at a temperature."""
    random = np.random.default_rng(5)
    scores = random.normal(0, 2, (rows, 7))
    below = np.cumsum(class_chances(scores, temperature), axis=1) < random.random((rows, 1))
    return scores, seen(np.minimum(below.sum(axis=1), 6))


@pytest.mark.parametrize("temperature", [0.6, 1.0, 1.8])
def test_the_temperature_that_outcomes_were_drawn_at_is_found(temperature: float) -> None:
    assert abs(temperature_of(*drawn(temperature)) - temperature) < 0.03


def test_calibrating_lowers_the_log_loss_and_the_brier_scores() -> None:
    scores, outcomes = drawn(1.8)
    found = calibration(temperature_of(scores, outcomes), scores, outcomes, failures=9)
    assert found.figures()["calibration_failures"] == 9
    assert found.after.log_loss < found.before.log_loss
    assert all(after < before for before, after in zip(found.before.brier, found.after.brier, strict=True))


def test_the_log_loss_of_equal_chances_is_the_logarithm_of_how_many() -> None:
    assert math.isclose(fit_of(np.full((10, 7), 1 / 7), seen(np.arange(10) % 7)).log_loss, math.log(7), abs_tol=1e-6)


def test_a_row_counts_at_the_horizons_for_which_its_outcome_is_known() -> None:
    one = Outcomes(np.array([2]), np.array([6]), np.array([0.5]))  # seen well through two horizons and a half
    found = fit_of(np.full((1, 7), 0.1), one)
    assert found.known == (1, 1, 0, 0, 0, 0)
    assert found.brier[:3] == (0.01, 0.04, 0.0)


def test_a_cooled_model_gives_the_chances_of_its_scores_over_the_temperature() -> None:
    model, rows = small.model(), small.rows()[:500]
    wanted = class_chances(scores_of(model, rows), 1.37)
    assert np.abs(np.asarray(cooled(model, 1.37).predict(rows)) - wanted).max() < 1e-12


def test_a_cooled_model_passes_the_parity_gate() -> None:
    model = cooled(small.model(), 0.8)
    assert gate(model, to_onnx(floored(model)), trial_rows(small.spec(), small.rows(), model, least=3000)).rows >= 3000


def test_bins_count_chances_and_what_came_of_them() -> None:
    found = reliability(np.array([0.05, 0.05, 0.55, 1.0]), np.array([False, True, True, True]))
    assert [(one.low, one.rows, one.chance, one.share) for one in found] == [
        (0.0, 2, 0.05, 0.5),
        (0.5, 1, 0.55, 1.0),
        (0.9, 1, 1.0, 1.0),
    ]


def test_sure_and_right_chances_have_no_brier_score() -> None:
    assert fit_of(np.eye(7), seen(np.arange(7))).brier == (0.0,) * 6


def test_rows_without_an_outcome_are_left_out() -> None:
    features, outcomes = thinned([small.history()])
    assert len(features) == len(outcomes.first) == small.history().outcomes[1][::6].sum()
