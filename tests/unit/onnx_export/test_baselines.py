"""The two rules that a model has to beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.features import Spec
from onnx_export.baselines import AGES, NORMAL_H, OLDEST_H, age_alone, choose_age, four_sigma
from onnx_export.history import History
from tests.unit.onnx_export.test_evaluate import run

SPEC = Spec(("oil", "flow"))


def history(rows: int = 3000, failures: tuple[int, ...] = ()) -> History:
    """One machine, a row each 10 min, both signals at 50 with noise of 1."""
    made = run([0.0] * rows, failures=failures).history
    features = np.random.default_rng(4).normal(50, 1, (rows, len(SPEC.names))).astype(np.float32)
    features[:, SPEC.running] = np.arange(rows) / 6
    return replace(made, features=features)


def test_a_signal_five_sigmas_off_its_first_week_is_over_and_noise_is_not() -> None:
    made = history()
    at = SPEC.names.index("flow.mean_1h")
    made.features[2000:2010, at] = 57
    over = np.flatnonzero(four_sigma(SPEC, made).chances[:, 0])
    assert set(range(2000, 2010)) <= set(over.tolist())
    assert len(over) < 14


def test_the_week_that_is_the_normal_is_never_over() -> None:
    made = history()
    made.features[500, SPEC.names.index("flow.mean_1h")] = 90
    over = np.flatnonzero(four_sigma(SPEC, made).chances[:, 0])
    assert over.size == 0 or over.min() > NORMAL_H * 6


def test_a_repair_starts_a_new_normal() -> None:
    made = history()
    made.features[1500:, SPEC.names.index("flow.mean_1h")] += 20
    assert four_sigma(SPEC, made).chances[1500:, 0].mean() > 0.99
    made.features[1500:, SPEC.running] = np.arange(1500) / 6
    repaired = replace(made, since_us=np.where(np.arange(3000) < 1500, 0, made.window_end_us[1500]))
    assert four_sigma(SPEC, repaired).chances[1500:, 0].mean() < 0.01


def test_a_missing_signal_is_not_over() -> None:
    made = history()
    made.features[:, SPEC.names.index("flow.mean_1h")] = np.nan
    made.features[2500:, SPEC.names.index("oil.mean_1h")] = np.nan
    assert four_sigma(SPEC, made).chances[2500:].sum() == 0


def test_age_alone_reaches_one_at_the_oldest_age() -> None:
    made = history()
    made.features[-1, SPEC.running] = 2 * OLDEST_H
    chances = age_alone(SPEC, made).chances
    assert chances[0, 0] == 0.0
    assert np.isclose(chances[600, 0], 100 / OLDEST_H)
    assert chances[-1].tolist() == [1.0] * chances.shape[1]


def test_the_age_chosen_warns_of_the_failure_without_being_early() -> None:
    made = history(failures=(2999,))
    age, tried = choose_age(SPEC, [made])
    assert set(tried) == set(AGES)
    assert tried[age].recall == 1.0
    assert tried[age].unfounded == 0
    assert 2999 / 6 - 168 <= age * OLDEST_H <= 2999 / 6
