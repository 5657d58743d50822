"""Bounds what a compressed wire batch may inflate to, in all consumers of this process of aiokafka or kafka-python.

A broker takes batches by their compressed size, of which 4 MiB may hold gigabytes; both clients inflate a batch as a
whole. Their codecs are replaced here by ones that stop at a bound. Producers inflate nothing and are as they were.
"""

from __future__ import annotations

import logging
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import cramjam
import numpy as np

from pipelines.topics import MAX_MESSAGE_BYTES

MAX_INFLATED_BYTES = 16 * MAX_MESSAGE_BYTES
"""Of one wire batch. Producers fill batches by their size before compression, 16 KiB to a few MiB."""

_log = logging.getLogger(__name__)
"""Not structlog's: what a command says for machines must not stand among warnings."""

Decode: TypeAlias = Callable[[Any], bytes]

_XERIAL = b"\x82SNAPPY\0"
_XERIAL_HEADER = 16
_GZIP_WINDOW = zlib.MAX_WBITS | 16


class NotInflated(Exception):
    """A batch inflates to more than the bound, or its codec cannot read it."""


class _Room(threading.local):
    """Where a thread inflates to, and how many bytes it did so far. Pages never written to take no memory."""

    def __init__(self) -> None:
        self.space = np.empty(MAX_INFLATED_BYTES, np.uint8)
        self.inflated = 0


_room = _Room()


def inflated() -> int:
    """Bytes that this thread has inflated so far."""
    return _room.inflated


def install() -> None:
    """Put the bounded codecs where aiokafka's batches look for theirs; again changes nothing."""
    from aiokafka.record.default_records import DefaultRecordBatch

    _put_into(sys.modules[DefaultRecordBatch.__module__])  # the compiled one, or the one in Python


def install_plain() -> None:
    """The same for kafka-python, whose consumers leave out a batch that is too much, and say so."""
    from kafka.record import default_records, legacy_records

    for module in (default_records, legacy_records):
        _put_into(module)
    batch: Any = default_records.DefaultRecordBatch
    if not hasattr(batch._maybe_uncompress, "leaves_out"):
        batch._maybe_uncompress = _leaving_out(batch._maybe_uncompress)


def _put_into(module: Any) -> None:
    for name, decode in _CODECS.items():
        setattr(module, f"{name}_decode", _bounded(name, decode))


def _leaving_out(uncompress: Callable[[Any], None]) -> Callable[[Any], None]:
    """In place of a method of kafka-python's batch: one that cannot be inflated has no records."""

    def uncompressed(batch: Any) -> None:
        try:
            uncompress(batch)
        except NotInflated as wrong:
            _log.warning("%d records at offset %d are left out: %s", batch.records_count, batch.base_offset, wrong)
            batch._buffer, batch._pos = b"", 0
            batch._next_record_index, batch._decompressed = batch._num_records, True

    uncompressed.leaves_out = True  # type: ignore[attr-defined]
    return uncompressed


def _bounded(name: str, decode: Decode) -> Decode:
    def bounded(payload: Any) -> bytes:
        try:
            out = decode(payload)
        except (cramjam.DecompressionError, zlib.error, struct.error, ValueError) as wrong:
            raise NotInflated(
                f"{name} inflates to more than {MAX_INFLATED_BYTES} bytes, or is broken: {wrong}"
            ) from wrong
        _room.inflated += len(out)
        return out

    return bounded


def _into_room(decompress_into: Callable[[Any, Any], int]) -> Decode:
    return lambda payload: _room.space[: decompress_into(payload, _room.space)].tobytes()


def _gzip(payload: Any) -> bytes:
    """One member, as every client writes."""
    inflater = zlib.decompressobj(_GZIP_WINDOW)
    out = inflater.decompress(payload, MAX_INFLATED_BYTES)
    if not inflater.eof:
        raise ValueError(f"no end within {len(out)} bytes")
    if inflater.unused_data:
        raise ValueError(f"{len(inflater.unused_data)} bytes behind its end")
    return out


def _snappy(payload: Any) -> bytes:
    blocks = list(_snappy_blocks(memoryview(payload)))
    size = sum(map(cramjam.snappy.decompress_raw_len, blocks))
    if size > MAX_INFLATED_BYTES:
        raise ValueError(f"it says {size}")
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _snappy_blocks(payload: memoryview) -> Iterator[memoryview]:
    """The stream's blocks (xerial's framing, that of Java clients), or all of it where it has none."""
    if payload[: len(_XERIAL)] != _XERIAL:
        yield payload
        return
    at = _XERIAL_HEADER
    while at < len(payload):
        (size,) = struct.unpack_from("!I", payload, at)
        yield payload[at + 4 : at + 4 + size]
        at += 4 + size


_CODECS: dict[str, Decode] = {
    "gzip": _gzip,
    "snappy": _snappy,
    "lz4": _into_room(cramjam.lz4.decompress_into),
    "zstd": _into_room(cramjam.zstd.decompress_into),
}
