"""The store against a server that misbehaves on cue: what is tried again, for how long, and what is given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from aiohttp import web

from connectors.influx.store import InfluxStore, WriteOptions
from connectors.influx.target import InfluxMisconfigured, Target
from pipelines.ports import Refusal, Rows, StoreDown

QUICK = WriteOptions(
    lines_per_post=100, in_flight=2, give_up_s=1.0, first_pause_s=0.01, longest_pause_s=0.05, timeout_s=0.3
)
Reply = Callable[[str], web.Response | None]


def rows(count: int) -> Rows:
    return Rows(
        "pump", "demo", ("a", "b", "c"), np.arange(count) % 3, np.arange(count), {"x": np.arange(count, dtype=float)}
    )


@asynccontextmanager
async def serving(
    reply: Reply, options: WriteOptions = QUICK, line_s: float = 0.0
) -> AsyncIterator[tuple[InfluxStore, list[str]]]:
    """A store on a server that keeps what it takes; `reply` says what it answers instead, or None. Yields both."""
    taken: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.text()
        await asyncio.sleep(line_s * len(body.split("\n")))
        refusal = reply(body)
        if refusal is None:
            taken.extend(body.split("\n"))
            return web.Response(status=204)
        return refusal

    app = web.Application()
    app.router.add_post("/api/v2/write", handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with InfluxStore(Target(f"http://127.0.0.1:{port}", "t", "o", "b"), options) as store:
            yield store, taken
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_trouble_that_passes_is_not_noticed(status: int) -> None:
    troubles = [status] * 3

    async def body() -> None:
        async with serving(lambda _: web.Response(status=troubles.pop()) if troubles else None) as (store, taken):
            assert not await store.write([rows(500)])
            assert len(set(taken)) == 500

    asyncio.run(body())


def test_a_store_knows_how_it_fares() -> None:
    answers = [None, 503, 503, None, 401]

    def reply(_: str) -> web.Response | None:
        status = answers.pop(0)
        return web.Response(status=status, text="no way") if status else None

    async def body() -> None:
        async with serving(reply) as (store, _):
            assert store.failing_s is None and store.tried_s is None
            await store.write([rows(1)])
            assert (store.failing_s, store.retries, store.trouble) == (0.0, 0, "")
            waits = asyncio.create_task(store.write([rows(1)]))
            while len(answers) > 3:
                await asyncio.sleep(0.001)
            await waits
            assert (store.failing_s, store.retries, store.trouble) == (0.0, 2, "")
            with pytest.raises(InfluxMisconfigured):
                await store.write([rows(1)])
            assert store.answers == {"stored": 2, "again": 2, "misconfigured": 1}
            assert (store.failing_s or 0.0) > 0 and store.trouble == "no way"

    asyncio.run(body())


def test_a_refused_line_is_no_trouble_of_the_store() -> None:
    async def body() -> None:
        async with serving(lambda _: web.Response(status=400, text="partial write: dropped=1")) as (store, _):
            assert len(await store.write([rows(1)])) == 1
            assert store.failing_s == 0.0 and store.answers == {"bad-lines": 1}

    asyncio.run(body())


def test_trouble_that_stays_raises_store_down_in_bounded_time() -> None:
    async def body() -> None:
        async with serving(lambda _: web.Response(status=503, text="overloaded")) as (store, _):
            with pytest.raises(StoreDown, match=r"overloaded.*write the same again"):
                await asyncio.wait_for(store.write([rows(500)]), timeout=5)

    asyncio.run(body())


def test_an_address_where_nothing_listens_raises_store_down() -> None:
    async def body() -> None:
        async with InfluxStore(Target("http://127.0.0.1:9", "t", "o", "b"), QUICK) as store:
            with pytest.raises(StoreDown, match=r"http://127\.0\.0\.1:9"):
                await store.write([rows(1)])

    asyncio.run(body())


def test_retry_after_is_waited_for() -> None:
    told: list[float] = []

    async def body() -> None:
        now = asyncio.get_running_loop().time

        def reply(_: str) -> web.Response | None:
            told.append(now())
            return web.Response(status=503, headers={"Retry-After": "0.5"}) if len(told) == 1 else None

        async with serving(reply) as (store, _):
            await store.write([rows(1)])
            assert told[1] - told[0] >= 0.5

    asyncio.run(body())


def test_a_retry_after_past_the_deadline_gives_up_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    waited = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async def body() -> None:
        async with serving(lambda _: web.Response(status=503, headers={"Retry-After": "60"})) as (store, _):
            monkeypatch.setattr(asyncio, "sleep", sleep)
            with pytest.raises(StoreDown, match="in 1 tries"):
                await store.write([rows(1)])
            monkeypatch.undo()
            assert not any(waited)  # the server's own pauses are of no length

    asyncio.run(body())


def test_lines_that_the_server_cannot_read_are_found_and_named_by_row() -> None:
    """As 2.7 does: one line it cannot parse, and nothing of the post is stored."""
    bad = {17, 18, 333}

    def reply(body: str) -> web.Response | None:
        if any(int(line.rsplit(" ", 1)[1]) in bad for line in body.split("\n")):
            return web.json_response({"code": "invalid", "message": "unable to parse 'x'"}, status=400)
        return None

    async def body() -> None:
        async with serving(reply) as (store, taken):
            refused = await store.write([rows(3), rows(500)])
            assert refused == [Refusal(1, row, "unable to parse 'x'") for row in sorted(bad)]
            assert len(set(taken)) == 500 - len(bad)

    asyncio.run(body())


def test_a_single_line_too_large_is_refused() -> None:
    def reply(body: str) -> web.Response | None:
        return web.Response(status=413, text="too large") if "asset=b" in body else None

    async def body() -> None:
        async with serving(reply) as (store, taken):
            assert [one.row for one in await store.write([rows(30)])] == list(range(1, 30, 3))
            assert len(taken) == 20

    asyncio.run(body())


def test_posts_of_one_asset_keep_their_order_while_the_first_is_tried_again() -> None:
    troubles = [503, 503]

    def reply(_: str) -> web.Response | None:
        return web.Response(status=troubles.pop()) if troubles else None

    async def body() -> None:
        async with serving(reply) as (store, taken):
            await asyncio.gather(*(store.write([rows(250)]) for _ in range(3)))
            for asset in "abc":
                times = [int(line.rsplit(" ", 1)[1]) for line in taken if f"asset={asset}" in line]
                assert times == sorted(times[: len(times) // 3]) * 3

    asyncio.run(body())


def test_a_store_that_is_not_open_says_so() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        asyncio.run(InfluxStore(Target("http://127.0.0.1:9", "t", "o", "b")).write([rows(1)]))


def test_a_server_too_slow_for_large_posts_gets_small_ones() -> None:
    options = replace(QUICK, lines_per_post=2000, in_flight=1, timeout_s=0.5, give_up_s=3.0)

    async def body() -> None:
        async with serving(lambda _: None, options, line_s=0.001) as (store, taken):
            for _ in range(2):
                assert not await store.write([rows(3000)])
            assert len(set(taken)) == 3000

    asyncio.run(body())


def test_a_server_that_never_answers_is_down_after_the_given_time() -> None:
    options = replace(QUICK, lines_per_post=2000, in_flight=1)

    async def body() -> None:
        async with serving(lambda _: None, options, line_s=1.0) as (store, _):
            began = asyncio.get_running_loop().time()
            with pytest.raises(StoreDown):
                await store.write([rows(1500)])
            assert asyncio.get_running_loop().time() - began < 3.0

    asyncio.run(body())
