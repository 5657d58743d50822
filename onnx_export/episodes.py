"""A model's chances over a history, and the warnings that the alert life cycle opens on them, machine by machine.

The life cycle in arrays is `models.alerting.episodes`; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from models.alerting.episodes import OPEN_AT_THE_END, Series
from models.alerting.episodes import episodes as opened
from models.alerting.life import Threshold
from models.failure.hazard import DECIMALS, WARNING
from models.inference import Predictor
from onnx_export.history import History

ROWS_A_CALL = 4096
"""Rows per inference call: enough to amortise it, small enough for the cache."""


class Episode(NamedTuple):
    """A warning from its opening to its end, None for one that is open when the history ends."""

    asset: int
    opened_us: int
    ended_us: int | None


class Replay(NamedTuple):
    """A history with the chances of each of its rows, float64 [rows, horizons]: made once, run under many limits."""

    history: History
    chances: np.ndarray


def chances_of(onnx: bytes, rows: np.ndarray) -> np.ndarray:
    """Chances of feature rows, rounded as `Hazard.chances` rounds them."""
    predictor = Predictor(onnx)
    parts = [predictor.predict(rows[at : at + ROWS_A_CALL]) for at in range(0, len(rows), ROWS_A_CALL)]
    return np.round(np.concatenate(parts).astype(np.float64), DECIMALS)


def replay(onnx: bytes, history: History) -> Replay:
    """Chances of a model over a history, as live would have them."""
    return Replay(history, chances_of(onnx, history.features))


def episodes(run: Replay, limit: float) -> Iterator[Episode]:
    """Warnings that the life cycle opens over a history at a limit, with the persistences that hold everywhere."""
    history = run.history
    found = opened(Series(history.asset, history.since_us, run.chances[:, WARNING]), Threshold(limit))
    end_us = history.window_end_us
    ended_us = np.where(found.ended == OPEN_AT_THE_END, OPEN_AT_THE_END, end_us[found.ended])
    columns = (history.asset[found.opened], end_us[found.opened], ended_us)
    for asset, opened_us, until_us in zip(*(column.tolist() for column in columns), strict=True):
        yield Episode(asset, opened_us, None if until_us == OPEN_AT_THE_END else until_us)
