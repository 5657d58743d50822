"""Which writes go out together, which wait for each other, and who is told what."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from connectors.influx.batches import Batch, apart
from connectors.influx.lines import encode
from connectors.influx.posts import Posts
from pipelines.ports import Refusal, Rows, StoreDown

MOMENT_S = 0.005


def batch(*lines: str, table: int = 0, tables: int = 1) -> Batch:
    count = len(lines)
    return Batch(pl.Series(lines), np.full(count, table), np.arange(count), np.zeros(count, np.int64), tables)


class Server:
    """Takes a post when its gate is open; notes the lines of each; refuses or fails as told."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.posts: list[str] = []
        self.taken: list[str] = []
        self.refuses = ""
        self.error: Exception | None = None

    async def send(self, whole: Batch) -> Sequence[Refusal]:
        lines = whole.text.to_list()
        self.posts.append(" ".join(lines))
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.taken += [line for line in lines if line != self.refuses]
        return [
            one
            for at, line in enumerate(lines)
            if line == self.refuses
            for one in whole.take(np.array([at])).refuse("no")
        ]


def play(script: Callable[[Server, Posts], Coroutine[Any, Any, None]], in_flight: int = 2, most: int = 4) -> Server:
    async def scene() -> Server:
        server = Server()
        await script(server, Posts(server.send, lambda: most, in_flight))
        return server

    return asyncio.run(asyncio.wait_for(scene(), 10))


def write(posts: Posts, *lines: str, assets: str, **more: int) -> asyncio.Task[list[Refusal]]:
    return asyncio.create_task(posts.write(batch(*lines, **more), frozenset(assets)))


def test_what_waits_goes_out_together_as_much_as_fits() -> None:
    async def script(server: Server, posts: Posts) -> None:
        writes = [write(posts, f"{asset}1", assets=asset) for asset in "abcdefg"]
        await asyncio.sleep(MOMENT_S)
        assert server.posts == ["a1", "b1"]
        server.gate.set()
        await asyncio.gather(*writes)
        assert server.posts[2:] == ["c1 d1 e1 f1", "g1"]

    play(script)


def test_lines_of_an_asset_never_overtake_each_other() -> None:
    async def script(server: Server, posts: Posts) -> None:
        writes = [write(posts, f"{asset}{at}", assets=asset) for at in range(3) for asset in "ab"]
        await asyncio.sleep(MOMENT_S)
        assert server.posts == ["a0", "b0"]
        server.gate.set()
        await asyncio.gather(*writes)
        for asset in "ab":
            assert [line for line in server.taken if line[0] == asset] == [f"{asset}{at}" for at in range(3)]

    play(script, in_flight=4, most=1)


def test_one_that_waits_for_its_asset_holds_up_those_behind_it_that_share_another() -> None:
    async def script(server: Server, posts: Posts) -> None:
        writes = [write(posts, name, assets=name[:-1]) for name in ("a0", "ab1", "b2")]
        await asyncio.sleep(MOMENT_S)
        assert server.posts == ["a0"]
        server.gate.set()
        await asyncio.gather(*writes)
        assert server.taken == ["a0", "ab1", "b2"]

    play(script, most=1)


def test_each_writer_is_told_its_own_refusals() -> None:
    async def script(server: Server, posts: Posts) -> None:
        first = write(posts, "x", assets="x")
        await asyncio.sleep(MOMENT_S)
        together = [write(posts, "a", assets="a", tables=3), write(posts, "b", "bad", assets="b", table=1, tables=2)]
        await asyncio.sleep(MOMENT_S)
        server.refuses = "bad"
        server.gate.set()
        assert [await each for each in (first, *together)] == [[], [], [Refusal(1, 1, "no")]]
        assert server.posts == ["x", "a b bad"]

    play(script, in_flight=1)


def test_an_error_is_told_to_all_whose_lines_went_out_together() -> None:
    async def script(server: Server, posts: Posts) -> None:
        server.error = StoreDown("down")
        writes = [write(posts, asset, assets=asset) for asset in "abc"]
        server.gate.set()
        assert [str(each) for each in await asyncio.gather(*writes, return_exceptions=True)] == ["down"] * 3
        server.error = None
        assert await posts.write(batch("a"), frozenset("a")) == []

    play(script, in_flight=1)


@pytest.mark.parametrize("cancelled", [0, 1, 2])
def test_lines_of_one_that_is_cancelled_are_not_sent_again_and_the_others_are(cancelled: int) -> None:
    async def script(server: Server, posts: Posts) -> None:
        first = write(posts, "x", assets="x")
        await asyncio.sleep(MOMENT_S)
        writes = [write(posts, asset, assets=asset) for asset in "abc"]
        await asyncio.sleep(MOMENT_S)
        server.gate.set()
        await first
        server.gate.clear()
        await asyncio.sleep(MOMENT_S)
        assert server.posts == ["x", "a b c"]
        writes[cancelled].cancel()
        await asyncio.sleep(MOMENT_S)
        server.gate.set()
        kept = [each for at, each in enumerate(writes) if at != cancelled]
        assert await asyncio.gather(*kept) == [[], []]
        assert server.taken == ["x", *(asset for asset in "abc" if asset != "abc"[cancelled])]

    play(script, in_flight=1)


def test_one_that_is_cancelled_while_it_waits_is_never_sent() -> None:
    async def script(server: Server, posts: Posts) -> None:
        first, second = write(posts, "a0", assets="a"), write(posts, "a1", assets="a")
        await asyncio.sleep(MOMENT_S)
        second.cancel()
        server.gate.set()
        await first
        assert await posts.write(batch("a2"), frozenset("a")) == []
        assert server.taken == ["a0", "a2"]

    play(script)


def test_a_large_write_is_parted_by_assets_and_no_line_is_lost() -> None:
    names = tuple("abcdefgh")
    rows = Rows("pump", "demo", names, np.arange(80) % 8, np.arange(80), {"x": np.arange(80.0)})
    parts = apart([rows], [encode(rows)], 4)
    assert len(parts) > 1
    assert sorted(row for part, _ in parts for row in part.row.tolist()) == list(range(80))
    for part, assets in parts:
        assert {names[row % 8] for row in part.row.tolist()} <= assets
    whole = [asset for _, assets in parts for asset in assets]
    assert sorted(whole) == list(names)
