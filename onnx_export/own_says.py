"""What a plant's own hazard says beside its chances: time to failure, and past cases. Both rest on chances out of fold.

A machine's chances here are of the model that never saw it, by the scaling of the card, which is of all machines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import lightgbm
import numpy as np

from models.failure.hazard import DECIMALS
from models.failure.interval import Levels
from models.records import HORIZONS_H
from onnx_export.calibrate import Scaling
from onnx_export.conformal import TooFewFailures, crossed, told_from
from onnx_export.episodes import Replay
from onnx_export.history import History
from onnx_export.learner import Learner, with_rows
from onnx_export.past_cases import file_of


class Remains(NamedTuple):
    """How time to failure is told; None where it is not, and then why."""

    levels: Levels | None
    why_not: str = ""


class Says(NamedTuple):
    """The chance it warns from, how it tells time to failure, and the file of past cases, empty where there is none."""

    limit: float
    remains: Remains
    cases: bytes


def remains(run: Replay, folds: Sequence[np.ndarray], limit: float) -> Remains:
    """Levels of all machines, with what those of the other folds cover of each fold's; `folds` are assets by number."""
    parts = [np.flatnonzero(np.isin(run.history.asset, fold)) for fold in folds]
    runs = [Replay(with_rows(run.history, rows), run.chances[rows]) for rows in parts]
    try:
        return Remains(crossed(runs, told_from(limit)))
    except TooFewFailures as few:
        return Remains(None, str(few))


def cases(
    learner: Learner, rows: History, models: Mapping[int, lightgbm.Booster], scaling: Scaling, limit: float
) -> bytes:
    """The file of past cases of the rows that were gathered, by the chances of the model of each machine's fold.

    Where rows are a sample, a life's first row over the limit is the first of those.
    """
    chances = np.zeros((len(rows.asset), len(HORIZONS_H)))
    for asset in np.unique(rows.asset).tolist():
        mine = np.flatnonzero(rows.asset == asset)
        chances[mine] = as_live(learner.chances(learner.scores(models[asset], rows.features[mine]), scaling))
    return file_of(learner.spec, [Replay(rows, chances)], limit)


def as_live(chances: np.ndarray) -> np.ndarray:
    """Chances with the decimals that they travel with."""
    return np.round(chances, DECIMALS)
