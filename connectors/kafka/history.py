"""The log as a source of history: its records as they lie there, a partition at a time, from a time to a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from kafka.structs import TopicPartition

from connectors.kafka.clients import KafkaUnreachable
from connectors.kafka.plain import POLL_MS, consumer_of, read_at
from pipelines.backfill.stretch import Batch, Found
from pipelines.cluster import Brokers
from pipelines.ports import RawRecord

RECORDS = 2000
"""Records of a batch, as many as a poll gives. Our choice."""
GIVE_UP_S = 30.0
"""Without a record, as the store's writer gives up. Our choice."""


class Extent(NamedTuple):
    """What of a partition lies between two times: offsets, the second behind the last."""

    begin: int
    end: int


class LogHistory:
    """Records of one topic by partition. Times are those at which records arrived."""

    def __init__(self, brokers: Brokers, topic: str) -> None:
        self._brokers, self._topic = brokers, topic

    def extents(self, from_us: int, to_us: int) -> dict[int, Extent]:
        """By partition, the offsets of what arrived with from_us <= time < to_us. Raises LookupError for no topic."""
        with consumer_of(self._brokers) as consumer:
            places = [TopicPartition(self._topic, p) for p in sorted(consumer.partitions_for_topic(self._topic) or ())]
            if not places:
                raise LookupError(f"Kafka has no topic {self._topic}: is the topic prefix right?")
            begins, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)

            def offsets(time_us: int) -> dict[TopicPartition, int]:
                """Of the first record at a time or after it."""
                found = consumer.offsets_for_times(dict.fromkeys(places, -(-time_us // 1000)))
                return {place: ends[place] if each is None else each.offset for place, each in found.items()}

            first, last = offsets(from_us) if from_us > 0 else begins, offsets(to_us)
            return {place.partition: Extent(first[place], last[place]) for place in places}

    def found(self, from_us: int, to_us: int) -> Found:
        """Records in all partitions; rows are not known before they are read."""
        extents = self.extents(from_us, to_us)
        records = sum(max(0, extent.end - extent.begin) for extent in extents.values())
        first_us = self._arrived_us({p: extent.begin for p, extent in extents.items() if extent.begin < extent.end})
        last_us = self._arrived_us({p: extent.end - 1 for p, extent in extents.items() if extent.begin < extent.end})
        unit = f"partitions, {records:,} records"
        return Found(
            None if records else 0, None, min(first_us, default=None), max(last_us, default=None), len(extents), unit
        )

    def _arrived_us(self, offsets: Mapping[int, int]) -> list[int]:
        """When records at some offsets arrived; of those that a transaction took, nothing."""
        at = {partition: [offset] for partition, offset in offsets.items()}
        return [record.timestamp_ms * 1000 for record in read_at(self._brokers, self._topic, at)]

    def batches(self, partition: int, begin: int, end: int, is_wanted: Callable[[bytes], bool]) -> Iterator[Batch]:
        """The records of a partition with begin <= offset < end and a key that is wanted, in order.

        Raises KafkaUnreachable where nothing comes for GIVE_UP_S.
        """
        place = TopicPartition(self._topic, partition)
        options = {"isolation_level": "read_committed", "auto_offset_reset": "earliest", "max_poll_records": RECORDS}
        with consumer_of(self._brokers, **options) as consumer:
            consumer.assign([place])
            consumer.seek(place, begin)
            heard_s = time.monotonic()
            while (position := consumer.position(place)) < end:
                records = [r for r in consumer.poll(timeout_ms=POLL_MS).get(place, ()) if r.offset < end]
                wanted = [RawRecord(r.offset, r.timestamp, r.value or b"") for r in records if is_wanted(r.key or b"")]
                if wanted:
                    yield Batch(wanted, records[-1].timestamp * 1000)
                if consumer.position(place) != position:
                    heard_s = time.monotonic()
                elif time.monotonic() - heard_s > GIVE_UP_S:
                    where = f"partition {partition} of {self._topic} from offset {position}"
                    raise KafkaUnreachable(f"Kafka at {self._brokers} gives nothing of {where} on: see that it runs")
