"""When components were last worked on, as far as was known by the end of each minute.

Maintenance is known from when it was done, and of what is told later than the lateness, from a lateness before it was
told: what was final stays as it was. Its age is by its own date, whenever that was told. The latest date counts.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping, Sequence

import numpy as np

from models.bins import MINUTE_US

HOUR_US = 60 * MINUTE_US
MOST = 100
"""Dates that are kept of a component: those that lie farthest ahead are let go. Our choice; one or two are usual."""

Serviced = dict[str, list[tuple[int, int]]]
"""Of an asset's components, by name: from when each work is known, and when it was done, in that order."""


def note(known: Serviced, component: str, known_us: int, done_us: int, final_us: int) -> None:
    """Take a work on a component; of those that every minute after `final_us` knows, only the latest stays."""
    entries = known.setdefault(component, [])
    if (known_us, done_us) not in entries:
        insort(entries, (known_us, done_us))
    old = [entry for entry in entries if entry[0] <= final_us - MINUTE_US]
    if old:
        entries[: len(old)] = [(old[-1][0], max(done_us for _, done_us in old))]
    del entries[MOST:]


def since_h(
    components: Sequence[str], known: Mapping[int, Serviced], asset: np.ndarray, minute: np.ndarray
) -> np.ndarray:
    """Hours from the last work on each component to the end of each minute, [pairs, components]; NaN for none known."""
    out = np.full((len(asset), len(components)), np.nan)
    for one in sorted(set(asset.tolist()) & known.keys()):
        mine = np.flatnonzero(asset == one)
        end_us = (minute[mine] + 1) * MINUTE_US
        for place, component in enumerate(components):
            entries = known[one].get(component)
            if entries:
                known_us, done_us = np.array(entries, np.int64).T
                at = np.searchsorted(known_us, end_us, side="left") - 1
                hours = (end_us - np.maximum.accumulate(done_us)[at]) / HOUR_US
                out[mine, place] = np.where(at >= 0, hours, np.nan)
    return out
