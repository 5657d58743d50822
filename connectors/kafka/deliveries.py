"""The log of deliveries on its compacted topic. One role writes it.

What a step keeps, and the position in `alerts` after it, are one transaction: so the position never moves before the
log has what came of the warnings before it. The transactional id is the installation's: whoever opens the log fences
the role that had it, whose transactions are refused from then on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced, UnknownTopicOrPartitionError

from connectors.kafka.clients import client_options
from connectors.kafka.publisher import COMPRESSION, thrown_away
from connectors.kafka.transactions import transaction
from models.delivery.state import Entry
from models.records import Delivery, Followed, decode, encode
from pipelines.cluster import Brokers
from pipelines.deliver.board import PARTITION
from pipelines.deliver.ports import Kept, Position
from pipelines.ports import Fenced
from pipelines.topics import MAX_MESSAGE_BYTES, Topic, named

_log = structlog.get_logger()

CALL_TIMEOUT_S = 60.0
"""A storm's step is some ten thousand records. No call waits longer: a stopped producer may never answer."""
STOP_S = 5.0
READ_MS = 200
Sent = tuple[str, bytes | None, bytes]
"""Topic, value, key."""


class KafkaDeliveryLog:
    """A `pipelines.deliver.ports.DeliveryLog` of one plant. Belongs to one event loop."""

    def __init__(self, brokers: Brokers, prefix: str, group: str, plant: str) -> None:
        """`group` is the consumer group whose committed offsets are the position, for tools that show lag."""
        self._brokers, self._group, self._plant = brokers, group, plant
        self._alerts, self._wishes = named(prefix, Topic.ALERTS), named(prefix, Topic.SUBSCRIPTIONS)
        self._topic = named(prefix, Topic.DELIVERIES)
        self._producer: AIOKafkaProducer | None = None
        self._position: dict[int, int] = {}

    async def open(self) -> Kept:
        """Fence whoever had it, then read all. Raises KafkaError, TimeoutError, LookupError."""
        await self.close()
        self._producer = await self._started()
        consumer = AIOKafkaConsumer(
            **client_options(self._brokers),
            group_id=self._group,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_partition_fetch_bytes=8 * 1024 * 1024,
        )
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await consumer.start()
                entries = await self._read(consumer)
                self._position = await self._committed(consumer)
        finally:
            await consumer.stop()
        return Kept(entries, dict(self._position))

    async def keep(self, entries: Mapping[str, Entry | None], position: Position, granted: Sequence[str] = ()) -> None:
        """All of it in one transaction. Raises Fenced where another role has the log now, KafkaError, TimeoutError.

        After any of them the log is closed.
        """
        producer = self._producer
        if producer is None:
            raise Fenced("the log of deliveries is not open")
        moved = {p: offset for p, offset in position.items() if self._position.get(p) != offset}
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S), transaction(producer, STOP_S):
                sent = self._sends(entries, granted)
                waiting = [await producer.send(topic, value, key, PARTITION) for topic, value, key in sent]
                await asyncio.gather(*waiting)
                if moved:
                    offsets = {TopicPartition(self._alerts, p): offset for p, offset in moved.items()}
                    await producer.send_offsets_to_transaction(offsets, self._group)
        except BaseException as fault:
            self._producer = None  # whatever is half done in it is nobody's: the next to open begins with the log
            await thrown_away(producer)
            if isinstance(fault, ProducerFenced):
                raise Fenced("another `forewarn deliver` took the log of deliveries over") from fault
            raise
        self._position |= moved

    async def close(self) -> None:
        """Close the connection; what is not in the log is not there."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(STOP_S):
                    await producer.stop()
            except (KafkaError, AssertionError, TimeoutError) as error:  # fenced, or Kafka is away
                _log.info("delivery-log-not-stopped", error=repr(error))

    def _sends(self, entries: Mapping[str, Entry | None], granted: Sequence[str]) -> list[Sent]:
        sent: list[Sent] = []
        for key, entry in entries.items():
            sent.append((self._topic, None if entry is None else encode(entry), f"{self._plant}/{key}".encode()))
        return sent + [(self._wishes, None, f"{self._plant}/redelivery/{one}".encode()) for one in granted]

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **client_options(self._brokers),
            transactional_id=f"{self._group}-{self._plant}",
            transaction_timeout_ms=round(CALL_TIMEOUT_S * 1000),
            max_request_size=MAX_MESSAGE_BYTES,
            compression_type=COMPRESSION,
        )
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S):
                await producer.start()
        except BaseException:
            await thrown_away(producer)
            raise
        return producer

    async def _read(self, consumer: AIOKafkaConsumer) -> tuple[Entry, ...]:
        """The last value of each key of this plant."""
        place = TopicPartition(self._topic, PARTITION)
        await assign(consumer, self._topic)
        consumer.assign([place])
        end = (await consumer.end_offsets([place]))[place]
        await consumer.seek_to_beginning(place)
        last: dict[bytes, bytes | None] = {}
        while await consumer.position(place) < end:
            for record in (await consumer.getmany(place, timeout_ms=READ_MS)).get(place, ()):
                last[record.key] = record.value
        prefix = f"{self._plant}/".encode()
        return entries_of({key: value for key, value in last.items() if key.startswith(prefix)})

    async def _committed(self, consumer: AIOKafkaConsumer) -> dict[int, int]:
        """What the group has committed of the topic of warnings."""
        places = await assign(consumer, self._alerts)
        found = {place.partition: await consumer.committed(place) for place in places}
        return {partition: offset for partition, offset in found.items() if offset is not None}


def entries_of(last: Mapping[bytes, bytes | None]) -> tuple[Entry, ...]:
    """Entries of a log by key; what another version wrote is told and left out."""
    found: list[Entry] = []
    for key, value in last.items():
        if value is None:
            continue
        try:
            entry = decode(value)
        except msgspec.DecodeError as odd:
            _log.error("delivery-unreadable", key=key.decode(errors="replace"), error=str(odd))
            continue
        if isinstance(entry, Delivery | Followed):
            found.append(entry)
    return tuple(found)


async def assign(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    """Have a consumer read all partitions of a topic. Raises LookupError if there is none."""
    try:
        partitions = await consumer._client._wait_on_metadata(topic)
    except UnknownTopicOrPartitionError as unknown:
        raise LookupError(
            f"Kafka has no topic {topic}: is the topic prefix right, and were the topics created?"
        ) from unknown
    places = [TopicPartition(topic, partition) for partition in sorted(partitions)]
    consumer.assign(places)
    return places
