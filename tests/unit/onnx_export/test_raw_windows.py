"""Raw windows of a history: the running time that features see, as steps."""

from __future__ import annotations

import numpy as np
import pytest

from models.features.raw import STEPS, channels_of, loads_of
from onnx_export.history import History, record
from tests.unit.onnx_export import small

DAY = 32
"""Steps in 24 h of running."""


@pytest.fixture(scope="module")
def both() -> tuple[History, History]:
    """The same fleet without windows and with them."""
    fleet, asset_type, spec = small.fleet(3, 4), small.asset_type(), small.spec()
    plain, more = (record(fleet, 21, asset_type, spec, 120, windows=asked) for asked in (False, True))
    return plain, more


@pytest.fixture(scope="module")
def windows(both: tuple[History, History]) -> np.ndarray:
    found = both[1].windows
    assert found is not None
    return found


def test_windows_change_nothing_else(both: tuple[History, History]) -> None:
    plain, more = both
    assert plain.windows is None
    assert plain.features.tobytes() == more.features.tobytes()


def test_each_row_has_a_window(both: tuple[History, History], windows: np.ndarray) -> None:
    assert windows.shape == (len(both[1].hours), len(channels_of(small.spec())), STEPS)
    assert windows.dtype == np.float32


def test_the_last_day_of_steps_is_the_last_day_of_running(both: tuple[History, History], windows: np.ndarray) -> None:
    spec = small.spec()
    whole = ~np.isnan(windows[:, :-1, -DAY:]).any(axis=(1, 2)) & (windows[:, -1, -DAY:] == 1.0).all(axis=1)
    assert whole.sum() > 20
    targets = [spec.column(f"{one.target}.over_24h") for one in spec.expected]
    columns = [*targets, *(spec.column(f"{load}.mean_24h") for load in loads_of(spec))]
    means = windows[whole, :-1, -DAY:].astype(np.float64).mean(axis=2)
    assert np.allclose(means, both[1].features[whole][:, columns], rtol=1e-5, atol=1e-4)


def test_what_is_unknown_stands_before_what_is_known(windows: np.ndarray) -> None:
    nothing = np.isnan(windows[:, :-1]).all(axis=1)
    assert nothing.any()
    assert np.all(np.diff(nothing.astype(int), axis=1) <= 0)


def test_the_last_channel_says_how_much_is_known(windows: np.ndarray) -> None:
    targets = len(small.spec().expected)
    assert np.all(windows[:, -1][np.isnan(windows[:, :targets]).all(axis=1)] == 0.0)
    assert np.all((windows[:, -1] >= 0.0) & (windows[:, -1] <= 1.0))
