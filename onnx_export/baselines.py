"""Two rules without a model, to hold the model against: a machine far from its own normal, and age alone.

Both give chances as a model does and run through the same alert life cycle, limits and judge.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.features import Spec
from models.records import HORIZONS_H
from onnx_export.episodes import Replay
from onnx_export.evaluate import Scores, score
from onnx_export.history import History

NORMAL_H = 7 * 24.0
"""Running hours at the beginning of a life that are a machine's normal: every hour of the day and day of the week."""
SIGMAS = 4.0
"""Standard deviations off its normal at which a signal is over: a common alarm of condition monitoring, and wide enough
that noise alone crosses it once in 16 000 rows."""
FOUR_SIGMA_LIMIT = 0.5
"""Any limit does: its chances are 0 or 1."""
LEAST_NORMAL_ROWS = 2
"""Fewer have no spread."""
OLDEST_H = 120 * 24.0
"""The running hours at which age alone gives chance 1; over twice the mean lives that are simulated."""
LEAST_RECALL = 0.9
"""Share of failures that age alone has to warn of: the aim of the starter model."""
AGES = tuple(round(days * 24.0 / OLDEST_H, 6) for days in range(4, 101, 2))
"""Limits that are tried for age alone: 4 to 100 days of running, as shares of OLDEST_H."""


def four_sigma(spec: Spec, history: History) -> Replay:
    """Chance 1 where the hour's mean of any signal is SIGMAS off the machine's normal in this life, else 0."""
    levels = history.features[:, [spec.names.index(f"{signal}.mean_1h") for signal in spec.signals]].astype(np.float64)
    running_h = history.features[:, spec.running]
    life = np.flatnonzero(_new_life(history))
    over = np.zeros(len(running_h), bool)
    for first, end in zip(life.tolist(), [*life[1:].tolist(), len(running_h)], strict=True):
        over[first:end] = _over(levels[first:end], running_h[first:end] <= NORMAL_H)
    return Replay(history, _every_horizon(over.astype(np.float64)))


def _over(levels: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Rows of one life that are over, bool [rows], from levels [rows, signals]; rows of the normal itself are not."""
    seen = levels[normal]
    counts = (~np.isnan(seen)).sum(axis=0)
    some = counts >= LEAST_NORMAL_ROWS
    if not some.any():
        return np.zeros(len(levels), bool)
    mean, spread = np.nanmean(seen[:, some], axis=0), np.nanstd(seen[:, some], axis=0)
    return ((np.abs(levels[:, some] - mean) > SIGMAS * spread) & (spread > 0)).any(axis=1) & ~normal


def age_alone(spec: Spec, history: History) -> Replay:
    """Chance as the share of OLDEST_H that a machine has run in this life, 1 at most."""
    running_h = history.features[:, spec.running].astype(np.float64)
    return Replay(history, _every_horizon(np.minimum(running_h / OLDEST_H, 1.0)))


def choose_age(spec: Spec, histories: Sequence[History]) -> tuple[float, dict[float, Scores]]:
    """The running hours at which age alone warns: of those that warn of LEAST_RECALL, the least unfounded.

    Within a model's budget age alone would hardly warn at all, and show nothing. Returns the figures of all ages too.
    """
    runs = [age_alone(spec, history) for history in histories]
    tried = {age: score(runs, age) for age in AGES}
    enough = {age: scores for age, scores in tried.items() if scores.recall >= LEAST_RECALL} or tried
    return min(enough, key=lambda age: (enough[age].unfounded, -enough[age].lead_h())), tried


def _new_life(history: History) -> np.ndarray:
    """First rows of lives, bool [rows]."""
    out = np.ones(len(history.asset), bool)
    out[1:] = (np.diff(history.asset) != 0) | (np.diff(history.since_us) != 0)
    return out


def _every_horizon(chance: np.ndarray) -> np.ndarray:
    return np.repeat(chance[:, None], len(HORIZONS_H), axis=1)
