"""A heart that counts: per key a count and a sum, and an output for each record.

A record is `key|number`; anything else (a tick) only moves the offset. An output is a function of the records before
it, so a second run over the same log gives the same bytes. Padding makes snapshots of any size.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

import numpy as np

from pipelines.ports import Effects, Output, RawRecord, Refusal, Rows, Snapshot
from pipelines.topics import Topic

CHUNK_BYTES = 400_000


def rows_of(keys: Sequence[str]) -> tuple[Rows, ...]:
    """One row a record, so that there is something to store."""
    n = len(keys)
    index = np.zeros(n, dtype=np.int64)
    return (Rows("count", "test", ("a",), index, np.arange(n), {"n": np.ones(n)}),) if n else ()


class CountingHeart:
    """See the module."""

    def __init__(
        self, partition: int, snapshot: Snapshot | None, *, padding: int = 0, seen: Callable[..., None]
    ) -> None:
        self.partition = partition
        self.next_offset = 0
        self.counts: dict[str, list[int]] = {}
        self._padding = padding
        self._seen = seen
        self._kept = -1
        if snapshot is not None:
            self.counts = json.loads(whole(snapshot).rstrip(b"\0"))
            self.next_offset = self._kept = snapshot.next_offset
        seen("open", partition, self.next_offset, 0)

    def receive(self, batch: Sequence[RawRecord]) -> Effects:
        """Count each record once; an output a record."""
        fresh = [record for record in batch if record.offset >= self.next_offset]
        self._seen("read", self.partition, fresh[0].offset if fresh else -1, len(fresh))
        outputs, keys = [], []
        for record in fresh:
            key, bar, number = record.value.decode().partition("|")
            if bar:
                keys.append(key)
                count = self.counts.setdefault(key, [0, 0])
                count[0] += 1
                count[1] += int(number)
                outputs.append(Output(Topic.FORECASTS, key.encode(), f"{key}|{count[0]}|{count[1]}".encode()))
        if fresh:
            self.next_offset = fresh[-1].offset + 1
        return Effects(rows_of(keys), tuple(outputs))

    def refuse(self, raw: RawRecord, why: str) -> Effects:
        """A dead letter, and nothing counted."""
        self.next_offset = raw.offset + 1
        return Effects((), (Output(Topic.DEAD_LETTERS, b"test", f"{raw.offset}: {why}".encode()),))

    def acknowledged(self, refused: Sequence[Refusal]) -> Sequence[Output]:
        """One dead letter for each refused row."""
        return [Output(Topic.DEAD_LETTERS, b"test", f"{each.row}: {each.reason}".encode()) for each in refused]

    def snapshot(self) -> Snapshot | None:
        """The counts, padded."""
        if self.next_offset == self._kept:
            return None
        self._kept = self.next_offset
        state = json.dumps(self.counts).encode().ljust(self._padding, b"\0")
        places = range(0, len(state), CHUNK_BYTES)
        return Snapshot(self.next_offset, {f"{n:03}": state[at : at + CHUNK_BYTES] for n, at in enumerate(places)})


def whole(snapshot: Snapshot) -> bytes:
    """The counts of a snapshot, padded."""
    return b"".join(part for _, part in sorted(snapshot.parts.items()))


def expected(values: Sequence[str]) -> list[bytes]:
    """The outputs of an undisturbed run over one partition's records."""
    heart = CountingHeart(0, None, seen=lambda *_: None)
    batch = [RawRecord(i, 0, value.encode()) for i, value in enumerate(values)]
    return [output.value for output in heart.receive(batch).outputs]


def digest(values: Sequence[bytes]) -> str:
    """Short name of a list of outputs, for messages."""
    return hashlib.sha256(b"\n".join(values)).hexdigest()[:12]
