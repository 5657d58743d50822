"""From what aiokafka has fetched to lists of raw records, whole wire batches at a time.

aiokafka's own way builds a ConsumerRecord a message behind a generator; here one tuple a record is all that is made.
The rules of its `PartitionRecords._unpack_records` (CRC, control batches, aborted transactions) are kept as they are.
A batch that inflates beyond bounds becomes one record that says so. Each fetch says where it began and ended, so that
its receiver can see that nothing lies between two of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, Fetcher, FetchResult
from aiokafka.errors import CorruptRecordException

from connectors.kafka.inflating import NotInflated, inflated
from pipelines.ports import RawRecord, Unreadable

MAX_RECORDS = 20_000
"""A step gets no more records than this, give or take a wire batch: some 0.1 s of work on tiny records."""

MAX_STEP_BYTES = 4 * 1024 * 1024
"""Nor more compressed bytes once they are inflated, give or take a wire batch: a few such steps wait for each
partition, and a fetch of 1 MiB may hold a hundred times as much."""

MAX_BATCH_RECORDS = 500_000
"""Of one wire batch: as objects, tiny records take thirty times their bytes."""

IDLE_S = 0.02
"""Pause when nobody wants records; short, since a partition may have room again at any time."""


class Fetched(NamedTuple):
    """Records of one partition between two positions of the log; there may be none (control batches, aborted ones)."""

    start: int
    end: int
    records: list[RawRecord]


async def fetch(fetcher: Fetcher, wanted: Iterable[TopicPartition], timeout_s: float) -> dict[TopicPartition, Fetched]:
    """Take what has arrived for the wanted partitions, waiting for something up to `timeout_s`.

    What arrived for other partitions stays where it is. Raises what the broker answered for a wanted partition.
    """
    wanted = list(wanted)
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        if fetcher._subscriptions.reassignment_in_progress:
            return {}
        taken = _take(fetcher, wanted)
        left = deadline - asyncio.get_running_loop().time()
        if taken or left <= 0:
            return taken
        if not wanted:
            await asyncio.sleep(min(left, IDLE_S))
            return {}
        waiter = fetcher._create_fetch_waiter()
        done, _ = await asyncio.wait([waiter], timeout=left)
        if not done:
            waiter.cancel()
        else:
            waiter.result()


def _take(fetcher: Fetcher, wanted: Iterable[TopicPartition]) -> dict[TopicPartition, Fetched]:
    taken: dict[TopicPartition, Fetched] = {}
    for tp in wanted:
        held = fetcher._records.get(tp)
        if held is None:
            continue
        if type(held) is not FetchResult:
            if not taken:
                _done_with(fetcher, tp)
                held.check_raise()
        elif not held.check_assignment(tp) or not held.has_more():
            _done_with(fetcher, tp)
        else:
            taken[tp] = _unpack(held, tp)
            if not held.has_more():
                _done_with(fetcher, tp)
    return taken


def _done_with(fetcher: Fetcher, tp: TopicPartition) -> None:
    """Forget what was fetched, so that aiokafka fetches the partition again."""
    del fetcher._records[tp]
    fetcher._notify(fetcher._wait_consume_future)


def _unpack(held: FetchResult, tp: TopicPartition) -> Fetched:
    part = held._partition_records
    start = at = part.next_fetch_offset
    records: list[RawRecord] = []
    most = inflated() + MAX_STEP_BYTES
    while part._records.has_next() and len(records) < MAX_RECORDS and inflated() < most:
        wire = part._records.next_batch()
        if part._check_crcs and not wire.validate_crc():
            raise CorruptRecordException(f"{tp.topic}-{tp.partition}: the batch at {wire.base_offset} fails its CRC")
        if not _is_hidden(part, wire):
            fresh = _records(wire)
            # A fetch begins with the whole batch that its position lies in.
            records += fresh if wire.base_offset >= at else [r for r in fresh if r.offset >= at]
        at = max(at, wire.next_offset)
    part.next_fetch_offset = at
    held._update_position()
    if not part._records.has_next():
        held._partition_records = None
    return Fetched(start, at, records)


def _records(wire: Any) -> list[RawRecord]:
    """A batch's records; one in the place of its last for a batch that is too much for memory, or that is no batch."""
    count = wire.next_offset - wire.base_offset
    try:
        if count > MAX_BATCH_RECORDS:
            raise NotInflated(f"more than {MAX_BATCH_RECORDS} records")
        return [RawRecord(r.offset, r.timestamp, r.value or b"") for r in wire]
    except (NotInflated, CorruptRecordException) as wrong:
        last = wire.next_offset - 1
        why = f"a batch of {count} records, offsets {wire.base_offset} to {last}, none of which is read: {wrong}"
        return [RawRecord(last, wire.max_timestamp, Unreadable.because(why))]


def _is_hidden(part: Any, wire: Any) -> bool:
    """Whether readers must not see this batch: a transaction's marker or, read committed, part of an aborted one."""
    if part._isolation_level == READ_COMMITTED and wire.producer_id is not None:
        part._consume_aborted_up_to(wire.base_offset)
        if wire.is_control_batch and part._contains_abort_marker(wire):
            part._aborted_producers.discard(wire.producer_id)
        if wire.is_transactional and wire.producer_id in part._aborted_producers:
            return True
    return bool(wire.is_control_batch)
