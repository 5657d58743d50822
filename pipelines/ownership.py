"""Which partitions this worker owns, from take-over to release, and the batches that wait for each.

The transport asks `Partitions` where to read and tells it what to give up. A batch says between which positions of the
log it lies, so a batch that went missing on the way through Faust is seen and read again. No Faust and no Kafka here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from pipelines.owned import Batch, OwnedPartition
from pipelines.ports import Fenced
from pipelines.runner import PartitionRunner, StepFailed
from pipelines.suspects import Suspects

_log = structlog.get_logger()

GRACE_S = 3.0
"""How long a batch in work may take to finish when its partition is given up; then it is dropped and read again."""

RECLAIM_S = 6.0
"""Wait before taking back a partition lost to a worker that should not have it: longer than the lease, so that a
heartbeat has confirmed us since."""

AGAIN_S = 0.1
"""Wait before a step that failed is tried again."""

HOLE_S = 10.0
"""Longest time for a read to get back to a gap. Then the records in it are gone."""


class RecordsLost(Exception):
    """Records were deleted from the log before they were read."""


class Partitions:
    """The partitions this worker owns. Everything happens in the loop of the app."""

    def __init__(
        self,
        runner: Callable[[int], PartitionRunner],
        *,
        rewind: Callable[[int, int], Awaitable[None]],
        fail: Callable[[Exception], None],
        tick: Callable[[int], Awaitable[None]] | None = None,
        tick_s: float = 60.0,
        lease: Callable[[], bool],
        waiting: int = 4,
        released: Callable[[PartitionRunner], None] | None = None,
    ) -> None:
        """`released` is told of each runner that is given up, while it still has its heart."""
        self._runner = runner
        self._rewind = rewind
        self.fail = fail
        self._tick = tick
        self._tick_s = tick_s
        self._lease = lease
        self._waiting = waiting
        self._released = released
        self._owned: dict[int, OwnedPartition] = {}
        self._kept: dict[int, int] = {}
        self._changing = asyncio.Lock()

    def has_room(self, partition: int) -> bool:
        """Whether another batch of this partition should be fetched."""
        owned = self._owned.get(partition)
        return owned is not None and not owned.lost and owned.waiting < self._waiting

    def runners(self) -> Mapping[int, PartitionRunner]:
        """The runners of the partitions that are ours, to be looked at; also from another thread."""
        return {partition: owned.runner for partition, owned in sorted(self._owned.copy().items()) if not owned.lost}

    def position(self, partition: int) -> int | None:
        """Up to where the log is worked, what holds no records included; None for a partition that is not ours."""
        owned = self._owned.get(partition)
        heart = None if owned is None else owned.runner.heart
        if owned is None or heart is None:
            return None
        return max(heart.next_offset, owned.accounted if heart.next_offset >= owned.last else owned.beginning)

    async def take_over(self, beginnings: Mapping[int, int]) -> Mapping[int, int]:
        """Open what we do not own yet; from which offset each is to be read. A log may begin after 0: there, then."""
        async with self._changing:
            missing = [partition for partition in beginnings if partition not in self._owned]
            await asyncio.gather(*(self._open(partition, beginnings[partition]) for partition in missing))
            return {partition: self._owned[partition].accounted for partition in beginnings}

    async def give_up(self) -> None:
        """Finish the batches in work, drop those that wait, keep last snapshots."""
        async with self._changing:
            self._kept = dict(self.committable())
            owned, self._owned = self._owned, {}
            await asyncio.gather(*(self._release(partition, each) for partition, each in owned.items()))

    def committable(self) -> Mapping[int, int]:
        """Offset of the last snapshot of each partition, also of those given up last."""
        now = {p: each.runner.snapshot_offset for p, each in self._owned.items()}
        return self._kept | {p: offset for p, offset in now.items() if offset is not None}

    async def accept(self, partition: int, batch: Batch) -> None:
        """Queue a batch, if it is what follows. One that begins later means that something was skipped: read again."""
        owned = self._owned.get(partition)
        if owned is None or owned.lost or batch.end <= owned.accounted:
            return
        if batch.start > owned.accounted:
            await self._mend(partition, owned, batch)
            return
        owned.hole_since_s = None
        owned.accounted = batch.end
        if batch.records:
            owned.last = batch.records[-1].offset + 1
            owned.put(batch.records)

    async def _mend(self, partition: int, owned: OwnedPartition, batch: Batch) -> None:
        now_s = asyncio.get_running_loop().time()
        if owned.hole_since_s is None:
            owned.hole_since_s = now_s
            _log.info("gap-read-again", partition=partition, offset=owned.accounted, read=batch.start)
            await self._rewind(partition, owned.accounted)
        elif now_s - owned.hole_since_s > HOLE_S:
            lost = RecordsLost(
                f"partition {partition} of records: offsets {owned.accounted} to {batch.start - 1} cannot be read any"
                " more; the topic's retention is shorter than the worker was behind. Raise retention.ms."
            )
            self.fail(lost)

    async def _open(self, partition: int, beginning: int, suspects: Suspects | None = None) -> OwnedPartition:
        runner = self._runner(partition)
        owned = OwnedPartition(runner, beginning, max(await runner.open(), beginning), suspects)
        self._owned[partition] = owned
        self._kept.pop(partition, None)
        owned.tasks.append(asyncio.create_task(self._work(partition, owned), name=f"partition-{partition}"))
        if self._tick is not None and self._tick_s > 0:
            owned.tasks.append(asyncio.create_task(self._keep_time(partition), name=f"ticks-{partition}"))
        _log.info("partition-taken-over", partition=partition, offset=owned.accounted)
        return owned

    async def _release(self, partition: int, owned: OwnedPartition) -> None:
        owned.end()
        work, *ticks = owned.tasks
        for task in ticks:
            task.cancel()
        await asyncio.wait([work], timeout=0 if owned.lost else GRACE_S)
        work.cancel()
        await asyncio.gather(*owned.tasks, return_exceptions=True)
        if self._released is not None and not owned.lost:
            self._released(owned.runner)
        await owned.runner.close(final_snapshot=not owned.lost)
        if owned.runner.snapshot_offset is not None:
            self._kept[partition] = owned.runner.snapshot_offset
        _log.info("partition-given-up", partition=partition, offset=owned.runner.snapshot_offset)

    async def _work(self, partition: int, owned: OwnedPartition) -> None:
        """One batch after the other, until told to end; an error stops the worker, if no record is to blame for it."""
        wait_s = RECLAIM_S
        try:
            try:
                await self._work_until_lost(owned)
            except StepFailed as failed:
                if not owned.suspects.blame(failed.batch, repr(failed.__cause__)):
                    raise
                _log.error("step-failed", partition=partition, error=str(failed), next="trying again in parts")
                owned.lost, wait_s = True, AGAIN_S
            while owned.lost and not await self._reclaim(partition, owned, wait_s):
                pass
        except Exception as error:
            owned.lost = True
            self.fail(error)

    async def _work_until_lost(self, owned: OwnedPartition) -> None:
        try:
            while await owned.stirs():
                await owned.work()
            await owned.runner.drained()
        except Fenced as fenced:
            owned.lost = True
            _log.warning("partition-lost", partition=owned.runner.partition, error=str(fenced))

    async def _reclaim(self, partition: int, owned: OwnedPartition, wait_s: float) -> bool:
        """If the group says after a while that the partition is ours after all, open it again.

        Happens when two workers opened in the wrong order, when the group could not confirm us for a while, and when a
        step failed.
        """
        await asyncio.sleep(wait_s)
        async with self._changing:  # those that were lost together follow one another at once
            if not self._lease() or self._owned.get(partition) is not owned:
                return False
            for tick in owned.tasks[1:]:
                tick.cancel()
            await owned.runner.close(final_snapshot=False)
            again = await self._open(partition, owned.beginning, owned.suspects)
        await self._rewind(partition, again.accounted)
        return True

    async def _keep_time(self, partition: int) -> None:
        """A tick at once and then every `tick_s`, while the partition is ours."""
        assert self._tick is not None
        while True:
            try:
                await self._tick(partition)
            except Exception as error:
                _log.warning("no-tick", partition=partition, error=repr(error))
            await asyncio.sleep(self._tick_s)
