"""One suite for every keeper of snapshots: a partition has one owner, and its state is kept whole or not at all."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pytest

from connectors.memory import MemorySnapshots
from pipelines.ports import Fenced, Snapshot, Snapshots

if TYPE_CHECKING:
    from tests.conformance.conftest import Workers

    Kept = AbstractAsyncContextManager[Workers]

ONE = Snapshot(10, {"a": b"a", "b": b"", "c/d": b"\x00\xff"})
TWO = Snapshot(25, {"a": b"only"}, ("b", "c/d"))
ONLY_TWO = Snapshot(25, {"a": b"only"})


def test_a_new_partition_has_no_snapshot(workers: Kept) -> None:
    async def body() -> None:
        async with workers as worker:
            assert await worker().open(0) is None

    asyncio.run(body())


def test_the_last_snapshot_committed_is_the_one_read(workers: Kept) -> None:
    async def body() -> None:
        async with workers as worker:
            first = worker()
            await first.open(0)
            await first.commit(0, ONE)
            await first.commit(0, TWO)
            await first.close(0)
            assert await worker().open(0) == ONLY_TWO

    asyncio.run(body())


def test_empty_and_binary_parts_come_back_as_they_were(workers: Kept) -> None:
    async def body() -> None:
        async with workers as worker:
            first = worker()
            await first.open(0)
            await first.commit(0, ONE)
            await first.close(0)
            assert await worker().open(0) == ONE

    asyncio.run(body())


def test_parts_stay_until_they_are_written_anew_or_dropped(workers: Kept) -> None:
    async def body() -> None:
        async with workers as worker:
            first = worker()
            await first.open(0)
            await first.commit(0, ONE)
            await first.commit(0, Snapshot(11, {"a": b"new", "e": b"more"}))
            await first.close(0)
            second = worker()
            assert await second.open(0) == Snapshot(11, {"a": b"new", "b": b"", "c/d": b"\x00\xff", "e": b"more"})
            await second.commit(0, Snapshot(12, {"f": b"last"}, ("a", "b")))
            await second.close(0)
            assert await worker().open(0) == Snapshot(12, {"c/d": b"\x00\xff", "e": b"more", "f": b"last"})

    asyncio.run(body())


def test_partitions_do_not_share_state(workers: Kept) -> None:
    async def body() -> None:
        async with workers as worker:
            first = worker()
            await first.open(0)
            await first.open(1)
            await first.commit(0, ONE)
            await first.commit(1, TWO)
            await first.close(0)
            await first.close(1)
            second = worker()
            assert (await second.open(0), await second.open(1)) == (ONE, ONLY_TWO)

    asyncio.run(body())


def test_a_worker_whose_partition_was_taken_over_is_fenced_and_changes_nothing(workers: Kept) -> None:
    async def body() -> None:
        async with workers as worker:
            old, new = worker(), worker()
            await old.open(0)
            await old.commit(0, ONE)
            assert await new.open(0) == ONE
            with pytest.raises(Fenced):
                await old.commit(0, TWO)
            await new.close(0)
            assert await worker().open(0) == ONE

    asyncio.run(body())


def test_taking_over_one_partition_leaves_the_others_with_their_owner(workers: Kept) -> None:
    async def body() -> None:
        async with workers as worker:
            old, new = worker(), worker()
            await old.open(0)
            await old.open(1)
            await new.open(0)
            await old.commit(1, TWO)

    asyncio.run(body())


def test_closing_a_partition_that_was_taken_over_is_quiet(workers: Kept) -> None:
    async def body() -> None:
        async with workers as worker:
            old, new = worker(), worker()
            await old.open(0)
            await new.open(0)
            await old.close(0)
            await new.commit(0, TWO)

    asyncio.run(body())


def test_the_fake_is_told_of_a_commit_without_open() -> None:
    keeper: Snapshots = MemorySnapshots()
    with pytest.raises(Fenced):
        asyncio.run(keeper.commit(0, ONE))
