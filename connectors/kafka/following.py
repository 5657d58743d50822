"""The topics that say how a plant stands, each from as far back as it is needed, and then as they go on.

One consumer without a group: each console reads all partitions for itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from connectors.kafka.clients import client_options
from connectors.kafka.deliveries import CALL_TIMEOUT_S, assign
from pipelines.cluster import Brokers
from pipelines.console.ports import Came, News
from pipelines.topics import Topic, named

EVERYTHING = None
"""As a start: from the first record that the topic keeps."""
STARTS: Mapping[Topic, int | None] = {
    Topic.ALERTS: EVERYTHING,
    Topic.NOTICES: EVERYTHING,
    Topic.HEALTH: 20_000,
    Topic.FORECASTS: 20_000,
    Topic.STATE: 500,
    Topic.RELEASES: 0,
    Topic.PLANS: 30,
    Topic.DEMAND: 100,
    Topic.SUGGESTIONS: 5_000,
}
"""How many of the last records of each partition are read at the start. A forecast comes once a minute and machine, so
these are the last hours of some hundred machines; a snapshot of state has a ledger among few dozens of parts. A plan is
large and each takes the place of the one before."""
FETCH_MS = 50
STOP_S = 5.0
LOOK_S = 1.0
"""All partitions are asked for so often, since a consumer says nothing of a broker that is away, or of a topic that is
gone, and others may go on meanwhile. Our choice."""
ALIVE_S = 5.0
"""A broker that does not answer for so long is away. Our choice."""


class TopicsFollower:
    """A `pipelines.console.ports.PlantLog`. Belongs to one event loop."""

    def __init__(self, brokers: Brokers, prefix: str, starts: Mapping[Topic, int | None] = STARTS) -> None:
        self._brokers, self._starts = brokers, starts
        self._topics = {named(prefix, topic): topic for topic in starts}
        self._consumer: AIOKafkaConsumer | None = None
        self._positions: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._look_s = 0.0

    async def more(self, patience_s: float) -> News:
        """What came. Raises KafkaError, which is so of a topic that is not there, too, and TimeoutError."""
        try:
            consumer = await self._started()
            took = await consumer.getmany(timeout_ms=round(patience_s * 1000))
            if time.monotonic() >= self._look_s:
                async with asyncio.timeout(ALIVE_S):
                    await consumer.end_offsets(list(self._positions))
                self._look_s = time.monotonic() + LOOK_S
            records = [
                Came(self._topics[place.topic], place.partition, record.key or b"", record.value, record.timestamp)
                for place, of in took.items()
                for record in of
            ]
            for place in took.keys() | self._ends.keys():
                self._positions[place] = await consumer.position(place)
        except BaseException:
            await self.close()
            raise
        self._ends = {place: end for place, end in self._ends.items() if self._positions[place] < end}
        return News(records, not self._ends)

    async def close(self) -> None:
        """Read no more."""
        consumer, self._consumer = self._consumer, None
        if consumer is None:
            return
        stopping = asyncio.ensure_future(consumer.stop())
        await asyncio.wait({stopping}, timeout=STOP_S)  # not awaited itself: away from its broker it ends as cancelled
        stopping.cancel()

    async def _started(self) -> AIOKafkaConsumer:
        if self._consumer is not None:
            return self._consumer
        consumer = self._consumer = AIOKafkaConsumer(
            **client_options(self._brokers),
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=FETCH_MS,
        )
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await consumer.start()
            try:
                places = [place for name in self._topics for place in await assign(consumer, name)]
            except LookupError as gone:
                raise UnknownTopicOrPartitionError(str(gone)) from gone
            consumer.assign(places)
            begins, self._ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
            for place in places:
                begin = self._begin(place, begins[place], self._ends[place])
                consumer.seek(place, begin)
                self._positions[place] = begin
        return consumer

    def _begin(self, place: TopicPartition, first: int, end: int) -> int:
        """Behind what was given already; else as the topic's start says. Of a topic made anew, its beginning."""
        known = self._positions.get(place)
        if known is not None:
            return known if first <= known <= end else first
        last = self._starts[self._topics[place.topic]]
        return first if last is EVERYTHING else max(first, end - last)
