"""Plain synchronous writing and reading of topics, for the command line, feeds without an event loop, and tests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from kafka import KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from connectors.kafka.clients import check_reachable, opened
from pipelines.cluster import Brokers
from pipelines.topics import MAX_MESSAGE_BYTES, partition_of

POLL_MS = 100
RECONNECT_MS = 2000
"""Longest pause before a producer looks again for a broker that is away; the client's own 30 s would be added to each
outage."""


class Compression(StrEnum):
    """Codecs of a producer; `NONE` sends as is."""

    NONE = "none"
    LZ4 = "lz4"
    ZSTD = "zstd"
    SNAPPY = "snappy"
    GZIP = "gzip"


class NotSent(Exception):
    """Kafka did not take a record."""


class LogProducer:
    """Sends records in order. A context manager: leaving it flushes. Raises KafkaUnreachable at once.

    A record that Kafka does not take within `patience_s` is given up.
    """

    def __init__(
        self, brokers: Brokers, compression: Compression | None = None, linger_ms: int = 5, patience_s: float = 120.0
    ) -> None:
        check_reachable(brokers)
        codec = None if compression in (None, Compression.NONE) else str(compression)
        self._patience_s = patience_s
        self._failed: list[BaseException] = []
        self._partitions: dict[str, int] = {}
        self._producer = opened(
            KafkaProducer,
            brokers,
            acks="all",
            enable_idempotence=True,
            compression_type=codec,
            linger_ms=linger_ms,
            batch_size=256 * 1024,
            max_request_size=MAX_MESSAGE_BYTES,
            reconnect_backoff_max_ms=RECONNECT_MS,
            delivery_timeout_ms=round(patience_s * 1000),
        )

    def __enter__(self) -> LogProducer:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self._producer.close(timeout=10)

    def send(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        timestamp_ms: int | None = None,
        beside: bytes | None = None,
    ) -> None:
        """Queue a record on the key's partition or the given one, or that of the key that it is to lie `beside`.

        Errors of earlier records are raised by `flush`.

        The time says something only on a topic that keeps its producers' times; by itself it is now.
        """
        place = partition_of(beside or key, self._count(topic)) if partition is None else partition
        sent = self._producer.send(topic, value, key, headers=list(headers), partition=place, timestamp_ms=timestamp_ms)
        sent.add_errback(self._failed.append)

    def flush(self) -> None:
        """Wait until all are acknowledged; raises NotSent if one was not."""
        try:
            self._producer.flush(timeout=self._patience_s)
        except KafkaError as error:
            self._failed.append(error)
        failed, self._failed = self._failed, []
        if failed:
            raise NotSent(
                f"{len(failed)} records were not taken by Kafka, the first because of {failed[0]!r}"
            ) from failed[0]

    def _count(self, topic: str) -> int:
        if topic not in self._partitions:
            self._partitions[topic] = len(self._producer.partitions_for(topic))
        return self._partitions[topic]


class LogRecord(NamedTuple):
    """A record as read from a topic; a tombstone has no value."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Start(StrEnum):
    """Where reading begins. A number of milliseconds since 1970 may stand in its place."""

    BEGINNING = "beginning"
    END = "end"


def consumer_of(brokers: Brokers, **options: Any) -> KafkaConsumer:
    """A consumer that commits nothing by itself and inflates no bomb. Raises KafkaUnreachable at once."""
    check_reachable(brokers)
    from connectors.kafka.inflating import install_plain  # here, since its codecs take a while to import

    install_plain()
    return opened(
        KafkaConsumer,
        brokers,
        enable_auto_commit=False,
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
        **options,
    )


def read(
    brokers: Brokers,
    topic: str,
    start: Start | int = Start.BEGINNING,
    *,
    until: Mapping[int, int] | None = None,
    forever: bool = False,
    committed: bool = True,
) -> Iterator[LogRecord]:
    """Yield records of all partitions, in order within each: up to `until`, or what is there now, or for ever.

    `until` is an offset a partition. With `committed`, records of open or aborted transactions are not seen. Raises
    LookupError if there is no such topic.
    """
    isolation = "read_committed" if committed else "read_uncommitted"
    with consumer_of(brokers, isolation_level=isolation, auto_offset_reset="earliest") as consumer:
        places = _assign(consumer, topic, start)
        ends = {} if forever else _ends(consumer, places, until)
        while forever or ends:
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                for record in records:
                    place = TopicPartition(record.topic, record.partition)
                    if forever or record.offset < ends.get(place, 0):
                        yield plain(record)
            ends = {place: end for place, end in ends.items() if consumer.position(place) < end}


def read_at(brokers: Brokers, topic: str, places: Mapping[int, Collection[int]]) -> Iterator[LogRecord]:
    """Yield the records at some offsets of each partition, in order; those that cannot be read (any more) are not."""
    with consumer_of(brokers) as consumer:
        for partition, offsets in sorted(places.items()):
            place = TopicPartition(topic, partition)
            consumer.assign([place])
            first, end = consumer.beginning_offsets([place])[place], consumer.end_offsets([place])[place]
            for offset in sorted(offset for offset in offsets if first <= offset < end):
                found = _one(consumer, place, offset)
                if found is not None:
                    yield found


def _one(consumer: KafkaConsumer, place: TopicPartition, offset: int) -> LogRecord | None:
    """The record at an offset; None where compaction or a transaction left none there, or it cannot be inflated."""
    consumer.seek(place, offset)
    while consumer.position(place) <= offset:
        for record in consumer.poll(timeout_ms=POLL_MS, max_records=1).get(place, ()):
            return plain(record) if record.offset == offset else None
    return None


def _assign(consumer: KafkaConsumer, topic: str, start: Start | int) -> list[TopicPartition]:
    places = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
    if not places:
        raise LookupError(f"Kafka has no topic {topic}: is the topic prefix right, and were the topics created?")
    consumer.assign(places)
    if start is Start.BEGINNING:
        consumer.seek_to_beginning(*places)
    elif start is Start.END:
        consumer.seek_to_end(*places)
    else:
        found = consumer.offsets_for_times({place: int(start) for place in places})
        ends = consumer.end_offsets(places)
        for place in places:
            at = found.get(place)
            consumer.seek(place, ends[place] if at is None else at.offset)
    return places


def _ends(
    consumer: KafkaConsumer, places: list[TopicPartition], until: Mapping[int, int] | None
) -> dict[TopicPartition, int]:
    now = consumer.end_offsets(places)
    wanted = {p: now[p] if until is None else until.get(p.partition, 0) for p in places}
    return {place: end for place, end in wanted.items() if consumer.position(place) < end}


def plain(record: Any) -> LogRecord:
    """A record of the client as ours."""
    return LogRecord(record.partition, record.offset, record.timestamp, record.key, record.value, tuple(record.headers))
