"""What a part takes, energy and time, as settings move: learned from parts, log-linear in what is measured. Pure.

Locally true of anything smooth; it is asked only within a step or two of where parts were made.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

RIDGE = 1e-4
"""Of standardised inputs, for each part: enough that an input that never varied moves nothing."""
LEAST_PARTS = 30


class Cost(NamedTuple):
    """Of one figure: by how much its logarithm grows for a unit of each input, [inputs], and its mean by now."""

    slopes: np.ndarray
    now: float

    def at(self, shifts: np.ndarray) -> np.ndarray:
        """Expected with inputs moved, [...] of [..., inputs]."""
        return np.asarray(self.now * np.exp(shifts @ self.slopes))


def learned(inputs: np.ndarray, figure: np.ndarray, now: np.ndarray) -> Cost | None:
    """From parts, [n, inputs] and [n], of which those `now`, bool [n], are as they are made now. None of too few.

    Rows with a missing value are left out.
    """
    known = np.isfinite(inputs).all(axis=1) & np.isfinite(figure) & (figure > 0)
    if known.sum() < LEAST_PARTS:
        return None
    of, told = inputs[known], np.log(figure[known])
    centre, scale = of.mean(axis=0), of.std(axis=0)
    scale = np.where(scale > 0, scale, np.inf)
    design = (of - centre) / scale
    square = design.T @ design + RIDGE * len(of) * np.eye(of.shape[1])
    slopes = np.linalg.solve(square, design.T @ (told - told.mean())) / scale
    return Cost(slopes, float(figure[known & now].mean())) if (known & now).any() else None
