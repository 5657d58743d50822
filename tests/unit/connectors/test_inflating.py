"""What a compressed batch may inflate to: what producers send reads as ever, a bomb is one record that says why."""

from __future__ import annotations

import random
import struct

import aiokafka.codec as codec
import pytest
from aiokafka.record.memory_records import MemoryRecords
from kafka.record.memory_records import MemoryRecords as PlainRecords

from connectors.kafka import fetching, inflating
from pipelines.ports import RawRecord, Unreadable
from tests.kit import bombs

ENCODE = {1: codec.gzip_encode, 2: codec.snappy_encode, 3: codec.lz4_encode, 4: codec.zstd_encode}
BROKEN = (
    b"",
    b"\0",
    random.Random(1).randbytes(40),
    b"\x82SNAPPY\0" + bytes(8) + struct.pack(">i", -12) + b"abc",
    b"\x1f\x8b\x08",
)


@pytest.fixture(autouse=True)
def installed() -> None:
    inflating.install()
    inflating.install_plain()


def read(wire: bytes) -> list[RawRecord]:
    return fetching._records(MemoryRecords(wire).next_batch())


@pytest.mark.parametrize("number", ENCODE)
def test_what_a_producer_compressed_reads_as_it_was(number: int) -> None:
    before = inflating.inflated()
    records = b"".join(bombs.many_empty(5000))
    found = read(bombs.batch(number, 5000, ENCODE[number](records)))
    assert [record.offset for record in found] == list(range(5000))
    assert inflating.inflated() - before == len(records)


@pytest.mark.parametrize("name", ["80 MiB in snappy", "600,000 records in zstd"])
def test_a_bomb_is_one_record_in_the_place_of_its_last(name: str) -> None:
    wire = bombs.BOMBS[name]()
    (found,) = read(wire)
    assert isinstance(found.value, Unreadable)
    assert found.value == b""
    assert "none of which is read" in found.value.why
    assert found.offset == (599_999 if "600,000" in name else 0)


@pytest.mark.parametrize("pack", [bombs.gzip, bombs.zstd, bombs.lz4])
def test_a_value_beyond_the_bound_is_not_inflated(pack) -> None:
    mib = inflating.MAX_INFLATED_BYTES // bombs.MIB
    number = {bombs.gzip: 1, bombs.lz4: 3, bombs.zstd: 4}[pack]
    (within,) = read(bombs.batch(number, 1, pack(bombs.one_huge_value(mib - 1))))
    (beyond,) = read(bombs.batch(number, 1, pack(bombs.one_huge_value(mib))))
    assert len(within.value) == (mib - 1) * bombs.MIB
    assert isinstance(beyond.value, Unreadable)


@pytest.mark.parametrize("number", ENCODE)
@pytest.mark.parametrize("payload", BROKEN)
def test_what_no_codec_wrote_is_told_of(number: int, payload: bytes) -> None:
    (found,) = read(bombs.batch(number, 3, payload))
    assert isinstance(found.value, Unreadable)
    assert found.offset == 2


def plainly(wire: bytes) -> list[int]:
    """Offsets of the records that kafka-python finds in batches."""
    found, batches = [], PlainRecords(wire)
    while (batch := batches.next_batch()) is not None:
        found += [record.offset for record in batch]
    return found


@pytest.mark.parametrize("number", ENCODE)
def test_plain_readers_read_what_a_producer_compressed(number: int) -> None:
    before = inflating.inflated()
    assert plainly(bombs.batch(number, 3, ENCODE[number](b"".join(bombs.many_empty(3))))) == [0, 1, 2]
    assert inflating.inflated() > before


@pytest.mark.parametrize("pack", [bombs.gzip, bombs.snappy, bombs.lz4, bombs.zstd])
def test_plain_readers_leave_a_bomb_out_and_say_so(pack, caplog) -> None:
    number = {bombs.gzip: 1, bombs.snappy: 2, bombs.lz4: 3, bombs.zstd: 4}[pack]
    before = inflating.inflated()
    bomb = bombs.batch(number, 1, pack(bombs.one_huge_value(inflating.MAX_INFLATED_BYTES // bombs.MIB)))
    assert plainly(bomb + bombs.batch(0, 2, b"".join(bombs.many_empty(2)))) == [0, 1]
    assert inflating.inflated() == before
    assert "1 records at offset 0 are left out" in caplog.text
