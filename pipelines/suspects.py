"""Finds the record that a step fails on: where batches are cut next time, and which record is to be refused.

Pure. A step that fails leaves a state of no use, so it is tried again from the last snapshot, in halves, until it fails
on one record alone. A few of those are refused; more of them, and it is not the records that are wrong.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from pipelines.ports import RawRecord

MOST_REFUSED = 5
"""Of a partition while a worker has it: a state or a model gone wrong fails on whatever comes, and that must not have
the log thrown away."""


class Suspects:
    """What is known of one partition's failures."""

    def __init__(self) -> None:
        self._edges: list[int] = []
        self._refused: dict[int, str] = {}

    def __bool__(self) -> bool:
        """Whether a failure is being looked for."""
        return bool(self._edges)

    def blame(self, batch: Sequence[RawRecord], why: str) -> bool:
        """A step failed on this batch: look closer. False if there is nothing that could be blamed."""
        if not batch or (len(batch) == 1 and len(self._refused) >= MOST_REFUSED):
            return False
        first, last = batch[0].offset, batch[-1].offset
        if len(batch) == 1:
            self._refused[first] = why
        middle = batch[len(batch) // 2].offset
        self._edges = sorted({*self._edges, first, middle, last + 1})
        return True

    def why(self, batch: Sequence[RawRecord]) -> str | None:
        """Why this batch, a single record, is to be refused; None if it is not."""
        return self._refused.get(batch[0].offset) if len(batch) == 1 else None

    def cut(self, batch: Sequence[RawRecord]) -> Iterator[Sequence[RawRecord]]:
        """The batch in the pieces that are to be tried by themselves."""
        begin = 0
        for edge in self._edges:
            at = bisect_left(batch, edge, key=lambda record: record.offset)
            if begin < at:
                yield batch[begin:at]
                begin = at
        if begin < len(batch):
            yield batch[begin:]

    def settled(self, next_offset: int) -> None:
        """All before this offset is in a snapshot."""
        self._edges = [edge for edge in self._edges if edge > next_offset]
