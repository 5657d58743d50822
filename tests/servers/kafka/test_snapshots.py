"""Snapshots on a real broker: whole or not at all, of one owner, and only with the log they belong to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaProducer

from connectors.kafka.plain import read
from connectors.kafka.snapshots import REQUEST_BYTES, KafkaSnapshots, StateUnusable
from pipelines.ports import Fenced, Snapshot
from pipelines.topics import Topic, named
from tests.kit import next_layout
from tests.servers.kafka.trial import Trial

pytestmark = pytest.mark.servers

GROUP = "g"
LARGE = {f"part-{n}": os.urandom(450_000) for n in range(3)}
OTHER = {f"part-{n}": os.urandom(450_000) for n in range(3)}
SMALL = {"part-0": b"small"}


def run(trial: Trial, play: Callable[[KafkaSnapshots, KafkaSnapshots], Awaitable[None]]) -> None:
    """Play with two workers' snapshots."""

    async def both() -> None:
        first = KafkaSnapshots(trial.address, GROUP, trial.prefix)
        second = KafkaSnapshots(trial.address, GROUP, trial.prefix)
        try:
            await play(first, second)
        finally:
            await first.stop()
            await second.stop()

    asyncio.run(both())


def test_a_partition_begins_without_a_snapshot(trial: Trial) -> None:
    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        assert await first.open(0) is None

    run(trial, play)


def test_what_was_kept_is_restored_though_it_exceeds_a_megabyte(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        await first.open(0)
        await first.commit(0, Snapshot(4, LARGE))
        await first.commit(0, Snapshot(7, OTHER))
        assert await second.open(0) == Snapshot(7, OTHER)
        assert await second.open(1) is None

    run(trial, play)


def test_parts_that_are_dropped_are_deleted(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        await first.open(0)
        await first.commit(0, Snapshot(4, LARGE))
        assert await second.open(0) == Snapshot(4, LARGE)
        await second.commit(0, Snapshot(5, SMALL, ("part-1", "part-2")))
        assert await first.open(0) == Snapshot(5, SMALL)

    run(trial, play)
    last = {record.key: record.value for record in read(trial.address, named(trial.prefix, Topic.STATE))}
    assert {key: value for key, value in last.items() if b"part" in (key or b"") and value} == {b"g/0/part-0": b"small"}


def test_parts_of_earlier_snapshots_count_until_a_restart_and_after_it(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        await first.open(0)
        await first.commit(0, Snapshot(4, LARGE))
        await first.commit(0, Snapshot(5, SMALL))
        assert await second.open(0) == Snapshot(5, LARGE | SMALL)
        await second.commit(0, Snapshot(6, {"more": b"1"}, ("part-1",)))
        assert await first.open(0) == Snapshot(6, {"part-2": LARGE["part-2"], "more": b"1"} | SMALL)

    run(trial, play)


def test_a_snapshot_without_parts_is_restored(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        await first.open(0)
        await first.commit(0, Snapshot(4, {}))
        assert await second.open(0) == Snapshot(4, {})

    run(trial, play)


def test_who_was_taken_over_from_is_fenced_and_not_seen(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        await first.open(0)
        await first.commit(0, Snapshot(4, SMALL))
        assert await second.open(0) == Snapshot(4, SMALL)
        with pytest.raises(Fenced):
            await first.commit(0, Snapshot(9, LARGE))
        with pytest.raises(Fenced):
            await first.commit(0, Snapshot(9, LARGE))
        await second.commit(0, Snapshot(5, SMALL))
        assert await first.open(0) == Snapshot(5, SMALL)

    run(trial, play)


def test_an_unfinished_transaction_is_not_seen(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        await first.open(0)
        await first.commit(0, Snapshot(4, SMALL))
        await first.close(0)
        half = AIOKafkaProducer(bootstrap_servers=trial.address, transactional_id=f"{trial.prefix}{GROUP}-0")
        await half.start()
        await half.begin_transaction()
        await half.send_and_wait(named(trial.prefix, Topic.STATE), b"half", b"g/0/part-0", 0)
        try:
            assert await second.open(0) == Snapshot(4, SMALL)
        finally:
            await asyncio.wait_for(half.client.close(), 5)
            half._closed = True
            half._sender.sender_task.cancel()

    run(trial, play)


def test_a_manifest_is_found_behind_many_other_records(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        other = KafkaSnapshots(trial.address, "other", trial.prefix)
        await first.open(0)
        await first.commit(0, Snapshot(4, SMALL))
        await other.open(0)
        for _ in range(60):
            await other.commit(0, Snapshot(3, SMALL))
        assert await second.open(0) == Snapshot(4, SMALL)
        assert await other.open(0) == Snapshot(3, SMALL)
        await other.stop()

    run(trial, play)


def test_a_part_that_fits_no_message_is_refused_and_the_partition_kept(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        await first.open(0)
        with pytest.raises(ValueError, match="fits no message"):
            await first.commit(0, Snapshot(4, {"large": bytes(REQUEST_BYTES)}))
        await first.commit(0, Snapshot(4, SMALL))
        assert await second.open(0) == Snapshot(4, SMALL)

    run(trial, play)


def test_a_snapshot_beyond_the_log_is_an_error_that_says_what_to_do(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        await first.open(0)
        await first.commit(0, Snapshot(11, SMALL))
        with pytest.raises(StateUnusable, match="stop all workers and delete"):
            await second.open(0)

    run(trial, play)


def test_a_snapshot_of_another_version_is_an_error_that_says_what_to_do(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        async with AIOKafkaProducer(bootstrap_servers=trial.address) as before:
            old = b'{"next_offset":4,"partitions":2,"chunks":1,"first_offset":0,"sha256":""}'
            await before.send_and_wait(named(trial.prefix, Topic.STATE), old, b"g/0/manifest", 0)
        with pytest.raises(StateUnusable, match=r"of another version .* start a new group"):
            await second.open(0)

    run(trial, play)


def test_another_number_of_partitions_is_an_error(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        await first.open(0)
        first._owners[0].partitions = 6
        await first.commit(0, Snapshot(4, SMALL))
        with pytest.raises(StateUnusable, match="has 2 partitions, but its state was kept when it had 6"):
            await second.open(0)

    run(trial, play)


def test_each_layout_goes_on_from_the_last_that_it_can_read_and_leaves_what_others_wrote(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        with next_layout.in_place():
            later = KafkaSnapshots(trial.address, GROUP, trial.prefix)
        await first.open(0)
        await first.commit(0, Snapshot(4, {"a": b"4", "b": b"4"}))
        assert await later.open(0) == Snapshot(4, {"a": b"4", "b": b"4"})
        await later.commit(0, Snapshot(7, {"a": b"7"}))
        with pytest.raises(Fenced):
            await first.commit(0, Snapshot(5, SMALL))
        assert await second.open(0) == Snapshot(4, {"a": b"4", "b": b"4"})
        assert await later.open(0) == Snapshot(7, {"a": b"7"})
        await second.open(0)
        await second.commit(0, Snapshot(5, {"a": b"5"}))
        assert await later.open(0) == Snapshot(5, {"a": b"5", "b": b"4"})
        await later.stop()

    run(trial, play)


def test_the_state_of_a_later_version_alone_is_an_error_that_says_what_to_do(trial: Trial) -> None:
    trial.send(10)

    async def play(first: KafkaSnapshots, second: KafkaSnapshots) -> None:
        with next_layout.in_place():
            later = KafkaSnapshots(trial.address, GROUP, trial.prefix)
        await later.open(0)
        await later.commit(0, Snapshot(4, SMALL))
        await later.stop()
        with pytest.raises(StateUnusable, match=r"by another version alone .*FOREWARN_GROUP"):
            await first.open(0)
        assert await first.open(1) is None

    run(trial, play)
