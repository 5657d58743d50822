"""The last notices of a partition, for whoever takes it over."""

from __future__ import annotations

import msgspec
from aiokafka import TopicPartition

from connectors.kafka.tail import TailReader
from models.records import Notice, decode
from pipelines.cluster import Brokers
from pipelines.topics import Topic, named

MOST = 10_000
"""How far back is looked: a notice that stands for so long that as many came after it is not found any more."""


class NoticeReader:
    """Opened by its first use; `stop` it at the end."""

    def __init__(self, brokers: Brokers, prefix: str) -> None:
        self._prefix = prefix
        self._tail = TailReader(brokers)

    async def last(self, partition: int) -> list[Notice]:
        """The partition's last notices, in order. Raises KafkaError."""
        places = [TopicPartition(named(self._prefix, topic), partition) for topic in (Topic.NOTICES, Topic.RECORDS)]
        async with self._tail.at(*places) as tail:
            values = [record.value for record in await tail.latest(MOST)]
        found = []
        for value in values:
            try:
                record = decode(value or b"")
            except msgspec.DecodeError:
                continue  # of another version; what stands in it is told by who wrote it
            if isinstance(record, Notice):
                found.append(record)
        return found

    async def stop(self) -> None:
        """Close the connection."""
        await self._tail.stop()
