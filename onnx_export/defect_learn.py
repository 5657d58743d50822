"""The chance of a defect from settings and conditions, learned from few defects, with how unsure it is.

For each kind of defect a logistic model of inputs, their squares and products: Bayesian, since defects are rare and
settings hardly vary before somebody changes them. Its posterior is Laplace's (MacKay 1992, Neural Computation 4,
720-736): the chance is that of its mode, and draws of it tell the spread, which grows where no part was made. Levels
are moved so that as many defects are expected as were found, which few defects would bias (King and Zeng 2001,
Political Analysis 9, 137-163). Older parts count less, since tips wear and material changes. Numpy alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

DRAWS = 32
SLOPE, BEND, CROSS, LEVEL, LOT = 1.0, 0.2, 0.15, 3.0, 0.7
"""Standard deviations of what is expected before anything was seen, in logits for a scale of the input: a step of its
setting, or what it varies by. Our choice: a step changes the rate by a factor of three or so, as a rule."""
RARE = -7.0
"""Logit of a kind of defect before any was seen, 0.1 %."""
UNSEEN = "unseen"
"""The kind of which none was found: it keeps draws apart where no part was made."""
NEWTON, CLOSE = 60, 1e-8
LEAST = 1e-9
"""Chances are told apart down to this."""
FURTHEST = 12.0
"""In scales, inputs beyond are taken for this far off."""
SEED = 1


class Table(NamedTuple):
    """Parts of which something is known: `inputs` float64 [n, d] without NaN, and [n] of units, defects and kinds.

    `kind` indexes `kinds`, whose first is "" for none or one that nobody named. `lot` is -1 for a part of no lot.
    """

    inputs: np.ndarray
    units: np.ndarray
    defects: np.ndarray
    kind: np.ndarray
    kinds: tuple[str, ...]
    lot: np.ndarray


class Recipe(NamedTuple):
    """How it is learned: `steps` [d] are scales of inputs by what settings move, 0 where none does.

    A part that is `half_life` parts old counts half.
    """

    steps: tuple[float, ...]
    half_life: float = 30_000.0
    seed: int = SEED


class Draws(NamedTuple):
    """One kind's: its name, `weights` float64 [features, 1 + DRAWS] and `levels` [1 + DRAWS], the mode's first."""

    kind: str
    weights: np.ndarray
    levels: np.ndarray


class Learned(NamedTuple):
    """Inputs are centred and scaled, then bent; a part is defective if any kind of defect happens to it."""

    centres: np.ndarray
    scales: np.ndarray
    kinds: tuple[Draws, ...]

    def chances(self, inputs: np.ndarray) -> np.ndarray:
        """Of the mode and each draw, float64 [rows, 1 + DRAWS]; a missing input is taken for its centre."""
        bent = bent_of(scaled(inputs, self.centres, self.scales))
        good = np.ones((len(inputs), self.kinds[0].weights.shape[1]))
        for one in self.kinds:
            good *= 1.0 - _sigmoid(bent @ one.weights + one.levels)
        return 1.0 - good

    def said(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chance and spread of each row, [rows]: the spread is that of its logarithm over draws, times the chance."""
        chances = self.chances(inputs)
        return chances[:, 0], chances[:, 0] * np.log(np.maximum(chances[:, 1:], LEAST)).std(axis=1)


def learn(table: Table, recipe: Recipe) -> Learned:
    """Fit all kinds. Raises ValueError where nothing was found of any part, or an input is not a number."""
    if not len(table.inputs):
        raise ValueError("of no part something was found: results are joined by the part's id, or by time")
    if not np.isfinite(table.inputs).all():
        raise ValueError("an input is not a number")
    weights = 0.5 ** (np.arange(len(table.inputs))[::-1] / recipe.half_life)
    centres = np.average(table.inputs, axis=0, weights=weights)
    own = np.sqrt(np.average((table.inputs - centres) ** 2, axis=0, weights=weights))
    scales = np.maximum(np.maximum(own, recipe.steps), 1e-9 * np.maximum(1.0, np.abs(centres)))
    bent = bent_of(scaled(table.inputs, centres, scales))
    kinds = [
        _fit(name, bent, np.where(table.kind == at, table.defects, 0), table, weights, recipe)
        for at, name in enumerate(table.kinds)
        if at == 0 or (table.defects[table.kind == at] > 0).any()
    ]
    return Learned(centres, scales, tuple(kinds))


def scaled(inputs: np.ndarray, centres: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Inputs in scales from their centres, float64, 0 where missing, within FURTHEST."""
    found = (np.asarray(inputs, np.float64) - centres) / scales
    return np.clip(np.where(np.isnan(found), 0.0, found), -FURTHEST, FURTHEST)


def bent_of(scaled_inputs: np.ndarray) -> np.ndarray:
    """Inputs, their squares and products, [rows, d + d (d + 1) / 2]."""
    first, second = pairs(scaled_inputs.shape[1])
    return np.hstack([scaled_inputs, scaled_inputs[:, first] * scaled_inputs[:, second]])


def pairs(inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns of each square and product."""
    first, second = np.triu_indices(inputs)
    return first, second


def prior_of(inputs: int) -> np.ndarray:
    """Standard deviations of the weights of bent inputs."""
    first, second = pairs(inputs)
    return np.concatenate([np.full(inputs, SLOPE), np.where(first == second, BEND, CROSS)])


def _fit(name: str, bent: np.ndarray, defects: np.ndarray, table: Table, weights: np.ndarray, recipe: Recipe) -> Draws:
    lots = _lots(table.lot)
    design = np.hstack([bent, np.ones((len(bent), 1)), lots])
    prior = np.concatenate([prior_of(len(recipe.steps)), [LEVEL], np.full(lots.shape[1], LOT)])
    centre = np.zeros(len(prior))
    centre[bent.shape[1]] = RARE
    mode, precision = _mode(design, defects, table.units, weights, centre, prior)
    normal = np.random.default_rng(recipe.seed).standard_normal((len(mode), DRAWS // 2))
    spread = np.linalg.solve(np.linalg.cholesky(precision).T, np.hstack([normal, -normal]))
    drawn = mode[:, None] + np.hstack([np.zeros((len(mode), 1)), spread])
    level = drawn[bent.shape[1]] + (drawn[-1] if lots.shape[1] else 0.0)
    shift = _shift(design @ mode, defects, table.units, weights)
    return Draws(name or (UNSEEN if not defects.any() else "defect"), drawn[: bent.shape[1]], level + shift)


def _lots(lot: np.ndarray) -> np.ndarray:
    """A column for each lot, the last part's the last one; none where there is one lot alone."""
    if lot.min() == lot.max():
        return np.zeros((len(lot), 0))
    last = lot[-1]
    names = [one for one in np.unique(lot) if one != last] + [last]
    return np.stack([lot == one for one in names], axis=1).astype(float)


def _mode(
    design: np.ndarray, defects: np.ndarray, units: np.ndarray, weights: np.ndarray, centre: np.ndarray, sd: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The most likely weights and the precision there, by Newton's method with halved steps."""
    inverse = 1.0 / sd**2
    at = centre.copy()

    def cost(of: np.ndarray) -> float:
        logits = design @ of
        loss = weights @ (units * np.logaddexp(0.0, logits) - defects * logits)
        return float(loss + 0.5 * inverse @ (of - centre) ** 2)

    now = cost(at)
    for _ in range(NEWTON):
        chances = _sigmoid(design @ at)
        gradient = design.T @ (weights * (units * chances - defects)) + inverse * (at - centre)
        precision = (design.T * (weights * units * chances * (1.0 - chances))) @ design + np.diag(inverse)
        step = np.linalg.solve(precision, gradient)
        length = 1.0
        while length > 1e-6 and cost(at - length * step) > now:
            length /= 2.0
        at = at - length * step
        before, now = now, cost(at)
        if before - now < CLOSE * max(1.0, abs(before)):
            break
    return at, precision


def _shift(logits: np.ndarray, defects: np.ndarray, units: np.ndarray, weights: np.ndarray) -> float:
    """By how much logits [n] move so that they expect as many defects as were found; none where none was."""
    found = float(weights @ defects)
    if not found:
        return 0.0
    low, high = -4.0, 4.0
    for _ in range(40):
        middle = 0.5 * (low + high)
        expected = float((weights * units) @ _sigmoid(logits + middle))
        low, high = (middle, high) if expected < found else (low, middle)
    return 0.5 * (low + high)


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -60.0, 60.0)))
