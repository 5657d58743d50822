"""Rows to boosted quantiles of a load, and how far its interval is to be widened: by what came after each training.

Folds are sktime's: each is trained on all that came before it and told of the weeks after, which no training of it saw.
The interval is conformal in the way of CQR-r (Sesia and Candes 2020, Stat 9, e261): ends move by a factor of their
distance from the median, so that quiet nights stay narrow; a factor for each horizon and side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import lightgbm
import numpy as np
from msgspec import Struct

from models.energy.load import STEPS
from models.energy.wall import DAY_STEPS
from onnx_export.load_graph import Part, Quantiles, Widening
from onnx_export.load_rows import Rows
from onnx_export.train import floored

PARTS = (DAY_STEPS - 1, 7 * DAY_STEPS - 1)
"""Last step of each part of the horizon that has its own trees."""
BANDS = (DAY_STEPS - 1, 2 * DAY_STEPS - 1, 7 * DAY_STEPS - 1)
"""Last step of each horizon that has its own factors."""
LEAST_FACTOR, MOST_FACTOR = 0.25, 4.0
"""A factor beyond would be of an interval that trees know nothing of. Our choice."""
TAIL = 0.1
FOLDS, FOLD_DAYS = 3, 28
MOST_IN_LEAF, LEAST_IN_LEAF = 300, 20
"""Rows that a leaf has at least, a hundredth of all within these: of many days, since steps of a day say the same."""
PARAMETERS: dict[str, object] = {
    "num_leaves": 8,
    "learning_rate": 0.06,
    "feature_fraction": 0.4,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,  # more add histograms in another order
    "verbose": -1,
}


class Recipe(Struct, frozen=True, kw_only=True):
    """What is trained: chosen on `steel_energy`, on the sixteen weeks before its last eight."""

    trees: int = 200
    medians: int = 2
    """Boosters whose mean is the median, each of another seed; ends of the interval have one."""
    every: int = 24
    """Steps from origin to origin of training."""
    share: float = 0.5
    share_later: float = 0.15
    """Of the steps of each origin, over the first day and later: those beside one another say the same."""
    folds: int = FOLDS
    fold_days: int = FOLD_DAYS
    seed: int = 20260107

    @property
    def shares(self) -> np.ndarray:
        """Chance of each step to be learned from, [STEPS]."""
        return np.where(np.arange(STEPS) < DAY_STEPS, self.share, self.share_later)


class Fold(NamedTuple):
    """Rows of which a model that had not seen them told, and what it did, before widening: kW [3, rows]."""

    rows: Rows
    said: np.ndarray


PLAIN = (Widening(BANDS[-1], 1.0, 1.0),)


def fit(rows: Rows, recipe: Recipe) -> Quantiles:
    """The boosters of rows, with thresholds floored, without any widening."""
    parts, first = [], 0
    for last in PARTS:
        of = rows.where((rows.step >= first) & (rows.step <= last))
        if len(of.kw):
            parts.append(Part(last, _boosters(of, recipe)))
        first = last + 1
    return Quantiles(parts, PLAIN)


def _boosters(
    rows: Rows, recipe: Recipe
) -> tuple[list[lightgbm.Booster], list[lightgbm.Booster], list[lightgbm.Booster]]:
    level = rows.features[:, -1].astype(np.float64)
    in_leaf = min(MOST_IN_LEAF, max(LEAST_IN_LEAF, len(rows.kw) // 100))
    parameters = PARAMETERS | {"min_data_in_leaf": in_leaf}
    data = lightgbm.Dataset(rows.features[:, :-1], rows.kw / level, params=parameters, free_raw_data=False)

    def booster(seed: int, **objective: object) -> lightgbm.Booster:
        return floored(lightgbm.train(parameters | objective | {"seed": seed}, data, recipe.trees))

    low, high = ([booster(recipe.seed, objective="quantile", alpha=share)] for share in (TAIL, 1.0 - TAIL))
    seeds = range(recipe.seed, recipe.seed + recipe.medians)
    return low, [booster(seed, objective="regression_l1") for seed in seeds], high


def cuts_of(days: int, recipe: Recipe) -> list[tuple[int, int]]:
    """Where folds begin and end, in days: the last ones of so many days, by sktime's splitter."""
    from sktime.split import ExpandingWindowSplitter

    horizon = list(range(1, recipe.fold_days + 1))
    first = days - recipe.folds * recipe.fold_days
    splitter = ExpandingWindowSplitter(fh=horizon, initial_window=first, step_length=recipe.fold_days)
    return [(int(test[0]), int(test[-1]) + 1) for _, test in splitter.split(np.arange(days))]


def fold_of(rows: Rows, begin: int, end: int, recipe: Recipe) -> Fold:
    """What a model of the rows before a step says of those after it, up to another step."""
    model, told = fit(rows.between(0, begin), recipe), rows.between(begin, end)
    return Fold(told, model.said(told.features))


def widened(model: Quantiles, folds: Sequence[Fold]) -> Quantiles:
    """The same with an interval as wide as holds four in five of what came in the folds."""
    return model._replace(widening=widening_of(folds))


def widening_of(folds: Sequence[Fold]) -> tuple[Widening, ...]:
    """Factors of each horizon: what is off, in shares of the distance told, leaves TAIL on either side."""
    came = np.concatenate([fold.rows.kw for fold in folds])
    step = np.concatenate([fold.rows.step for fold in folds])
    low, middle, high = np.concatenate([fold.said for fold in folds], axis=1)
    below, above = _off(middle - came, middle - low), _off(came - middle, high - middle)
    out, first = [], 0
    for last in BANDS:
        of = (step >= first) & (step <= last)
        out.append(Widening(last, _factor(below[of]), _factor(above[of])))
        first = last + 1
    return tuple(out)


def _off(by: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Shares of a distance; infinite where none was told and it is off."""
    none = np.where(by > 0.0, np.inf, 0.0)
    return np.divide(by, told, out=none, where=told > 0.0)


def _factor(off: np.ndarray) -> float:
    if not len(off):
        return 1.0
    found = np.quantile(off, 1.0 - TAIL, method="higher")
    return float(np.clip(found, LEAST_FACTOR, MOST_FACTOR))
