"""Chances held against what came, in bins: a curve of reliability, and how sure each of its points is.

Rows of one machine minutes apart share what came, so each bin counts spells beside rows: all rows before one failure
are one, and so are those of a machine's quiet 72 h. An interval rests on spells.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from models.alerting.hindsight import HOUR_US, Past
from models.alerting.precision import Precision, precision
from models.records import WARNING_HORIZON_H

HORIZON_US = WARNING_HORIZON_H * HOUR_US
EDGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0)
"""Of bins of the chance within 72 h; the last has 1 in it. Fixed, so that machines add up; narrow where most chances of
rare failures lie. Our choice. The curve is that of M. DeGroot, S. Fienberg, The comparison and evaluation of
forecasters, The Statistician 32 (1983) 12-22."""


class Bin(NamedTuple):
    """Rows whose chance lies in low <= chance < high, and of which it is known what came.

    `said` is the sum of their chances, `came` the rows before a failure within 72 h, `failures` those failures, each
    once, and `spells` how many of the rows are about independent.
    """

    low: float
    high: float
    rows: int = 0
    said: float = 0.0
    came: int = 0
    failures: int = 0
    spells: int = 0

    @property
    def mean(self) -> float | None:
        """The mean chance; None without rows."""
        return self.said / self.rows if self.rows else None

    @property
    def share(self) -> Precision | None:
        """The share of rows that a failure came after, with Wilson's 95 % interval of as many trials as spells.

        Source of the smaller number of trials: E. Korn, B. Graubard, Confidence intervals for proportions with small
        expected number of positive counts estimated from survey data, Survey Methodology 24 (1998) 193-201.
        """
        return precision(self.came / self.rows * self.spells, self.spells) if self.rows else None


EMPTY = tuple(Bin(low, high) for low, high in pairwise(EDGES))


def bins_of(past: Past, came: np.ndarray, known: np.ndarray) -> tuple[Bin, ...]:
    """Of one machine. `came` bool [rows] is whether a failure came within 72 h, `known` of which rows that is known."""
    at_us, chance, failed = past.window_end_us[known], past.chance[known], came[known]
    at = np.clip(np.searchsorted(EDGES, chance, side="right") - 1, 0, len(EMPTY) - 1)
    following = np.searchsorted(past.failures_us, at_us, side="right")
    # Quiet spells are of the calendar's 72 h, and numbered below the failures.
    spell = np.where(failed, following, -1 - at_us // HORIZON_US)
    counts = zip(
        EMPTY, _counted(at), np.bincount(at, chance, len(EMPTY)), _counted(at[failed]),
        _distinct(at[failed], spell[failed]), _distinct(at, spell), strict=True,
    )  # fmt: skip
    return tuple(
        Bin(empty.low, empty.high, int(rows), float(said), int(before), int(failures), int(spells))
        for empty, rows, said, before, failures, spells in counts
    )


def added(every: Iterable[tuple[Bin, ...]]) -> tuple[Bin, ...]:
    """The bins of several machines as one's."""
    return tuple(
        Bin(empty.low, empty.high, *(sum(column) for column in zip(*(one[2:] for one in same), strict=True)))
        for empty, same in zip(EMPTY, zip(EMPTY, *every, strict=True), strict=True)
    )


def _counted(at: np.ndarray) -> np.ndarray:
    return np.bincount(at, minlength=len(EMPTY))


def _distinct(at: np.ndarray, of: np.ndarray) -> np.ndarray:
    """How many different ones each bin has."""
    return _counted(np.unique(np.stack([at, of]), axis=1)[0])
