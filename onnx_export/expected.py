"""What a signal should read, from others: a straight line fitted on healthy machines.

Oil is hot because a bearing drags or because the day is warm and the load high; only what is left over after the second
speaks of wear. Nothing here knows which signals those are: the recipe says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from models.features import Expected, Spec
from onnx_export.history import History

YOUNG_H = 15 * 24.0
"""Running hours of a life that count as healthy: under a third of the lives that training knows. Our choice."""
FAR_H = 20 * 24.0
"""Hours without a failure after a healthy row, nearly three times the last horizon. Our choice."""
LEVEL = "mean_24h"
"""The feature that is fitted: a day's mean has seen all hours."""
DIGITS = 9
"""Significant digits of a coefficient: what the last bits of a solver differ by between CPUs does not get through."""


def healthy(spec: Spec, history: History) -> np.ndarray:
    """Rows, bool [rows], early in a life and seen not to fail for long."""
    return (history.features[:, spec.running] < YOUNG_H) & (history.known_h > FAR_H)


def fit(spec: Spec, history: History, targets: Mapping[str, Sequence[str]]) -> tuple[Expected, ...]:
    """Each target by the signals named for it, on healthy rows of a history. Raises ValueError as `lines` does."""
    return lines(spec, history.features[healthy(spec, history)], targets)


def lines(spec: Spec, rows: np.ndarray, targets: Mapping[str, Sequence[str]]) -> tuple[Expected, ...]:
    """Each target by the signals named for it, least squares in float64 on feature rows of healthy machines.

    Raises ValueError where fewer rows than ten a coefficient have all that a target needs.
    """
    rows = rows.astype(np.float64)
    return tuple(_fit_one(spec, rows, target, tuple(terms)) for target, terms in targets.items())


def _fit_one(spec: Spec, rows: np.ndarray, target: str, terms: tuple[str, ...]) -> Expected:
    columns = [spec.column(f"{signal}.{LEVEL}") for signal in (target, *terms)]
    known = rows[~np.isnan(rows[:, columns]).any(axis=1)][:, columns]
    if len(known) < 10 * len(columns):
        raise ValueError(f"expected {target}: {len(known)} healthy rows are too few for {len(terms)} terms; add days")
    centre = known.mean(axis=0)
    slopes = np.linalg.lstsq(known[:, 1:] - centre[1:], known[:, 0] - centre[0], rcond=None)[0]
    intercept = centre[0] - float(slopes @ centre[1:])
    coefficients = tuple(zip(terms, map(significant, slopes.tolist()), strict=True))
    return Expected(target, significant(intercept), coefficients)


def significant(value: float) -> float:
    """A number to DIGITS significant digits."""
    return float(f"{value:.{DIGITS - 1}e}")
