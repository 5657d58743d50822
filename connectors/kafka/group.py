"""Reads a topic for a role that is one process, and remembers in a consumer group what it has dealt with."""

from __future__ import annotations

from kafka.structs import OffsetAndMetadata, TopicPartition

from connectors.kafka.plain import LogRecord, consumer_of, plain
from pipelines.cluster import Brokers


class GroupReader:
    """All partitions of a topic from where the group is. A context manager; raises KafkaUnreachable at once."""

    def __init__(self, brokers: Brokers, group: str, topic: str) -> None:
        """Raises LookupError if there is no such topic."""
        self._consumer = consumer_of(
            brokers, group_id=group, isolation_level="read_committed", auto_offset_reset="earliest"
        )
        self._places = [TopicPartition(topic, p) for p in sorted(self._consumer.partitions_for_topic(topic) or ())]
        if not self._places:
            self._consumer.close()
            raise LookupError(f"Kafka has no topic {topic}: is the topic prefix right, and were the topics created?")
        self._consumer.assign(self._places)

    def __enter__(self) -> GroupReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def waiting(self) -> list[LogRecord]:
        """All records that are there now and were not yet read, in order within each partition."""
        ends, found = self._consumer.end_offsets(self._places), []
        while any(self._consumer.position(place) < end for place, end in ends.items()):
            for records in self._consumer.poll(timeout_ms=100).values():
                found += [plain(record) for record in records]
        return found

    def done(self) -> None:
        """Remember that all that was read is dealt with."""
        self._consumer.commit({p: OffsetAndMetadata(self._consumer.position(p), "", -1) for p in self._places})
