"""Publishes history as records onto topics of its own, with the keys and partitions that live uses."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType

from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.plain import Compression, LogProducer
from models.records import Frame, Maintenance, Tick, encode, place_of
from pipelines.topics import Topic, named, partition_of


class ReplayTopics:
    """The topics of one prefix, made where they are missing; a context manager. Raises KafkaUnreachable."""

    def __init__(self, bootstrap: str, prefix: str, partitions: int) -> None:
        self._partitions, self._topic = partitions, named(prefix, Topic.RECORDS)
        with KafkaAdmin(bootstrap, prefix) as admin:
            admin.create_topics(partitions)
        self._producer = LogProducer(bootstrap, Compression.LZ4)

    def __enter__(self) -> ReplayTopics:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.__exit__(kind, error, trace)

    def publish(self, records: Iterable[Frame | Maintenance | Tick]) -> None:
        """Send in order and wait until Kafka has all; a tick goes to every partition. Raises NotSent."""
        for record in records:
            key, value = place_of(record), encode(record)
            places = range(self._partitions) if key is None else (partition_of(key, self._partitions),)
            for partition in places:
                self._producer.send(self._topic, key or record.plant.encode(), value, partition)
        self._producer.flush()
