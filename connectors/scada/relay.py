"""From a feed to the log: readings become frames, wait in order, and go to Kafka; or to disk while it is away.

What waits is forgotten only once Kafka acknowledged it or the disk has it, whenever this is cancelled.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Coroutine, Iterable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import structlog

from connectors.scada.feed import FeedError, Read, Unread
from connectors.scada.mapping import Mapper
from connectors.scada.seldom import Seldom
from connectors.scada.spool import CHUNK_BYTES, Spool, Spooled
from connectors.scada.totals import KEEP_S, Totals
from models.records import DeadLetter, FeedReport, Frame, Reject, encode, key_of
from pipelines.ports import Clock, Output, Publisher
from pipelines.topics import MAX_FRAME_BYTES, Topic, partition_of

WAITING = 200
"""Messages of a feed that may wait in memory; a feed that is faster has to wait itself."""
WAITING_BYTES = 32 * 1024 * 1024
SEND_S = 10.0
"""Kafka has this long to acknowledge some 256 KB; our choice. An idempotent producer by itself would try for ever."""
RETRY_S = 1.0
PAYLOAD_KEPT = 2048
"""Bytes of what could not be read that its dead letter carries."""

DETAIL_KEPT = 1000

_log = structlog.get_logger()


class _Waiting(NamedTuple):
    outputs: list[Output]
    bytes: int
    settled: asyncio.Future[None]


class Relay:
    """One feed's way to the log. `take` is given to the feed, `run` sends until cancelled, then `flush`."""

    def __init__(
        self, mapper: Mapper, publisher: Publisher, spool: Spool, plant: str, partitions: int, clock: Clock
    ) -> None:
        self._mapper, self._publisher, self._spool, self._clock = mapper, publisher, spool, clock
        self._plant, self._partitions = plant, partitions
        self._seldom = Seldom()
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._some, self._room = asyncio.Event(), asyncio.Event()
        self._away = False
        self._totals = Totals(spool.folder / "totals.json")
        self.counts: Counter[str] = Counter()
        """Of this process; `report` has those of all."""
        self.unread: Counter[Reject] = Counter()

    @property
    def away(self) -> bool:
        """Whether Kafka did not take the last that was sent."""
        return self._away

    @property
    def spool_bytes(self) -> int:
        """What waits on disk."""
        return self._spool.size

    @property
    def spool_limit_bytes(self) -> int:
        """How much may wait on disk before the oldest are dropped."""
        return self._spool.most_bytes

    def report(self) -> dict[str, int]:
        """Totals since the feed was first started: the counts, `unread:REASON`, and frames and bytes that were dropped.

        `dropped` itself has dead letters, too.
        """
        return self._totals.of(self._counted())

    def tell(self) -> None:
        """Queue what the feed counted so far for the ledger, as a record behind all that was read."""
        report = FeedReport(
            plant=self._plant, source=self._mapper.source, time_us=self._clock.now_us(), counts=self.report()
        )
        self._wait([Output(Topic.RECORDS, key_of(self._plant, ""), encode(report))])

    def map_by(self, mapper: Mapper) -> None:
        """Map by another plant of the same name from here on; what waits stays as it was mapped."""
        self._mapper = mapper

    @property
    def mapping(self) -> str:
        """Which mapping readings go by now: `Mapper.version`."""
        return self._mapper.version

    async def take(self, read: Read, *, settled: bool = False) -> int:
        """Map what was read and queue it; waits while the queue is full. As `feed.Take`."""
        frames, unread = self._mapper.frames(read)
        self.counts["readings"] += len(read.readings)
        self.counts["rows"] += sum(len(frame.times_us) for frame in frames)
        outputs = self._outputs(frames, unread)
        self._remember()
        if outputs:
            self._wait(outputs)
        if settled:
            if self._waiting:  # in order: once the last is safe, all are; others may wait for it as well
                await asyncio.shield(self._waiting[-1].settled)
            return len(unread)
        await asyncio.sleep(0)  # a flood that never waits must not keep `run` from its turn
        while self._full:
            self._room.clear()
            await self._room.wait()
        return len(unread)

    async def run(self) -> None:
        """Send what waits, in order: what is on disk first."""
        while True:
            self._remember()
            if self._spool.empty:
                if await self._some_came() and not await self._send_waiting():
                    await asyncio.sleep(RETRY_S)
            elif not await self._drain():
                await asyncio.sleep(RETRY_S)

    async def flush(self) -> None:
        """Send or keep on disk all that waits, once `run` has ended. Raises FeedError where the disk is full, too."""
        if rest := [self._letter(one) for one in self._seldom.rest()]:
            self._wait(rest)
        while self._waiting and self._spool.empty and not self._away:
            await self._send_waiting()
        kept = self._keep()
        self._remember(at_once=True)
        if not kept:
            raise FeedError(
                f"{len(self._waiting)} messages of the feed are lost, since neither Kafka nor the disk took them: "
                "make room on the disk and look whether Kafka runs"
            )

    @property
    def _full(self) -> bool:
        return len(self._waiting) >= WAITING or self._bytes >= WAITING_BYTES

    def _outputs(self, frames: Sequence[Frame], unread: list[Unread]) -> list[Output]:
        outputs = [Output(Topic.RECORDS, key_of(frame.plant, frame.asset), encode(frame)) for frame in frames]
        for output in [output for output in outputs if len(output.value) > MAX_FRAME_BYTES]:
            outputs.remove(output)
            unread.append(Unread(Reject.TOO_LARGE, "one moment of an asset fits no record", output.value))
        self.counts["unread"] += len(unread)
        self.unread.update(one.reason for one in unread)
        return outputs + [self._letter(one) for one in self._seldom.tell(unread, self._clock.monotonic_s())]

    def _wait(self, outputs: list[Output]) -> None:
        """Queue outputs, or put them on disk at once while Kafka is known to be away."""
        size = sum(len(output.value) for output in outputs)
        waiting = _Waiting(outputs, size, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._bytes += size
        self._some.set()
        if self._away and not self._spool.empty:
            self._keep()

    async def _send_waiting(self) -> bool:
        """Send the oldest that wait in memory, or keep all on disk. False where neither worked."""
        count = size = 0
        for one in self._waiting:
            count, size = count + 1, size + one.bytes
            if size >= CHUNK_BYTES:
                break
        outputs = [output for one in list(self._waiting)[:count] for output in one.outputs]
        if not await self._sent(outputs):
            return self._keep()
        self._settle(count)
        return True

    async def _drain(self) -> bool:
        """Send the oldest on disk; before its last piece, what waits in memory joins it there."""
        if self._spool.size > CHUNK_BYTES:
            self._keep()
        if not (chunk := self._spool.peek()):
            return True
        if await self._sent([Output(Topic(one.topic), one.key, one.value) for one in chunk]):
            self._spool.took()
            return True
        self._keep()
        return False

    async def _sent(self, outputs: Sequence[Output]) -> bool:
        of: dict[int, list[Output]] = {}
        for output in outputs:
            of.setdefault(partition_of(output.key, self._partitions), []).append(output)
        try:
            async with asyncio.timeout(SEND_S):
                await _all(self._publisher.publish(partition, its) for partition, its in of.items())
        except Exception as fault:  # whatever Kafka's client raises: what is not acknowledged is kept, not lost
            if not self._away:
                _log.warning(
                    "kafka-away", error=repr(fault), retry_s=RETRY_S, spooled_bytes=self._spool.size,
                    mend="start it, or see FOREWARN_KAFKA",
                )  # fmt: skip
            self._away = True
            return False
        if self._away:
            _log.info("kafka-back", spooled_bytes=self._spool.size)
        self._away = False
        self.counts["sent"] += len(outputs)
        return True

    def _keep(self) -> bool:
        """Put all that waits on disk. False where the disk does not take it; then it goes on waiting."""
        outputs = [output for one in self._waiting for output in one.outputs]
        before = self._spool.dropped
        try:
            self._spool.put([Spooled(str(output.topic), output.key, output.value) for output in outputs])
        except OSError as fault:
            _log.error("not-spooled", error=repr(fault), waiting=len(self._waiting))
            return False
        self.counts["spooled"] += len(outputs)
        self._settle(len(self._waiting))
        if lost := self._spool.dropped - before:
            self.counts["dropped"] += lost
            self._remember(at_once=True)
        return True

    async def _some_came(self) -> bool:
        """Wait for something to send, but not for ever: totals are to be kept while a feed is silent, too."""
        try:
            async with asyncio.timeout(KEEP_S):  # wait_for of Python 3.11 may swallow a cancellation here
                await self._some.wait()
        except TimeoutError:
            return False
        return True

    def _counted(self) -> dict[str, int]:
        frames = self._spool.dropped_of[Topic.RECORDS]
        by_reason = {f"unread:{reason}": count for reason, count in dict(self.unread).items()}
        return {**self.counts, **by_reason, "dropped_frames": frames, "dropped_bytes": self._spool.dropped_bytes}

    def _remember(self, *, at_once: bool = False) -> None:
        self._totals.keep(self._counted(), self._clock.monotonic_s(), at_once=at_once)

    def _settle(self, count: int) -> None:
        """The oldest that wait are safe: forget them."""
        for _ in range(count):
            one = self._waiting.popleft()
            self._bytes -= one.bytes
            if not one.settled.done():
                one.settled.set_result(None)
        if not self._waiting:
            self._some.clear()
        self._room.set()

    def _letter(self, unread: Unread) -> Output:
        letter = DeadLetter(
            plant=self._plant,
            reason=unread.reason,
            detail=unread.detail[:DETAIL_KEPT].encode("utf-8", "replace").decode(),
            payload=unread.payload[:PAYLOAD_KEPT].decode("utf-8", "replace"),
            payload_sha256=sha256(unread.payload).hexdigest() if unread.payload else "",
        )
        return Output(Topic.DEAD_LETTERS, key_of(self._plant, ""), encode(letter))


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Wait for all; on the first error none goes on. A TaskGroup of Python 3.11 may swallow a cancellation here."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
