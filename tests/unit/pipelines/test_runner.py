"""What the runner promises: nothing is kept before all of it is out, nothing is stored that is not ours."""

from __future__ import annotations

import asyncio

import pytest

from pipelines.ports import Fenced, Refusal, Snapshot, StoreDown
from pipelines.runner import StepFailed
from tests.kit.running import Bench, handle, play, records

pytestmark = pytest.mark.usefixtures("short_pauses")


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
