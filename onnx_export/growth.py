"""More trees behind a hazard's own: what its trees cannot tell apart, other leaves cannot say.

They are learned as training learns, from where the parent's scores stand. Old rows are there with what the parent says
of them, as in `leaves`: they pull at nothing until a tree moves them. Nothing is judged here.
"""

from __future__ import annotations

from typing import NamedTuple

import lightgbm
import numpy as np

from models.features import Spec
from onnx_export.convert import LOGITS, OPSET
from onnx_export.forest import Forest
from onnx_export.history import History
from onnx_export.survival import INTERVALS, Outcomes, expanded, with_interval
from onnx_export.train import PARAMETERS, floored, masked
from onnx_export.trees import ensemble

TREES = 30
"""How many more, a quarter of training's. Chosen on four plants for development (decision 25)."""


class Ground(NamedTuple):
    """What hazards are to be, an interval of a row each: columns as trees see them, and the parent's score there."""

    columns: np.ndarray  # float32 [n, trees' columns + 1]
    failed: np.ndarray
    weight: np.ndarray
    score: np.ndarray
    asset: np.ndarray

    def without(self, assets: np.ndarray) -> Ground:
        """That of other machines."""
        kept = ~np.isin(self.asset, assets)
        return Ground(*(column[kept] for column in self))

    def and_also(self, more: Ground) -> Ground:
        """Its rows and those of another."""
        return Ground(*(np.concatenate(pair) for pair in zip(self, more, strict=True)))


def seen(
    forest: Forest, spec: Spec, history: History, told: np.ndarray, outcomes: Outcomes, weight: np.ndarray
) -> Ground:
    """Of trees' rows of which something is known, for as far as it is; each stands for `weight` rows."""
    columns, scores, asset = _rows(forest, spec, history)
    found = expanded(outcomes, INTERVALS, weight[told])
    row = told[found.row]
    return Ground(
        with_interval(columns[row], found.interval), found.failed, found.weight, scores[row, found.interval], asset[row]
    )


def remembered(forest: Forest, spec: Spec, history: History, weight: np.ndarray) -> Ground:
    """Of old trees' rows, what the parent says: each interval fails as often as it does, and passes as often."""
    columns, scores, asset = _rows(forest, spec, history)
    hazard = 1.0 / (1.0 + np.exp(-scores))
    reached = np.cumprod(np.column_stack([np.ones(len(hazard)), 1.0 - hazard[:, :-1]]), axis=1) * weight[:, None]
    row, interval = np.divmod(np.arange(hazard.size), INTERVALS)
    shares = reached.ravel() * np.stack([hazard.ravel(), 1.0 - hazard.ravel()])
    return Ground(
        np.tile(with_interval(columns[row], interval), (2, 1)), np.repeat([True, False], hazard.size), shares.ravel(),
        np.tile(scores.ravel(), 2), np.tile(asset[row], 2),
    )  # fmt: skip


def grown(forest: Forest, ground: Ground, seed: int) -> Forest:
    """The parent's trees and more of them, all the way that they go."""
    data = lightgbm.Dataset(
        ground.columns, label=ground.failed, weight=ground.weight, init_score=ground.score,
        feature_name=[f"f{at}" for at in range(ground.columns.shape[1])], free_raw_data=True,
    )  # fmt: skip
    model = lightgbm.train(PARAMETERS | {"seed": seed}, data, num_boost_round=TREES)
    return forest.with_more(ensemble(floored(model), "rows", LOGITS, INTERVALS, OPSET))


def _rows(forest: Forest, spec: Spec, history: History) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns as trees see them, some without a signal as in training, the parent's scores of them, and whose."""
    features = masked(spec, history.features)
    asset = np.repeat(history.asset, forest.pool.components)
    return forest.pool.rows(features), forest.scores(forest.leaves(features)), asset
