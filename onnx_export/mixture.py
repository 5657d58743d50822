"""A mixture of experts over operating regimes: a gate sees how the machine was run and asks two experts of several.

After Shazeer et al. 2017 (top-k gating) and Fedus, Zoph and Shazeer 2022 (the term that balances the load). Plain
numpy; ONNX comes from `net_graph`.
"""

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
    loss,
    loss_slope,
    softmax,
    spread_of,
    within,
)
from onnx_export.net import HIDDEN, unscaled

EXPERTS = 4
ASKED = 2
"""Experts that a row asks: with one, the gate would learn from no comparison (Shazeer et al.)."""
BALANCE = 0.01
"""Weight of the load's balance beside the loss, as in Switch Transformers."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """Experts of one hidden layer each, side by side in one matrix, and a linear gate over some of the features.

    float32: `gate` [gate columns, experts], `gate_bias` [experts], `first` [features, experts * hidden], `first_bias`
    [experts * hidden], `second` [experts * hidden, CLASSES], `second_bias` [experts, CLASSES].
    """

    columns: np.ndarray  # int64 [gate columns], of the features
    gate: np.ndarray
    gate_bias: np.ndarray
    first: np.ndarray
    first_bias: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray

    @property
    def experts(self) -> int:
        """How many there are."""
        return len(self.gate_bias)

    def shares_of_experts(self, features: np.ndarray) -> np.ndarray:
        """How much each row asks each expert, float64 [rows, experts]: two of them, 1 together."""
        return asked(features[:, self.columns].astype(np.float64) @ self.gate + self.gate_bias)

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Scores of classes, float64 [rows, CLASSES]."""
        gates = self.shares_of_experts(features)
        hidden = np.maximum(features.astype(np.float64) @ self.first + self.first_bias, 0.0)
        weighed = hidden.reshape(len(hidden), self.experts, -1) * gates[:, :, None]
        return weighed.reshape(len(hidden), -1) @ self.second + gates @ self.second_bias

    def chances(self, features: np.ndarray) -> np.ndarray:
        """Chances within each horizon, float64 [rows, horizons]."""
        return within(self.scores(features))

    def loads(self, features: np.ndarray) -> np.ndarray:
        """Share of all questions that each expert gets, float64 [experts]: 1 / experts each where they are balanced."""
        return (self.shares_of_experts(features) > 0).mean(axis=0) / ASKED


def asked(scores: np.ndarray) -> np.ndarray:
    """Gates of scores [rows, experts]: the softmax of the ASKED highest, 0 for the others; of equal ones the first."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :ASKED]
    out = np.zeros_like(scores)
    np.put_along_axis(out, best, softmax(np.take_along_axis(scores, best, axis=1)), axis=1)
    return out


def imbalance(scores: np.ndarray) -> float:
    """Experts times the sum of share of questions times mean chance of being asked: 1 where all are asked alike."""
    experts = scores.shape[1]
    share = (asked(scores) > 0).mean(axis=0) / ASKED
    return float(experts * (share * softmax(scores).mean(axis=0)).sum())


def total_loss(weights: Weights, inputs: np.ndarray, columns: np.ndarray, allowed: np.ndarray, balance: float) -> float:
    """What is made small: the loss of the scores and `balance` times the imbalance of the gate."""
    gate_scores, gates, hidden = _forward(weights, inputs, columns, 1.0)
    return loss(_scores(weights, gates, hidden), allowed) + balance * imbalance(gate_scores)


def _forward(
    weights: Weights, inputs: np.ndarray, columns: np.ndarray, factors: np.ndarray | float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores of the gate, gates, and units [rows, experts, hidden]."""
    gate_scores = inputs[:, columns] @ weights["gate"] + weights["gate_bias"]
    hidden = np.maximum(inputs @ weights["first"] + weights["first_bias"], 0) * factors
    return gate_scores, asked(gate_scores), hidden.reshape(len(inputs), gate_scores.shape[1], -1)


def _scores(weights: Weights, gates: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    weighed = (hidden * gates[:, :, None]).reshape(len(gates), -1)
    return weighed @ weights["second"] + gates @ weights["second_bias"]


def slopes(
    weights: Weights,
    inputs: np.ndarray,
    columns: np.ndarray,
    allowed: np.ndarray,
    balance: float,
    factors: np.ndarray | float = 1.0,
) -> Weights:
    """Gradients of `total_loss` by the weights; which experts are asked is taken as it is."""
    gate_scores, gates, hidden = _forward(weights, inputs, columns, factors)
    down = loss_slope(_scores(weights, gates, hidden), allowed).astype(inputs.dtype)
    into = (down @ weights["second"].T).reshape(hidden.shape)
    of_gates = (into * hidden).sum(axis=2) + down @ weights["second_bias"].T
    of_scores = gates * (of_gates - (gates * of_gates).sum(axis=1, keepdims=True))
    of_scores = of_scores + balance * _balance_slope(gate_scores, gates)
    of_hidden = (into * gates[:, :, None] * (hidden > 0)).reshape(len(inputs), -1) * factors
    return {
        "gate": inputs[:, columns].T @ of_scores,
        "gate_bias": of_scores.sum(axis=0),
        "first": inputs.T @ of_hidden,
        "first_bias": of_hidden.sum(axis=0),
        "second": (hidden * gates[:, :, None]).reshape(len(inputs), -1).T @ down,
        "second_bias": gates.T @ down,
    }


def _balance_slope(gate_scores: np.ndarray, gates: np.ndarray) -> np.ndarray:
    """Gradient of `imbalance` by the gate's scores; shares of questions count as given."""
    chances, share = softmax(gate_scores), (gates > 0).mean(axis=0) / ASKED
    return (chances * (share - chances @ share[:, None]) * len(share) / len(chances)).astype(gate_scores.dtype)


def _drawn(random: np.random.Generator, features: int, columns: int, experts: int, hidden: int) -> Weights:
    """Weights to begin with: each expert's as a head's, the gate's so that scores spread by about 1."""
    units, second = experts * hidden, (hidden, experts, CLASSES)
    return {
        "gate": random.normal(0.0, 1.0 / np.sqrt(columns), (columns, experts)).astype(np.float32),
        "gate_bias": np.zeros(experts, np.float32),
        "first": drawn(random, features, units),
        "first_bias": np.zeros(units, np.float32),
        "second": drawn(random, hidden, experts * CLASSES).reshape(second).swapaxes(0, 1).reshape(units, CLASSES),
        "second_bias": np.zeros((experts, CLASSES), np.float32),
    }


def train_mixture(
    features: np.ndarray,
    columns: np.ndarray,
    allowed: np.ndarray,
    plan: Plan,
    experts: int = EXPERTS,
    hidden: int = HIDDEN // ASKED,
    balance: float = BALANCE,
) -> Mixture:
    """A mixture of features [rows, n], whose gate sees `columns`; `allowed` as `outcomes_of` gives it."""
    random = np.random.default_rng(plan.seed)
    mean, spread = spread_of(features)
    inputs = (features - mean) / spread
    first_of_all = _drawn(random, inputs.shape[1], len(columns), experts, hidden)

    def slope(now: Weights, rows: np.ndarray, draws: np.random.Generator) -> Weights:
        factors = dropped(draws, plan, np.empty((len(rows), experts * hidden), np.float32))
        return slopes(now, inputs[rows], columns, allowed[rows], balance, factors)

    found = learn(first_of_all, slope, len(inputs), plan, random)
    gate, gate_bias = unscaled(found["gate"], found["gate_bias"], mean[columns], spread[columns])
    first, first_bias = unscaled(found["first"], found["first_bias"], mean, spread)
    return Mixture(columns, gate, gate_bias, first, first_bias, found["second"], found["second_bias"])
