"""What the runner promises: nothing is kept before all of it is out, nothing is stored that is not ours.

One file, though long: its fakes of everything around a runner are used by each of its tests and nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
import pytest

from pipelines.ownership import Partitions
from pipelines.ports import Effects, Fenced, Output, RawRecord, Refusal, Rows, Snapshot, StoreDown
from pipelines.runner import PartitionRunner, StepFailed
from pipelines.topics import Topic
from tests.kit.running import handle

ROWS = (Rows("m", "p", ("a",), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), {}),)


class Notes(list[str]):
    """What happened, in order."""

    def checkpoint(self, name: str) -> None:
        self.append(name)


class Clock:
    """Stands still until told."""

    now_s = 0.0

    def now_us(self) -> int:
        return int(self.now_s * 1e6)

    def monotonic_s(self) -> float:
        return self.now_s


class Publisher:
    """Notes what is published; raises or waits if told."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self.error: Exception | None = None

    async def publish(self, partition: int, outputs: Sequence[Output]) -> None:
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self._notes.append(f"published {' '.join(output.value.decode() for output in outputs)}")


class Store:
    """Answers as told, one answer a write, then takes everything."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self.answers: list[Exception | Sequence[Refusal]] = []
        self.waits: list[asyncio.Event] = []
        self.for_ever: Exception | None = None

    async def write(self, rows: Sequence[Rows]) -> Sequence[Refusal]:
        if self.waits:
            await self.waits.pop(0).wait()
        answer = self.for_ever or (self.answers.pop(0) if self.answers else ())
        if isinstance(answer, Exception):
            self._notes.append("store refused")
            await asyncio.sleep(0)
            raise answer
        self._notes.append("stored")
        return answer


class Snapshots:
    """Keeps the last snapshot; fences whoever it is told to."""

    def __init__(self, notes: Notes, kept: Snapshot | None = None) -> None:
        self._notes = notes
        self.kept = kept
        self.fenced = False
        self.gate: asyncio.Event | None = None

    async def open(self, partition: int) -> Snapshot | None:
        self._notes.append("opened")
        self.fenced = False
        return self.kept

    async def commit(self, partition: int, snapshot: Snapshot) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.fenced:
            raise Fenced("another has it")
        self.kept = snapshot
        self._notes.append(f"kept {snapshot.next_offset}")

    async def close(self, partition: int) -> None:
        self._notes.append("closed")


class Heart:
    """One output and one row a record; fails on the record `bad`."""

    def __init__(self, partition: int, snapshot: Snapshot | None) -> None:
        self.next_offset = snapshot.next_offset if snapshot is not None else 0

    def receive(self, batch: Sequence[RawRecord]) -> Effects:
        if any(record.value == b"bad" for record in batch):
            raise ZeroDivisionError("bad record")
        self.next_offset = batch[-1].offset + 1
        return Effects(ROWS, tuple(Output(Topic.ALERTS, b"k", record.value) for record in batch))

    def refuse(self, raw: RawRecord, why: str) -> Effects:
        self.next_offset = raw.offset + 1
        return Effects((), (Output(Topic.DEAD_LETTERS, b"k", f"refused-{raw.offset}".encode()),))

    def acknowledged(self, refused: Sequence[Refusal]) -> Sequence[Output]:
        return [Output(Topic.DEAD_LETTERS, b"k", f"letter-{each.reason}".encode()) for each in refused]

    def snapshot(self) -> Snapshot | None:
        return Snapshot(self.next_offset, {"state": b"state"})


class Bench:
    """A runner and the fakes around it."""

    def __init__(self, kept: Snapshot | None = None) -> None:
        self.notes = Notes()
        self.clock = Clock()
        self.publisher = Publisher(self.notes)
        self.store = Store(self.notes)
        self.snapshots = Snapshots(self.notes, kept)
        self.ours = True

    def runner(self, partition: int = 3, turns: asyncio.Lock | None = None) -> PartitionRunner:
        return PartitionRunner(
            partition,
            restore=Heart,
            publisher=self.publisher,
            store=self.store,
            snapshots=self.snapshots,
            clock=self.clock,
            lease=lambda: self.ours,
            turns=turns,
            snapshot_s=5,
            checkpoint=self.notes.checkpoint,
        )


def records(*values: bytes, start: int = 0) -> list[RawRecord]:
    return [RawRecord(start + i, 0, value) for i, value in enumerate(values)]


def play(script: Callable[[Bench], Coroutine[Any, Any, None]], kept: Snapshot | None = None) -> Bench:
    """Run a script against a bench of its own."""
    bench = Bench(kept)
    asyncio.run(asyncio.wait_for(script(bench), 20))
    return bench


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.runner.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("pipelines.ownership.RECLAIM_S", 0.02)
    monkeypatch.setattr("pipelines.ownership.AGAIN_S", 0.001)
    monkeypatch.setattr("pipelines.ownership.HOLE_S", 0.05)
    monkeypatch.setattr("pipelines.ownership.GRACE_S", 0.2)


def test_it_begins_where_the_snapshot_ends() -> None:
    async def script(bench: Bench) -> None:
        assert await bench.runner().open() == 17

    play(script, kept=Snapshot(17, {}))


def test_a_snapshot_follows_outputs_rows_and_letters() -> None:
    async def script(bench: Bench) -> None:
        runner = bench.runner()
        await runner.open()
        bench.clock.now_s = 6
        bench.store.answers = [[Refusal(0, 0, "old")]]
        await handle(runner, records(b"a", b"b"))
        assert runner.snapshot_offset == 2

    notes = play(script).notes
    assert sorted(notes[2:4]) == ["published a b", "stored"]
    assert notes[:2] + notes[4:] == [
        "opened",
        "received",
        "before-acknowledged",
        "published letter-old",
        "before-snapshot",
        "kept 2",
        "after-snapshot",
    ]


def test_no_snapshot_is_kept_before_its_time() -> None:
    async def script(bench: Bench) -> None:
        runner = bench.runner()
        await runner.open()
        bench.clock.now_s = 4.9
        await handle(runner, records(b"a"))
        assert bench.snapshots.kept is None
        bench.clock.now_s = 5.1
        await runner.snapshot_if_due()
        await runner.drained()
        assert bench.snapshots.kept == Snapshot(1, {"state": b"state"})

    play(script)


def test_the_store_may_be_down_for_as_long_as_it_likes() -> None:
    async def script(bench: Bench) -> None:
        runner = bench.runner()
        await runner.open()
        bench.store.answers = [StoreDown("no")] * 4
        await handle(runner, records(b"a"))

    notes = play(script).notes
    assert notes.count("store refused") == 4
    assert notes.count("stored") == 1
    assert notes.count("published a") == 1


def test_nothing_is_stored_without_the_lease() -> None:
    async def script(bench: Bench) -> None:
        runner = bench.runner()
        await runner.open()
        bench.ours = False
        with pytest.raises(Fenced, match="partition 3"):
            await handle(runner, records(b"a"))
        await runner.close(final_snapshot=True)

    notes = play(script).notes
    assert "stored" not in notes
    assert "kept 1" not in notes
    assert notes[-1] == "closed"


def test_retiring_ends_the_wait_for_the_store() -> None:
    async def script(bench: Bench) -> None:
        runner = bench.runner()
        await runner.open()
        bench.store.for_ever = StoreDown("no")
        handling = asyncio.create_task(handle(runner, records(b"a")))
        await asyncio.sleep(0.01)
        runner.retire()
        with pytest.raises(Fenced, match="while the store was down"):
            await handling
        await runner.close(final_snapshot=True)
        assert bench.snapshots.kept is None

    play(script)


def test_a_failing_publisher_stops_it_though_the_store_is_down() -> None:
    async def script(bench: Bench) -> None:
        runner = bench.runner()
        await runner.open()
        bench.store.for_ever = StoreDown("no")
        bench.publisher.error = ConnectionError("no Kafka")
        with pytest.raises(ConnectionError, match="no Kafka"):
            await handle(runner, records(b"a"))

    play(script)


def test_a_failing_step_is_told_with_its_offsets() -> None:
    async def script(bench: Bench) -> None:
        runner = bench.runner()
        await runner.open()
        with pytest.raises(StepFailed, match=r"partition 3 .* offsets 40 to 41: ZeroDivisionError"):
            await handle(runner, records(b"a", b"bad", start=40))
        await runner.close(final_snapshot=True)
        assert bench.snapshots.kept is None

    play(script)


def test_closing_keeps_a_last_snapshot_or_none() -> None:
    async def script(bench: Bench) -> None:
        runner = bench.runner()
        await runner.open()
        await handle(runner, records(b"a"))
        await runner.close(final_snapshot=False)
        assert bench.snapshots.kept is None
        again = bench.runner()
        await again.open()
        await handle(again, records(b"a"))
        await again.close(final_snapshot=True)
        assert bench.snapshots.kept == Snapshot(1, {"state": b"state"})

    play(script)


class Fetched:
    """Records between two positions of the log."""

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end
        self.records = records(*(b"r%d" % at for at in range(start, end)), start=start)


class Desk:
    """Partitions over a bench, with what they asked of the app."""

    def __init__(self, bench: Bench) -> None:
        self.rewound: list[tuple[int, int]] = []
        self.crashes: list[Exception] = []
        self.partitions = Partitions(
            bench.runner, rewind=self.rewind, fail=self.crashes.append, lease=lambda: bench.ours, waiting=2
        )

    async def rewind(self, partition: int, offset: int) -> None:
        self.rewound.append((partition, offset))


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.001)


def test_a_partition_that_is_owned_already_is_not_opened_again() -> None:
    async def script(bench: Bench) -> None:
        desk = Desk(bench)
        assert await desk.partitions.take_over({0: 0, 1: 5}) == {0: 0, 1: 5}
        await desk.partitions.accept(0, Fetched(0, 3))
        assert await desk.partitions.take_over({0: 0, 1: 5}) == {0: 3, 1: 5}
        await desk.partitions.give_up()

    assert play(script).notes.count("opened") == 2


def published(notes: Notes) -> list[str]:
    """Records whose outputs went out, in order."""
    return " ".join(note.removeprefix("published ") for note in notes if note.startswith("published")).split()


def test_a_gap_is_read_again_and_what_lies_behind_it_waits() -> None:
    async def script(bench: Bench) -> None:
        desk = Desk(bench)
        await desk.partitions.take_over({0: 0})
        for batch in (Fetched(0, 2), Fetched(4, 6), Fetched(6, 8), Fetched(2, 4), Fetched(4, 5), Fetched(3, 4)):
            await desk.partitions.accept(0, batch)
        await until(lambda: published(bench.notes)[-1:] == ["r4"])
        assert desk.rewound == [(0, 2)]
        assert not desk.crashes
        await desk.partitions.give_up()
        assert desk.partitions.committable() == {0: 5}

    assert published(play(script).notes) == ["r0", "r1", "r2", "r3", "r4"]


def test_batches_that_wait_are_one_step() -> None:
    async def script(bench: Bench) -> None:
        desk = Desk(bench)
        await desk.partitions.take_over({0: 0})
        for batch in (Fetched(0, 2), Fetched(2, 4), Fetched(4, 5)):
            await desk.partitions.accept(0, batch)
        await until(lambda: "stored" in bench.notes)
        await desk.partitions.give_up()

    assert [note for note in play(script).notes if note.startswith("published")] == ["published r0 r1 r2 r3 r4"]


def test_a_gap_that_stays_stops_the_worker() -> None:
    async def script(bench: Bench) -> None:
        desk = Desk(bench)
        await desk.partitions.take_over({0: 0})
        await desk.partitions.accept(0, Fetched(4, 6))
        await asyncio.sleep(0.06)
        await desk.partitions.accept(0, Fetched(4, 6))
        assert "offsets 0 to 3 cannot be read" in str(desk.crashes[0])
        await desk.partitions.give_up()

    play(script)


def test_there_is_room_until_batches_wait() -> None:
    async def script(bench: Bench) -> None:
        desk = Desk(bench)
        assert not desk.partitions.has_room(0)
        bench.store.for_ever = StoreDown("no")
        await desk.partitions.take_over({0: 0})
        for at in range(3):  # one under way, two that wait for it to be out
            assert desk.partitions.has_room(0)
            await desk.partitions.accept(0, Fetched(at, at + 1))
            await asyncio.sleep(0.005)
        assert not desk.partitions.has_room(0)
        await desk.partitions.give_up()

    assert play(script).snapshots.kept is None


def test_a_partition_fenced_by_mistake_is_taken_back() -> None:
    async def script(bench: Bench) -> None:
        desk = Desk(bench)
        await desk.partitions.take_over({0: 0})
        bench.snapshots.fenced = True
        bench.clock.now_s = 6
        await desk.partitions.accept(0, Fetched(0, 2))
        await until(lambda: bench.notes.count("opened") == 2)
        await until(lambda: bool(desk.rewound))
        assert desk.rewound == [(0, 0)]
        await desk.partitions.accept(0, Fetched(0, 2))
        await until(lambda: bench.notes.count("published r0 r1") == 2)
        await desk.partitions.give_up()
        assert desk.partitions.committable() == {0: 2}
        assert not desk.crashes

    play(script)


def test_a_partition_lost_without_the_lease_stays_lost() -> None:
    async def script(bench: Bench) -> None:
        desk = Desk(bench)
        await desk.partitions.take_over({0: 0})
        bench.ours = False
        await desk.partitions.accept(0, Fetched(0, 2))
        await asyncio.sleep(0.1)
        assert bench.notes.count("opened") == 1
        assert not desk.partitions.has_room(0)
        await desk.partitions.give_up()

    assert play(script).snapshots.kept is None
