"""A compacted topic of few records as a role follows it: what is on it, then what comes."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.kafka.clients import client_options
from pipelines.cluster import Brokers
from pipelines.topics import Topic, named

PARTITION = 0
"""Records that need one order lie on one."""
POLL_MS = 1000
"""A fetch returns at once where something is there."""
Pair = tuple[bytes, bytes | None]


class CompactedReader:
    """A `pipelines.deliver.ports.Wishes`. Belongs to one event loop; `stop` it at the end."""

    def __init__(self, brokers: Brokers, prefix: str, topic: Topic) -> None:
        self._brokers, self._place = brokers, TopicPartition(named(prefix, topic), PARTITION)
        self._consumer: AIOKafkaConsumer | None = None

    async def known(self) -> list[Pair]:
        """All that is on the topic now. Raises KafkaError."""
        consumer = await self._started()
        end = (await consumer.end_offsets([self._place]))[self._place]
        await consumer.seek_to_beginning(self._place)
        out: list[Pair] = []
        while await consumer.position(self._place) < end:
            out += await self._next()
        return out

    async def more(self) -> AsyncIterator[Pair]:
        """What comes after what was read, for ever. Raises KafkaError."""
        while True:
            for pair in await self._next():
                yield pair

    async def stop(self) -> None:
        """Close the connection."""
        if self._consumer is not None:
            await self._consumer.stop()
            self._consumer = None

    async def _next(self) -> list[Pair]:
        consumer = await self._started()
        found = await consumer.getmany(self._place, timeout_ms=POLL_MS)
        return [(record.key or b"", record.value) for record in found.get(self._place, ())]

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            self._consumer = AIOKafkaConsumer(
                **client_options(self._brokers),
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                fetch_max_wait_ms=POLL_MS,
            )
            await self._consumer.start()
            self._consumer.assign([self._place])
        return self._consumer
