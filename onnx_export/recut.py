"""Rows cut into batches of other sizes: each must keep its bits. Dynamic quantisation cannot: it scales by the batch.

Nothing of training is imported here: `forewarn model verify` uses it where only a worker is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

Chances = Callable[[np.ndarray], np.ndarray]
"""Float32 feature rows [rows, features] to chances [rows, horizons]."""
SIZES = (1, 2, 3, 7, 16, 64, 255, 256)
"""From a row alone to the largest batch that is served, with sizes on and off those that vector code likes."""
RANDOM_CUTS = 3
LARGEST = 256
SEED = 20260103


def in_batches(chances: Chances, rows: np.ndarray, size: int = LARGEST) -> np.ndarray:
    """Chances of all rows, so many at a time."""
    return np.concatenate([chances(rows[at : at + size]) for at in range(0, len(rows), size)])


def differing(chances: Chances, rows: np.ndarray) -> np.ndarray:
    """Rows whose bits depend on who shares their batch, bool [rows]: all SIZES and RANDOM_CUTS are compared."""
    wanted = in_batches(chances, rows)
    out = np.zeros(len(rows), bool)
    for edges in _cuts(len(rows)):
        parts = [chances(rows[first:end]) for first, end in pairwise(edges)]
        out |= (np.concatenate(parts).view(np.uint8) != wanted.view(np.uint8)).any(axis=1)
    return out


def _cuts(count: int) -> Iterator[list[int]]:
    """Edges of batches, from 0 to the number of rows."""
    for size in SIZES:
        yield [*range(0, count, size), count]
    random = np.random.default_rng(SEED)
    for _ in range(RANDOM_CUTS):
        edges = np.cumsum(random.integers(1, LARGEST + 1, size=count))
        yield [0, *edges[edges < count].tolist(), count]
