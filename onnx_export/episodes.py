"""A model's chances over a history, and the warnings that the alert life cycle opens on them, machine by machine.

The life cycle is `models.alerting.life` itself. It is stepped only through the rows that can open or end a warning, so
that millions of rows take seconds; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from models.alerting.life import CLEAR_AFTER, CLEAR_SHARE, OPEN_AFTER, Watch, step
from models.failure.hazard import DECIMALS, WARNING
from models.inference import Predictor
from models.records import AlertReason
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
    """Warnings that `models.alerting.life` opens over a history: the same as by stepping through every row.

    Openings and endings are exact. What a warning says in between is not kept: its revisions hang on rows left out.
    """
    history, rows = run.history, _decisive(run, limit)
    repaired = _starts(history.since_us) & ~_starts(history.asset)
    columns = (history.asset[rows], repaired[rows], history.window_end_us[rows], run.chances[rows])
    watch, machine, opened_us = Watch(), -1, None
    for asset, anew, end_us, chances in zip(*(column.tolist() for column in columns), strict=True):
        if asset != machine:
            if opened_us is not None:
                yield Episode(machine, opened_us, None)
            watch, machine, opened_us = Watch(), asset, None
        if anew:
            if opened_us is not None:
                yield Episode(machine, opened_us, end_us)
            watch, opened_us = Watch(), None
        watch, reason = step(watch, tuple(chances), limit)
        if reason is AlertReason.OPENED:
            opened_us = end_us
        elif reason is AlertReason.CLEARED and opened_us is not None:
            yield Episode(machine, opened_us, end_us)
            opened_us = None
    if opened_us is not None:
        yield Episode(machine, opened_us, None)


def _decisive(run: Replay, limit: float) -> np.ndarray:
    """Places of the rows that can open or end a warning: the first ones of each run of equal readings in a life.

    The rules count forecasts in a row that read the same, and have done all they can with a run once it is as long as
    its rule asks. Later rows of the run move nothing but its length, which the next other reading, life or machine
    starts anew.
    """
    chance = run.chances[:, WARNING]
    over, under = chance >= limit, chance < CLEAR_SHARE * limit
    start = _starts(run.history.asset) | _starts(run.history.since_us) | _starts(over) | _starts(under)
    at = np.arange(len(chance))
    place = at - np.maximum.accumulate(np.where(start, at, 0))
    longest = np.where(over, OPEN_AFTER, np.where(under, CLEAR_AFTER, 1))
    return np.flatnonzero(place < longest)


def _starts(values: np.ndarray) -> np.ndarray:
    """Where a value differs from the one before; the first row does."""
    out = np.ones(len(values), bool)
    out[1:] = values[1:] != values[:-1]
    return out
