"""A partition in a worker's hands: its runner, and the batches that wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pipelines.ports import RawRecord
from pipelines.runner import PartitionRunner
from pipelines.suspects import Suspects


class Batch(Protocol):
    """What the transport hands on: records of a partition between two positions of its log."""

    @property
    def start(self) -> int:
        """Position where the fetch began."""
        ...

    @property
    def end(self) -> int:
        """Position where it ended."""
        ...

    @property
    def records(self) -> Sequence[RawRecord]:
        """What lies between; there may be none."""
        ...


class _Last:
    """Ends a partition's queue."""

    start = end = 0
    records: Sequence[RawRecord] = ()


LAST: Batch = _Last()


class _Joined(NamedTuple):
    """Batches as one: what came while a step was at work is one step more, and no queue of them."""

    start: int
    end: int
    records: Sequence[RawRecord]


JOINED = 20_000
"""Records of batches that are taken together, give or take the last. Our choice."""


class OwnedPartition:
    """A partition in our hands: its runner, the batches that wait, and up to where the log is accounted for."""

    def __init__(self, runner: PartitionRunner, beginning: int, start: int, suspects: Suspects | None = None) -> None:
        self.runner = runner
        self.suspects = suspects or Suspects()
        self.beginning = beginning
        self.accounted = self.last = start
        self.waiting: asyncio.Queue[Batch | None] = asyncio.Queue()
        runner.call = lambda: self.waiting.put_nowait(None)
        self.tasks: list[asyncio.Task[None]] = []
        self.hole_since_s: float | None = None
        self.lost = False
        self._put_back: Batch | None = None

    async def next(self) -> Batch | None:
        """All that waits as one batch, LAST at the end, None when it is time for a snapshot or something went wrong."""
        try:
            batch = self._taken() or await asyncio.wait_for(self.waiting.get(), max(self.runner.snapshot_in_s(), 0.001))
        except TimeoutError:
            return None
        if batch is None or batch is LAST:
            return batch
        records = list(batch.records)
        while len(records) < JOINED and (more := self._taken()) is not None:
            if more is LAST:
                self._put_back = more
                break
            records += more.records
        return _Joined(batch.start, batch.end, records)

    def _taken(self) -> Batch | None:
        """What waits next, if anything does."""
        back, self._put_back = self._put_back, None
        if back is not None:
            return back
        return None if self.waiting.empty() else self.waiting.get_nowait()

    def end(self) -> None:
        """Drop what waits; what is in work is the last."""
        while not self.waiting.empty():
            self.waiting.get_nowait()
        self.runner.retire()
        self.waiting.put_nowait(LAST)
