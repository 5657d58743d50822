"""What was known at a time, and nothing later: whoever asks for the future, or lets it into a row, gets FutureData.

A feature row may rest on what was known at the end of its window; its label on what was known at the end of history.
Nothing is read here and nothing is computed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

import numpy as np
import polars as pl

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FutureData(ValueError):
    """Something later than the time as of which it is looked at; the message says what, of whom and when."""


class AsOf(Generic[T]):
    """Records as of a time: those later than it are there, and cannot be had."""

    def __init__(self, records: Iterable[T], time_us: Callable[[T], int], as_of_us: int) -> None:
        """`time_us` says when a record became known."""
        self._records = sorted(records, key=time_us)
        self._times = [time_us(record) for record in self._records]
        self.as_of_us = as_of_us

    def until(self, time_us: int) -> Sequence[T]:
        """All records up to and with a time, in order. Raises FutureData for a time later than the view's."""
        if time_us > self.as_of_us:
            raise FutureData(f"{told(time_us)} was asked for, but only what was known at {told(self.as_of_us)} is")
        return self._records[: bisect_right(self._times, time_us)]

    def between(self, after_us: int, until_us: int) -> Sequence[T]:
        """Records later than one time, up to and with another. Raises FutureData as `until` does."""
        return self.until(until_us)[bisect_right(self._times, after_us) :]

    @property
    def known(self) -> Sequence[T]:
        """All that was known, in order."""
        return self.until(self.as_of_us)


def enter(what: str, times_us: np.ndarray, as_of_us: np.ndarray | int, of: Sequence[str] | pl.Series) -> np.ndarray:
    """The times themselves, int64 [rows], where none is later than its row's `as_of_us`. Raises FutureData.

    `of` [rows] names the asset of each row. A time under 0 stands for none.
    """
    late = np.flatnonzero(times_us > as_of_us)
    if len(late):
        row = int(late[0])
        known_us = int(np.broadcast_to(as_of_us, times_us.shape)[row])
        raise FutureData(
            f"{what} of {of[row]} is of {told(int(times_us[row]))}, but what may enter was known at {told(known_us)}; "
            f"so is that of {len(late) - 1} rows more: make the rows anew from what was known by then"
        )
    return times_us


def told(time_us: int) -> str:
    """A time for people, UTC."""
    return f"{_EPOCH + timedelta(microseconds=time_us):%F %H:%M:%S}"
