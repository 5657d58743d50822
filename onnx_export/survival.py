"""Discrete-time survival by LightGBM: classes are the intervals between horizons, and a row may be of several.

A machine that failed is of one class. One that was last seen well, repaired before it failed or out of history, may be
of any class after what was seen, and of what is left of the interval in which it was seen last: its likelihood is the
sum of theirs (grouped survival data: Prentice and Gloeckler 1978, Biometrics 34, 57-67). Where every outcome is known
this is LightGBM's own multiclass, and what comes out always is one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import lightgbm
import numpy as np

from models.records import HORIZONS_H

LEAST_PRIOR = 1e-6
"""Of a class in which nobody failed: its score must be finite. Our choice."""
PRIOR_DECIMALS = 9
"""Of the logarithm of a prior: what its last bits differ by between C libraries does not get through."""
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
"""ln 2 in two parts, the first with 32 bits, so that a whole number times it is exact (Cody and Waite 1980)."""
TERMS = 14
"""Of the Taylor series of exp within ln 2 / 2: the next is under 1e-17."""

Objective = Callable[[np.ndarray, lightgbm.Dataset], tuple[np.ndarray, np.ndarray]]


class Outcomes(NamedTuple):
    """The classes that each row may be of, `first` to `last`, int64 [rows] each, and of which part of the first."""

    first: np.ndarray
    last: np.ndarray
    left: np.ndarray  # float64, the share of the first class's interval in which a failure may still lie

    def where(self, rows: np.ndarray) -> Outcomes:
        """Those of some rows."""
        return Outcomes(self.first[rows], self.last[rows], self.left[rows])

    @property
    def failed(self) -> np.ndarray:
        """Rows of which the class is known, bool [rows]."""
        return self.first == self.last

    def allowed(self, classes: int) -> np.ndarray:
        """To which part a row may be of a class, float64 [rows, classes]: failures lie evenly in an interval."""
        every = np.arange(classes)
        out = ((every >= self.first[:, None]) & (every <= self.last[:, None])).astype(np.float64)
        out[np.arange(len(out)), self.first] = self.left
        return out


def outcomes_of(
    failed_in_h: np.ndarray, known_h: np.ndarray, horizons_h: Sequence[float] = HORIZONS_H
) -> tuple[Outcomes, np.ndarray]:
    """Outcomes, and the rows that have one, bool [rows].

    Of a row that fails, `failed_in_h` are the hours until then; NaN or infinite where none was seen within `known_h`.
    A row of which nothing is known, or that failed already, has no outcome.
    """
    later = len(horizons_h)
    fails = np.isfinite(failed_in_h) & (failed_in_h <= known_h)
    failed_at = np.searchsorted(horizons_h, np.where(fails, failed_in_h, 0.0), side="left")
    survived = np.searchsorted(horizons_h, known_h, side="right")
    begins, ends = np.append(0.0, horizons_h)[survived], np.append(horizons_h, np.inf)[survived]
    left = np.where(fails | (survived == later), 1.0, 1.0 - (known_h - begins) / (ends - begins))
    first, last = np.where(fails, failed_at, survived), np.where(fails, failed_at, later)
    return Outcomes(first.astype(np.int64), last.astype(np.int64), left), np.where(fails, failed_in_h, known_h) > 0


def priors(outcomes: Outcomes, weight: np.ndarray, classes: int) -> np.ndarray:
    """Share of each class among all rows, float64 [classes], by Kaplan and Meier (1958, JASA 53, 457-481).

    Of those that reach an interval, the share that fails in it; one that is seen through a part of it counts as much.
    """
    failed, survives, out = outcomes.failed & (outcomes.last < classes - 1), 1.0, np.empty(classes)
    for at in range(classes - 1):
        here = outcomes.first == at
        fell = weight[failed & here].sum()
        passed = weight[outcomes.first > at].sum() + (weight * (1.0 - outcomes.left))[here].sum()
        hazard = fell / (fell + passed) if fell + passed else 0.0
        out[at], survives = survives * hazard, survives * (1.0 - hazard)
    out[-1] = survives
    return np.maximum(out, LEAST_PRIOR)


def exponential(values: np.ndarray) -> np.ndarray:
    """exp of float64 by additions and multiplications alone: the same bits on every CPU, unlike numpy's own.

    Within 2e-15 of it, relatively, for what lies over -700.
    """
    powers = np.rint(values * (1.0 / math.log(2.0)))
    rest = (values - powers * LN2_HIGH) - powers * LN2_LOW
    out = np.ones_like(rest)
    for term in range(TERMS, 0, -1):
        out = 1.0 + out * rest / term
    return np.ldexp(out, powers.astype(np.int32))


def class_chances(scores: np.ndarray) -> np.ndarray:
    """Softmax of scores, float64 [rows, classes], in the order of the columns, so that bits are the same everywhere."""
    powers = exponential(np.maximum(scores - scores.max(axis=1, keepdims=True), -700.0))
    total = powers[:, 0].copy()
    for at in range(1, powers.shape[1]):
        total += powers[:, at]
    return powers / total[:, None]


def objective(outcomes: Outcomes, weight: np.ndarray, classes: int) -> Objective:
    """Slopes and curvatures of the negative log likelihood, for LightGBM, float64 [rows, classes] each.

    A row's slope is its chance of a class less that chance among the classes it may be of. Curvatures are those of
    LightGBM's multiclass, which are never under the true ones, so that no step goes too far.
    """
    allowed, factor, by = outcomes.allowed(classes), classes / (classes - 1.0), weight[:, None]

    def slopes(scores: np.ndarray, _data: lightgbm.Dataset) -> tuple[np.ndarray, np.ndarray]:
        chance = class_chances(scores)
        may = chance * allowed
        total = may[:, 0].copy()
        for at in range(1, classes):
            total += may[:, at]
        return (chance - may / total[:, None]) * by, factor * chance * (1.0 - chance) * by

    return slopes


def fit(
    features: np.ndarray,
    outcomes: Outcomes,
    parameters: Mapping[str, object],
    rounds: int,
    *,
    classes: int = len(HORIZONS_H) + 1,
    weight: np.ndarray | None = None,
    categorical: Sequence[int] = (),
) -> lightgbm.Booster:
    """A multiclass model of the rows, with a leaf for the priors: it is read, cooled and converted as any other."""
    weight = np.ones(len(features)) if weight is None else weight
    prior = np.array([round(math.log(share), PRIOR_DECIMALS) for share in priors(outcomes, weight, classes).tolist()])
    data = lightgbm.Dataset(
        features,
        label=np.zeros(len(features)),  # the objective knows better
        init_score=np.tile(prior, (len(features), 1)),
        feature_name=[f"f{at}" for at in range(features.shape[1])],
        categorical_feature=list(categorical),
    )
    settings = {**parameters, "num_class": classes, "objective": objective(outcomes, weight, classes)}
    return with_priors(lightgbm.train(settings, data, num_boost_round=rounds), prior)


def with_priors(model: lightgbm.Booster, prior: np.ndarray) -> lightgbm.Booster:
    """The model as LightGBM's own multiclass, the priors in the leaves of its first round."""
    classes = len(prior)
    text = model.model_to_string()
    text = re.sub(r"(?m)^(feature_names=)", rf"objective=multiclass num_class:{classes}\n\1", text, count=1)
    text = text.replace("[objective: custom]", "[objective: multiclass]")
    text = re.sub(r"(?m)^tree_sizes=.*\n", "", text)  # an index of the trees' texts, wrong from now on
    trees = iter(range(model.num_trees()))

    def raised(found: re.Match[str]) -> str:
        at = next(trees)
        if at >= classes:
            return found[0]
        return "leaf_value=" + " ".join(repr(float(word) + float(prior[at])) for word in found[1].split())

    return lightgbm.Booster(model_str=re.sub(r"(?m)^leaf_value=(.*)$", raised, text))


def likelihood(chances: np.ndarray, outcomes: Outcomes) -> float:
    """Mean negative log likelihood in nats of class chances [rows, classes]."""
    may = (chances * outcomes.allowed(chances.shape[1])).sum(axis=1)
    return float(-np.log(np.maximum(may, LEAST_PRIOR)).mean())
