"""Runs partitions in memory, one thread, no servers: for backfill, training and tests.

It does what the Faust agent does with a partition, so what comes out is byte for byte the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from models.records import AnyInput, encode, place_of
from pipelines.partition import Partition
from pipelines.ports import Effects, RawRecord, Refusal
from pipelines.topics import partition_of

Keep = Callable[[int, Effects], Sequence[Refusal]]
"""What is done with a partition's effects; returns the rows that could not be kept."""


def nothing_refused(_partition: int, _effects: Effects) -> Sequence[Refusal]:
    """Keeps nothing, refuses nothing."""
    return ()


class Driver:
    """Partitions beside one another, fed in the order records are given; what is of no asset goes to each of them."""

    def __init__(self, partitions: Sequence[Partition], keep: Keep = nothing_refused, batch: int = 500) -> None:
        """`batch` is how many records a partition is given at once; the results do not depend on it."""
        self.partitions = partitions
        self._keep, self._batch = keep, batch
        self._waiting: list[list[RawRecord]] = [[] for _ in partitions]
        self._next = [partition.next_offset for partition in partitions]

    def feed(self, records: Iterable[AnyInput]) -> Iterator[tuple[int, Effects]]:
        """Give records on, yielding (partition, effects) of every step; what waits at the end is stepped."""
        for record in records:
            for number in self._partitions_of(record):
                if self._append(number, encode(record)) >= self._batch:
                    yield number, self._step(number)
        yield from self.flush()

    def flush(self) -> Iterator[tuple[int, Effects]]:
        """Step what waits."""
        for number, waiting in enumerate(self._waiting):
            if waiting:
                yield number, self._step(number)

    def run(self, records: Iterable[AnyInput]) -> None:
        """Feed all and look at nothing but what `keep` keeps."""
        for _ in self.feed(records):
            pass

    def _partitions_of(self, record: AnyInput) -> Iterable[int]:
        key = place_of(record)
        return range(len(self.partitions)) if key is None else (partition_of(key, len(self.partitions)),)

    def _append(self, number: int, value: bytes) -> int:
        self._waiting[number].append(RawRecord(self._next[number], 0, value))
        self._next[number] += 1
        return len(self._waiting[number])

    def _step(self, number: int) -> Effects:
        batch, self._waiting[number] = self._waiting[number], []
        partition = self.partitions[number]
        effects = partition.receive(batch)
        letters = partition.acknowledged(self._keep(number, effects))
        return Effects(effects.rows, effects.outputs + letters)
