"""A machine's own healthy baseline of what rules look at: the mean of its first day and night of running in a life.

Who says of which time it is, and that it was healthy, is the plant's: a `Baseline` record takes the place of what is
found here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.failure.marks import Marks
from models.failure.runs import Rows
from models.features import AFTER_RUNNING_MIN

LEAST_BASE = 24
"""Minutes with a value that a baseline rests on at least. Our choice: six hours of 15-min samples."""


def since_baseline(rules: Sequence[int], rows: Rows, stood: Marks, running_min: np.ndarray, values: np.ndarray) -> None:
    """Make levels of some rules, columns of `values` [minutes, rules], changes from the baseline; NaN before it.

    `stood` [segments] is moved on to the end of each. A baseline is added up in the order of minutes, so that it is the
    same however they are cut.
    """
    begins = rows.stands - np.arange(len(rows.stands))
    ends = np.append(begins[1:], len(values))
    for base, rule in enumerate(rules):
        for at, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
            part = values[begin:end, rule]
            known_from = 0 if stood.base_known[at, base] else _learn(stood, at, base, running_min[begin:end], part)
            part[:known_from] = np.nan
            if stood.base_known[at, base]:
                part -= stood.base_sum[at, base] / stood.base_count[at, base]


def _learn(stood: Marks, at: int, base: int, running_min: np.ndarray, part: np.ndarray) -> int:
    """Add minutes to a baseline until it is whole; the first minute after that."""
    has = ~np.isnan(part)
    count = stood.base_count[at, base] + np.cumsum(has)
    total = np.cumsum(np.concatenate(([stood.base_sum[at, base]], np.where(has, part, 0.0))))[1:]
    whole = np.flatnonzero(has & (running_min >= AFTER_RUNNING_MIN) & (count >= LEAST_BASE))
    last = int(whole[0]) if len(whole) else len(part) - 1
    stood.base_sum[at, base], stood.base_count[at, base] = total[last], count[last]
    stood.base_known[at, base] = len(whole) > 0
    return last + 1
