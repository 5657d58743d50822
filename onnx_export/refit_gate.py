"""When a refit is let go: enough independent failures, nothing forgotten on old data, better on new and not by luck.

Figures are of machines' rows, by chances of models that learned nothing from those machines. Nothing is learned here.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from models.bins import MINUTE_US
from models.failure.hazard import SOME_FAILURES, WARNING
from onnx_export.calibrate import come
from onnx_export.crossval import FOLDS
from onnx_export.history import HOUR_US, History
from onnx_export.shards import nearness
from onnx_export.survival import LEAST_CHANCE, classes_of

LEAST_EVENTS = 2 * SOME_FAILURES
"""Independent failures in new rows, and in old ones, for anything to be done: where a fold has half of them, the model
of the others still learns from SOME_FAILURES. Our choice."""
MAY_FALL = 0.01
"""How far average precision on old machines may fall: the requirement on continual learning."""
STEPS = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.05)
"""Shares of the way from the parent's leaves to the refitted ones that are tried, the longest first. Our choice."""
SURE = 1.0 - 0.05 / len(STEPS)
"""Share of draws of machines in which new data must be likelier than by the parent: 95 %, one-sided, by Bonferroni for
so many steps that are tried on the same rows."""
DRAWS = 4000
"""Of that bootstrap (Efron 1979): a share of 0.994 then moves by 0.0012 from seed to seed."""


class Reason(StrEnum):
    """Why a parent stays as it is."""

    NOT_TREES = "not-trees"
    OTHER_FEATURES = "other-features"
    TOO_FEW_MACHINES = "too-few-machines"
    TOO_FEW_EVENTS = "too-few-events"
    TOO_FEW_OLD_EVENTS = "too-few-old-events"
    FORGETS_OLD = "forgets-old"
    NO_BETTER_ON_NEW = "no-better-on-new"
    WORSE_CALIBRATED = "worse-calibrated"
    COULD_BE_LUCK = "could-be-luck"


class NotRefitted(ValueError):  # named for what happened
    """The parent stays: `reason` says why, the message with which figures; `events` are new independent failures."""

    def __init__(self, reason: Reason, detail: str, events: int = 0) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.events = reason, events


class Figures(NamedTuple):
    """Average precision of failing within 72 h, the mean of folds, and log loss in nats.

    Models of different folds do not rank each other's machines, so each fold is ranked by itself.
    """

    average_precision: float
    log_loss: float


class Judged(NamedTuple):
    """Figures of the parent and of what it becomes, on old and on new rows.

    `surer` is the share of draws of machines in which new rows are likelier than by the parent.
    """

    old: tuple[Figures, Figures]
    new: tuple[Figures, Figures]
    surer: float


def events_of(history: History) -> int:
    """Independent failures that rows speak of: each counts once, however many rows lie before it."""
    near, _ = nearness(history.hours, history.known_h)
    fails_us = history.window_end_us[near] + history.hours[near] * HOUR_US
    asset = history.asset[near]
    return sum(
        bool(((asset == one.asset) & (np.abs(fails_us - one.time_us) <= MINUTE_US)).any()) for one in history.failures
    )


def refuse(features: int, new: History, old: History, least_events: int) -> None:
    """Raise NotRefitted where there is too little to learn from or to judge by, or rows have other features."""
    widths = {part.features.shape[1] for part in (new, old)}
    if widths != {features}:
        raise NotRefitted(
            Reason.OTHER_FEATURES,
            f"rows have {sorted(widths)} features, the parent looks at {features}: make rows by its card",
        )
    events = events_of(new)
    few = {Reason.TOO_FEW_EVENTS: ("new", events), Reason.TOO_FEW_OLD_EVENTS: ("old", events_of(old))}
    for reason, (which, count) in few.items():
        if count < least_events:
            told = f"{which} rows tell of {count} independent failures, a refit takes {least_events}"
            raise NotRefitted(reason, told, events)
    machines = min(len(np.unique(part.asset)) for part in (new, old))
    if machines < FOLDS:
        told = f"rows of {machines} machines, judging on machines that a model learned nothing from takes {FOLDS}"
        raise NotRefitted(Reason.TOO_FEW_MACHINES, told, events)


def figures(history: History, weight: np.ndarray, chances: np.ndarray, folds: Sequence[np.ndarray]) -> Figures:
    """Of chances [rows, horizons], where each row stands for `weight` rows; `folds` are machines by number."""
    from sklearn.metrics import average_precision_score  # slow to load

    outcomes, known = history.outcomes
    came, sure = come(outcomes, WARNING)
    found = []
    for machines in folds:
        rows = np.flatnonzero(known & sure & np.isin(history.asset, machines))
        if came[rows].any():
            found.append(average_precision_score(came[rows], chances[rows, WARNING], sample_weight=weight[rows]))
    loss = np.average(surprise(history, chances)[known], weights=weight[known])
    return Figures(float(np.mean(found)), float(loss))


def surprise(history: History, chances: np.ndarray) -> np.ndarray:
    """Negative log likelihood of each row in nats, float64 [rows]; 0 of rows of which nothing is known."""
    outcomes, known = history.outcomes
    allowed = outcomes.allowed(chances.shape[1] + 1)
    likely = np.maximum((classes_of(chances) * allowed).sum(axis=1), LEAST_CHANCE)
    return np.where(known, -np.log(likely), 0.0)


def surer(history: History, weight: np.ndarray, before: np.ndarray, after: np.ndarray, seed: int) -> float:
    """Share of draws of machines in which rows are likelier by chances `after` than by those `before`."""
    machines, place = np.unique(history.asset, return_inverse=True)
    gained = np.bincount(place, weight * (surprise(history, before) - surprise(history, after)))
    drawn = np.random.default_rng(seed).integers(len(machines), size=(DRAWS, len(machines)))
    return float((gained[drawn].sum(axis=1) > 0).mean())


def wrong(judged: Judged) -> dict[Reason, str]:
    """Why a refit must stay behind, each reason with its figures; nothing where it may go."""
    (old, now), (before, after) = judged.old, judged.new
    asked = {
        Reason.FORGETS_OLD: (
            now.average_precision < old.average_precision - MAY_FALL,
            f"average precision on old machines falls from {old.average_precision:.4f} to "
            f"{now.average_precision:.4f}, {MAY_FALL:g} is allowed",
        ),
        Reason.NO_BETTER_ON_NEW: (
            after.average_precision < before.average_precision,
            f"average precision on new data is {after.average_precision:.4f}, "
            f"the parent's {before.average_precision:.4f}",
        ),
        Reason.WORSE_CALIBRATED: (
            after.log_loss > before.log_loss,
            f"log loss on new data is {after.log_loss:.4f}, the parent's {before.log_loss:.4f}",
        ),
        Reason.COULD_BE_LUCK: (
            judged.surer < SURE,
            f"new data are likelier in {judged.surer:.1%} of draws of machines, {SURE:.1%} are asked",
        ),
    }
    return {reason: detail for reason, (is_wrong, detail) in asked.items() if is_wrong}
