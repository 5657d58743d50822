"""Reads the end of a partition: its bounds, the last record with a key, the records since an offset.

One consumer without a group, read committed, used by one reader at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from connectors.kafka.clients import client_options
from pipelines.cluster import Brokers

FIRST_SPAN = 64
WIDER = 16
READ_TIMEOUT_S = 30.0
FETCH_BYTES = 8 * 1024 * 1024


class TailReader:
    """Opened by its first use; belongs to one event loop."""

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers
        self._consumer: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def at(self, place: TopicPartition, beside: TopicPartition) -> AsyncIterator[Tail]:
        """The tail of `place` as of now; of `beside` only the bounds can be asked. Nobody else reads meanwhile."""
        async with self._lock:
            consumer = await self._started()
            consumer.assign([place, beside])
            consumer.pause(beside)
            try:
                yield Tail(consumer, place, beside, *await _bounds(consumer, place))
            finally:
                consumer.unsubscribe()

    async def stop(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **client_options(self._brokers),
                isolation_level="read_committed",
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                fetch_max_wait_ms=10,
                max_partition_fetch_bytes=FETCH_BYTES,
            )
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer


class Tail:
    """The records of one partition up to where it ended when this was made."""

    def __init__(
        self, consumer: AIOKafkaConsumer, place: TopicPartition, beside: TopicPartition, begin: int, end: int
    ) -> None:
        self._consumer = consumer
        self._place = place
        self._beside = beside
        self._begin = begin
        self._end = end

    async def bounds_beside(self) -> tuple[int, int]:
        """First offset that the other partition keeps, and the next that will be written there."""
        return await _bounds(self._consumer, self._beside)

    async def last(self, key: bytes) -> ConsumerRecord | None:
        """The last record with this key."""
        found = await self.last_of(lambda each: each.key == key and each.value is not None, 1)
        return found[-1] if found else None

    async def last_of(self, fits: Callable[[ConsumerRecord], bool], most: int) -> list[ConsumerRecord]:
        """The last records of a kind, at most so many, found by reading ever wider spans before the end."""
        span, end = FIRST_SPAN, self._end
        found: list[ConsumerRecord] = []
        while end > self._begin and len(found) < most:
            start = max(end - span, self._begin)
            found = [each for each in await self._between(start, end) if fits(each)] + found
            end, span = start, span * WIDER
        return found[-most:]

    async def latest(self, most: int) -> list[ConsumerRecord]:
        """The last records, at most so many."""
        start = max(self._end - most, self._begin)
        return await self._between(start, self._end) if start < self._end else []

    async def values(self, start: int, end: int) -> dict[bytes, bytes | None]:
        """The last value of each key from `start` up to `end`."""
        return {record.key: record.value for record in await self._between(start, end)}

    async def _between(self, start: int, end: int) -> list[ConsumerRecord]:
        """Offsets in [start, end); control records and aborted ones only move the position."""
        consumer, place = self._consumer, self._place
        consumer.seek(place, start)
        records: list[ConsumerRecord] = []
        async with asyncio.timeout(READ_TIMEOUT_S):
            while await consumer.position(place) < end:
                records += (await consumer.getmany(place, timeout_ms=50)).get(place, ())
        return [record for record in records if record.offset < end]


async def _bounds(consumer: AIOKafkaConsumer, place: TopicPartition) -> tuple[int, int]:
    begin, end = await asyncio.gather(consumer.beginning_offsets([place]), consumer.end_offsets([place]))
    return begin[place], end[place]
