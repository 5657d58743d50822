"""Chances of machines by models that never saw them, and those machines one by one, as warnings are judged on them.

A row stands until the machine's next is due, and the life cycle counts it for as many forecasts as live would have
made by then. Nothing is trained here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import overload

import lightgbm
import numpy as np

from models.alerting.episodes import OPEN_AT_THE_END, Series
from models.alerting.episodes import episodes as opened
from models.alerting.life import CLEAR_AFTER, OPEN_AFTER, Threshold
from models.bins import MINUTE_US
from models.failure.hazard import DECIMALS, WARNING
from models.records import HORIZONS_H
from onnx_export.calibrate import Scaling
from onnx_export.crossval import HELD_EVERY_MIN, splits
from onnx_export.episodes import Episode, Replay
from onnx_export.evaluate import Scores, judge
from onnx_export.history import Failure, History, Progress
from onnx_export.learner import Learner, with_rows
from onnx_export.shards import Survey, history_of, parts
from onnx_export.survival import INTERVALS
from onnx_export.table import Rows

LAST = len(HORIZONS_H) - 1
COMPACT = np.dtype(
    [
        ("asset", np.int32), ("minute", np.int32), ("since", np.int32), ("mode", np.int8), ("hours", np.float32),
        ("known", np.float32), ("warning", np.float32), ("last", np.float32),
    ]
)  # fmt: skip
"""A row to judge by: minutes since 1970, hours to its failure and known, chances within 72 h and the last horizon."""


def folds_of(assets: int, seed: int) -> list[np.ndarray]:
    """Assets that each fold leaves out, by number."""
    return [left_out for _, left_out in splits(np.arange(assets), seed)]


def out_of_fold(
    found: Survey, learner: Learner, every_min: int, models: Mapping[int, lightgbm.Booster], progress: Progress
) -> tuple[History, np.ndarray]:
    """Rows to calibrate by, without features, and their scores by the model of each asset, which never saw it.

    Files are read once more, one at a time; scores are float32 [rows x components, classes].
    """
    pieces, scores = [], []
    for rows in parts(found, learner.spec.names, Grid(every_min), progress, "calibrating"):
        pieces.append(rows._replace(features=np.empty((len(rows.asset), 0), np.float32)))
        scores.append(_scores(learner, models, rows))
    history = history_of(found, pieces, every_min)
    order = np.lexsort(
        (np.concatenate([piece.window_end_us for piece in pieces]), np.concatenate([piece.asset for piece in pieces]))
    )
    by_row = np.concatenate(scores)[order]  # [rows, components, classes]
    first = first_of_steps(history.asset, history.window_end_us, every_min)
    return with_rows(history, first), by_row[first].reshape(-1, by_row.shape[2])


def chances_out_of_fold(
    found: Survey, learner: Learner, every_min: int, models: Mapping[int, lightgbm.Booster], scaling: Scaling,
    progress: Progress,
) -> Machines:  # fmt: skip
    """Machines to judge warnings on, by the model of each, which never saw it; files are read once more."""
    room = np.empty(found.rows, COMPACT)  # pages that stay untouched take no memory
    count = 0
    for rows in parts(found, learner.spec.names, Grid(every_min), progress, "judging"):
        scores = _scores(learner, models, rows)
        chances = learner.chances(scores.reshape(-1, scores.shape[2]), scaling)
        count = put(room, count, rows, chances)
    kept = room[:count]
    kept.sort(order=["asset", "minute"])
    first = first_of_steps(kept["asset"], kept["minute"] * np.int64(MINUTE_US), every_min)
    return Machines(kept[first], found.failures, found.modes, found.end_us, every_min)


def put(room: np.ndarray, count: int, rows: Rows | History, chances: np.ndarray) -> int:
    """Put rows with their chances [rows, horizons] behind the first `count` of the room; how many there are then."""
    to = room[count : count + len(rows.asset)]
    to["asset"], to["mode"] = rows.asset, rows.mode
    to["minute"], to["since"] = rows.window_end_us // MINUTE_US, rows.since_us // MINUTE_US
    to["hours"], to["known"] = rows.hours, rows.known_h
    to["warning"], to["last"] = chances[:, WARNING], chances[:, LAST]
    return count + len(rows.asset)


def _scores(learner: Learner, models: Mapping[int, lightgbm.Booster], rows: Rows) -> np.ndarray:
    """Float32 [rows, components, intervals]."""
    out = np.zeros((len(rows.asset), learner.components, INTERVALS), np.float32)
    for model in dict.fromkeys(models.values()):
        mine = np.flatnonzero([models[asset] is model for asset in rows.asset.tolist()])
        if len(mine):
            out[mine] = learner.scores(model, rows.features[mine]).reshape(len(mine), learner.components, -1)
    return out


class Grid:
    """Chooses the first row of each asset in each step of so many minutes, of one file."""

    def __init__(self, every_min: int) -> None:
        self._every_min = every_min

    def __call__(self, rows: Rows) -> np.ndarray:
        """Bool [rows]."""
        order = np.lexsort((rows.window_end_us, rows.asset))
        out = np.zeros(len(order), bool)
        out[order[first_of_steps(rows.asset[order], rows.window_end_us[order], self._every_min)]] = True
        return out


def first_of_steps(asset: np.ndarray, window_end_us: np.ndarray, every_min: int) -> np.ndarray:
    """Places of the first row of each asset in each step, of sorted rows."""
    step = window_end_us // (every_min * MINUTE_US)
    new = np.ones(len(step), bool)
    new[1:] = (np.diff(asset) != 0) | (np.diff(step) != 0)
    return np.flatnonzero(new)


class Machines(Sequence[Replay]):
    """Machines one by one, with their own failures; chances are told within 72 h and the last horizon, else NaN."""

    def __init__(
        self, rows: np.ndarray, failures: Iterable[Failure], modes: tuple[str, ...], end_us: int, every_min: int
    ) -> None:
        """`rows` are COMPACT, by asset and time."""
        self.rows, self.modes, self.end_us, self.every_min = rows, modes, end_us, every_min
        self.failures = tuple(failures)
        self.assets = np.unique(rows["asset"]).tolist()
        self._from = [*np.searchsorted(rows["asset"], self.assets).tolist(), len(rows)]

    @classmethod
    def of(cls, history: History, chances: np.ndarray) -> Machines:
        """Of a history that is sorted by asset and time, with chances [rows, horizons]."""
        room = np.empty(len(chances), COMPACT)
        put(room, 0, history, chances)
        return cls(room, history.failures, history.modes, history.end_us, history.every_min)

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
        return self._replay(self.assets[at], self.rows[self._from[at] : self._from[at + 1]])

    def __iter__(self) -> Iterator[Replay]:
        return (self[at] for at in range(len(self)))

    def _replay(self, asset: int, rows: np.ndarray) -> Replay:
        chances = np.full((len(rows), len(HORIZONS_H)), np.nan)
        for column, name in ((WARNING, "warning"), (LAST, "last")):
            chances[:, column] = np.round(rows[name].astype(np.float64), DECIMALS)
        history = History(
            features=np.empty((len(rows), 0), np.float32),
            asset=rows["asset"].astype(np.int64),
            window_end_us=rows["minute"] * np.int64(MINUTE_US),
            since_us=rows["since"] * np.int64(MINUTE_US),
            hours=rows["hours"].astype(np.float64),
            known_h=rows["known"].astype(np.float64),
            mode=rows["mode"],
            failures=tuple(failure for failure in self.failures if failure.asset == asset),
            modes=self.modes,
            end_us=self.end_us,
            every_min=self.every_min,
        )
        return Replay(history, chances)


def warnings(run: Replay, limit: float) -> list[Episode]:
    """Warnings that the life cycle opens, where each row stands for the forecasts until the next is due.

    The third opens and the 60th clears, as in live; rows that stand for three open one by themselves, 20 min later.
    """
    history = run.history
    times = max(1, history.every_min // HELD_EVERY_MIN)
    after = -(-OPEN_AFTER // times), -(-CLEAR_AFTER // times)
    found = opened(
        Series(history.asset, history.since_us, run.chances[:, WARNING]),
        Threshold(limit, open_after=after[0], clear_after=after[1]),
    )
    later_us = (OPEN_AFTER - 1 - (after[0] - 1) * times) * HELD_EVERY_MIN * MINUTE_US
    end_us = history.window_end_us
    ended_us = np.where(found.ended == OPEN_AT_THE_END, OPEN_AT_THE_END, end_us[found.ended])
    return [
        Episode(asset, opened_us + later_us, None if until_us == OPEN_AT_THE_END else until_us)
        for asset, opened_us, until_us in zip(
            history.asset[found.opened].tolist(), end_us[found.opened].tolist(), ended_us.tolist(), strict=True
        )
    ]


def score(machines: Iterable[Replay], limit: float) -> Scores:
    """Figures of a limit over machines together."""
    total = Scores()
    for run in machines:
        total = total.with_more(judge(run.history, warnings(run, limit)))
    return total


def tried(machines: Machines, limits: Iterable[float], told: Callable[[float], object]) -> dict[float, Scores]:
    """Figures of each limit, which is told before it is tried."""
    out = {}
    for limit in limits:
        told(limit)
        out[limit] = score(machines, limit)
    return out


def within(figures: Mapping[float, Scores], budget: float) -> float:
    """The limit that warns of most failures within a budget, and earliest; the calmest where none keeps it."""
    kept = {limit: scores for limit, scores in figures.items() if scores.unfounded_a_month <= budget}
    if not kept:
        return min(figures, key=lambda limit: (figures[limit].unfounded, -limit))
    return max(kept, key=lambda limit: (kept[limit].recall, kept[limit].lead_h(), -limit))
