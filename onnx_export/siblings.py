"""Where residuals lay in the first day of running of the machines that a model learns from.

A machine without a usual of its own is held against this, and each is told how far it is from its siblings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.features import AFTER_RUNNING_MIN, Fleet, Spec
from onnx_export.expected import significant
from onnx_export.history import History

FIRST_H = AFTER_RUNNING_MIN / 60
"""Running hours of a life that are its first: those that its own usual is made of."""
LEAST_ROWS, LEAST_LIVES = 6, 3
"""Rows of a life, and lives, that a figure of a signal rests on at least. Our choice."""
MAD_TO_SPREAD = 1.4826
"""Standard deviation of a normal law over its median absolute deviation (Rousseeuw and Croux 1993, JASA 88, 1273)."""


def fleet_of(spec: Spec, histories: Sequence[History]) -> tuple[Fleet, ...]:
    """The fleet of a list of features, a figure a target: medians over lives, so that one odd machine moves none.

    Raises ValueError where too few lives have a signal, or all are equal.
    """
    lives = [life for history in histories for life in _lives(spec, history)]
    return tuple(_of_target(one.target, at, lives) for at, one in enumerate(spec.expected))


def _lives(spec: Spec, history: History) -> list[np.ndarray]:
    """Residuals of the hour in the first day of running of each life, float64 [rows, targets]."""
    columns = np.array([spec.column(f"{target}.over_1h") for target in spec.targets], np.int64)
    young = np.flatnonzero(history.features[:, spec.running] < FIRST_H)
    lives, of_row = np.unique(np.stack([history.asset[young], history.since_us[young]]), axis=1, return_inverse=True)
    over = history.features[np.ix_(young, columns)].astype(np.float64)
    return [over[of_row.ravel() == number] for number in range(lives.shape[1])]


def _of_target(target: str, at: int, lives: Sequence[np.ndarray]) -> Fleet:
    known = [life[~np.isnan(life[:, at]), at] for life in lives]
    enough = [values for values in known if len(values) >= LEAST_ROWS]
    if len(enough) < LEAST_LIVES:
        raise ValueError(
            f"fleet of {target}: {len(enough)} machines have {LEAST_ROWS} rows of their first day of running, and "
            f"{LEAST_LIVES} are needed: add machines, or leave the fleet out"
        )
    means = np.array([values.mean() for values in enough])
    usual, spread = float(np.median(means)), float(np.median([values.std() for values in enough]))
    between = MAD_TO_SPREAD * float(np.median(np.abs(means - usual)))
    if not spread > 0 or not between > 0:
        raise ValueError(f"fleet of {target}: machines or their rows are all equal, so nothing can be held against it")
    return Fleet(target, significant(usual), significant(spread), significant(between))
