"""Where in a Parquet file, sorted by time, the rows of a time stand; and how many rows each minute has, of all files.

Both are learnt by reading the column of times alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from models.bins import MINUTE_US
from models.clocks import OLDEST_US
from models.plant.tags import ALWAYS_US

STEP = 4096
"""Rows between two marks: so many more may be read at either end of a stretch. Our choice."""
ROWS_A_READ = 4_000_000
"""Times looked at once; our choice: 32 MB."""
MOST_COUNTS = 2_000_000
"""Minutes that wait to be summed up; our choice."""


class Marks(NamedTuple):
    """The time of each STEP-th row of a sorted file, from the first."""

    times_us: np.ndarray
    rows: int
    first_us: int
    last_us: int

    def between(self, from_us: int, to_us: int) -> tuple[int, int]:
        """Offset and number of rows among which are all of from_us <= time < to_us."""
        begin = max(0, int(np.searchsorted(self.times_us, from_us, "left")) - 1) * STEP
        end = min(self.rows, int(np.searchsorted(self.times_us, to_us, "left")) * STEP)
        return begin, max(0, end - begin)


class Minutes:
    """How many rows each minute has, over all files."""

    def __init__(self) -> None:
        self._counts = pl.DataFrame(schema={"minute": pl.Int64, "rows": pl.Int64})
        self._waiting: list[pl.DataFrame] = []

    def add(self, times: pl.LazyFrame, rows: int, weight: int = 1) -> None:
        """Count the rows of a sorted file with one column of times in us; each is so many rows of tables."""
        for time in _reads(times, rows):
            runs = (time // MINUTE_US).rle().struct.unnest()
            self._waiting.append(runs.select(minute="value", rows=pl.col("len").cast(pl.Int64) * weight))
            if sum(map(len, self._waiting)) > MOST_COUNTS:
                self._sum()

    def ends(self, from_us: int, to_us: int, rows: int) -> list[int]:
        """Where stretches of about so many rows end: at the same minutes wherever one begins, but at last at to_us."""
        self._sum()
        group = (pl.col("rows").cum_sum() - 1) // max(1, rows)
        last = self._counts.group_by(group.alias("group"), maintain_order=True).agg(pl.col("minute").max())["minute"]
        ends = ((last + 1) * MINUTE_US).to_list()[:-1]
        return [end for end in ends if from_us < end < to_us] + [to_us]

    def rows(self, from_us: int, to_us: int) -> int:
        """Rows of the minutes between two times."""
        self._sum()
        held = pl.col("minute").is_between(from_us // MINUTE_US, -(-to_us // MINUTE_US), closed="left")
        return int(self._counts.filter(held)["rows"].sum())

    def _sum(self) -> None:
        if self._waiting:
            together = pl.concat([self._counts, *self._waiting])
            self._counts = together.group_by("minute").agg(pl.col("rows").sum()).sort("minute")
            self._waiting = []


def depths(firsts: Sequence[int], lasts: Sequence[int]) -> np.ndarray:
    """For each of some spans of time, how many of them overlap, itself too, where most do."""
    first, last = np.array(firsts, np.int64), np.array(lasts, np.int64)
    moments, steps = np.concatenate([first, last + 1]), np.repeat([1, -1], len(first))
    order = np.lexsort((steps, moments))
    open_then = np.cumsum(steps[order])
    begins = np.searchsorted(moments[order], first, "right") - 1
    ends = np.searchsorted(moments[order], last, "right")
    return np.array([open_then[begin:end].max() for begin, end in zip(begins, ends, strict=True)], np.int64)


def marked(times: pl.LazyFrame, rows: int) -> Marks | None:
    """The marks of a file with one column of times in us; None where it is not sorted, or empty."""
    marks: list[np.ndarray] = []
    first_us = last_us = OLDEST_US
    for time in _reads(times, rows):
        if time.null_count() or not time.is_sorted() or time[0] < last_us or time[-1] >= ALWAYS_US:
            return None
        first_us = first_us if marks else time[0]
        last_us = time[-1]
        marks.append(time.gather_every(STEP).to_numpy())
    return Marks(np.concatenate(marks), rows, first_us, last_us) if marks else None


def _reads(times: pl.LazyFrame, rows: int) -> Iterator[pl.Series]:
    read = ROWS_A_READ // STEP * STEP
    for offset in range(0, rows, read):
        yield times.slice(offset, read).collect().to_series()
