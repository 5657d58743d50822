"""Discrete-time survival by LightGBM: the chance to fail within each interval, of those that reached it.

A machine makes a row for every interval between horizons that it was seen in, and the trees are told which interval it
is (person-period data: Singer and Willett 1993, Journal of Educational Statistics 18, 155-195). One that was repaired
before it failed, or not seen to the end, counts for what was seen of it: the interval in which it was seen last counts
for the part that it was seen through. Chances within horizons are what the product of survivals leaves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import lightgbm
import numpy as np

from models.records import HORIZONS_H

INTERVALS = len(HORIZONS_H)
INTERVAL = "interval"
"""The last column that the trees see."""
LEAST_CHANCE = 1e-7
"""A chance of 0 that comes true costs as much as this one; float32 trees reach down to about it."""


class Outcomes(NamedTuple):
    """The classes that each row may be of, `first` to `last`, int64 [rows] each, and of which part of the first.

    Classes are the intervals between horizons, and one for later than all. A row that failed is of one class.
    """

    first: np.ndarray
    last: np.ndarray
    left: np.ndarray  # float64, the share of the first class's interval in which a failure may still lie

    def where(self, rows: np.ndarray) -> Outcomes:
        """Those of some rows."""
        return Outcomes(self.first[rows], self.last[rows], self.left[rows])

    @property
    def known(self) -> np.ndarray:
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
    seen = np.where(fails | (survived == later), 0.0, known_h - begins)
    left = 1.0 - seen / (ends - begins)
    first, last = np.where(fails, failed_at, survived), np.where(fails, failed_at, later)
    return Outcomes(first.astype(np.int64), last.astype(np.int64), left), np.where(fails, failed_in_h, known_h) > 0


class Expanded(NamedTuple):
    """A row for each interval that a row was seen in: its place, the interval, whether it failed there, its weight."""

    row: np.ndarray
    interval: np.ndarray
    failed: np.ndarray
    weight: np.ndarray


def expanded(outcomes: Outcomes, intervals: int = INTERVALS, weight: np.ndarray | None = None) -> Expanded:
    """Rows of intervals, in the order of the rows."""
    weight = np.ones(len(outcomes.first)) if weight is None else weight
    in_last = outcomes.known | (outcomes.left < 1.0)
    seen = np.minimum(outcomes.first + in_last, intervals)
    row = np.repeat(np.arange(len(seen)), seen)
    interval = np.arange(len(row)) - np.repeat(np.cumsum(seen) - seen, seen)
    in_first = interval == outcomes.first[row]
    failed = in_first & outcomes.known[row]
    through = np.where(in_first & ~failed, 1.0 - outcomes.left[row], 1.0)
    return Expanded(row, interval, failed, through * weight[row])


def priors(outcomes: Outcomes, intervals: int = INTERVALS) -> np.ndarray:
    """Share of each class among all rows, float64 [intervals + 1], by Kaplan and Meier (1958, JASA 53, 457-481)."""
    found = expanded(outcomes, intervals)
    failed = np.bincount(found.interval, weights=found.failed, minlength=intervals)
    reached = np.bincount(found.interval, weights=found.weight, minlength=intervals)
    with np.errstate(invalid="ignore", divide="ignore"):
        hazard = np.where(reached > 0, failed / reached, 0.0)
    return classes_of(1.0 - np.cumprod(1.0 - hazard)[None])[0]


def with_interval(rows: np.ndarray, interval: np.ndarray | int) -> np.ndarray:
    """Rows with the number of an interval as their last column, float32 [rows, features + 1]."""
    return np.column_stack([rows, np.broadcast_to(np.asarray(interval, np.float32), len(rows))]).astype(
        np.float32, copy=False
    )


def fit(
    features: np.ndarray,
    outcomes: Outcomes,
    parameters: Mapping[str, object],
    rounds: int,
    *,
    intervals: int = INTERVALS,
    weight: np.ndarray | None = None,
) -> lightgbm.Booster:
    """A binary model of the hazard; its last feature is the interval. `parameters` name LightGBM's own objective."""
    found = expanded(outcomes, intervals, weight)
    data = lightgbm.Dataset(
        with_interval(features[found.row], found.interval),
        label=found.failed,
        weight=found.weight,
        feature_name=[f"f{at}" for at in range(features.shape[1] + 1)],
        free_raw_data=True,
    )
    return lightgbm.train(dict(parameters), data, num_boost_round=rounds)


def scores_of(model: lightgbm.Booster, features: np.ndarray, intervals: int = INTERVALS) -> np.ndarray:
    """Logits of the hazard of each interval, float64 [rows, intervals]."""
    columns = [
        np.asarray(model.predict(with_interval(features, at), raw_score=True, num_threads=1)) for at in range(intervals)
    ]
    return np.stack(columns, axis=1)


def within_of(scores: np.ndarray) -> np.ndarray:
    """Chances within each horizon, float64 [rows, intervals], of logits of hazards."""
    return 1.0 - np.cumprod(1.0 / (1.0 + np.exp(scores)), axis=1)


def classes_of(within: np.ndarray) -> np.ndarray:
    """Chances of each interval and of later than all, float64 [rows, intervals + 1], of chances within horizons."""
    return np.diff(within, axis=1, prepend=0.0, append=1.0)


def likelihood(within: np.ndarray, outcomes: Outcomes) -> float:
    """Log loss in nats of chances within horizons [rows, intervals]."""
    chances = classes_of(within)
    return log_loss(chances, outcomes.allowed(chances.shape[1]))


def log_loss(chances: np.ndarray, allowed: np.ndarray, least: float = LEAST_CHANCE) -> float:
    """Mean negative log likelihood in nats of chances of classes, which rows may be of to a part: [rows, classes]."""
    return float(-np.log(np.maximum((chances * allowed).sum(axis=1), least)).mean())
