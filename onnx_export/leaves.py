"""Other leaf values for trees that stay as they are: what new rows teach, and what the parent said of old ones.

A pass over the trees, one after another: each leaf takes a short Newton step on the likelihood of the hazard of each
interval (`survival`), held back by a prior at its old value. Old rows teach nothing but what the parent says of them
(Li and Hoiem 2016, Learning without Forgetting, ECCV): their labels are for judging. Nothing is judged here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from onnx_export.calibrate import Scaling
from onnx_export.forest import Forest
from onnx_export.survival import INTERVALS, Outcomes, expanded

RATE = 0.05
"""Share of a Newton step. Of whole steps the first trees take all that there is to learn, and learn it by heart."""
PRIOR = 10.0
"""Added to the curvature of each leaf, so that one of which few rows speak stays near its old value: twice training's
lambda_l2 (`train.PARAMETERS`)."""
REMEMBERED = 1.0
"""Weight of an old row beside a new one. All three were chosen on six plants for development (decision 25)."""


class Lessons(NamedTuple):
    """What hazards are to be: leaves of rows [rows, trees], share failing in an interval, weight [rows, INTERVALS].

    An interval that a row was not seen in weighs nothing.
    """

    leaves: np.ndarray
    share: np.ndarray
    weight: np.ndarray

    def where(self, rows: np.ndarray) -> Lessons:
        """Those of some rows."""
        return Lessons(self.leaves[rows], self.share[rows], self.weight[rows])

    def and_also(self, more: Lessons) -> Lessons:
        """These and those."""
        return Lessons(*(np.concatenate(pair) for pair in zip(self, more, strict=True)))


def seen(leaves: np.ndarray, outcomes: Outcomes, weight: np.ndarray) -> Lessons:
    """Of rows whose outcome is known, for as far as it is; each stands for `weight` rows."""
    found = expanded(outcomes, INTERVALS, weight)
    share, of_interval = np.zeros((len(leaves), INTERVALS)), np.zeros((len(leaves), INTERVALS))
    share[found.row, found.interval] = found.failed
    of_interval[found.row, found.interval] = found.weight
    return Lessons(leaves, share, of_interval)


def remembered(forest: Forest, leaves: np.ndarray, weight: np.ndarray) -> Lessons:
    """Of old rows, what the parent says of them: an interval weighs as much as machines are left that reach it."""
    hazard = _chance(forest.scores(leaves))
    reached = np.cumprod(np.column_stack([np.ones(len(hazard)), 1.0 - hazard[:, :-1]]), axis=1)
    return Lessons(leaves, hazard, reached * (REMEMBERED * weight)[:, None])


def refitted(forest: Forest, lessons: Lessons) -> np.ndarray:
    """Values of all leaves after a pass, float64 [leaves]; without lessons those that are there."""
    values, scores = forest.values.copy(), forest.scores(lessons.leaves)
    for at, tree in enumerate(forest.trees):
        group, mine = list(tree.group), np.sort(tree.leaf[tree.leaf >= 0])
        place = np.searchsorted(mine, lessons.leaves[:, at])
        step = _step(_chance(scores[:, group]), lessons.share[:, group], lessons.weight[:, group], place, len(mine))
        values[mine] += step
        scores[:, group] += step[place][:, None]
    return values


def _step(chance: np.ndarray, share: np.ndarray, weight: np.ndarray, place: np.ndarray, leaves: int) -> np.ndarray:
    """What each leaf of one tree moves by, float64 [leaves]; each is at its old value until then."""
    slope = np.bincount(place, (weight * (chance - share)).sum(axis=1), leaves)
    bend = np.bincount(place, (weight * chance * (1.0 - chance)).sum(axis=1), leaves)
    return -RATE * slope / (bend + PRIOR)


def _chance(scores: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-scores))


def rescaled(forest: Forest, values: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Values whose sums are those of the scaled scores: each over the temperature, and the offset once an interval."""
    return values / scaling.temperature + np.where(forest.first, scaling.offset, 0.0)
