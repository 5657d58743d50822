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
from models.passed import Passed
from onnx_export import pooled
from onnx_export.calibrate import UNSCALED, Scaling, scaled
from onnx_export.convert import to_onnx
from onnx_export.gate import gate as examine
from onnx_export.history import History
from onnx_export.parity import LEAST_ROWS, Parity, candidate_of, gate, trial_rows
from onnx_export.pooled import Pool
from onnx_export.survival import INTERVAL, Outcomes, fit, outcomes_of, scores_of, within_of
from onnx_export.train import PARAMETERS, TREES, floored, masked


@dataclass(frozen=True, kw_only=True, slots=True)
class Learner:
    """What is learned: of which features, of which components if any, and by how many trees from which seed."""

    spec: Spec
    pool: Pool
    trees: int = TREES
    seed: int = 0

    @property
    def components(self) -> int:
        """Rows of trees a machine's row makes."""
        return self.pool.components

    @property
    def parameters(self) -> dict[str, object]:
        """LightGBM's."""
        return PARAMETERS | {"seed": self.seed}

    def outcomes(self, history: History) -> tuple[Outcomes, np.ndarray]:
        """Of each row that trees see: what its class may be, and whether anything is known."""
        if not self.pool.modes:
            return history.outcomes
        return outcomes_of(*of_components(history, self.pool.modes))

    def train(self, history: History, weight: np.ndarray) -> lightgbm.Booster:
        """The trees of a history's rows, each of which stands for `weight` rows."""
        outcomes, told = self.outcomes(history)
        rows = np.flatnonzero(told)
        features = self.pool.rows(masked(self.spec, history.features))
        every = np.repeat(weight, self.components)
        if len(rows) < len(features):
            features, outcomes, every = features[rows], outcomes.where(rows), every[rows]
        return fit(features, outcomes, self.parameters, self.trees, weight=every)

    def scores(self, model: lightgbm.Booster, features: np.ndarray) -> np.ndarray:
        """Scores before they become chances, float64 [rows x components, intervals]."""
        return scores_of(model, self.pool.rows(features))

    def chances(self, scores: np.ndarray, scaling: Scaling = UNSCALED) -> np.ndarray:
        """Chances of machines within each horizon, float64 [rows, horizons]."""
        return pooled.chances(self.pool, within_of(scaled(scores, scaling)))[0]

    def to_onnx(self, model: lightgbm.Booster) -> bytes:
        """The graph."""
        return to_onnx(floored(model), self.pool)

    def gate(self, model: lightgbm.Booster, onnx: bytes, features: np.ndarray, least: int = LEAST_ROWS) -> Parity:
        """The figures of a graph that may ship. Raises ParityError where it may not."""
        return gate(model, onnx, trial_rows(self.spec, features, model, least, self.pool), self.pool)

    def examine(
        self, model: lightgbm.Booster, onnx: bytes, features: np.ndarray, held_out: np.ndarray
    ) -> tuple[bytes, Passed]:
        """The whole gate: the graph with acceptance vectors inside, and what was found. Raises ParityError.

        `features` are of rows that the model learned from, `held_out` of rows that it never saw.
        """
        return examine(candidate_of(self.spec, model, onnx, features, held_out, self.pool))

    def gain(self, model: lightgbm.Booster) -> tuple[tuple[str, float], ...]:
        """Gain of each column that trees see."""
        names = self.pool.names if self.pool.modes else self.spec.names
        return tuple(zip((*names, INTERVAL), model.feature_importance("gain").tolist(), strict=True))


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


def pool_of(spec: Spec, modes: Mapping[str, Sequence[str]]) -> Pool:
    """The pool of components that own features, or of plain machines. Raises ValueError as `pooled.pool_of`."""
    return pooled.pool_of(spec.names, modes) if modes else pooled.plain(len(spec.names))
