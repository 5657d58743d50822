"""Chances of machines by models that never saw them, and those machines one by one, as warnings are judged on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import overload

import lightgbm
import numpy as np

from models.alerting.life import CLEAR_AFTER
from models.bins import MINUTE_US
from onnx_export.crossval import HELD_EVERY_MIN, splits
from onnx_export.episodes import Replay
from onnx_export.history import History, Progress
from onnx_export.learner import Learner, with_rows
from onnx_export.shards import Sample, Survey, history_of, parts
from onnx_export.table import Rows


def folds_of(assets: int, seed: int) -> list[np.ndarray]:
    """Assets that each fold leaves out, by number."""
    return [left_out for _, left_out in splits(np.arange(assets), seed)]


def out_of_fold(
    found: Survey, learner: Learner, sample: Sample, models: Mapping[int, lightgbm.Booster], progress: Progress
) -> tuple[History, np.ndarray]:
    """Rows to judge by, without features, and their scores by the model of each asset, which never saw it.

    Files are read once more, one at a time; scores are float32 [rows x components, classes].
    """
    pieces, scores = [], []
    chosen = Grid(sample.judged_every_min)
    for rows in parts(found, learner.spec.names, chosen, progress, "judging"):
        pieces.append(rows._replace(features=np.empty((len(rows.asset), 0), np.float32)))
        scores.append(_scores(learner, models, rows))
    history = history_of(found, pieces, sample.judged_every_min)
    order = np.lexsort(
        (np.concatenate([piece.window_end_us for piece in pieces]), np.concatenate([piece.asset for piece in pieces]))
    )
    by_row = np.concatenate(scores)[order]  # [rows, components, classes]
    first = first_of_steps(history, sample.judged_every_min)
    return with_rows(history, first), by_row[first].reshape(-1, by_row.shape[2])


def _scores(learner: Learner, models: Mapping[int, lightgbm.Booster], rows: Rows) -> np.ndarray:
    out = np.zeros((len(rows.asset), learner.components, learner_classes(models)), np.float32)
    for model in dict.fromkeys(models.values()):
        mine = np.flatnonzero([models[asset] is model for asset in rows.asset.tolist()])
        if len(mine):
            out[mine] = learner.scores(model, rows.features[mine]).reshape(len(mine), learner.components, -1)
    return out


def learner_classes(models: Mapping[int, lightgbm.Booster]) -> int:
    """Classes that models tell apart."""
    return next(iter(models.values())).num_model_per_iteration()


class Grid:
    """Chooses the first row of each asset in each step of so many minutes, of one file."""

    def __init__(self, every_min: int) -> None:
        self._every_min = every_min

    def __call__(self, rows: Rows) -> np.ndarray:
        """Bool [rows]."""
        step = rows.window_end_us // (self._every_min * MINUTE_US)
        out = np.zeros(len(step), bool)
        order = np.lexsort((rows.window_end_us, rows.asset))
        new = np.ones(len(order), bool)
        new[1:] = (np.diff(rows.asset[order]) != 0) | (np.diff(step[order]) != 0)
        out[order[new]] = True
        return out


def first_of_steps(history: History, every_min: int) -> np.ndarray:
    """Places of the first row of each asset in each step: of a step that two files share, one counts."""
    step = history.window_end_us // (every_min * MINUTE_US)
    new = np.ones(len(step), bool)
    new[1:] = (np.diff(history.asset) != 0) | (np.diff(step) != 0)
    return np.flatnonzero(new)


class Machines(Sequence[Replay]):
    """Machines of a history one by one, each row's chances standing until the next is due.

    The life cycle counts forecasts HELD_EVERY_MIN apart; rows that are farther apart are repeated until the next.
    """

    def __init__(self, history: History, chances: np.ndarray) -> None:
        """`chances` [rows, horizons] of a history that is sorted by asset."""
        self.history = replace(history, features=np.empty((len(chances), 0), np.float32))
        self.chances = chances
        self.assets = np.unique(history.asset).tolist()
        self._from = np.searchsorted(history.asset, [*self.assets, np.iinfo(np.int64).max])

    def __len__(self) -> int:
        return len(self.assets)

    @overload
    def __getitem__(self, at: int) -> Replay: ...
    @overload
    def __getitem__(self, at: slice) -> list[Replay]: ...
    def __getitem__(self, at: int | slice) -> Replay | list[Replay]:
        """One machine, or some."""
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        rows = np.arange(self._from[at], self._from[at + 1])
        own = tuple(failure for failure in self.history.failures if failure.asset == self.assets[at])
        return spread(replace(with_rows(self.history, rows), failures=own), self.chances[rows])

    def __iter__(self) -> Iterator[Replay]:
        return (self[at] for at in range(len(self)))


def spread(history: History, chances: np.ndarray) -> Replay:
    """Each row as many times as the life cycle counts until the next, its time and what is known of it moving on.

    More than CLEAR_AFTER times says the same again: by then a row has opened or cleared a warning.
    """
    every_min = history.every_min
    most = min(max(1, every_min // HELD_EVERY_MIN), CLEAR_AFTER)
    times = max(n for n in range(1, most + 1) if every_min % n == 0)
    if times == 1:
        return Replay(history, chances)
    later_min = np.tile(np.arange(times), len(history.asset)) * HELD_EVERY_MIN
    moved = with_rows(history, np.repeat(np.arange(len(history.asset)), times))
    return Replay(
        replace(
            moved,
            window_end_us=moved.window_end_us + later_min * MINUTE_US,
            hours=moved.hours - later_min / 60,
            known_h=moved.known_h - later_min / 60,
            every_min=every_min // times,
        ),
        np.repeat(chances, times, axis=0),
    )
