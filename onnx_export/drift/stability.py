"""Population stability index of a feature, and the bar that it must pass on a plant whose rows hang together.

Rows of one machine say much the same, and so do all machines on one warm day. So the bar is not a table's alone: it is
also what the reference differs from itself, between machines and between times.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from onnx_export.history import DAY_US

BINS = 10
"""Quantiles of the reference. Source: N. Siddiqi, Credit Risk Scorecards, Wiley 2006, ch. 10."""
SMALL, LARGE = 0.1, 0.25
"""Under 0.1 no change, from 0.25 on a significant one. Source: Siddiqi 2006; B. Yurdakul, Statistical Properties of
Population Stability Index, Western Michigan University 2018, shows that they hold for independent rows alone."""
LEAST_SHARE = 1e-3
"""Stands in for the share of an empty bin: ten times less often than one row in a hundred. Our choice."""
SPLITS = 20
"""Halvings of the machines. Our choice: the largest of 20 is about the upper 5 %."""
BLOCK_STEP_DAYS = 2
"""Between blocks of time that are held against the rest of the reference. Our choice."""
SPLIT_SEED = 20261126


class Sample(NamedTuple):
    """A feature's values with the machines and times they are of; NaN where nothing was known."""

    value: np.ndarray  # float64 [rows]
    asset: np.ndarray  # int64 [rows]
    time_us: np.ndarray  # int64 [rows]


def psi(reference: np.ndarray, recent: np.ndarray) -> float:
    """Of known values, with bins at quantiles of the reference; NaN where either has none."""
    reference, recent = reference[~np.isnan(reference)], recent[~np.isnan(recent)]
    if not len(reference) or not len(recent):
        return float("nan")
    edges = edges_of(reference)
    return between(_counts(edges, reference), _counts(edges, recent))


def edges_of(reference: np.ndarray) -> np.ndarray:
    """Inner edges of the bins; fewer than nine where values repeat."""
    return np.unique(np.quantile(reference, np.arange(1, BINS) / BINS))


def between(reference: np.ndarray, recent: np.ndarray) -> float:
    """Of counts in the same bins."""
    was, now = (np.maximum(counts / counts.sum(), LEAST_SHARE) for counts in (reference, recent))
    return float(((now - was) * np.log(now / was)).sum())


def _counts(edges: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)


def centred(reference: Sample, recent: Sample) -> tuple[Sample, Sample]:
    """Both less each machine's own mean of the reference; what the reference does not know is left out."""
    known = ~np.isnan(reference.value)
    top = int(max(reference.asset.max(initial=0), recent.asset.max(initial=0))) + 1
    count = np.bincount(reference.asset[known], minlength=top)
    total = np.bincount(reference.asset[known], reference.value[known], minlength=top)
    with np.errstate(invalid="ignore", divide="ignore"):
        own = np.where(count > 0, total / count, np.nan)
    first, second = (one._replace(value=one.value - own[one.asset]) for one in (reference, recent))
    return first, second


def bar_of(reference: Sample, block_us: int, large: float, margin: float) -> float:
    """What a PSI must pass: `large`, or `margin` times the most by which the reference differs from itself."""
    known = ~np.isnan(reference.value)
    reference = Sample(*(column[known] for column in reference))
    if not len(reference.value):
        return large
    found = [*_of_halves(reference), *_of_blocks(reference, block_us)]
    return max([large, *(margin * one for one in found if not np.isnan(one))])


def _of_halves(reference: Sample) -> list[float]:
    """Half of the machines against the other half."""
    assets, random = np.unique(reference.asset), np.random.default_rng(SPLIT_SEED)
    if len(assets) < 2:
        return []
    out = []
    for _ in range(SPLITS):
        mine = np.isin(reference.asset, random.permutation(assets)[: len(assets) // 2])
        out.append(psi(reference.value[mine], reference.value[~mine]))
    return out


def _of_blocks(reference: Sample, block_us: int) -> list[float]:
    """Blocks as long as the recent time against all the rest."""
    first_us, last_us = int(reference.time_us.min()), int(reference.time_us.max())
    out = []
    for begin_us in range(first_us, last_us - block_us + 1, BLOCK_STEP_DAYS * DAY_US):
        inside = (reference.time_us >= begin_us) & (reference.time_us < begin_us + block_us)
        out.append(psi(reference.value[~inside], reference.value[inside]))
    return out
