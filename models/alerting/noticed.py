"""How many notices people are told of, by the measures of EEMUA 191, whose bars are for one person to whom all come.

Pure: notices and the span that they are counted over. Figures of the standards are those named beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from models.records import Notice, NoticeState

MINUTE_US = 60_000_000
SLOT_US = 10 * MINUTE_US
HOUR_US, DAY_US = 60 * MINUTE_US, 1440 * MINUTE_US
FLOOD = 10
"""Told in 10 minutes, it is a flood (EEMUA 191, by the grid of I. Nimmo)."""
STALE_US = DAY_US
"""Open for longer, it is stale (ISA-18.2, from memory of the standard)."""
LEAST_DAYS = 30.0
"""Days that figures should rest on (Chemical Processing on ISA-18.2)."""
TOP = 10


class Measure(NamedTuple):
    """A figure and the most that it should be; no bar where the standards have none that counts."""

    name: str
    value: float
    most: float | None
    source: str = "EEMUA 191"

    @property
    def holds(self) -> bool | None:
        """Whether it is within its bar; None without one."""
        return None if self.most is None else self.value <= self.most


def measures(notices: Iterable[Notice], from_us: int, to_us: int) -> tuple[Measure, ...]:
    """Of notices, the last revision of each, that began in a span. Raises ValueError for a span of no time."""
    if to_us <= from_us:
        raise ValueError("a span ends after it begins")
    every = [one for one in notices if from_us <= one.since_us < to_us]
    began = np.sort(np.array([one.since_us for one in every], np.int64))
    slots = _counts(began, from_us, to_us, SLOT_US)
    days = (to_us - from_us) / DAY_US
    stale = sum(one.state is NoticeState.OPEN and to_us - one.since_us > STALE_US for one in every)
    return (
        Measure("notices in 10 minutes, mean", float(slots.mean()), 1.0),
        Measure("a day, mean", len(every) / days, 120.0),
        Measure("in an hour, most", float(_counts(began, from_us, to_us, HOUR_US).max()), 15.0),
        Measure("in a minute, most", float(_counts(began, from_us, to_us, MINUTE_US).max()), 2.0),
        Measure("share of 10 minutes in a flood", float((slots >= FLOOD).mean()), 0.01, "ISA-18.2, from memory"),
        Measure("stale at the end", float(stale), 5.0, "ISA-18.2, from memory, a day"),
        Measure(f"share of the {TOP} that come most", _top(every), None, "our choice: no bar, it says where to begin"),
    )


def _counts(began: np.ndarray, from_us: int, to_us: int, slot_us: int) -> np.ndarray:
    """How many began in each slot of the span; the last may be cut short."""
    slots = -(-(to_us - from_us) // slot_us)
    return np.bincount((began - from_us) // slot_us, minlength=slots)


def _top(notices: list[Notice]) -> float:
    """Share of them that the sources with most make: an asset and a signal, or what else they are of."""
    of = Counter((one.kind, one.asset, one.signal, one.source) for one in notices)
    return sum(count for _, count in of.most_common(TOP)) / len(notices) if notices else 0.0
