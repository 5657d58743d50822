"""Wire batches that are small and inflate to much, made without holding what they inflate to, and put on a log as is.

The layout is Kafka's record batch of magic 2 (Kafka documentation, "Record Batch").
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

import cramjam
from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c

MIB = 1024 * 1024
_GZIP, _SNAPPY, _LZ4, _ZSTD = 1, 2, 3, 4


def varint(number: int) -> bytes:
    """Zigzag, seven bits a byte."""
    left, out = (number << 1) ^ (number >> 63), bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes(out) + bytes([left])


def one_huge_value(mib: int) -> Iterator[bytes]:
    """A record without a key whose value is so many MiB of zeros, in pieces."""
    head = b"\0" + varint(0) + varint(0) + varint(-1) + varint(mib * MIB)
    yield varint(len(head) + mib * MIB + 1) + head
    for _ in range(mib):
        yield bytes(MIB)
    yield varint(0)


def many_empty(count: int) -> Iterator[bytes]:
    """So many records of nothing."""
    for at in range(count):
        body = b"\0" + varint(0) + varint(at) + varint(-1) + varint(0) + varint(0)
        yield varint(len(body)) + body


def gzip(pieces: Iterator[bytes]) -> bytes:
    """As clients write it."""
    deflater = zlib.compressobj(6, wbits=31)
    return b"".join(map(deflater.compress, pieces)) + deflater.flush()


def zstd(pieces: Iterator[bytes]) -> bytes:
    """As clients write it."""
    return _streamed(cramjam.zstd.Compressor(), pieces)


def lz4(pieces: Iterator[bytes]) -> bytes:
    """As clients write it: blocks by themselves, no checksum of the content."""
    return _streamed(cramjam.lz4.Compressor(level=9, content_checksum=False, block_linked=False), pieces)


def snappy(pieces: Iterator[bytes]) -> bytes:
    """In the framing of Java's clients."""
    blocks = (bytes(cramjam.snappy.compress_raw(piece)) for piece in pieces)
    framing = b"\x82SNAPPY\0" + struct.pack(">ii", 1, 1)
    return framing + b"".join(struct.pack(">i", len(block)) + block for block in blocks)


def _streamed(compressor: cramjam.zstd.Compressor | cramjam.lz4.Compressor, pieces: Iterator[bytes]) -> bytes:
    out = bytearray()
    for piece in pieces:
        compressor.compress(piece)
        out += bytes(compressor.flush())
    return bytes(out + bytes(compressor.finish()))


def batch(codec: int, count: int, records: bytes) -> bytes:
    """A wire batch around compressed records."""
    rest = struct.pack(">hiqqqhii", codec, count - 1, 0, 0, -1, -1, -1, count) + records
    return struct.pack(">qiibI", 0, len(rest) + 9, -1, 2, calc_crc32c(rest)) + rest


BOMBS: dict[str, Callable[[], bytes]] = {
    "320 MiB in gzip": lambda: batch(_GZIP, 1, gzip(one_huge_value(320))),
    "a GiB in zstd": lambda: batch(_ZSTD, 1, zstd(one_huge_value(1024))),
    "320 MiB in lz4": lambda: batch(_LZ4, 1, lz4(one_huge_value(320))),
    "80 MiB in snappy": lambda: batch(_SNAPPY, 1, snappy(one_huge_value(80))),
    "600,000 records in zstd": lambda: batch(_ZSTD, 600_000, zstd(iter([b"".join(many_empty(600_000))]))),
}


async def put(bootstrap: str, topic: str, partition: int, wire: bytes) -> None:
    """Have the broker take a batch as it is; fails if it does not."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap)
    await client.bootstrap()
    try:
        await client.set_topics([topic])
        await client.force_metadata_update()
        leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        answer = await client.send(leader, ProduceRequest(None, -1, 60_000, [(topic, [(partition, wire)])]))
        ((_, ((_, error, *_),)),) = answer.topics
        assert error == 0, f"Kafka answers {error}"
    finally:
        await client.close()
