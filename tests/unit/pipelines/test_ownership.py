"""What a worker does with the partitions it owns: gaps, room for batches, partitions lost and taken back."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.ports import StoreDown
from tests.kit.running import Bench, Desk, Fetched, Notes, play, until

pytestmark = pytest.mark.usefixtures("short_pauses")


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


def test_partitions_lost_together_are_all_taken_back_at_the_first_try() -> None:
    async def script(bench: Bench) -> None:
        desk = Desk(bench)
        await desk.partitions.take_over({0: 0, 1: 0, 2: 0})
        lost = dict(desk.partitions._owned)
        for owned in lost.values():
            owned.lost = True
        tries = [desk.partitions._reclaim(partition, owned, 0) for partition, owned in lost.items()]
        assert await asyncio.gather(*tries) == [True, True, True]
        for task in (task for owned in lost.values() for task in owned.tasks):
            task.cancel()
        await desk.partitions.give_up()

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
