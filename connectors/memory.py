"""Stand-ins for everything outside, shipped because trial runs and tests use them: no network, no files.

They pass the same conformance suites as Kafka and InfluxDB. Each serves one event loop.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from connectors.influx.lines import unwritable_field, unwritable_measurement, unwritable_name
from models.records import Appointment, Ready, Release, ReleaseMove, encode
from pipelines.ports import Clock, Fenced, Output, RawRecord, Refusal, Rows, Snapshot, StoreDown
from pipelines.releases.board import Board, key_of
from pipelines.topics import Topic

Value = float | bool | str


@dataclass(slots=True)
class ManualClock:
    """A clock that moves when told."""

    time_us: int = 0
    elapsed_s: float = 0.0

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        return self.time_us

    def monotonic_s(self) -> float:
        """Seconds since this clock was made."""
        return self.elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time_us += round(seconds * 1_000_000)
        self.elapsed_s += seconds


@dataclass(slots=True)
class MemoryStore:
    """Rows as InfluxDB keeps them: fields of the same asset and moment merge, a field has one type for ever.

    InfluxDB holds a field to its type per shard (a span of days); here it is for ever. `retention_us` needs a clock.
    While `down` every write raises StoreDown.
    """

    clock: Clock | None = None
    retention_us: int | None = None
    down: bool = False
    points: dict[tuple[str, str, str, str, int], dict[str, Value]] = field(default_factory=dict)
    _types: dict[tuple[str, str], type] = field(default_factory=dict)

    async def write(self, rows: Sequence[Rows]) -> Sequence[Refusal]:
        """Keep all rows but those InfluxDB would refuse."""
        if self.down:
            raise StoreDown("the store in memory was told to be down")
        return [
            Refusal(table, row, reason)
            for table, one in enumerate(rows)
            for row in range(len(one))
            if (reason := self._keep(one, row))
        ]

    async def read(
        self, measurement: str, from_us: int, to_us: int, assets: Collection[str] | None = None
    ) -> pl.DataFrame:
        """Rows of a measurement with from_us <= time < to_us: `asset`, `time_us`, then the fields by name."""
        found = [
            {"asset": asset, **({"event_name": event} if event else {}), "time_us": at, **values}
            for (name, _, asset, event, at), values in self.points.items()
            if name == measurement and from_us <= at < to_us and (assets is None or asset in assets)
        ]
        keys = {"asset": pl.String(), "event_name": pl.String(), "time_us": pl.Int64()}
        if not any("event_name" in row for row in found):
            del keys["event_name"]
        names = sorted({name for row in found for name in row} - keys.keys())
        schema: dict[str, pl.DataType] = keys | {name: self._dtype(measurement, name) for name in names}
        return pl.DataFrame(found, schema=schema).sort("asset", "time_us", *list(keys)[1:-1])

    async def count_rows(self, measurement: str, from_us: int, to_us: int) -> int:
        """How many assets and moments, and events of one moment, a measurement has rows for."""
        return sum(name == measurement and from_us <= at < to_us for name, *_, at in self.points)

    def _keep(self, rows: Rows, row: int) -> str | None:
        """Merge a row in, or say why not."""
        asset, at = rows.assets[rows.asset_index[row]], int(rows.time_us[row])
        event = "" if rows.event is None else str(rows.event[row])
        values = {name: value for name, column in rows.fields.items() if (value := _value(column[row])) is not None}
        if not values:
            return None
        reason = self._refuses(rows, row, asset, at, values)
        if reason is None:
            self.points.setdefault((rows.measurement, rows.plant, asset, event, at), {}).update(values)
            self._types.update({(rows.measurement, name): type(value) for name, value in values.items()})
        return reason

    def _refuses(self, rows: Rows, row: int, asset: str, at: int, values: dict[str, Value]) -> str | None:
        events = () if rows.event is None else map(unwritable_name, {str(rows.event[row])})
        names = (unwritable_measurement(rows.measurement), unwritable_name(rows.plant), unwritable_name(asset), *events)
        if unwritable := [why for why in (*names, *map(unwritable_field, values)) if why]:
            return unwritable[0]
        if self.clock and self.retention_us is not None and at < self.clock.now_us() - self.retention_us:
            return "points beyond retention policy"
        for name, value in values.items():
            if value in (float("inf"), float("-inf")):
                return f"field {name!r} is infinite, which InfluxDB cannot hold"
            kept = self._types.get((rows.measurement, name), type(value))
            if kept is not type(value):
                return f"field type conflict: {name!r} is {type(value).__name__}, already exists as {kept.__name__}"
        return None

    def _dtype(self, measurement: str, name: str) -> pl.DataType:
        return {float: pl.Float64(), bool: pl.Boolean(), str: pl.String()}[self._types[measurement, name]]


def _value(value: object) -> Value | None:
    """A plain float, bool or str; None where the row has no value."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return bool(value)
    number = float(value)  # type: ignore[arg-type]  # columns are float64, bool or str by contract
    return None if number != number else number


@dataclass(slots=True)
class MemoryPublisher:
    """Keeps outputs by partition and topic. After `crash_after` outputs it raises once; `twice` keeps each doubly.

    While `down` it raises, while it `hangs` a publish never returns.
    """

    crash_after: int | None = None
    twice: bool = False
    down: bool = False
    hangs: bool = False
    published: dict[tuple[int, Topic], list[Output]] = field(default_factory=lambda: defaultdict(list))

    async def publish(self, partition: int, outputs: Sequence[Output]) -> None:
        """Keep in order. Raises ConnectionError when its time to crash has come, once, and while it is down."""
        if self.hangs:
            await asyncio.Event().wait()
        if self.down:
            raise ConnectionError("the publisher in memory was told to be down")
        for output in outputs:
            if self.crash_after == 0:
                self.crash_after = None
                raise ConnectionError("the publisher in memory was told to crash here")
            if self.crash_after is not None:
                self.crash_after -= 1
            self.published[partition, output.topic].extend([output] * (2 if self.twice else 1))

    def on(self, topic: Topic) -> Iterator[Output]:
        """All outputs of a topic, partition by partition."""
        for (_, name), outputs in sorted(self.published.items()):
            if name == topic:
                yield from outputs


@dataclass(slots=True)
class SnapshotShelf:
    """What all workers share: the last snapshot of each partition, and whose turn it is there."""

    kept: dict[int, Snapshot] = field(default_factory=dict)
    turn: dict[int, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(slots=True)
class MemorySnapshots:
    """One worker's way to a shelf of snapshots; give two workers the same shelf to see one fence the other."""

    shelf: SnapshotShelf = field(default_factory=SnapshotShelf)
    _turn: dict[int, int] = field(default_factory=dict)

    async def open(self, partition: int) -> Snapshot | None:
        """Take the partition over and read its last snapshot."""
        self.shelf.turn[partition] += 1
        self._turn[partition] = self.shelf.turn[partition]
        return self.shelf.kept.get(partition)

    async def commit(self, partition: int, snapshot: Snapshot) -> None:
        """Keep the snapshot. Raises Fenced if the partition is not, or no more, this worker's."""
        if self._turn.get(partition) != self.shelf.turn[partition]:
            raise Fenced(f"partition {partition} was taken over, or never opened here")
        self.shelf.kept[partition] = snapshot.onto(self.shelf.kept.get(partition))

    async def close(self, partition: int) -> None:
        """Give the partition up."""
        self._turn.pop(partition, None)


@dataclass(slots=True)
class MemoryLog:
    """The records topic: append and read by partition, with offsets from 0."""

    partitions: int = 1
    clock: Clock | None = None
    records: dict[int, list[RawRecord]] = field(default_factory=lambda: defaultdict(list))

    def append(self, partition: int, *values: bytes) -> int:
        """Add records; returns the next offset."""
        if not 0 <= partition < self.partitions:
            raise ValueError(f"partition {partition} of a log that has 0 to {self.partitions - 1}")
        arrived_ms = self.clock.now_us() // 1000 if self.clock else 0
        log = self.records[partition]
        log.extend([RawRecord(offset, arrived_ms, value) for offset, value in enumerate(values, start=len(log))])
        return len(log)

    def read(self, partition: int, offset: int = 0, limit: int | None = None) -> list[RawRecord]:
        """Records from an offset on, at most `limit`."""
        end = None if limit is None else offset + limit
        return self.records[partition][offset:end]


def _nobody(_: Board) -> Sequence[Ready]:
    return ()


class MemoryBoard:
    """A `pipelines.releases.offices.BoardLog`; `answer` is what workers say whenever somebody waits for them."""

    def __init__(self, plant: str, answer: Callable[[Board], Sequence[Ready]] = _nobody) -> None:
        self.pairs: list[tuple[bytes, bytes | None]] = []
        """The topic, key and value."""
        self.audited: list[Appointment | ReleaseMove] = []
        self._plant, self._answer = plant, answer

    def now(self) -> Board:
        """What was said."""
        board = Board(self._plant)
        for key, value in self.pairs:
            board.take(key, value)
        return board

    def wait(self, done: Callable[[Board], bool], patience_s: float) -> Board:  # noqa: ARG002 - it waits for nobody
        """The board once workers have answered."""
        if not done(self.now()):
            self._put(self._answer(self.now()))
        return self.now()

    def send(self, records: Sequence[Release | Appointment]) -> None:
        """Put them on the topic."""
        self._put(records)

    def withdraw(self, release: Release) -> None:
        """Take a release off it."""
        self.pairs.append((key_of(release), None))

    def audit(self, records: Sequence[Appointment | ReleaseMove]) -> None:
        """Keep what came of them."""
        self.audited += records

    def _put(self, records: Sequence[Release | Appointment | Ready]) -> None:
        self.pairs += [(key_of(one), encode(one)) for one in records]
