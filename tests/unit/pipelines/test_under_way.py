"""The next step goes on while effects before are under way; what is acknowledged and kept stays in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pipelines.ports import Fenced, StoreDown
from pipelines.runner import UNDER_WAY, PartitionRunner
from tests.kit.running import Bench, begin, play, records

pytestmark = pytest.mark.usefixtures("short_pauses")

MOMENT_S = 0.01


def with_runner(script: Callable[[Bench, PartitionRunner], Coroutine[Any, Any, None]]) -> None:
    """Run a script against a bench and a runner of its own, which is open."""

    async def opened(bench: Bench) -> None:
        runner = bench.runner()
        await runner.open()
        await script(bench, runner)

    play(opened)


def test_batches_are_stepped_while_effects_before_are_under_way_and_acknowledged_in_order() -> None:
    async def script(bench: Bench, runner: PartitionRunner) -> None:
        first, second = asyncio.Event(), asyncio.Event()
        bench.store.waits = [first, second]
        await begin(runner, records(b"a"))
        await begin(runner, records(b"b", start=1))
        second.set()
        await asyncio.sleep(MOMENT_S)
        assert bench.notes.count("received") == 2
        assert "before-acknowledged" not in bench.notes
        first.set()
        await runner.drained()
        assert bench.notes.count("before-acknowledged") == 2

    with_runner(script)


def test_a_step_waits_while_too_many_are_under_way() -> None:
    async def script(bench: Bench, runner: PartitionRunner) -> None:
        gate = asyncio.Event()
        bench.store.waits = [gate] * (UNDER_WAY + 1)
        for at in range(UNDER_WAY):
            await begin(runner, records(b"a", start=at))
        one_more = asyncio.create_task(begin(runner, records(b"b", start=UNDER_WAY)))
        await asyncio.sleep(MOMENT_S)
        assert bench.notes.count("received") == UNDER_WAY
        gate.set()
        await one_more
        assert bench.notes.count("received") == UNDER_WAY + 1

    with_runner(script)


def test_no_snapshot_is_kept_while_effects_are_under_way() -> None:
    async def script(bench: Bench, runner: PartitionRunner) -> None:
        gate = asyncio.Event()
        bench.store.waits = [gate]
        await begin(runner, records(b"a"))
        bench.clock.now_s = 6
        taking = asyncio.create_task(runner.snapshot_if_due())
        await asyncio.sleep(MOMENT_S)
        assert bench.snapshots.kept is None
        gate.set()
        await taking
        await runner.drained()
        assert bench.snapshots.kept is not None

    with_runner(script)


def test_steps_go_on_while_a_snapshot_is_kept_and_the_next_waits_for_it() -> None:
    async def script(bench: Bench, runner: PartitionRunner) -> None:
        bench.snapshots.gate = asyncio.Event()
        bench.clock.now_s = 6
        await begin(runner, records(b"a"))
        await begin(runner, records(b"b", start=1))
        assert bench.notes.count("received") == 2
        bench.clock.now_s = 12
        next_one = asyncio.create_task(runner.snapshot_if_due())
        await asyncio.sleep(MOMENT_S)
        assert bench.notes.count("before-snapshot") == 1
        bench.snapshots.gate.set()
        await next_one
        await runner.drained()
        assert [note for note in bench.notes if note.startswith("kept")] == ["kept 1", "kept 2"]

    with_runner(script)


def test_a_snapshot_that_is_fenced_is_told_at_the_next_turn() -> None:
    async def script(bench: Bench, runner: PartitionRunner) -> None:
        called = asyncio.Event()
        runner.call = called.set
        bench.snapshots.fenced = True
        bench.clock.now_s = 6
        await begin(runner, records(b"a"))
        await called.wait()
        with pytest.raises(Fenced):
            await runner.snapshot_if_due()

    with_runner(script)


def test_partitions_step_one_after_the_other_and_outputs_go_out_between() -> None:
    async def script(bench: Bench) -> None:
        turns = asyncio.Lock()
        runners = [bench.runner(partition, turns) for partition in range(3)]
        for runner in runners:
            await runner.open()
        await asyncio.gather(*(begin(runner, records(b"a")) for runner in runners))

    happened = [note.split()[0] for note in play(script).notes if note.startswith(("received", "published"))]
    assert happened == ["received", "published"] * 3


def test_a_write_that_overtook_one_that_was_tried_again_is_done_once_more() -> None:
    async def script(bench: Bench, runner: PartitionRunner) -> None:
        gate = asyncio.Event()
        bench.store.waits = [gate]
        await begin(runner, records(b"a"))
        await begin(runner, records(b"b", start=1))
        await asyncio.sleep(MOMENT_S)
        assert bench.notes.count("stored") == 1
        bench.store.answers = [StoreDown("no")]
        gate.set()
        await runner.drained()
        assert bench.notes.count("store refused") == 1
        assert bench.notes.count("stored") == 3

    with_runner(script)


def test_what_goes_wrong_under_way_is_raised_by_the_next_turn_and_nothing_is_kept() -> None:
    async def script(bench: Bench, runner: PartitionRunner) -> None:
        bench.publisher.error = ConnectionError("no Kafka")
        async with runner.turn():
            runner.step(records(b"a"))
        with pytest.raises(ConnectionError, match="no Kafka"):
            async with runner.turn():
                runner.step(records(b"b", start=1))
        await runner.close(final_snapshot=True)
        assert bench.snapshots.kept is None

    with_runner(script)
