"""Histories through the rungs of health and of time to limit, hour by hour as live steps them, and what they warn of.

Nothing is decided here: `models.failure.health` and `models.failure.trend` do, an hour of all machines at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from models.failure import health, trend
from models.failure.health import HealthModel, Scored
from models.failure.switches import Switches
from models.failure.trend import Trends
from onnx_export.episodes import Episode
from onnx_export.history import HOUR_US, History

Take = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""What becomes of an hour: assets and their rows in, whether each is on out."""


def walk(history: History, take: Take) -> np.ndarray:
    """Whether something is on at each row of a history, bool [rows], by taking all rows of an hour at once."""
    hour = history.window_end_us // HOUR_US
    order = np.lexsort((history.window_end_us, hour))
    on = np.zeros(len(hour), bool)
    for rows in np.split(order, np.flatnonzero(np.diff(hour[order])) + 1):
        last = rows[np.append(history.asset[rows][1:] != history.asset[rows][:-1], True)]
        on[last] = take(history.asset[last], last)
    return on


def health_on(
    history: History, index: np.ndarray, edges: tuple[float, float] = (health.OPEN, health.CLEAR)
) -> np.ndarray:
    """Rows at which the health rung warns, or would with other edges, bool [rows]."""
    switches = Switches.none(int(history.asset.max()) + 1)

    def take(assets: np.ndarray, rows: np.ndarray) -> np.ndarray:
        moved, _ = health.watch(switches.copy_of(assets), history.since_us[rows], index[rows], edges)
        switches.put(assets, moved)
        return moved.on

    return walk(history, take)


def trend_on(history: History, model: HealthModel, scored: Scored) -> np.ndarray:
    """Rows at which the rung of time to limit warns, bool [rows]."""
    machines = int(history.asset.max()) + 1
    switches, trends = Switches.none(machines), Trends.none(machines, len(model.tracks))

    def take(assets: np.ndarray, rows: np.ndarray) -> np.ndarray:
        hour, since_us = history.window_end_us[rows] // HOUR_US, history.since_us[rows]
        hours = model.hours(history.features[rows], scored.part(rows), since_us, hour)
        pushed = trend.push(trends.copy_of(assets), hours)
        trends.put(assets, pushed)
        found = trend.ahead(pushed, model.bounds)
        moved, _ = trend.watch(switches.copy_of(assets), since_us, found)
        switches.put(assets, moved)
        return moved.on

    return walk(history, take)


def episodes_of(history: History, on: np.ndarray) -> Iterator[Episode]:
    """Warnings from their first row to the one that ends them: the machine's next that is not on, or of a new life."""
    other = np.ones(len(on), bool)
    other[1:] = (np.diff(history.asset) != 0) | (np.diff(history.since_us) != 0)
    begins = np.flatnonzero(on & (other | ~np.append(False, on[:-1])))
    stops = np.flatnonzero(other | ~on)
    for begin in begins.tolist():
        after = stops[np.searchsorted(stops, begin, side="right") :]
        end = int(after[0]) if len(after) else len(on)
        ended = end < len(on) and history.asset[end] == history.asset[begin]
        yield Episode(
            int(history.asset[begin]),
            int(history.window_end_us[begin]),
            int(history.window_end_us[end]) if ended else None,
        )
