"""A partition's ledger as rows of the store, so that it can be looked at there beside what it counts.

The rows are of the service, so no ledger counts them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipelines.ledger import COUNTS, Ledger
from pipelines.ports import Rows

MEASUREMENT = "forewarn_ledger"


class Totals(NamedTuple):
    """A partition's counts as they were at a moment."""

    partition: int
    time_us: int
    counts: tuple[int, ...]


def totals_of(partition: int, ledger: Ledger, time_us: int) -> Totals:
    """The counts as of now: later ones do not change them."""
    return Totals(partition, time_us, tuple(getattr(ledger, name) for name in COUNTS))


def rows_of(plant: str, totals: Sequence[Totals]) -> Rows:
    """A row of each, with tags `plant` and `partition` and a field a count."""
    places = sorted({one.partition for one in totals})
    return Rows(
        MEASUREMENT,
        plant,
        tuple(map(str, places)),
        np.searchsorted(places, [one.partition for one in totals]),
        np.array([one.time_us for one in totals], np.int64),
        {name: np.array([one.counts[at] for one in totals], np.float64) for at, name in enumerate(COUNTS)},
        tag="partition",
    )
