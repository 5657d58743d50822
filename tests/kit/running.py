"""A runner with fakes of everything around it, which note what happens; and ways to have it work.

No server and no clock: where there is something to wait for, a test says when it is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np

from pipelines.ownership import Partitions
from pipelines.ports import Effects, Fenced, Output, RawRecord, Refusal, Rows, Snapshot
from pipelines.runner import PartitionRunner
from pipelines.topics import Topic

ROWS = (Rows("m", "p", ("a",), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), {}),)


class Notes(list[str]):
    """What happened, in order."""

    def checkpoint(self, name: str) -> None:
        self.append(name)


class Clock:
    """Stands still until told."""

    now_s = 0.0

    def now_us(self) -> int:
        return int(self.now_s * 1e6)

    def monotonic_s(self) -> float:
        return self.now_s


class Publisher:
    """Notes what is published; raises or waits if told."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self.error: Exception | None = None

    async def publish(self, partition: int, outputs: Sequence[Output]) -> None:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self._notes.append(f"published {' '.join(output.value.decode() for output in outputs)}")


class Store:
    """Answers as told, one answer a write, then takes everything."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self.answers: list[Exception | Sequence[Refusal]] = []
        self.waits: list[asyncio.Event] = []
        self.for_ever: Exception | None = None

    async def write(self, rows: Sequence[Rows]) -> Sequence[Refusal]:
        if self.waits:
            await self.waits.pop(0).wait()
        answer = self.for_ever or (self.answers.pop(0) if self.answers else ())
        if isinstance(answer, Exception):
            self._notes.append("store refused")
            await asyncio.sleep(0)
            raise answer
        self._notes.append("stored")
        return answer


class Snapshots:
    """Keeps the last snapshot; fences whoever it is told to."""

    def __init__(self, notes: Notes, kept: Snapshot | None = None) -> None:
        self._notes = notes
        self.kept = kept
        self.fenced = False
        self.gate: asyncio.Event | None = None

    async def open(self, partition: int) -> Snapshot | None:
        await asyncio.sleep(0)
        self._notes.append("opened")
        self.fenced = False
        return self.kept

    async def commit(self, partition: int, snapshot: Snapshot) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.fenced:
            raise Fenced("another has it")
        self.kept = snapshot
        self._notes.append(f"kept {snapshot.next_offset}")

    async def close(self, partition: int) -> None:
        self._notes.append("closed")


class Heart:
    """One output and one row a record; fails on the record `bad`."""

    def __init__(self, partition: int, snapshot: Snapshot | None) -> None:
        self.next_offset = snapshot.next_offset if snapshot is not None else 0

    def receive(self, batch: Sequence[RawRecord]) -> Effects:
        if any(record.value == b"bad" for record in batch):
            raise ZeroDivisionError("bad record")
        self.next_offset = batch[-1].offset + 1
        return Effects(ROWS, tuple(Output(Topic.ALERTS, b"k", record.value) for record in batch))

    def refuse(self, raw: RawRecord, why: str) -> Effects:
        self.next_offset = raw.offset + 1
        return Effects((), (Output(Topic.DEAD_LETTERS, b"k", f"refused-{raw.offset}".encode()),))

    def acknowledged(self, refused: Sequence[Refusal]) -> Sequence[Output]:
        return [Output(Topic.DEAD_LETTERS, b"k", f"letter-{each.reason}".encode()) for each in refused]

    def snapshot(self) -> Snapshot | None:
        return Snapshot(self.next_offset, {"state": b"state"})


class Bench:
    """A runner and the fakes around it."""

    def __init__(self, kept: Snapshot | None = None) -> None:
        self.notes = Notes()
        self.clock = Clock()
        self.publisher = Publisher(self.notes)
        self.store = Store(self.notes)
        self.snapshots = Snapshots(self.notes, kept)
        self.ours = True

    def runner(self, partition: int = 3, turns: asyncio.Lock | None = None) -> PartitionRunner:
        return PartitionRunner(
            partition,
            restore=Heart,
            publisher=self.publisher,
            store=self.store,
            snapshots=self.snapshots,
            clock=self.clock,
            lease=lambda: self.ours,
            turns=turns,
            snapshot_s=5,
            checkpoint=self.notes.checkpoint,
        )


def records(*values: bytes, start: int = 0) -> list[RawRecord]:
    return [RawRecord(start + i, 0, value) for i, value in enumerate(values)]


def play(script: Callable[[Bench], Coroutine[Any, Any, None]], kept: Snapshot | None = None) -> Bench:
    """Run a script against a bench of its own."""
    bench = Bench(kept)
    asyncio.run(asyncio.wait_for(script(bench), 20))
    return bench


class Fetched:
    """Records between two positions of the log."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.records = records(*(b"r%d" % at for at in range(start, end)), start=start)


class Desk:
    """Partitions over a bench, with what they asked of the app."""

    def __init__(self, bench: Bench) -> None:
        self.rewound: list[tuple[int, int]] = []
        self.crashes: list[Exception] = []
        self.partitions = Partitions(
            bench.runner, rewind=self.rewind, fail=self.crashes.append, lease=lambda: bench.ours, waiting=2
        )

    async def rewind(self, partition: int, offset: int) -> None:
        self.rewound.append((partition, offset))


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.001)


async def begin(runner: PartitionRunner, batch: Sequence[RawRecord]) -> None:
    """Step over all of it, a turn after the other; effects may still be under way."""
    while batch:
        async with runner.turn():
            piece, batch = batch[: runner.at_once], batch[runner.at_once :]
            runner.step(piece)
        await runner.snapshot_if_due()


async def handle(runner: PartitionRunner, batch: Sequence[RawRecord]) -> None:
    """`begin`, and return when its effects are out and a snapshot that was due is kept."""
    await begin(runner, batch)
    await runner.drained()
    await runner.snapshot_if_due()
    await runner.drained()
