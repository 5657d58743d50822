"""Learning by gradient in numpy: slopes of the likelihood that `survival` defines, and Adam over mini-batches.

One thread and one seed: the same rows give the same weights on the same kind of processor. No model is here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct
from threadpoolctl import threadpool_limits

from models.records import HORIZONS_H
from onnx_export import survival
from onnx_export.history import History
from onnx_export.survival import log_loss

CLASSES = survival.INTERVALS + 1
LEAST = float(np.finfo(np.float32).tiny)
DECAY_FIRST, DECAY_SECOND, TINY = 0.9, 0.999, 1e-8
"""Adam's, as its authors give them (Kingma and Ba 2015)."""

LEAST_SPREAD = 0.05
"""Of shares: one that hardly moves would get weights that leave int8 no steps for the others. Our choice."""

Weights = dict[str, np.ndarray]
"""Parameters or gradients by name, float32."""
Slope = Callable[[Weights, np.ndarray, np.random.Generator], Weights]
"""Gradients at weights for a batch of row numbers; draws, if any, come from the generator."""


class Plan(Struct, frozen=True, kw_only=True):
    """How weights are learned: chosen on simulated pumps for development, of which more epochs learn by heart.

    `shrink` times the rate is taken off matrices a step, beside the gradient (Loshchilov and Hutter 2019).
    """

    epochs: int = 3
    batch: int = 256
    rate: float = 1e-3
    shrink: float = 1.0
    dropped: float = 0.5
    """Share of hidden units that a step does without (Srivastava et al. 2014)."""
    seed: int = 20260104


def outcomes_of(histories: Sequence[History]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of histories, one after another, of which something is known: which those are, and what they may be.

    Bool [rows] of all rows, and float64 [those rows, CLASSES]: to which part each may be of a class.
    """
    hours, known_h = (
        np.concatenate([getattr(history, name) for history in histories]) for name in ("hours", "known_h")
    )
    outcomes, told = survival.outcomes_of(hours, known_h)
    return told, outcomes.where(np.flatnonzero(told)).allowed(CLASSES)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Chances [rows, n] of scores."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def loss(scores: np.ndarray, allowed: np.ndarray) -> float:
    """Log loss of the softmax of scores, in nats: with a slope down to chances that graphs do not tell from 0."""
    return log_loss(softmax(scores), allowed, LEAST)


def loss_slope(scores: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Gradient of `loss` by the scores, [rows, CLASSES]."""
    chances = softmax(scores)
    among = chances * allowed
    among /= np.maximum(among.sum(axis=1, keepdims=True), LEAST)
    return (chances - among) / len(scores)


def within(scores: np.ndarray) -> np.ndarray:
    """Chances of failing within each horizon, [rows, horizons], never decreasing, as the graph says them."""
    return np.minimum(np.cumsum(softmax(scores)[:, : len(HORIZONS_H)], axis=1), 1.0)


def spread_of(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column, float32, the latter LEAST_SPREAD at least."""
    mean, spread = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    return mean.astype(np.float32), np.maximum(spread, LEAST_SPREAD).astype(np.float32)


def drawn(random: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
    """First weights of a layer before a ReLU (He et al. 2015)."""
    return random.normal(0.0, np.sqrt(2.0 / fan_in), (fan_in, fan_out)).astype(np.float32)


def dropped(random: np.random.Generator, plan: Plan, hidden: np.ndarray) -> np.ndarray:
    """Factors on hidden units: 0 where a step does without one, and so much more on the others."""
    kept = random.random(hidden.shape, dtype=np.float32) >= plan.dropped
    return kept / np.float32(1.0 - plan.dropped)


def learn(weights: Weights, slope: Slope, rows: int, plan: Plan, random: np.random.Generator) -> Weights:
    """Weights after `plan.epochs` of Adam, whose rate falls to 0 along half a cosine."""
    weights = {name: value.copy() for name, value in weights.items()}
    first, second = ({name: np.zeros_like(value) for name, value in weights.items()} for _ in range(2))
    steps = plan.epochs * -(-rows // plan.batch)
    step = 0
    with threadpool_limits(1):
        for _ in range(plan.epochs):
            order = random.permutation(rows)
            for begin in range(0, rows, plan.batch):
                rate = plan.rate * 0.5 * (1.0 + np.cos(np.pi * step / steps))
                step += 1
                _move(weights, slope(weights, order[begin : begin + plan.batch], random), first, second, rate, step)
                _shrink(weights, 1.0 - rate * plan.shrink)
    return weights


def _move(weights: Weights, slope: Weights, first: Weights, second: Weights, rate: float, step: int) -> None:
    """One step of Adam, in place: `first` and `second` are the moments."""
    scale = np.float32(rate * np.sqrt(1.0 - DECAY_SECOND**step) / (1.0 - DECAY_FIRST**step))
    for name, down in slope.items():
        first[name] += np.float32(1.0 - DECAY_FIRST) * (down - first[name])
        second[name] += np.float32(1.0 - DECAY_SECOND) * (np.square(down) - second[name])
        weights[name] -= scale * first[name] / (np.sqrt(second[name]) + np.float32(TINY))


def _shrink(weights: Weights, factor: float) -> None:
    for value in weights.values():
        if value.ndim > 1:
            value *= np.float32(factor)
