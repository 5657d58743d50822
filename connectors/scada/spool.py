"""What waits on disk while Kafka is away: records in segments, dropped only past a stated size, and counted.

A segment is a file of records, each with its lengths and a checksum. What Kafka took of it is gone with the file; after
a crash a segment may be sent again, which is harmless: the log's readers drop what repeats. A segment of an earlier
process is never appended to, since its end may be torn.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from connectors.scada.feed import FeedError

_HEAD = struct.Struct("<IBII")
"""CRC-32 of all that follows it, and the lengths of topic, key and value."""

SEGMENT_BYTES = 4 * 1024 * 1024
"""How much is dropped at once when the spool is full; our choice."""

CHUNK_BYTES = 256 * 1024
"""How much of a segment is sent at once: of a slow line, ten seconds at 200 kbit/s; our choice."""


class Spooled(NamedTuple):
    """A record that waits: its topic, key and value."""

    topic: str
    key: bytes
    value: bytes


class Spool:
    """A bounded queue of records in a folder, which survives the process. One owner at a time, by a lock of the system.

    Raises FeedError where another process owns the folder, and ValueError for a size under two segments.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        if most_bytes < 2 * SEGMENT_BYTES:
            raise ValueError(f"a spool of {most_bytes} bytes is too small: give at least {2 * SEGMENT_BYTES}")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._most, self._lock = folder, most_bytes, _locked(folder)
        numbers = sorted(int(file.stem) for file in folder.glob("*.spool") if file.stem.isdecimal())
        self._sizes = {number: self._file(number).stat().st_size for number in numbers}
        self._open: int | None = None
        self._at = 0
        self._peeked: tuple[int, int] | None = None
        self.dropped_of: Counter[str] = Counter()
        """Records lost since this was opened, by topic: the oldest, when the spool was full."""
        self.dropped_bytes = 0
        self.torn_bytes = 0
        """Bytes that were no whole record: what a crash left at a segment's end."""

    @property
    def most_bytes(self) -> int:
        """How much it keeps; past it the oldest are dropped."""
        return self._most

    @property
    def folder(self) -> Path:
        """Where it is."""
        return self._folder

    @property
    def dropped(self) -> int:
        """Records lost since this was opened."""
        return self.dropped_of.total()

    @property
    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._sizes

    @property
    def size(self) -> int:
        """Bytes on disk that are not taken yet."""
        return sum(self._sizes.values()) - self._at

    def put(self, records: Sequence[Spooled]) -> None:
        """Append records; they are on the disk itself on return. The oldest segments go where there is no room.

        Raises OSError where the disk does not take them; some may be there then, and whole.
        """
        for data in _grouped(records):
            self._append(data)
        while len(self._sizes) > 1 and self.size > self._most:
            oldest = self._oldest()
            lost = [record for record, _ in _records(self._file(oldest).read_bytes(), self._at)]
            self.dropped_of.update(record.topic for record in lost)
            self.dropped_bytes += sum(len(record.value) for record in lost)
            self._discard()

    def peek(self) -> list[Spooled]:
        """The oldest records, some CHUNK_BYTES of them, in order. They stay until `took`."""
        while self._sizes:
            oldest = self._oldest()
            data, found, end = self._file(oldest).read_bytes(), [], self._at
            for record, end in _records(data, self._at):
                found.append(record)
                if end - self._at >= CHUNK_BYTES:
                    break
            if found:
                self._peeked = oldest, end
                return found
            self.torn_bytes += len(data) - self._at
            self._discard()
        return []

    def took(self) -> None:
        """Kafka has what the last `peek` gave."""
        if self._peeked and self._sizes and self._peeked[0] == self._oldest():
            self._at = self._peeked[1]
            if self._at >= self._sizes[self._peeked[0]]:
                self._discard()
        self._peeked = None

    def close(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock)

    def _append(self, data: bytes) -> None:
        new = self._open not in self._sizes or self._sizes[self._open] > SEGMENT_BYTES
        number = max(self._sizes, default=-1) + 1 if new else self._open
        assert number is not None
        size = self._sizes.get(number, 0)
        try:
            with self._file(number).open("ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if new:
                _sync(self._folder)
        except OSError:
            with suppress(OSError):  # a torn end is found by its checksum; the failed write itself is raised
                os.truncate(self._file(number), size)
            raise
        self._open, self._sizes[number] = number, size + len(data)

    def _oldest(self) -> int:
        return next(iter(self._sizes))

    def _discard(self) -> None:
        number = self._oldest()
        self._file(number).unlink(missing_ok=True)
        del self._sizes[number]
        self._at = 0

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:012d}.spool"


def _locked(folder: Path) -> int:
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as wrong:
        os.close(lock)
        raise FeedError(
            f"another process uses the spool {folder}: stop it, or give this one a config file of another name"
        ) from wrong
    return lock


def _sync(folder: Path) -> None:
    """Put a new file's name itself on the disk (fsync(2): that of the file does not)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _grouped(records: Sequence[Spooled]) -> Iterator[bytes]:
    """Records as bytes, at most a segment and a record at once."""
    group, size = [], 0
    for record in records:
        packed = _packed(record)
        group.append(packed)
        size += len(packed)
        if size > SEGMENT_BYTES:
            yield b"".join(group)
            group, size = [], 0
    if group:
        yield b"".join(group)


def _packed(record: Spooled) -> bytes:
    topic = record.topic.encode()
    head = _HEAD.pack(0, len(topic), len(record.key), len(record.value))
    rest = head[4:] + topic + record.key + record.value
    return crc32(rest).to_bytes(4, "little") + rest


def _records(data: bytes, at: int) -> Iterator[tuple[Spooled, int]]:
    """Whole records from `at` on, each with where it ends; stops at the first that is not whole."""
    while at + _HEAD.size <= len(data):
        checksum, topic, key, value = _HEAD.unpack_from(data, at)
        began = at + _HEAD.size
        ends = began + topic, began + topic + key, began + topic + key + value
        if ends[2] > len(data) or crc32(data[at + 4 : ends[2]]) != checksum:
            return
        yield Spooled(data[began : ends[0]].decode(), data[ends[0] : ends[1]], data[ends[1] : ends[2]]), ends[2]
        at = ends[2]
