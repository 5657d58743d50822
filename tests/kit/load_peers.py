"""Other forecasters of a load, all sktime's: the weekly naive, Theta, and LightGBM on lags by its reduction.

Each is told the load up to an origin and says the steps after it. Those that are dear to fit are fitted when ours is.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from models.energy.wall import WEEK_STEPS

Peer = Callable[[np.ndarray, Sequence[int], int, int], np.ndarray]
"""The whole load, origins, steps ahead and the step at which it was last trained, to kW [origins, steps]."""
WINDOW = 8 * WEEK_STEPS
"""Of history of those that are fitted anew at each origin."""
LAGS = WEEK_STEPS
LEAST_KW = 1.0
"""Theta's season is multiplied, which 0 cannot be: what is below is taken for that."""


def peers() -> dict[str, Peer]:
    """By name."""
    return {
        "weekly seasonal naive": _each(_naive),
        "Theta, weekly season": _above_zero,
        "plain LightGBM on lags": _reduced,
    }


def _each(make: Callable[[], Any]) -> Peer:
    def say(kw: np.ndarray, origins: Sequence[int], steps: int, _trained: int) -> np.ndarray:
        import pandas as pd

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of defaults in sktime's next version, at every fit
            fitted = (make().fit(pd.Series(kw[at - WINDOW : at]), fh=range(1, steps + 1)) for at in origins)
            return np.stack([np.asarray(one.predict(), np.float64).ravel() for one in fitted])

    return say


def _naive() -> Any:
    from sktime.forecasting.naive import NaiveForecaster

    return NaiveForecaster(strategy="last", sp=WEEK_STEPS)


def _theta() -> Any:
    from sktime.forecasting.theta import ThetaForecaster

    return ThetaForecaster(sp=WEEK_STEPS)


def _above_zero(kw: np.ndarray, origins: Sequence[int], steps: int, trained: int) -> np.ndarray:
    return _each(_theta)(np.maximum(kw, LEAST_KW), origins, steps, trained)


def _reduced(kw: np.ndarray, origins: Sequence[int], steps: int, trained: int) -> np.ndarray:
    import pandas as pd
    from lightgbm import LGBMRegressor
    from sktime.forecasting.compose import make_reduction

    learner = LGBMRegressor(objective="l1", n_jobs=1, verbose=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reduced = make_reduction(learner, window_length=LAGS, strategy="recursive")
        reduced.fit(pd.Series(kw[:trained]), fh=range(1, steps + 1))
        told, out = trained, []
        for origin in origins:
            if origin > told:
                reduced.update(pd.Series(kw[told:origin], index=range(told, origin)), update_params=False)
                told = origin
            out.append(np.asarray(reduced.predict(), np.float64).ravel())
    return np.stack(out)
