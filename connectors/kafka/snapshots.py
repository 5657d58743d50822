"""Snapshots of partitions in the compacted `state` topic: parts, then a manifest, in one transaction.

The transactional id names the partition, so opening it fences whoever had it, and a commit of his can never be seen.
A manifest is the last record of its transaction and says of each part that counts where it lies, also of those that
earlier transactions wrote, so a restore reads the tail of the topic and then from the first of them. Partition p of
`records` has its state in partition p of `state`. Each layout of snapshots (`pipelines.layouts`) has keys of its own: a
program goes on from the last manifest that it can read, and leaves those of other layouts for programs that write them.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Mapping

import msgspec
import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from connectors.kafka.clients import client_options
from connectors.kafka.publisher import COMPRESSION
from connectors.kafka.tail import Tail, TailReader
from connectors.kafka.transactions import transaction
from pipelines import layouts
from pipelines.cluster import Brokers
from pipelines.ports import Fenced, Snapshot
from pipelines.topics import MAX_MESSAGE_BYTES, Topic, named

_log = structlog.get_logger()

REQUEST_BYTES = MAX_MESSAGE_BYTES - 64 * 1024
"""Largest request: what the topic allows, less room for headers and keys. Checked before compression."""

TRANSACTION_TIMEOUT_MS = 15_000
MANIFEST = "manifest"
CALL_TIMEOUT_S = 10.0
"""No call to a producer waits longer: a fenced or stopped one may never answer."""


class StateUnusable(Exception):
    """The state does not go with the log; a person has to decide."""


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Where a part lies, and its CRC-32."""

    offset: int
    crc32: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot consists of and which log it belongs to. The last record of its transaction."""

    next_offset: int
    partitions: int
    parts: dict[str, Part]


class _Owner:
    """A partition in our hands, and the parts that are kept of it."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self.producer = producer
        self.lock = asyncio.Lock()
        self.parts: dict[str, Part] = {}
        self.partitions = 0


class KafkaSnapshots:
    """`pipelines.ports.Snapshots` on Kafka. Belongs to one event loop; `stop` it at the end."""

    def __init__(self, brokers: Brokers, group: str, prefix: str = "", compression: str | None = COMPRESSION) -> None:
        self._brokers = brokers
        self._group = group
        self._prefix = prefix
        self._compression = compression
        self._records = named(prefix, Topic.RECORDS)
        self._state = named(prefix, Topic.STATE)
        self._owners: dict[int, _Owner] = {}
        self._layouts = layouts.known()
        self._tail = TailReader(brokers)

    async def open(self, partition: int) -> Snapshot | None:
        """Fence the last owner, then read what he left. Raises StateUnusable where it does not go with the log."""
        await self.close(partition)
        owner = _Owner(await self._take(partition))
        self._owners[partition] = owner
        try:
            owner.partitions = len(await owner.producer.partitions_for(self._records))
            return await self._restore(partition, owner)
        except BaseException:
            await self.close(partition)
            raise

    async def commit(self, partition: int, snapshot: Snapshot) -> None:
        """Write a snapshot, all of it or nothing.

        Raises Fenced for whatever the producer cannot get over, for then the partition may be another's, and ValueError
        if a part does not fit a message.
        """
        owner = self._owners.get(partition)
        if owner is None:
            raise Fenced(f"partition {partition} is not open")
        _check_sizes(partition, snapshot.parts)
        async with owner.lock:
            try:
                async with asyncio.timeout(CALL_TIMEOUT_S):
                    await self._write(partition, owner, snapshot)
            except MessageSizeTooLargeError:
                raise
            except (KafkaError, AssertionError, TimeoutError) as error:
                # aiokafka answers a fenced producer's calls with any of these, so the kind of error tells nothing.
                self._owners.pop(partition, None)
                asyncio.get_running_loop().create_task(_stop(owner))
                raise Fenced(
                    f"partition {partition}: the snapshot at {snapshot.next_offset} was refused: {error!r}"
                ) from error

    async def close(self, partition: int) -> None:
        """Give the partition up without writing."""
        owner = self._owners.pop(partition, None)
        if owner is not None:
            await _stop(owner)

    async def stop(self) -> None:
        """Close all that is open."""
        await asyncio.gather(*(self.close(partition) for partition in list(self._owners)))
        await self._tail.stop()

    def _key(self, partition: int, part: str, layout: int | None = None) -> bytes:
        """Of the layout that is written, where none is named."""
        return (layouts.place_of(self._group, partition, layout or self._layouts[0]) + part).encode()

    async def _take(self, partition: int) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **client_options(self._brokers),
            transactional_id=f"{self._prefix}{self._group}-{partition}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            compression_type=self._compression,
            max_request_size=REQUEST_BYTES,
            max_batch_size=REQUEST_BYTES,
        )
        try:
            async with asyncio.timeout(CALL_TIMEOUT_S * 3):
                await producer.start()
        except BaseException:
            await _stop(_Owner(producer))
            raise
        return producer

    async def _write(self, partition: int, owner: _Owner, snapshot: Snapshot) -> None:
        producer, state = owner.producer, self._state
        async with transaction(producer, CALL_TIMEOUT_S):
            sent = [
                await producer.send(state, part, self._key(partition, name), partition)
                for name, part in snapshot.parts.items()
            ]
            placed = await asyncio.gather(*sent)
            fresh = {
                name: Part(record.offset, zlib.crc32(part))
                for (name, part), record in zip(snapshot.parts.items(), placed, strict=True)
            }
            parts = {name: part for name, part in owner.parts.items() if name not in snapshot.dropped} | fresh
            manifest = Manifest(next_offset=snapshot.next_offset, partitions=owner.partitions, parts=parts)
            last = [
                await producer.send(state, None, self._key(partition, name), partition) for name in snapshot.dropped
            ]
            last.append(
                await producer.send(state, msgspec.json.encode(manifest), self._key(partition, MANIFEST), partition)
            )
            await asyncio.gather(*last)
        owner.parts = parts

    async def _restore(self, partition: int, owner: _Owner) -> Snapshot | None:
        async with self._tail.at(
            TopicPartition(self._state, partition), beside=TopicPartition(self._records, partition)
        ) as tail:
            found, layout = await self._last(partition, tail)
            if found is None:
                return None
            manifest = self._read(partition, found.value)
            self._check(partition, manifest, owner.partitions, await tail.bounds_beside())
            first = min((part.offset for part in manifest.parts.values()), default=found.offset)
            values = await tail.values(first, found.offset)
        if layout == self._layouts[0]:
            owner.parts = manifest.parts
        else:
            _log.warning("snapshot-of-older-layout", partition=partition, layout=layout, writes=self._layouts[0])
        return Snapshot(manifest.next_offset, self._whole(partition, manifest, values, layout))

    async def _last(self, partition: int, tail: Tail) -> tuple[ConsumerRecord | None, int]:
        """The last manifest that can be read, and its layout. Raises StateUnusable where there are others alone."""
        of = {self._key(partition, MANIFEST, layout): layout for layout in self._layouts}
        for record in await tail.last_of(lambda each: each.key in of and each.value is not None, 1):
            return record, of[record.key]
        other = re.compile(rb"%s/%d(@\d+)?/%s" % (re.escape(self._group.encode()), partition, MANIFEST.encode()))
        for record in await tail.last_of(lambda each: bool(each.value and other.fullmatch(each.key or b"")), 1):
            raise StateUnusable(
                f"the state of partition {partition} in {self._state} is kept by another version alone"
                f" ({record.key.decode()}; this one reads layouts {', '.join(map(str, self._layouts))}): run that"
                f" version, or start a new group (FOREWARN_GROUP). {self._advice()}"
            )
        return None, self._layouts[0]

    def _read(self, partition: int, value: bytes) -> Manifest:
        try:
            return msgspec.json.decode(value, type=Manifest)
        except msgspec.DecodeError as wrong:
            raise StateUnusable(
                f"the snapshot of partition {partition} in {self._state} is of another version ({wrong}): start a new"
                f" group (FOREWARN_GROUP). {self._advice()}"
            ) from wrong

    def _whole(
        self, partition: int, manifest: Manifest, values: Mapping[bytes, bytes | None], layout: int
    ) -> dict[str, bytes]:
        parts, wrong = {}, []
        for name, part in manifest.parts.items():
            value = values.get(self._key(partition, name, layout))
            if value is None or zlib.crc32(value) != part.crc32:
                wrong.append(f"{name} ({'not found' if value is None else 'its CRC differs'})")
            else:
                parts[name] = value
        if wrong:
            raise StateUnusable(
                f"the snapshot of partition {partition} in {self._state} is damaged: {', '.join(wrong)}."
                f" {self._advice()}"
            )
        return parts

    def _check(self, partition: int, manifest: Manifest, partitions: int, bounds: tuple[int, int]) -> None:
        if manifest.partitions != partitions:
            raise StateUnusable(
                f"{self._records} has {partitions} partitions, but its state was kept when it had"
                f" {manifest.partitions}: keys have moved between partitions. Give the topic {manifest.partitions}"
                f" again. {self._advice()}"
            )
        begin, end = bounds
        if not begin <= manifest.next_offset <= end:
            raise StateUnusable(
                f"partition {partition} of {self._records} holds offsets {begin} to {end}, but its snapshot goes on at"
                f" {manifest.next_offset}: records were deleted unread, or the topic was made anew. {self._advice()}"
            )

    def _advice(self) -> str:
        return f"To begin anew from what {self._records} still holds, stop all workers and delete {self._state}."


def _check_sizes(partition: int, parts: Mapping[str, bytes]) -> None:
    large = [f"{name} of {len(part)} bytes" for name, part in parts.items() if len(part) > REQUEST_BYTES - 1024]
    if large:
        raise ValueError(f"partition {partition}: {large[0]} fits no message; cut below {REQUEST_BYTES - 1024}")


async def _stop(owner: _Owner) -> None:
    """Stop a producer that may be fenced or out of reach; a stop in mid-transaction would leave others waiting."""
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            async with owner.lock:
                await owner.producer.stop()
    except (KafkaError, AssertionError, TimeoutError) as error:
        _log.info("snapshot-producer-not-stopped", error=repr(error))
