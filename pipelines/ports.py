"""What the heart needs from the outside, as protocols, and the plain values that cross that edge.

Connectors implement these; the partition and its runner know nothing else of Kafka or InfluxDB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from pipelines.topics import Topic


class Unreadable(bytes):
    """Stands for the value of a record that the transport could not take from the log: empty, with the reason why."""

    why: str = ""

    @classmethod
    def because(cls, why: str) -> Unreadable:
        """One with this reason."""
        made = cls()
        made.why = why
        return made


class RawRecord(NamedTuple):
    """A record as it lies on the log. `arrived_ms` is the broker's append time."""

    offset: int
    arrived_ms: int
    value: bytes


class Output(NamedTuple):
    """A record to publish, on the partition of its input. Headers are outside the contract of equal bytes."""

    topic: Topic
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one asset type to store: row i belongs to `assets[asset_index[i]]` at `time_us[i]`.

    `fields[name]` has one value a row: float64 with NaN where the row has none, or an object array of bool or str
    with None where the row has none. Rows stand in the order of arrival; several may share asset and time.
    Rows of events have a name each, [rows] of str: two events of an asset at one moment are two points. Rows that are
    of no asset say by `tag` what `assets` holds instead.
    """

    measurement: str
    plant: str
    assets: tuple[str, ...]
    asset_index: np.ndarray
    time_us: np.ndarray
    fields: Mapping[str, np.ndarray]
    event: np.ndarray | None = None
    tag: str = "asset"

    def __len__(self) -> int:
        return len(self.time_us)

    def where(self, chosen: np.ndarray) -> Rows:
        """The rows that a mask chooses."""
        return replace(
            self,
            asset_index=self.asset_index[chosen],
            time_us=self.time_us[chosen],
            fields={name: values[chosen] for name, values in self.fields.items()},
            event=None if self.event is None else self.event[chosen],
        )


class Refusal(NamedTuple):
    """A row that the store will never take: its table in the effects, its row there, and the store's words."""

    table: int
    row: int
    reason: str


class Effects(NamedTuple):
    """What a step wants done: rows to store and records to publish, in this order on each topic.

    `arrived_ms` says of each output when the record arrived that made it.
    """

    rows: tuple[Rows, ...]
    outputs: tuple[Output, ...]
    arrived_ms: tuple[int, ...] = ()


class Snapshot(NamedTuple):
    """State of a partition just before `next_offset`, in named parts that fit a message each.

    To be kept beside the parts of snapshots before it, but for those of the same name and those `dropped`.
    """

    next_offset: int
    parts: Mapping[str, bytes]
    dropped: tuple[str, ...] = ()

    def onto(self, before: Snapshot | None) -> Snapshot:
        """All that is kept after this one, of what was kept before it."""
        kept = {} if before is None else {name: part for name, part in before.parts.items() if name not in self.dropped}
        return Snapshot(self.next_offset, kept | dict(self.parts))


class Fenced(Exception):
    """Another worker owns this partition now: drop it, write nothing more."""


class StoreDown(Exception):
    """The store cannot be reached or is overloaded; the same write may be tried again."""


class Publisher(Protocol):
    """Where outputs go."""

    async def publish(self, partition: int, outputs: Sequence[Output]) -> None:
        """Send in order; return when all are acknowledged. Raises where one was not."""
        ...


class Store(Protocol):
    """Where rows are kept."""

    async def write(self, rows: Sequence[Rows]) -> Sequence[Refusal]:
        """Write all; return the rows that the store refuses for good. Raises StoreDown if it gave up trying."""
        ...


class Snapshots(Protocol):
    """Where a partition's state is kept, and who may write it."""

    async def open(self, partition: int) -> Snapshot | None:
        """Take the partition over (whoever had it is fenced) and read its last snapshot."""
        ...

    async def commit(self, partition: int, snapshot: Snapshot) -> None:
        """Keep this snapshot, all of it or nothing. Raises Fenced if the partition was taken over."""
        ...

    async def close(self, partition: int) -> None:
        """Give the partition up without writing."""
        ...


class Clock(Protocol):
    """The time outside; the heart never asks it."""

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back, for intervals."""
        ...
