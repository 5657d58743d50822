"""How new rows teach a forest that is held to its parent on old ones: other leaves or more trees, fold by fold.

Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from models.features import Spec
from onnx_export import growth, leaves
from onnx_export.forest import Forest
from onnx_export.history import History
from onnx_export.learner import Learner
from onnx_export.leaves import Lessons, refitted, remembered
from onnx_export.survival import Outcomes


class Taught(NamedTuple):
    """Trees that learned: what their leaves say all the way, and where they began."""

    forest: Forest
    start: np.ndarray
    values: np.ndarray

    def scores(self, features: np.ndarray) -> np.ndarray:
        """All the way, [rows x components, intervals]."""
        return self.forest.scores(self.forest.leaves(features), self.values)

    def after(self, step: float) -> np.ndarray:
        """Values that go a share of the way."""
        return self.start + step * (self.values - self.start)


Teach = Callable[[np.ndarray], Taught]
"""Without the machines whose numbers are given."""


class Part(NamedTuple):
    """Rows of machines with what the parent makes of them; of components one behind another, as trees see them."""

    history: History
    weight: np.ndarray  # [machines' rows]
    asset: np.ndarray  # [rows x components]
    leaves: np.ndarray  # [rows x components, trees]
    scores: np.ndarray  # of the parent, [rows x components, intervals]
    outcomes: Outcomes  # of trees' rows of which anything is known
    told: np.ndarray  # which those are


def part_of(forest: Forest, learner: Learner, history: History, weight: np.ndarray) -> Part:
    """Rows as a forest sees them; each stands for `weight` rows."""
    outcomes, known = learner.outcomes(history)
    told, found = np.flatnonzero(known), forest.leaves(history.features)
    asset = np.repeat(history.asset, learner.components)
    return Part(history, weight, asset, found, forest.scores(found), outcomes.where(told), told)


def refitting(forest: Forest, parts: tuple[Part, ...]) -> Teach:
    """By other leaves."""
    return lambda left_out: Taught(forest, forest.values, refitted(forest, _lessons(forest, parts, left_out)))


def growing(forest: Forest, spec: Spec, parts: tuple[Part, ...], seed: int) -> Teach:
    """By more trees."""
    new, old = parts
    weight = [np.repeat(part.weight, forest.pool.components) for part in parts]
    first = growth.seen(forest, spec, new.history, new.told, new.outcomes, weight[0])
    ground = first.and_also(growth.remembered(forest, spec, old.history, weight[1]))

    def teach(left_out: np.ndarray) -> Taught:
        grown = growth.grown(forest, ground.without(left_out), seed)
        start = np.zeros(len(grown.values))
        start[: len(forest.values)] = forest.values
        return Taught(grown, start, grown.values)

    return teach


def _lessons(forest: Forest, parts: tuple[Part, ...], left_out: np.ndarray) -> Lessons:
    """What new rows show and what the parent says of old ones, but of machines that are left out."""
    new, old = parts
    rows = [np.flatnonzero(~np.isin(part.asset[part.told], left_out)) for part in parts]
    weight = [np.repeat(part.weight, len(part.asset) // len(part.weight))[part.told] for part in parts]
    first = leaves.seen(new.leaves[new.told[rows[0]]], new.outcomes.where(rows[0]), weight[0][rows[0]])
    return first.and_also(remembered(forest, old.leaves[old.told[rows[1]]], weight[1][rows[1]]))


def out_of_fold(teach: Teach, parts: tuple[Part, ...], folds: list[np.ndarray]) -> list[np.ndarray]:
    """Scores of each part's rows by trees that learned from other machines."""
    out = [part.scores.copy() for part in parts]
    for left_out in folds:
        taught = teach(left_out)
        for part, scores in zip(parts, out, strict=True):
            mine = np.isin(part.history.asset, left_out)
            scores[np.isin(part.asset, left_out)] = taught.scores(part.history.features[mine])
    return out
