"""A small head over shares: one hidden layer, scores of classes, chances. Plain numpy; ONNX comes from `net_graph`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onnx_export.learning import (
    CLASSES,
    Plan,
    Weights,
    drawn,
    dropped,
    learn,
    loss_slope,
    spread_of,
    within,
)

HIDDEN = 512
"""Units: with 864 shares 2 MB of float32; nets under 1 MB are not worth int8."""


@dataclass(frozen=True, slots=True)
class Head:
    """A hidden layer with ReLU and scores: float32 [features, hidden], [hidden], [hidden, CLASSES], [CLASSES].

    It takes shares as they are: what they are standardised by is in the first layer.
    """

    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray

    def hidden(self, shares: np.ndarray) -> np.ndarray:
        """Units, float64 [rows, hidden]."""
        return np.maximum(shares.astype(np.float64) @ self.first + self.first_bias, 0.0)

    def scores(self, shares: np.ndarray) -> np.ndarray:
        """Scores of classes, float64 [rows, CLASSES]."""
        return self.hidden(shares) @ self.second + self.second_bias

    def chances(self, shares: np.ndarray) -> np.ndarray:
        """Chances within each horizon, float64 [rows, horizons]."""
        return within(self.scores(shares))


def slopes(weights: Weights, inputs: np.ndarray, allowed: np.ndarray, factors: np.ndarray | float = 1.0) -> Weights:
    """Gradients of the loss by the weights; `factors` are put on hidden units."""
    raw = inputs @ weights["first"] + weights["first_bias"]
    hidden = np.maximum(raw, 0) * factors
    down = loss_slope(hidden @ weights["second"] + weights["second_bias"], allowed).astype(inputs.dtype)
    into = (down @ weights["second"].T) * (raw > 0) * factors
    return {
        "first": inputs.T @ into,
        "first_bias": into.sum(axis=0),
        "second": hidden.T @ down,
        "second_bias": down.sum(axis=0),
    }


def train_head(shares: np.ndarray, allowed: np.ndarray, plan: Plan, hidden: int = HIDDEN) -> Head:
    """A head of shares [rows, features] and to which part rows may be of classes, [rows, CLASSES]."""
    random = np.random.default_rng(plan.seed)
    mean, spread = spread_of(shares)
    inputs = (shares - mean) / spread
    weights: Weights = {
        "first": drawn(random, inputs.shape[1], hidden),
        "first_bias": np.zeros(hidden, np.float32),
        "second": drawn(random, hidden, CLASSES),
        "second_bias": np.zeros(CLASSES, np.float32),
    }

    def slope(now: Weights, rows: np.ndarray, draws: np.random.Generator) -> Weights:
        factors = dropped(draws, plan, np.empty((len(rows), hidden), np.float32))
        return slopes(now, inputs[rows], allowed[rows], factors)

    found = learn(weights, slope, len(inputs), plan, random)
    first, bias = unscaled(found["first"], found["first_bias"], mean, spread)
    return Head(first, bias, found["second"], found["second_bias"])


def unscaled(
    weight: np.ndarray, bias: np.ndarray, mean: np.ndarray, spread: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A layer over standardised inputs as one over the inputs themselves."""
    own = weight / spread[:, None]
    return own, (bias - (mean[:, None] * own.astype(np.float64)).sum(axis=0)).astype(np.float32)
