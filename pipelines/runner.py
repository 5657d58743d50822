"""Carries out what the heart of one partition decides: publish, store, keep snapshots, in the order that holds.

No Kafka and no Faust here, and no rule about records: the heart has those. What is here is when a batch is done
(outputs acknowledged, rows stored, dead letters of refused rows acknowledged) and when a snapshot may follow.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from pipelines.ledger import Ledger
from pipelines.ports import (
    Clock,
    Effects,
    Fenced,
    Output,
    Publisher,
    RawRecord,
    Refusal,
    Rows,
    Snapshot,
    Snapshots,
    Store,
    StoreDown,
)
from pipelines.suspects import Suspects

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0

T = TypeVar("T")


class Heart(Protocol):
    """One partition's step: records in, effects out; owns the state."""

    next_offset: int
    """Every record below it is in the state."""

    @property
    def ledger(self) -> Ledger:
        """What was read, stored and rejected, live."""
        ...

    @property
    def plant_version(self) -> str:
        """Version of the plant that records are read by."""
        ...

    def receive(self, batch: Sequence[RawRecord]) -> Effects:
        """Take records in order; those below `next_offset` are skipped."""
        ...

    def refuse(self, raw: RawRecord, why: str) -> Effects:
        """Take a record as rejected, unread: a step over it alone failed."""
        ...

    def acknowledged(self, refused: Sequence[Refusal]) -> Sequence[Output]:
        """The effects are out but for these rows; answers with their dead letters."""
        ...

    def snapshot(self) -> Snapshot | None:
        """The state as of now, None if nothing changed since the last one."""
        ...


class StepFailed(Exception):
    """The heart raised on a batch, and its state is of no use any more."""

    def __init__(self, message: str, batch: Sequence[RawRecord]) -> None:
        super().__init__(message)
        self.batch = batch


def _always() -> bool:
    return True


def _nothing(_: str) -> None:
    return None


class PartitionRunner:
    """Runs one partition from take-over to release. Calls must not overlap, but for `retire`."""

    def __init__(
        self,
        partition: int,
        *,
        restore: Callable[[int, Snapshot | None], Heart],
        publisher: Publisher,
        store: Store,
        snapshots: Snapshots,
        clock: Clock,
        lease: Callable[[], bool] = _always,
        snapshot_s: float = 5.0,
        checkpoint: Callable[[str], None] = _nothing,
    ) -> None:
        self.partition = partition
        self.snapshot_offset: int | None = None
        self.snapshot_at_s: float | None = None
        """When a snapshot was last kept or had nothing new, or the partition was opened, by the clock."""
        self.steps, self.steps_s = 0, 0.0
        """Steps of the heart, and their seconds."""
        self._restore = restore
        self._publisher = publisher
        self._store = store
        self._snapshots = snapshots
        self._clock = clock
        self._lease = lease
        self._snapshot_s = snapshot_s
        self._checkpoint = checkpoint
        self._heart: Heart | None = None
        self._due_s = 0.0
        self._settled = True
        self._retired = asyncio.Event()

    @property
    def heart(self) -> Heart | None:
        """The partition's heart, to be looked at; None while it is not open."""
        return self._heart

    @property
    def plant_version(self) -> str | None:
        """Version of the heart's plant; None while the partition is not open."""
        return None if self._heart is None else self._heart.plant_version

    async def open(self) -> int:
        """Take the partition over and restore its state; the offset from which to read."""
        snapshot = await self._snapshots.open(self.partition)
        self._heart = self._restore(self.partition, snapshot)
        if snapshot is not None:
            self.snapshot_offset = snapshot.next_offset
        self.snapshot_at_s = self._clock.monotonic_s()
        self._due_s = self.snapshot_at_s + self._snapshot_s
        return self._heart.next_offset

    async def handle(self, batch: Sequence[RawRecord]) -> None:
        """Step over a batch, carry its effects out, keep a snapshot if it is time.

        Raises StepFailed if the heart raised, Fenced if the partition is another's by now, and what the publisher
        raises.
        """
        heart = self._owned_heart()
        self._settled = False
        began_s = self._clock.monotonic_s()
        try:
            effects = heart.receive(batch)
        except Exception as error:
            raise StepFailed(self._blame(batch, error), batch) from error
        self.steps, self.steps_s = self.steps + 1, self.steps_s + self._clock.monotonic_s() - began_s
        await self._finish(heart, effects)

    async def refuse(self, raw: RawRecord, why: str) -> None:
        """Have a record that no step gets over rejected."""
        heart = self._owned_heart()
        self._settled = False
        await self._finish(heart, heart.refuse(raw, why))

    async def _finish(self, heart: Heart, effects: Effects) -> None:
        self._checkpoint("received")
        refused = await self._carry_out(effects)
        self._checkpoint("before-acknowledged")
        letters = heart.acknowledged(refused)
        if letters:
            await self._publisher.publish(self.partition, letters)
        self._settled = True
        await self.snapshot_if_due()

    async def snapshot_now(self) -> None:
        """Keep a snapshot, so that what comes next can be tried again from here."""
        await self._snapshot()

    async def snapshot_if_due(self) -> None:
        """Keep a snapshot if the last one is old enough; also to be called when no batches come."""
        if self.snapshot_in_s() <= 0:
            await self._snapshot()

    def snapshot_in_s(self) -> float:
        """Seconds until the next snapshot is due."""
        return self._due_s - self._clock.monotonic_s()

    def retire(self) -> None:
        """Have a `handle` that waits for the store give up instead."""
        self._retired.set()

    async def close(self, final_snapshot: bool) -> None:
        """Release the partition. With `final_snapshot` nothing will be read again, if the last batch is carried out."""
        self.retire()
        try:
            if final_snapshot and self._settled and self._heart is not None:
                await self._snapshot()
        except Fenced as fenced:
            log.warning("partition %d: no last snapshot, another worker has it: %s", self.partition, fenced)
        finally:
            self._heart = None
            await self._snapshots.close(self.partition)

    def _owned_heart(self) -> Heart:
        if self._heart is None:
            raise Fenced(f"partition {self.partition} is not open")
        return self._heart

    def _blame(self, batch: Sequence[RawRecord], error: Exception) -> str:
        offsets = f"{batch[0].offset} to {batch[-1].offset}" if batch else "none"
        return (
            f"partition {self.partition} of records: the step failed on offsets {offsets}: {error!r}. Nothing of this"
            " batch is kept. Keep these records and the message for a report; the worker will fail here again."
        )

    async def _carry_out(self, effects: Effects) -> Sequence[Refusal]:
        """Outputs and rows at the same time; returns when both are acknowledged."""
        if not effects.outputs and not effects.rows:
            return ()
        if not effects.rows:
            await self._publisher.publish(self.partition, effects.outputs)
            return ()
        if not effects.outputs:
            return await self._write(effects.rows)
        _, refused = await _both(self._publisher.publish(self.partition, effects.outputs), self._write(effects.rows))
        return refused

    async def _write(self, rows: Sequence[Rows]) -> Sequence[Refusal]:
        """Write for as long as it takes, while the partition is ours."""
        pause_s = FIRST_PAUSE_S
        while True:
            if not self._lease():
                raise Fenced(f"partition {self.partition}: the group has not confirmed us lately, so nothing is stored")
            try:
                return await self._store.write(rows)
            except StoreDown as down:
                log.warning(
                    "partition %d: the store is down, trying again in %.1f s while records wait in Kafka: %s",
                    self.partition,
                    pause_s,
                    down,
                )
            await self._pause(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._retired.wait(), seconds)
        except TimeoutError:
            return
        raise Fenced(f"partition {self.partition} was given up while the store was down")

    async def _snapshot(self) -> None:
        heart = self._owned_heart()
        snapshot = heart.snapshot()
        self._due_s = self._clock.monotonic_s() + self._snapshot_s
        if snapshot is None:
            self.snapshot_at_s = self._clock.monotonic_s()
            return
        self._checkpoint("before-snapshot")
        await self._snapshots.commit(self.partition, snapshot)
        self.snapshot_at_s = self._clock.monotonic_s()
        self.snapshot_offset = snapshot.next_offset
        self._checkpoint("after-snapshot")


async def _both(first: Coroutine[Any, Any, None], second: Coroutine[Any, Any, T]) -> tuple[None, T]:
    """Await both; if one raises, the other is cancelled and the error is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(first)
            task = group.create_task(second)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return None, task.result()


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


class OwnedPartition:
    """A partition in our hands: its runner, the batches that wait, and up to where the log is accounted for."""

    def __init__(self, runner: PartitionRunner, beginning: int, start: int, suspects: Suspects | None = None) -> None:
        self.runner = runner
        self.suspects = suspects or Suspects()
        self.beginning = beginning
        self.accounted = start
        self.waiting: asyncio.Queue[Batch] = asyncio.Queue()
        self.tasks: list[asyncio.Task[None]] = []
        self.hole_since_s: float | None = None
        self.lost = False

    async def next(self) -> Batch | None:
        """The next batch, LAST at the end, or None when it is time for a snapshot and none has come."""
        if not self.waiting.empty():
            return self.waiting.get_nowait()
        try:
            return await asyncio.wait_for(self.waiting.get(), max(self.runner.snapshot_in_s(), 0.001))
        except TimeoutError:
            return None

    def end(self) -> None:
        """Drop what waits; what is in work is the last."""
        while not self.waiting.empty():
            self.waiting.get_nowait()
        self.runner.retire()
        self.waiting.put_nowait(LAST)
