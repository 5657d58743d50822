"""How a plant's own hazard is learned, plain or of components: rows in, trees and chances out, and the gate of both.

A plain one has a row a machine. One of components has a row a component of a machine, which fails when the machine
fails of it, and is censored by any other failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import lightgbm
import numpy as np

from models.features import Spec
from models.inference import Predictor
from models.records import HORIZONS_H
from onnx_export import convert, pooled
from onnx_export.calibrate import class_chances, scores_of
from onnx_export.history import History
from onnx_export.parity import BATCH, LEAST_ROWS, SEED, Parity, ParityError, gate, thresholds_of, trial_rows
from onnx_export.pooled import Pool
from onnx_export.survival import Outcomes, fit, outcomes_of
from onnx_export.train import PARAMETERS, TREES, floored, masked

POOLED_TOLERANCE = 1e-5
"""What the export gate allows trees: a product over components adds up what each is off by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Learner:
    """What is learned: of which features, of which components if any, and by how many trees from which seed."""

    spec: Spec
    pool: Pool | None = None
    trees: int = TREES
    seed: int = 0

    @property
    def components(self) -> int:
        """Rows of trees a machine's row makes."""
        return len(self.pool.modes) if self.pool else 1

    @property
    def parameters(self) -> dict[str, object]:
        """LightGBM's."""
        return PARAMETERS | {"seed": self.seed}

    def rows(self, features: np.ndarray) -> np.ndarray:
        """What trees see of machines' features."""
        return self.pool.rows(features) if self.pool else features

    def outcomes(self, history: History) -> tuple[Outcomes, np.ndarray]:
        """Of each row that trees see: what its class may be, and whether anything is known."""
        if self.pool is None:
            return history.outcomes
        return outcomes_of(*of_components(history, self.pool.modes))

    def train(self, history: History, weight: np.ndarray) -> lightgbm.Booster:
        """The trees of a history's rows, each of which stands for `weight` rows."""
        outcomes, told = self.outcomes(history)
        rows = np.flatnonzero(told)
        features = self.rows(masked(self.spec, history.features))
        every = np.repeat(weight, self.components)
        if len(rows) < len(features):
            features, outcomes, every = features[rows], outcomes.where(rows), every[rows]
        return fit(features, outcomes, self.parameters, self.trees, weight=every)

    def scores(self, model: lightgbm.Booster, features: np.ndarray) -> np.ndarray:
        """Scores before they become chances, float64 [rows x components, classes]."""
        return scores_of(model, self.rows(features))

    def chances(self, scores: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """Chances of machines within each horizon, float64 [rows, horizons]."""
        of_classes = class_chances(scores, temperature)
        within = np.minimum(np.cumsum(of_classes[:, : len(HORIZONS_H)], axis=1), 1.0)
        return pooled.chances(self.pool, within)[0] if self.pool else within

    def to_onnx(self, model: lightgbm.Booster) -> bytes:
        """The graph."""
        if self.pool is None:
            return convert.to_onnx(floored(model))
        return pooled.to_onnx(floored(model), self.pool, len(self.spec.names), len(HORIZONS_H))

    def gate(self, model: lightgbm.Booster, onnx: bytes, features: np.ndarray, least: int = LEAST_ROWS) -> Parity:
        """The figures of a graph that may ship. Raises ParityError where it may not."""
        if self.pool is None:
            return gate(model, onnx, trial_rows(self.spec, features, model, least))
        return _gate_pooled(self, model, onnx, features, least)

    def gain(self, model: lightgbm.Booster) -> tuple[tuple[str, float], ...]:
        """Gain of each column that trees see."""
        names = self.pool.names if self.pool else self.spec.names
        return tuple(zip(names, model.feature_importance("gain").tolist(), strict=True))


def of_components(history: History, modes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Hours to the failure of each component, infinite where it is not its own, and for how long that is known.

    Float64 [rows x components] each, those of a machine one behind another.
    """
    fails = np.isfinite(history.hours) & (history.hours <= history.known_h)
    number = np.array([history.modes.index(mode) if mode in history.modes else -2 for mode in modes])
    own = fails[:, None] & (history.mode[:, None] == number)
    known_h = np.where(fails, history.hours, history.known_h)
    return np.where(own, history.hours[:, None], np.inf).ravel(), np.repeat(known_h, len(modes))


def with_rows(history: History, rows: np.ndarray) -> History:
    """Some rows of a history; its failures stay."""
    names = ("features", "asset", "window_end_us", "since_us", "hours", "known_h", "mode")
    return replace(history, **{name: getattr(history, name)[rows] for name in names})


def pool_of(spec: Spec, modes: Mapping[str, Sequence[str]]) -> Pool | None:
    """The pool of components that own features; None where none is named. Raises ValueError as `pooled.pool_of`."""
    return pooled.pool_of(spec.names, modes) if modes else None


def _gate_pooled(learner: Learner, model: lightgbm.Booster, onnx: bytes, features: np.ndarray, least: int) -> Parity:
    """As `parity.gate`, against LightGBM's chances of each component, multiplied."""
    rows, at_threshold = _pooled_trials(learner, model, features, least)
    predictor = Predictor(onnx)
    batched = np.concatenate([predictor.predict(rows[at : at + BATCH]) for at in range(0, len(rows), BATCH)])
    alone = np.concatenate([predictor.predict(rows[at : at + 1]) for at in range(len(rows))])
    found = Parity(
        rows=len(rows),
        rows_at_threshold=at_threshold,
        rows_with_nan=int(np.isnan(rows).any(axis=1).sum()),
        largest_difference=float(np.abs(batched - learner.chances(learner.scores(model, rows))).max()),
        rows_differing_by_batch=int((batched.view(np.int32) != alone.view(np.int32)).any(axis=1).sum()),
        rows_decreasing=int((np.diff(batched, axis=1) < 0).any(axis=1).sum()),
    )
    if not found.largest_difference <= POOLED_TOLERANCE or found.rows_differing_by_batch or found.rows_decreasing:
        raise ParityError(f"the graph of components is not the model: {found.figures()}: do not ship it")
    return found


def _pooled_trials(
    learner: Learner, model: lightgbm.Booster, features: np.ndarray, least: int
) -> tuple[np.ndarray, int]:
    """Rows of history, a third as they are, a third each on and beside a threshold; and how many stand on one."""
    assert learner.pool is not None
    random = np.random.default_rng(SEED)
    rows = features[random.integers(len(features), size=least + 2)]
    thresholds = [
        (columns[column], value)
        for column, value in thresholds_of(model)
        for columns in learner.pool.columns
        if columns[column] < features.shape[1]
    ]
    third = len(rows) // 3
    for at in range(third, len(rows) if thresholds else third):
        column, value = thresholds[int(random.integers(len(thresholds)))]
        exact = np.float32(value)
        rows[at, column] = (
            exact if at < 2 * third else np.nextafter(exact, np.float32(random.choice((-np.inf, np.inf))))
        )
    return masked(learner.spec, rows, share=0.2), third if thresholds else 0
