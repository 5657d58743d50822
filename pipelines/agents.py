"""Runs partitions under Faust: one agent on `records` deals batches out to a task a partition, so none waits for another.

`Partitions` is who owns what; the transport asks it where to read and tells it what to give up. A batch says between
which positions of the log it lies, so a batch that went missing on the way through Faust is seen and read again.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

import faust
from faust.tables.manager import TableManager
from faust.types import TP

from models.records import Tick, encode
from pipelines.ports import Clock, Fenced, Output, Publisher, RawRecord
from pipelines.runner import PartitionRunner
from pipelines.topics import Topic

log = logging.getLogger(__name__)

GRACE_S = 3.0
"""How long a batch in work may take to finish when its partition is given up; then it is dropped and read again."""

RECLAIM_S = 6.0
"""Wait before taking back a partition lost to a worker that should not have it: longer than the lease, so that a
heartbeat has confirmed us since."""

HOLE_S = 10.0
"""Longest time for a read to get back to a gap. Then the records in it are gone."""


class Batch(Protocol):
    """What the transport hands on: records of a partition between two positions of its log."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def records(self) -> Sequence[RawRecord]: ...


class RecordsLost(Exception):
    """Records were deleted from the log before they were read."""


class _Owned:
    """A partition in our hands: its runner, the batches that wait, and up to where the log is accounted for."""

    def __init__(self, runner: PartitionRunner, beginning: int, start: int) -> None:
        self.runner = runner
        self.beginning = beginning
        self.accounted = start
        self.waiting: asyncio.Queue[Batch] = asyncio.Queue()
        self.tasks: list[asyncio.Task[None]] = []
        self.hole_since_s: float | None = None
        self.lost = False


class Partitions:
    """The partitions this worker owns. Everything happens in the loop of the app."""

    def __init__(
        self,
        runner: Callable[[int], PartitionRunner],
        *,
        rewind: Callable[[int, int], Awaitable[None]],
        crash: Callable[[BaseException], Awaitable[None]],
        tick: Callable[[int], Awaitable[None]] | None = None,
        tick_s: float = 60.0,
        lease: Callable[[], bool],
        waiting: int = 4,
    ) -> None:
        self._runner = runner
        self._rewind = rewind
        self._crash = crash
        self._tick = tick
        self._tick_s = tick_s
        self._lease = lease
        self._waiting = waiting
        self._owned: dict[int, _Owned] = {}
        self._kept: dict[int, int] = {}
        self._changing = asyncio.Lock()

    def has_room(self, partition: int) -> bool:
        """Whether another batch of this partition should be fetched."""
        owned = self._owned.get(partition)
        return owned is not None and not owned.lost and owned.waiting.qsize() < self._waiting

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
            owned.waiting.put_nowait(batch)

    async def _mend(self, partition: int, owned: _Owned, batch: Batch) -> None:
        now_s = asyncio.get_running_loop().time()
        if owned.hole_since_s is None:
            owned.hole_since_s = now_s
            log.info("partition %d: read %d before %d; going back", partition, batch.start, owned.accounted)
            await self._rewind(partition, owned.accounted)
        elif now_s - owned.hole_since_s > HOLE_S:
            lost = RecordsLost(
                f"partition {partition} of records: offsets {owned.accounted} to {batch.start - 1} cannot be read any"
                " more; the topic's retention is shorter than the worker was behind. Raise retention.ms."
            )
            await self._crash(lost)

    async def _open(self, partition: int, beginning: int) -> _Owned:
        runner = self._runner(partition)
        owned = _Owned(runner, beginning, max(await runner.open(), beginning))
        self._owned[partition] = owned
        self._kept.pop(partition, None)
        owned.tasks.append(asyncio.create_task(self._work(partition, owned), name=f"partition-{partition}"))
        if self._tick is not None and self._tick_s > 0:
            owned.tasks.append(asyncio.create_task(self._keep_time(partition), name=f"ticks-{partition}"))
        log.info("partition %d: taken over, reading from %d", partition, owned.accounted)
        return owned

    async def _release(self, partition: int, owned: _Owned) -> None:
        while not owned.waiting.empty():
            owned.waiting.get_nowait()
        owned.runner.retire()
        owned.waiting.put_nowait(_LAST)
        work, *ticks = owned.tasks
        for task in ticks:
            task.cancel()
        await asyncio.wait([work], timeout=0 if owned.lost else GRACE_S)
        work.cancel()
        await asyncio.gather(*owned.tasks, return_exceptions=True)
        await owned.runner.close(final_snapshot=not owned.lost)
        if owned.runner.snapshot_offset is not None:
            self._kept[partition] = owned.runner.snapshot_offset
        log.info("partition %d: given up at %s", partition, owned.runner.snapshot_offset)

    async def _work(self, partition: int, owned: _Owned) -> None:
        """One batch after the other, until told to end; an error stops the worker."""
        try:
            await self._work_until_lost(owned)
            while owned.lost and not await self._reclaim(partition, owned):
                pass
        except Exception as error:
            owned.lost = True
            await self._crash(error)

    async def _work_until_lost(self, owned: _Owned) -> None:
        try:
            while (batch := await _next(owned)) is not _LAST:
                if batch is None:
                    await owned.runner.snapshot_if_due()
                else:
                    await owned.runner.handle(batch.records)
        except Fenced as fenced:
            owned.lost = True
            log.warning("partition %d: lost, dropping it: %s", owned.runner.partition, fenced)

    async def _reclaim(self, partition: int, owned: _Owned) -> bool:
        """If the group says for long enough that the partition is ours after all, open it again.

        Happens when two workers opened in the wrong order, or when the group could not confirm us for a while.
        """
        await asyncio.sleep(RECLAIM_S)
        if not self._lease() or self._changing.locked() or self._owned.get(partition) is not owned:
            return False
        async with self._changing:
            for tick in owned.tasks[1:]:
                tick.cancel()
            await owned.runner.close(final_snapshot=False)
            again = await self._open(partition, owned.beginning)
        await self._rewind(partition, again.accounted)
        return True

    async def _keep_time(self, partition: int) -> None:
        """A tick at once and then every `tick_s`, while the partition is ours."""
        assert self._tick is not None
        while True:
            try:
                await self._tick(partition)
            except Exception as error:
                log.warning("partition %d: no tick: %r", partition, error)
            await asyncio.sleep(self._tick_s)


class _Last:
    """Ends a partition's queue."""

    start = end = 0
    records: Sequence[RawRecord] = ()


_LAST = _Last()


async def _next(owned: _Owned) -> Batch | None:
    """The next batch, or None when it is time for a snapshot and none has come."""
    if not owned.waiting.empty():
        return owned.waiting.get_nowait()
    try:
        return await asyncio.wait_for(owned.waiting.get(), max(owned.runner.snapshot_in_s(), 0.001))
    except TimeoutError:
        return None


class _NoTables(TableManager):
    """Faust waits a second at start for tables to be declared; there are none."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


class _App(faust.App):
    """A Faust app whose consumer transport is given."""

    make_transport: Callable[[], Any]

    def _new_transport(self) -> Any:
        return self.make_transport()


def build_app(
    *,
    broker: str,
    group: str,
    records: str,
    partitions: int,
    transport: Callable[[faust.App, Partitions], Any],
    schema: Any,
    settings: Mapping[str, Any],
    runner: Callable[[int], PartitionRunner],
    publisher: Publisher,
    clock: Clock,
    lease: Callable[[], bool],
    plant: str,
    tick_s: float = 60.0,
    waiting: int = 4,
    data_dir: str = ".",
) -> faust.App:
    """The Faust app of a worker. `broker` is host:port[,host:port], `records` the topic's full name.

    `transport`, `schema` and `settings` are those of `connectors.kafka.batches`; `waiting` batches a partition are queued.
    """
    app = _App(
        group,
        broker=[f"kafka://{address}" for address in broker.split(",")],
        topic_partitions=partitions,
        datadir=data_dir,
        **_FAUST | dict(settings),
    )

    async def tick(partition: int) -> None:
        now = Tick(plant=plant, time_us=clock.now_us())
        await publisher.publish(partition, [Output(Topic.RECORDS, plant.encode(), encode(now))])

    async def rewind(partition: int, offset: int) -> None:
        await app.consumer.seek_wait({TP(records, partition): offset})

    owner = Partitions(
        runner, rewind=rewind, crash=app.crash, tick=tick, tick_s=tick_s, lease=lease, waiting=waiting
    )
    app.make_transport = lambda: transport(app, owner)

    async def deal(stream: Any) -> None:
        async for event in stream.noack().events():
            await owner.accept(event.message.partition, event.value)

    app.agent(app.topic(records, schema=schema, acks=False, partitions=partitions), name="partitions")(deal)
    return app


_FAUST: dict[str, Any] = {
    "store": "memory://",
    "TableManager": _NoTables,
    "web_enabled": False,
    "topic_allow_declare": False,
    "topic_disable_leader": True,
    "broker_session_timeout": 6.0,
    "broker_heartbeat_interval": 2.0,
    "broker_commit_interval": 1.0,
}


async def serve(app: faust.App) -> int:
    """Run the app until SIGTERM or SIGINT (0), or until it crashes (1, and the log says why)."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(app._crashed.wait())]
    try:
        await app.start()
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await app.stop()
    if app.crash_reason is not None:
        log.critical("the worker stops: %s", app.crash_reason)
        return 1
    return 0
