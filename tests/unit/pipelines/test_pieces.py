"""A long batch is worked off piece by piece: no step keeps all else waiting, and snapshots come within it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pipelines.cli.feed import CATCH_UP_S, NotCaughtUp, wait_for_workers
from pipelines.owned import OwnedPartition
from pipelines.ports import Effects, RawRecord, Snapshot
from pipelines.runner import FIRST_RECORDS, STEP_S
from tests.kit.running import Bench, Heart, handle


class SlowHeart(Heart):
    """Takes a time a record, by the bench's clock; notes how many records each step had."""

    def __init__(self, bench: Bench, record_s: float) -> None:
        super().__init__(3, None)
        self.bench, self.record_s, self.steps = bench, record_s, []

    def receive(self, batch: Sequence[RawRecord]) -> Effects:
        self.bench.clock.now_s += self.record_s * len(batch)
        self.steps.append(len(batch))
        self.next_offset = batch[-1].offset + 1
        return Effects((), ())

    def snapshot(self) -> Snapshot | None:
        return Snapshot(self.next_offset, {"state": b"state"})


def records(count: int) -> list[RawRecord]:
    return [RawRecord(offset, 0, b"x") for offset in range(count)]


def worked(count: int, record_s: float) -> tuple[Bench, SlowHeart]:
    bench = Bench()
    heart = SlowHeart(bench, record_s)

    async def work() -> None:
        runner = bench.runner()
        await runner.open()
        runner._heart = heart
        await handle(runner, records(count))

    asyncio.run(work())
    assert sum(heart.steps) == count
    return bench, heart


@pytest.mark.parametrize("record_s", [0.0005, 0.002, 0.05])
def test_a_step_takes_about_a_fifth_of_a_second_whatever_a_record_costs(record_s: float) -> None:
    _, heart = worked(20_000, record_s)
    assert max(heart.steps[1:-1]) * record_s == pytest.approx(STEP_S, rel=0.02)


def test_records_that_cost_nothing_are_soon_taken_all_at_once() -> None:
    _, heart = worked(20_000, 0.0)
    assert heart.steps[:3] == [FIRST_RECORDS, 2 * FIRST_RECORDS, 4 * FIRST_RECORDS]
    assert len(heart.steps) == 8


def test_a_record_that_takes_longer_than_a_step_is_a_step() -> None:
    _, heart = worked(200, 10.0)
    assert heart.steps[1:] == [1] * 100


def test_snapshots_are_kept_within_a_long_batch() -> None:
    bench, _ = worked(20_000, 0.002)
    kept = [note for note in bench.notes if note.startswith("kept")]
    assert len(kept) == pytest.approx(40 / 5, abs=1)


def test_a_partition_that_is_given_up_ends_with_the_piece_in_hand_and_keeps_it() -> None:
    bench = Bench()
    heart = SlowHeart(bench, 0.0)

    async def work() -> None:
        owned = OwnedPartition(bench.runner(), 0, 0)
        await owned.runner.open()
        owned.runner._heart = heart
        owned.put(records(1_000))
        while await owned.stirs():
            await owned.work()
            owned.end()
        await owned.runner.close(final_snapshot=True)

    asyncio.run(work())
    assert heart.steps == [FIRST_RECORDS]
    assert f"kept {FIRST_RECORDS}" in bench.notes


def test_records_that_come_while_a_turn_is_waited_for_are_in_the_step() -> None:
    bench = Bench()
    heart = SlowHeart(bench, 0.0)

    async def work() -> None:
        turns = asyncio.Lock()
        owned = OwnedPartition(bench.runner(3, turns), 0, 0)
        await owned.runner.open()
        owned.runner._heart = heart
        owned.put(records(10))
        async with turns:
            step = asyncio.create_task(owned.work())
            await asyncio.sleep(0.001)
            owned.put([RawRecord(offset, 0, b"x") for offset in range(10, 15)])
        await step
        await owned.runner.close(final_snapshot=False)

    asyncio.run(work())
    assert heart.steps == [15]


class Lags:
    """What is left after each look, a second apart; the last for ever."""

    def __init__(self, *lags: int) -> None:
        self.lags, self.now_s = list(lags), 0.0

    def __call__(self) -> int:
        return self.lags.pop(0) if len(self.lags) > 1 else self.lags[0]

    def wait(self) -> None:
        def sleep(_: float) -> None:
            self.now_s += 1.0

        wait_for_workers(self, lambda: self.now_s, sleep)


def test_workers_that_are_slow_are_waited_for() -> None:
    lags = Lags(*range(1000, -1, -1))
    lags.wait()
    assert lags.now_s > 5 * CATCH_UP_S


def test_workers_that_get_no_further_are_given_up() -> None:
    lags = Lags(1000, 900, *(900 + at % 7 for at in range(1000)))
    with pytest.raises(NotCaughtUp, match="records wait, and no worker took any in 120 s"):
        lags.wait()
    assert lags.now_s < CATCH_UP_S + 5
