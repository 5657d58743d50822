"""Puts records on the log with the keys and partitions that all of ours agree on."""

from __future__ import annotations

from connectors.kafka.plain import LogProducer
from models.records import AnyInput, encode, place_of
from pipelines.topics import partition_of


def put(producer: LogProducer, topic: str, record: AnyInput, partitions: int, timestamp_ms: int | None = None) -> None:
    """Queue a record on the partition of its key, or on every one if it is of no asset."""
    key, value = place_of(record), encode(record)
    places = range(partitions) if key is None else (partition_of(key, partitions),)
    for partition in places:
        producer.send(topic, key or record.plant.encode(), value, partition, timestamp_ms=timestamp_ms)
