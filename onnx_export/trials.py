"""The rows that a graph is held to its native model on: as history has them, at its edges, with gaps, at thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import numpy as np

MOST_HELD_OUT = 5000
MOST_THRESHOLDS = 4000
"""Of each three rows are made; the starter has 2,400."""
PER_GROUP = 40
"""Rows without one signal, of each signal; and without all."""
SEED = 20260102
LARGEST = float(np.finfo(np.float32).max)
DENORMAL = float(np.float32(1e-45))
"""The smallest float32 over 0."""
ZERO = float(np.float32(1e-35))
"""What LightGBM reads as 0 (kZeroThreshold of its meta.h)."""
SMALL = (0.0, -0.0, DENORMAL, -DENORMAL, 1e-40, -1e-40, ZERO, -ZERO)


class Trial(StrEnum):
    """A set of rows."""

    HELD_OUT = "held-out"
    EDGE = "edge"
    MISSING = "missing"
    AT_THRESHOLD = "at threshold"
    INFINITE = "infinite"


REQUIRED = (Trial.HELD_OUT, Trial.EDGE, Trial.MISSING, Trial.AT_THRESHOLD)


def trials(
    held_out: np.ndarray,
    groups: Mapping[str, np.ndarray],
    thresholds: Sequence[tuple[int, float]] = (),
    largest: float = LARGEST,
) -> dict[Trial, np.ndarray]:
    """All sets but INFINITE, float32 [rows, features], made of rows that training did not see.

    `groups` are the columns that are empty without each signal. Without thresholds, as of a net, rows at a threshold
    are those held out with every value one float32 up or down. `largest` is the largest magnitude that is tried.
    """
    random = np.random.default_rng(SEED)
    chosen = held_out[np.sort(random.permutation(len(held_out))[:MOST_HELD_OUT])].astype(np.float32)
    return {
        Trial.HELD_OUT: chosen,
        Trial.EDGE: edges(chosen, largest),
        Trial.MISSING: missing(chosen, groups),
        Trial.AT_THRESHOLD: at_thresholds(chosen, thresholds) if thresholds else nudged(chosen),
    }


def edges(rows: np.ndarray, largest: float = LARGEST) -> np.ndarray:
    """Each feature in turn, and all at once, at the ends of what history has, about 0, and as large as can be."""
    some = np.isfinite(rows)
    low = np.where(some, rows, np.inf).min(axis=0, initial=np.inf)
    high = np.where(some, rows, -np.inf).max(axis=0, initial=-np.inf)
    none = ~some.any(axis=0)
    values = [np.where(none, 0.0, low), np.where(none, 0.0, high)]
    values += [np.full(rows.shape[1], value) for value in (*SMALL, largest, -largest)]
    return np.concatenate([_each_and_all(rows, value.astype(np.float32)) for value in values])


def infinite(rows: np.ndarray) -> np.ndarray:
    """Each feature in turn, and all at once, infinite on either side."""
    return np.concatenate([_each_and_all(rows, np.full(rows.shape[1], value)) for value in (np.inf, -np.inf)])


def _each_and_all(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    """A row for each feature that has its value alone, and one in which all have theirs: [features + 1, features]."""
    features = rows.shape[1]
    out = rows[np.arange(features + 1) % len(rows)].copy()
    out[np.arange(features), np.arange(features)] = values
    out[-1] = values
    return out


def missing(rows: np.ndarray, groups: Mapping[str, np.ndarray]) -> np.ndarray:
    """PER_GROUP rows without each signal, and with every value missing."""
    everything = np.arange(rows.shape[1])
    parts = []
    for at, columns in enumerate((*groups.values(), everything)):
        part = rows[(np.arange(PER_GROUP) + at * PER_GROUP) % len(rows)].copy()
        part[:, columns] = np.nan
        parts.append(part)
    return np.concatenate(parts)


def at_thresholds(rows: np.ndarray, thresholds: Sequence[tuple[int, float]]) -> np.ndarray:
    """Three rows for each threshold: on the float32 nearest to it, and one float32 below and above.

    Where LightGBM splits what is missing from all else, at 1e300, that is the largest float32.
    """
    kept = thresholds[:: -(-len(thresholds) // MOST_THRESHOLDS)]
    columns = np.array([column for column, _ in kept], np.int64)
    exact = np.clip([value for _, value in kept], -LARGEST, LARGEST).astype(np.float32)
    below, above = (np.nextafter(exact, np.float32(to)) for to in (-LARGEST, LARGEST))
    parts = []
    for at, values in enumerate((exact, below, above)):
        part = rows[(np.arange(len(kept)) + at * len(kept)) % len(rows)].copy()
        part[np.arange(len(kept)), columns] = values
        parts.append(part)
    return np.concatenate(parts)


def nudged(rows: np.ndarray) -> np.ndarray:
    """Rows as they are, and with every value one float32 below and above."""
    return np.concatenate([rows, *(np.nextafter(rows, np.float32(to)) for to in (-np.inf, np.inf))])
