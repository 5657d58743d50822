"""Carries out what the heart of one partition decides: publish, store, keep snapshots, in the order that holds.

No Kafka and no Faust here, and no rule about records: the heart has those. What is here is when a step is done
(outputs acknowledged, rows stored, dead letters of refused rows acknowledged) and when a snapshot may follow. Steps are
taken one after the other, of all partitions, while the effects of a few before are still under way; those are done in
order, too. A snapshot is taken between two steps and kept beside the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog

from pipelines.heart import Heart
from pipelines.meters import Meters
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

_log = structlog.get_logger()

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0
UNDER_WAY = 3
"""Batches whose effects may be under way when the next is stepped: with three the store never waits for a step."""

STEP_S = 0.2
"""A step takes about as long at most, since nothing else has its turn meanwhile: other partitions, answers of Kafka. A
worker that was behind by some 10,000 rows a partition took steps of seconds, and its snapshots ran out of time."""
FIRST_RECORDS, MOST_RECORDS = 100, 20_000
"""Of a first step, before it is known how long a record takes; and of any, so that memory stays bounded."""

ROUNDS = 30
"""Of the event loop, which all else has after a step, so that its outputs reach Kafka's socket and what was fetched
meanwhile is dealt out before another partition steps. With none, both wait for the steps of all partitions."""

T = TypeVar("T")


class StepFailed(Exception):
    """The heart raised on a batch, and its state is of no use any more."""

    def __init__(self, message: str, batch: Sequence[RawRecord]) -> None:
        super().__init__(message)
        self.batch = batch


def _always() -> bool:
    return True


def _nothing(_: str) -> None:
    return None


def _nothing_to_do() -> None:
    return None


class PartitionRunner:
    """Runs one partition from take-over to release. Calls must not overlap, but for `retire`.

    Records are given to `step` or `refuse` within a `turn`.
    """

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
        turns: asyncio.Lock | None = None,
        snapshot_s: float = 5.0,
        checkpoint: Callable[[str], None] = _nothing,
        meters: Meters | None = None,
    ) -> None:
        """`turns` is shared by all partitions of a worker."""
        self.partition = partition
        self.snapshot_offset: int | None = None
        self.snapshot_at_s: float | None = None
        """When a snapshot was last kept or had nothing new, or the partition was opened, by the clock."""
        self.call: Callable[[], None] = _nothing_to_do
        """Called when something went wrong with effects, which the next call of this will raise."""
        self.steps, self.steps_s = 0, 0.0
        """Steps of the heart, and their seconds."""
        self.step_since_s: float | None = None
        """When the step began that is at work now, by the clock."""
        self.meters = meters or Meters()
        self._restore = restore
        self._publisher = publisher
        self._store = store
        self._snapshots = snapshots
        self._clock = clock
        self._lease = lease
        self._turns = turns or asyncio.Lock()
        self._snapshot_s = snapshot_s
        self._checkpoint = checkpoint
        self._heart: Heart | None = None
        self.at_once = FIRST_RECORDS
        """How many records the next step is to have at most."""
        self._due_s = 0.0
        self._begun = self._done = 0
        self._under_way: deque[asyncio.Task[None]] = deque()
        self._keeping: asyncio.Task[None] | None = None
        self._publishing = asyncio.Lock()
        self._was_down = False
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

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """While no other partition steps, and when so few effects are under way that another step's may be.

        Raises Fenced if the partition is another's by now, and what the publisher raised, both of steps before.
        """
        if self._was_down:
            await self.drained()
        await self._left(UNDER_WAY - 1)
        async with self._turns:
            yield
            for _ in range(ROUNDS):
                await asyncio.sleep(0)

    def step(self, batch: Sequence[RawRecord]) -> None:
        """Step over records and see to the effects beside those still under way. Raises StepFailed, Fenced."""
        heart = self._owned_heart()
        began_s = self.step_since_s = self._clock.monotonic_s()
        try:
            effects = heart.receive(batch)
        except Exception as error:
            raise StepFailed(self._blame(batch, error), batch) from error
        finally:
            self._begun += 1
            self.step_since_s = None
        self.meters.batches.observe(len(batch))
        took_s = self._clock.monotonic_s() - began_s
        self.steps, self.steps_s = self.steps + 1, self.steps_s + took_s
        self.at_once = _next_piece(len(batch), self.at_once, took_s)
        self._launch(heart, effects)

    def refuse(self, raw: RawRecord, why: str) -> None:
        """Have a record that no step gets over rejected."""
        heart = self._owned_heart()
        self._begun += 1
        self._launch(heart, heart.refuse(raw, why))

    def _launch(self, heart: Heart, effects: Effects) -> None:
        self._checkpoint("received")
        before = self._under_way[-1] if self._under_way else None
        task = asyncio.create_task(self._see_to(heart, effects, before))
        task.add_done_callback(self._look_at)
        self._under_way.append(task)

    async def drained(self) -> None:
        """Return when no effects are under way and no snapshot; raises what went wrong with the first."""
        await self._left(0)
        self._was_down = False
        await self._kept()

    async def _kept(self) -> None:
        if self._keeping is not None:
            await self._keeping
            self._keeping = None

    async def _left(self, most: int) -> None:
        """Wait until so many are under way at most, and take leave of those that are done."""
        while self._under_way and (len(self._under_way) > most or self._under_way[0].done()):
            await self._under_way[0]
            self._under_way.popleft()

    def _look_at(self, task: asyncio.Task[None]) -> None:
        """Have someone call who is told what went wrong, though no batch may come."""
        if not task.cancelled() and task.exception() is not None:
            self.call()

    async def _see_to(self, heart: Heart, effects: Effects, before: asyncio.Task[None] | None) -> None:
        """Carry effects out and, when all those before are done, have them acknowledged."""
        refused = await self._carry_out(effects)
        if before is not None:
            await asyncio.shield(before)
            if self._was_down:
                # A write before this one may have been tried again after it: of a moment told twice the later counts.
                refused = await self._write(effects.rows)
        self._checkpoint("before-acknowledged")
        letters = heart.acknowledged(refused)
        if letters:
            await self._send(letters)
        self._done += 1

    async def snapshot_now(self) -> None:
        """Keep a snapshot, so that what comes next can be tried again from here."""
        await self._snapshot()
        await self.drained()

    async def snapshot_if_due(self) -> None:
        """Take a snapshot if the last one is old enough; also to be called when no records come. Raises as `turn`."""
        await self._left(UNDER_WAY)
        if self._keeping is not None and self._keeping.done():
            await self._kept()
        if self.snapshot_in_s() <= 0:
            await self._snapshot()

    def snapshot_in_s(self) -> float:
        """Seconds until the next snapshot is due."""
        return self._due_s - self._clock.monotonic_s()

    def retire(self) -> None:
        """Have what waits for the store give up instead."""
        self._retired.set()

    async def close(self, final_snapshot: bool) -> None:
        """Release the partition. With `final_snapshot` nothing will be read again, if all batches are carried out."""
        self.retire()
        try:
            if final_snapshot and self._begun == self._done and self._heart is not None:
                await self.snapshot_now()
        except Fenced as fenced:
            _log.warning("no-last-snapshot", partition=self.partition, error=str(fenced))
        finally:
            left = [*self._under_way, *([self._keeping] if self._keeping else ())]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)
            self._under_way.clear()
            self._keeping = None
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
            await self._publish(effects)
            return ()
        if not effects.outputs:
            return await self._write(effects.rows)
        _, refused = await _both(self._publish(effects), self._write(effects.rows))
        return refused

    async def _publish(self, effects: Effects) -> None:
        await self._send(effects.outputs)
        self.meters.published(effects.arrived_ms, self._clock.now_us())

    async def _send(self, outputs: Sequence[Output]) -> None:
        """Publish behind what was begun before."""
        async with self._publishing:
            await self._publisher.publish(self.partition, outputs)

    async def _write(self, rows: Sequence[Rows]) -> Sequence[Refusal]:
        """Write for as long as it takes, while the partition is ours."""
        pause_s = FIRST_PAUSE_S
        while True:
            if not self._lease():
                raise Fenced(f"partition {self.partition}: the group has not confirmed us lately, so nothing is stored")
            try:
                return await self._store.write(rows)
            except StoreDown as down:
                self._was_down = True
                _log.warning("store-down", partition=self.partition, retry_s=pause_s, error=str(down))
            await self._pause(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._retired.wait()
        except TimeoutError:
            return
        raise Fenced(f"partition {self.partition} was given up while the store was down")

    async def _snapshot(self) -> None:
        """Take one when nothing is under way, and see to its being kept."""
        await self.drained()
        snapshot = self._owned_heart().snapshot()
        self._due_s = self._clock.monotonic_s() + self._snapshot_s
        if snapshot is None:
            self.snapshot_at_s = self._clock.monotonic_s()
            return
        self._checkpoint("before-snapshot")
        self._keeping = asyncio.create_task(self._keep(snapshot))
        self._keeping.add_done_callback(self._look_at)

    async def _keep(self, snapshot: Snapshot) -> None:
        await self._snapshots.commit(self.partition, snapshot)
        self.snapshot_at_s = self._clock.monotonic_s()
        self.snapshot_offset = snapshot.next_offset
        self.meters.snapshot_bytes = sum(map(len, snapshot.parts.values()))
        self._checkpoint("after-snapshot")


def _next_piece(records: int, at_once: int, took_s: float) -> int:
    """How many records the next step may have, after one of so many: as many as fit, at most twice what it was."""
    fit = 2 * at_once if took_s <= 0 else int(records * STEP_S / took_s)
    return max(1, min(fit, 2 * at_once, MOST_RECORDS))


async def _both(first: Coroutine[Any, Any, None], second: Coroutine[Any, Any, T]) -> tuple[None, T]:
    """Await both; if one raises, the other is cancelled and the error is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(first)
            task = group.create_task(second)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return None, task.result()
