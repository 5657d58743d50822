"""Figures of load forecasts, by sktime's metrics: errors beside the weekly naive's, pinball, what intervals held.

All are of forecasts by models that had not seen what came. The naive says what the meter took a week before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.contracts import QUANTILES
from models.energy.wall import DAY_STEPS, WEEK_STEPS
from onnx_export.load_graph import stretched
from onnx_export.load_learn import Fold, widening_of
from onnx_export.load_rows import Series

COVERAGE = 0.8
"""From the 10 % to the 90 % quantile."""
HORIZONS_H = (24, 72)


def error_of(came: np.ndarray, said: np.ndarray) -> float:
    """Mean absolute error, of where both are known."""
    from sktime.performance_metrics.forecasting import mean_absolute_error

    known = ~(np.isnan(came) | np.isnan(said))
    return float(mean_absolute_error(came[known], said[known])) if known.any() else float("nan")


def pinball_of(came: np.ndarray, said: np.ndarray) -> float:
    """Mean pinball loss over the three quantiles of `said` [3, n]."""
    import pandas as pd
    from sktime.performance_metrics.forecasting.probabilistic import PinballLoss

    columns = pd.MultiIndex.from_product([["load"], QUANTILES.values()])
    return float(PinballLoss()(pd.Series(came, name="load"), pd.DataFrame(said.T, columns=columns)))


def covered_of(came: np.ndarray, said: np.ndarray) -> float:
    """Share of what came that the interval of `said` [3, n] held."""
    import pandas as pd
    from sktime.performance_metrics.forecasting.probabilistic import EmpiricalCoverage

    columns = pd.MultiIndex.from_tuples([("load", COVERAGE, "lower"), ("load", COVERAGE, "upper")])
    return float(EmpiricalCoverage()(pd.Series(came, name="load"), pd.DataFrame(said[[0, 2]].T, columns=columns)))


def scores_of(series: Series, folds: Sequence[Fold]) -> dict[str, float]:
    """What a card tells of its folds; what the interval held is of the last one, by the width of those before."""
    came = np.concatenate([fold.rows.kw for fold in folds])
    said = np.concatenate([fold.said for fold in folds], axis=1)
    target = np.concatenate([fold.rows.target for fold in folds])
    step = np.concatenate([fold.rows.step for fold in folds])
    naive = series.kw[target - WEEK_STEPS]
    out: dict[str, float] = {}
    for hours in HORIZONS_H:
        of = (step < hours * DAY_STEPS // 24) & ~np.isnan(naive)
        error, without = error_of(came[of], said[1, of]), error_of(came[of], naive[of])
        out |= {f"error_{hours}h_kw": error, f"naive_error_{hours}h_kw": without, f"of_naive_{hours}h": error / without}
    if len(folds) > 1:
        last = folds[-1]
        held = stretched(last.said, widening_of(folds[:-1]), last.rows.step)
        out |= {"covered_of_80": covered_of(last.rows.kw, held), "pinball_kw": pinball_of(last.rows.kw, held)}
    return {name: round(value, 4) for name, value in out.items()}
