"""Warnings off their topic, from a position that somebody else keeps."""

from __future__ import annotations

import asyncio

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.kafka.clients import client_options
from connectors.kafka.deliveries import CALL_TIMEOUT_S, READ_MS, assign
from models.records import Alert, decode
from pipelines.cluster import Brokers
from pipelines.deliver.ports import Came, Position
from pipelines.topics import Topic, named

_log = structlog.get_logger()

MOST_TAKEN = 1000
"""Warnings of one step, so that what it keeps is of some megabytes."""


class KafkaAlerts:
    """A `pipelines.deliver.ports.Alerts`. Belongs to one event loop."""

    def __init__(self, brokers: Brokers, prefix: str) -> None:
        self._brokers, self._topic = brokers, named(prefix, Topic.ALERTS)
        self._consumer: AIOKafkaConsumer | None = None
        self._ends: dict[TopicPartition, int] = {}
        self._position: dict[int, int] = {}

    async def open(self, position: Position) -> None:
        """Begin there; where that is not kept any more, with the oldest there is. Raises KafkaError, LookupError."""
        await self.close()
        consumer = self._consumer = AIOKafkaConsumer(
            **client_options(self._brokers),
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=READ_MS,
        )
        async with asyncio.timeout(CALL_TIMEOUT_S):
            await consumer.start()
            places = await assign(consumer, self._topic)
            begins, self._ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        self._position = {}
        for place in places:
            wanted = position.get(place.partition, 0)
            is_there = begins[place] <= wanted <= self._ends[place]
            at = self._position[place.partition] = wanted if is_there else begins[place]
            consumer.seek(place, at)
            if not is_there and place.partition in position:
                _log.error("warnings-missing", partition=place.partition, wanted=wanted, begins_with=at)

    async def more(self, patience_s: float) -> Came:
        """What came; what cannot be read is told and passed over. Raises KafkaError."""
        consumer = self._consumer
        assert consumer is not None
        found: list[Alert] = []
        took = await consumer.getmany(timeout_ms=round(patience_s * 1000), max_records=MOST_TAKEN)
        for place, records in took.items():
            found += [alert for record in records if (alert := _alert(record.value, place, record.offset)) is not None]
            self._position[place.partition] = await consumer.position(place)
        is_caught_up = all(self._position[place.partition] >= end for place, end in self._ends.items())
        return Came(tuple(found), dict(self._position), is_caught_up)

    async def close(self) -> None:
        """Read no more."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()


def _alert(value: bytes | None, place: TopicPartition, offset: int) -> Alert | None:
    try:
        record = decode(value or b"")
    except msgspec.DecodeError as odd:
        _log.error("warning-unreadable", partition=place.partition, offset=offset, error=str(odd))
        return None
    return record if isinstance(record, Alert) else None
