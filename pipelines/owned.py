"""A partition in a worker's hands: its runner, and the batches that wait for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from pipelines.ports import RawRecord
from pipelines.runner import PartitionRunner
from pipelines.suspects import Suspects

_log = structlog.get_logger()


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


class OwnedPartition:
    """A partition in our hands: its runner, the records that wait, and up to where the log is accounted for."""

    def __init__(self, runner: PartitionRunner, beginning: int, start: int, suspects: Suspects | None = None) -> None:
        self.runner = runner
        self.suspects = suspects or Suspects()
        self.beginning = beginning
        self.accounted = self.last = start
        self.tasks: list[asyncio.Task[None]] = []
        self.hole_since_s: float | None = None
        self.lost = False
        self._waiting: deque[Sequence[RawRecord]] = deque()
        self._stirred = asyncio.Event()
        self._ended = False
        runner.call = self._stirred.set

    @property
    def waiting(self) -> int:
        """How many batches wait, the one in work included."""
        return len(self._waiting)

    def put(self, records: Sequence[RawRecord]) -> None:
        """Have records wait for their turn."""
        self._waiting.append(records)
        self._stirred.set()

    def end(self) -> None:
        """Drop what waits; what is in work is the last."""
        self._ended = True
        self._waiting.clear()
        self.runner.retire()
        self._stirred.set()

    async def stirs(self) -> bool:
        """Wait for records, for the time of a snapshot or for something that goes wrong; False at the end."""
        if not self._waiting and not self._ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(self.runner.snapshot_in_s(), 0.001)):
                    await self._stirred.wait()
            self._stirred.clear()
        return not self._ended

    async def work(self) -> None:
        """A step over what waits by the time of our turn, if it needs one; then a snapshot, if it is time for that.

        Where a step failed before, over part of it, with a snapshot after it.
        """
        part: Sequence[RawRecord] = ()
        if self._waiting:
            async with self.runner.turn():
                part = self._take()
                if part:
                    self._step(part)
        if part and self.suspects:
            await self.runner.snapshot_now()
            self.suspects.settled(part[-1].offset + 1)
        else:
            await self.runner.snapshot_if_due()

    def _step(self, part: Sequence[RawRecord]) -> None:
        why = self.suspects.why(part)
        if why is None:
            self.runner.step(part)
            return
        _log.error("record-refused", partition=self.runner.partition, offset=part[0].offset, error=why)
        self.runner.refuse(part[0], why)

    def _take(self) -> Sequence[RawRecord]:
        """The next records, as many as a step may have, or those that are to be tried by themselves."""
        taken: list[RawRecord] = []
        while self._waiting and len(taken) < self.runner.at_once:
            taken += self._waiting.popleft()
        part = next(self.suspects.cut(taken[: self.runner.at_once]), ())
        if len(part) < len(taken):
            self._waiting.appendleft(taken[len(part) :])
        return part
