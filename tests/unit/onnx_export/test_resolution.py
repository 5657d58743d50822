"""Which features float32 can hold."""

from __future__ import annotations

import numpy as np
import pytest

from onnx_export.parity import thresholds_of
from onnx_export.resolution import MOST_SHARE, Resolution, resolutions
from tests.unit.onnx_export import small

RANDOM = np.random.default_rng(8)


def of(values: np.ndarray, thresholds: tuple[float, ...] = ()) -> Resolution:
    return resolutions(np.asarray(values)[:, None], ["x"], [(0, value) for value in thresholds])[0]


def test_every_feature_of_the_starter_is_held() -> None:
    found = resolutions(small.rows(), small.spec().names)
    assert [one.wrong() for one in found] == [None] * len(found)
    assert max(one.share for one in found) < 1e-5


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_a_time_since_1970_is_not(scale: float) -> None:
    wrong = of((1_767_225_600.0 + 600.0 * np.arange(9000)) * scale).wrong()
    assert wrong
    assert "float32 steps by" in wrong


def test_a_counter_that_is_over_all_whole_numbers_of_float32_is_not() -> None:
    assert of(np.array([0.0, 2.0**24])).wrong()
    assert not of(np.linspace(0.0, 2.0**24 - 1.0, 1000)).wrong()


def test_what_varies_by_less_than_a_thousand_steps_is_not() -> None:
    step = float(np.spacing(np.float32(100_000.0)))
    assert of(100_000.0 + RANDOM.random(5000) * step * 900).wrong()
    assert not of(100_000.0 + RANDOM.random(5000) * step * 9000).wrong()


def test_a_speed_that_is_nearly_constant_is_held() -> None:
    found = of(RANDOM.normal(1480.0, 0.3, 5000))
    assert found.share < MOST_SHARE
    assert not found.wrong()


def test_a_feature_that_is_nearly_always_nought_is_measured_by_the_rest() -> None:
    values = np.zeros(1000)
    values[:5] = 3.0
    assert of(values).spread == 3.0
    values[:50] = 2.0
    assert of(values).spread == 2.0


def test_a_feature_that_never_changes_or_never_is_has_nothing_to_resolve() -> None:
    for values in (np.full(100, 7.0), np.full(100, np.nan)):
        assert of(values).share == 0.0
        assert not of(values).wrong()


def test_thresholds_on_the_same_float32_are_not_told_apart() -> None:
    values = RANDOM.normal(1000.0, 300.0, 5000)
    step = float(np.spacing(np.float32(1000.0)))
    assert "thresholds" in (of(values, (1000.0, 1000.0 + 0.4 * step)).wrong() or "")
    assert of(values, (1000.0, 1000.0 + 3 * step)).gap_steps == 3.0
    assert not of(values, (1000.0, 1000.0 + 3 * step)).wrong()


def test_thresholds_between_neighbouring_float32_are_told_apart() -> None:
    for middle in (1000.0, 1024.0, 1.0, -1.0):
        low, high = (float(np.nextafter(np.float32(middle), np.float32(to))) for to in (-np.inf, np.inf))
        assert of(RANDOM.normal(0, 300.0, 500), ((low + middle) / 2, (middle + high) / 2)).gap_steps == 1.0


def test_the_trees_of_the_starter_keep_their_thresholds_apart() -> None:
    thresholds = thresholds_of(small.model())
    assert min(one.gap_steps for one in resolutions(small.rows(), small.spec().names, thresholds)) >= 1.0


def test_thresholds_near_nought_are_measured_by_the_steps_there() -> None:
    assert not of(RANDOM.normal(0.0, 300.0, 5000), (1e-9, 2e-9)).wrong()
