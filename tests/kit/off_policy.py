"""What a window would have brought about, told from rows made without asking for it: weighted, and doubly robust.

Rows inside the window are compared with those outside at like conditions. Self-normalised weights: Hajek; the doubly
robust estimate: Robins, Rotnitzky and Zhao 1994 (JASA 89, 846-866), with models that did not see a row's group. Only
rows where both could have happened count (Crump, Hotz, Imbens and Mitnik 2009, Biometrika 96, 187-199); where they are
few, nothing is told. Intervals are of groups drawn anew: rows of a group are no independent evidence.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 5
WITHIN = (0.05, 0.95)
"""Chances of being inside the window between which a row counts: Crump et al. say 0.1; wider keeps more rows."""
LEAST_SHARE, LEAST_EFFECTIVE, LEAST_GROUPS = 0.2, 30.0, 5
"""Of rows that count, and on either side of effective rows and of groups: fewer tell nothing. Our choice.

Few groups make bounds too narrow: with six on a side that differ by a logit, those of 95 % held the truth in 36 of 40
made cases; with ten, and with twenty, in 38 or more."""
DRAWS = 1000
BOUNDS = (2.5, 97.5)


class Rows(NamedTuple):
    """Of each row: what was found (0 or 1), whether inside the window, conditions [n, d], and its group."""

    found: np.ndarray
    inside: np.ndarray
    conditions: np.ndarray
    group: np.ndarray


class Overlap(NamedTuple):
    """Share of rows where both could have happened, effective rows on each side, groups on the side that has fewer."""

    share: float
    inside: float
    outside: float
    groups: int


class Estimate(NamedTuple):
    """Rates inside and outside, and their difference with its bounds of 95 %."""

    inside: float
    outside: float
    difference: float
    low: float
    high: float


class Told(NamedTuple):
    weighted: Estimate
    robust: Estimate
    overlap: Overlap


class CannotBeTold(NamedTuple):
    why: str
    overlap: Overlap


class _Fitted(NamedTuple):
    """Rows that count, each one's weight by its side, and rates expected of it on both sides [n, 2]."""

    rows: Rows
    weight: np.ndarray
    expected: np.ndarray


def told(rows: Rows, seed: int = 1) -> Told | CannotBeTold:
    """Compare both sides of a window."""
    sides = (int(rows.inside.sum()), int((~rows.inside).sum()))
    if min(sides) < LEAST_EFFECTIVE or len(np.unique(rows.group)) < LEAST_GROUPS:
        few = Overlap(0.0, *map(float, sides), groups=0)
        return CannotBeTold(f"{sides[0]} rows inside, {sides[1]} outside", few)
    chance = _chances(rows)
    kept = (chance >= WITHIN[0]) & (chance <= WITHIN[1])
    rows = Rows(*(column[kept] for column in rows))
    weight = np.where(rows.inside, 1.0 / chance[kept], 1.0 / (1.0 - chance[kept]))
    overlap = Overlap(
        float(kept.mean()), effective(weight[rows.inside]), effective(weight[~rows.inside]), _groups(rows)
    )
    why = _too_little(overlap)
    if why:
        return CannotBeTold(why, overlap)
    fitted = _Fitted(rows, weight, _expected(rows))
    weighted, robust = _bounded(fitted, seed)
    return Told(weighted, robust, overlap)


def effective(weight: np.ndarray) -> float:
    """How many rows of equal weight tell as much (Kish 1965): 0 of none."""
    return float(weight.sum() ** 2 / (weight**2).sum()) if len(weight) else 0.0


def _too_little(of: Overlap) -> str:
    if of.share < LEAST_SHARE:
        return f"only {of.share:.0%} of rows are at conditions where both sides were made"
    if min(of.inside, of.outside) < LEAST_EFFECTIVE:
        return f"{of.inside:.0f} effective rows inside, {of.outside:.0f} outside"
    if of.groups < LEAST_GROUPS:
        return f"{of.groups} groups are on one of the sides"
    return ""


def _groups(rows: Rows) -> int:
    return min(len(np.unique(rows.group[rows.inside])), len(np.unique(rows.group[~rows.inside])))


def _model() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _said(learn: np.ndarray, came: np.ndarray, ask: np.ndarray) -> np.ndarray:
    """A chance of each row asked for; the share of those learned from where only one thing came."""
    if came.min() == came.max():
        return np.full(len(ask), float(came.mean()))
    return np.asarray(_model().fit(learn, came).predict_proba(ask)[:, 1])


def _chances(rows: Rows) -> np.ndarray:
    """Of being inside the window, by models of other groups."""
    out = np.empty(len(rows.found))
    for learn, ask in _folds(rows):
        out[ask] = _said(rows.conditions[learn], rows.inside[learn], rows.conditions[ask])
    return out


def _expected(rows: Rows) -> np.ndarray:
    """Rates outside and inside at the conditions of each row, by models of other groups, [n, 2]."""
    out = np.empty((len(rows.found), 2))
    for learn, ask in _folds(rows):
        for side in (0, 1):
            of = learn[rows.inside[learn] == side]
            out[ask, side] = _said(rows.conditions[of], rows.found[of], rows.conditions[ask]) if len(of) else 0.5
    return out


def _folds(rows: Rows) -> list[tuple[np.ndarray, np.ndarray]]:
    folds = GroupKFold(min(FOLDS, len(np.unique(rows.group))))
    return list(folds.split(rows.conditions, groups=rows.group))


def _rates(fitted: _Fitted, at: np.ndarray) -> np.ndarray:
    """Of rows at places: weighted outside and inside, robust outside and inside, [4]."""
    inside, found = fitted.rows.inside[at], fitted.rows.found[at]
    weighted, robust = [], []
    for side in (0, 1):
        weight = np.where(inside == side, fitted.weight[at], 0.0)
        total, expected = max(weight.sum(), 1e-12), fitted.expected[at, side]
        weighted.append((weight * found).sum() / total)
        robust.append(expected.mean() + (weight * (found - expected)).sum() / total)
    return np.array([*weighted, *robust])


def _bounded(fitted: _Fitted, seed: int) -> list[Estimate]:
    random, names = np.random.default_rng(seed), np.unique(fitted.rows.group)
    places = [np.flatnonzero(fitted.rows.group == one) for one in names]
    at = _rates(fitted, np.arange(len(fitted.weight)))
    drawn = np.array(
        [
            _rates(fitted, np.concatenate([places[one] for one in random.integers(0, len(places), len(places))]))
            for _ in range(DRAWS)
        ]
    )
    out = []
    for first in (0, 2):
        low, high = np.percentile(drawn[:, first + 1] - drawn[:, first], BOUNDS)
        outside, inside = at[first], at[first + 1]
        out.append(Estimate(float(inside), float(outside), float(inside - outside), float(low), float(high)))
    return out
