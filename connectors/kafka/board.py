"""The topic of releases for whoever moves them: read as it is and as it changes, and written to. Plain and synchronous.

Workers follow it by `connectors.kafka.releases`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from kafka.structs import TopicPartition

from connectors.kafka.plain import LogProducer, consumer_of
from models.records import Appointment, Release, ReleaseMove, encode
from pipelines.cluster import Brokers
from pipelines.releases.board import PARTITION, Board, Odd, key_of
from pipelines.topics import Topic, named, partition_of

POLL_MS = 100


class KafkaBoard:
    """A `pipelines.releases.offices.BoardLog` of one plant; each call has a connection of its own."""

    def __init__(self, brokers: Brokers, prefix: str, plant: str, partitions: int) -> None:
        self._brokers, self._plant, self._partitions = brokers, plant, partitions
        self._releases, self._audit = named(prefix, Topic.RELEASES), named(prefix, Topic.AUDIT)

    def now(self) -> Board:
        """What the topic says now. Raises KafkaError."""
        return next(self._boards())

    def wait(self, done: Callable[[Board], bool], patience_s: float) -> Board:
        """The board once it is as asked, or as it is after `patience_s`. Raises KafkaError."""
        until_s = time.monotonic() + patience_s
        for board in self._boards():
            if done(board) or time.monotonic() > until_s:
                return board
        raise AssertionError("the topic has no end")

    def send(self, records: Sequence[Release | Appointment]) -> None:
        """Put releases and appointments on the topic. Raises NotSent."""
        with LogProducer(self._brokers) as producer:
            for one in records:
                producer.send(self._releases, key_of(one), encode(one), PARTITION)

    def withdraw(self, release: Release) -> None:
        """Take a release off the topic. Raises NotSent."""
        with LogProducer(self._brokers) as producer:
            producer.send(self._releases, key_of(release), None, PARTITION)

    def audit(self, records: Sequence[Appointment | ReleaseMove]) -> None:
        """Put what came of them on the audit. Raises NotSent."""
        with LogProducer(self._brokers) as producer:
            for one in records:
                key = f"{one.plant}/{one.name}".encode()
                producer.send(self._audit, key, encode(one), partition_of(key, self._partitions))

    def _boards(self) -> Iterator[Board]:
        """The board as it is, and again whenever something may have come."""
        board = Board(self._plant)
        place = TopicPartition(self._releases, PARTITION)
        with consumer_of(self._brokers, auto_offset_reset="earliest") as consumer:
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            end = consumer.end_offsets([place])[place]
            while True:
                for records in consumer.poll(timeout_ms=POLL_MS).values():
                    for record in records:
                        with suppress(Odd):  # workers tell of it in their logs
                            board.take(record.key or b"", record.value)
                if consumer.position(place) >= end:
                    yield board
