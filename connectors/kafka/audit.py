"""The audit's entries on its topic, all on one partition, so that they have one order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from aiokafka import ConsumerRecord, TopicPartition

from connectors.kafka.plain import read
from connectors.kafka.publisher import KafkaPublisher
from connectors.kafka.tail import TailReader
from models.records import AuditEntry, decode, encode, key_of_chain
from pipelines.cluster import Brokers
from pipelines.ports import Output
from pipelines.topics import Topic, named

PARTITION = 0


class KafkaAudit:
    """A `connectors.console.audit_log.AuditPlace` on Kafka. Belongs to one event loop.

    Its producer is idempotent and has all replicas acknowledge; what it gave up it does not send later.
    """

    def __init__(self, brokers: Brokers, prefix: str) -> None:
        self._place = TopicPartition(named(prefix, Topic.AUDIT), PARTITION)
        self._beside = TopicPartition(named(prefix, Topic.RECORDS), PARTITION)
        self._publisher = KafkaPublisher(brokers, prefix, compression=None, forgets=True)
        self._reader = TailReader(brokers)

    async def open(self) -> AuditEntry | None:
        """The last entry on the topic, of any chain. Raises KafkaError, TimeoutError."""
        found = await self.latest(1)
        return found[0] if found else None

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Send in order; return when all are acknowledged. Raises KafkaError."""
        await self._publisher.publish(
            PARTITION, [Output(Topic.AUDIT, key_of_chain(entry), encode(entry)) for entry in entries]
        )

    async def latest(self, most: int) -> list[AuditEntry]:
        """The last entries, the newest first. Raises KafkaError, TimeoutError."""
        async with self._reader.at(self._place, self._beside) as tail:
            records = await tail.last_of(_is_entry, most)
        return [entry for record in reversed(records) if (entry := _entry(record.value)) is not None]

    async def stop(self) -> None:
        """Close connections."""
        await self._publisher.stop()
        await self._reader.stop()


def entries_of(brokers: Brokers, prefix: str) -> Iterator[AuditEntry]:
    """All entries on the topic, in its order. Raises LookupError, KafkaError, KafkaUnreachable."""
    for record in read(brokers, named(prefix, Topic.AUDIT)):
        entry = _entry(record.value) if record.partition == PARTITION else None
        if entry is not None:
            yield entry


def _is_entry(record: ConsumerRecord) -> bool:
    return _entry(record.value) is not None


def _entry(value: bytes | None) -> AuditEntry | None:
    """An entry; None for what is another record, or cannot be read: its number is missing then."""
    try:
        found = decode(value or b"")
    except msgspec.DecodeError:
        return None
    return found if isinstance(found, AuditEntry) else None
