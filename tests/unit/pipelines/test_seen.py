"""What a worker shows: histograms, the pulse of its loop, lag, and the checks behind its readiness."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from connectors.kafka.batches import Lease
from connectors.memory import ManualClock
from models.plant import parse
from pipelines.meters import Histogram, Meters
from pipelines.ownership import Partitions
from pipelines.partition import Partition
from pipelines.ports import Effects, RawRecord, Snapshot
from pipelines.pulse import SILENT_S, STEP_S, Pulse
from pipelines.runner import PartitionRunner, StepFailed
from pipelines.seen import STORE_DOWN_S, AllMeters, group_checks, lag_of, store_down
from tests.kit import tiny
from tests.kit.running import handle


def test_a_histogram_counts_at_and_under_its_bounds_one_by_one_and_all_at_once():
    values = [0.5, 1.0, 1.5, 2.0, 99.0]
    one, many = Histogram((1, 2)), Histogram((1, 2))
    for value in values:
        one.observe(value)
    many.observe_all(np.array(values))
    assert one.counts == many.counts == [2, 2, 1]
    assert one.total == many.total == 104.0


def test_latency_is_from_arrival_to_now_and_never_less_than_nothing():
    meters = Meters()
    meters.published([1_000, 2_990, 3_010], 3_000_000)
    assert meters.latency.total == pytest.approx(2.0 + 0.01 + 0.0)
    meters.published((), 3_000_000)
    assert sum(meters.latency.counts) == 3


def test_a_partition_that_comes_back_goes_on_with_its_counts():
    meters = AllMeters()
    meters.of(3).batches.observe(10)
    assert meters.of(3).batches.total == 10 and meters.of(4).batches.total == 0


def test_a_loop_that_beats_lives_and_one_that_does_not_is_dead():
    async def scene() -> None:
        clock = ManualClock()
        pulse = Pulse(clock)
        clock.advance(SILENT_S)
        assert "has not answered for 30 s" in (pulse.wrong() or "")
        beats = asyncio.create_task(pulse.beat())
        await asyncio.sleep(0)
        assert pulse.wrong() is None
        clock.advance(SILENT_S - 1)
        assert pulse.wrong() is None
        beats.cancel()

    asyncio.run(scene())


def test_a_step_at_work_is_no_death_unless_it_never_ends():
    clock, steps = ManualClock(), [None, 5.0]
    pulse = Pulse(clock, lambda: steps)
    clock.advance(5 + STEP_S - 1)
    assert pulse.wrong() is None
    clock.advance(1)
    assert pulse.wrong() == "a step is at work for 600 s"
    steps[1] = None
    assert "no step is at work" in (pulse.wrong() or "")


class Heart:
    """Looks at its runner while it steps."""

    def __init__(self) -> None:
        self.next_offset, self.stepped_since = 0, []
        self.runner: PartitionRunner | None = None

    def receive(self, batch) -> Effects:
        assert self.runner is not None
        self.stepped_since.append(self.runner.step_since_s)
        if batch[0].value == b"bad":
            raise ZeroDivisionError
        self.next_offset = batch[-1].offset + 1
        return Effects((), ())

    def acknowledged(self, refused) -> list:
        return []

    def snapshot(self) -> Snapshot | None:
        return Snapshot(self.next_offset, {"a": b"12345", "b": b"678"})


class Snapshots:
    async def open(self, partition):
        return None

    async def commit(self, partition, snapshot):
        return None

    async def close(self, partition):
        return None


def runner(clock: ManualClock) -> PartitionRunner:
    heart = Heart()
    made = PartitionRunner(
        2, restore=lambda _p, _s: heart, publisher=None, store=None, snapshots=Snapshots(), clock=clock, snapshot_s=1,
    )  # fmt: skip
    heart.runner = made
    return made


def test_a_runner_says_since_when_it_steps_also_of_a_step_that_fails():
    async def scene() -> None:
        of = runner(ManualClock(elapsed_s=7.0))
        await of.open()
        await handle(of, [RawRecord(0, 0, b"v")])
        assert of.heart.stepped_since == [7.0] and of.step_since_s is None
        with pytest.raises(StepFailed):
            await handle(of, [RawRecord(1, 0, b"bad")])
        assert of.heart.stepped_since == [7.0, 7.0] and of.step_since_s is None

    asyncio.run(scene())


def test_a_runner_tells_the_bytes_of_its_last_snapshot_and_each_batch():
    async def scene() -> None:
        clock = ManualClock()
        of = runner(clock)
        await of.open()
        assert of.meters.snapshot_bytes is None
        clock.advance(2)
        await handle(of, [RawRecord(0, 0, b"v"), RawRecord(1, 0, b"v")])
        assert of.meters.snapshot_bytes == 8 and of.meters.batches.total == 2

    asyncio.run(scene())


def test_lag_is_what_waits_and_not_what_holds_no_records():
    """As after a transaction, whose marker takes an offset that no record has."""

    async def scene() -> None:
        hearts: list = []

        async def rewind(_partition: int, _offset: int) -> None:
            raise AssertionError("nothing went missing")

        owner = Partitions(
            lambda _p: runner(ManualClock()), rewind=rewind, fail=print, lease=lambda: True,
            released=lambda of: hearts.append(of.heart),
        )  # fmt: skip
        assert lag_of(owner, {2: 12}.get, 2) is None
        await owner.take_over({2: 0})
        records = [RawRecord(offset, 0, b"v") for offset in range(10)]
        await owner.accept(2, SimpleNamespace(start=0, end=11, records=records))
        assert lag_of(owner, {2: 12}.get, 2) == 12
        while owner.position(2) == 0:
            await asyncio.sleep(0.001)
        assert owner.position(2) == 11
        assert lag_of(owner, {2: 12}.get, 2) == 1 and lag_of(owner, {}.get, 2) is None
        await owner.give_up()
        assert len(hearts) == 1 and hearts[0] is not None

    asyncio.run(scene())


class Ends:
    def __init__(self) -> None:
        self.is_joined, self.ours = False, set()

    def joined(self) -> bool:
        return self.is_joined

    def assigned(self) -> set[int]:
        return self.ours


def test_a_worker_is_ready_once_it_joined_took_over_and_was_confirmed_lately():
    now_s, ends = [100.0], Ends()
    lease, owner = Lease(5.0, lambda: now_s[0]), SimpleNamespace(runners=lambda: {1: None})
    checks = group_checks(owner, ends, lease)

    def wrong() -> set[str]:
        return {name for name, check in checks.items() if check() is not None}

    assert wrong() == {"group", "heartbeat"}
    assert checks["heartbeat"]() == "the group has never confirmed us"
    ends.is_joined, ends.ours = True, {0, 1, 2}
    lease.renew()
    assert wrong() == {"partitions"}
    assert checks["partitions"]() == "partitions 0, 2 are given to us and not taken over"
    ends.ours = {1}
    assert wrong() == set()
    ends.ours = set()
    assert wrong() == set(), "one too many for the partitions stands by"
    now_s[0] += 6
    assert checks["heartbeat"]() == "the group confirmed us last 6 s ago"


def test_a_store_counts_as_down_after_a_while_and_not_before_anybody_tried():
    def store(failing_s):
        return SimpleNamespace(failing_s=failing_s, trouble="connection refused")

    assert [store_down(store(s)) for s in (None, 0.0, STORE_DOWN_S - 0.1)] == [None] * 3
    assert store_down(store(7.0)) == "InfluxDB has taken nothing for 7 s: connection refused"


@pytest.mark.parametrize(("signals", "most_bytes"), [(8, 100_000), (60, 750_000)])
@pytest.mark.parametrize("sampling", ["periodic", "on-change"])
def test_an_asset_takes_at_most_100_kb_of_8_signals_and_in_proportion_of_60(signals, most_bytes, sampling):
    declared = "".join(
        f'[types.pump.signals.s{at}_bar]\nkind = "gauge"\nunit = "bar"\nsampling = "{sampling}"\n'
        + ('max_silence = "45min"\n' if sampling == "on-change" else "")
        for at in range(signals)
    )
    pumps = "".join(f'[assets.p{at}]\ntype = "pump"\n' for at in range(64))
    partition = Partition(parse(f'plant = "big"\n[types.pump]\n{declared}{pumps}'), {})
    block = partition.state.blocks["pump"]
    for at in range(64):
        block.index_of(f"p{at}")
    block.make_room()
    assert partition.size.assets == 64
    assert 0 < partition.size.array_bytes <= 64 * most_bytes


def test_a_partition_knows_how_much_it_remembers():
    partition = Partition(tiny.plant(), tiny.models())
    assert partition.size == (0, 0)
    block = partition.state.blocks["pump"]
    for asset in ("pump-01", "pump-02"):
        block.index_of(asset)
    block.make_room()
    assert partition.size.assets == 2
    assert partition.size.array_bytes > block.tiers.minute_statistics.nbytes > 0
