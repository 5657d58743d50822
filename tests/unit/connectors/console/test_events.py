"""A stream lasts as long as what it was asked with: a key's for as long as somebody listens, a token's no longer."""

from __future__ import annotations

import asyncio
import time

from connectors.console import events
from connectors.console.keys import Caller, Role
from pipelines.console.feed import Change, Feed, Kind

KIM = Caller("kim", Role.VIEWER)


def heard(caller: Caller, for_s: float) -> tuple[bytes, bool]:
    """What came on a stream, and whether it ended by itself."""

    async def listens() -> tuple[bytes, bool]:
        feed, came = Feed(), []

        async def listen() -> None:
            came.extend([part async for part in events._stream(feed, "", caller)])

        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        feed.put([Change(Kind.LOG, None, {})])
        done, _ = await asyncio.wait({listening}, timeout=for_s)
        listening.cancel()
        return b"".join(came), bool(done)

    return asyncio.run(listens())


def test_a_stream_by_a_token_ends_with_it():
    came, is_over = heard(KIM._replace(until_s=time.time() + 0.1), 5)
    assert is_over and b"event: log" in came


def test_who_hears_nothing_of_much_that_comes_is_told_that_the_line_lives(monkeypatch):
    monkeypatch.setattr(events, "ALIVE_S", 0.1)

    async def listens() -> tuple[int, float]:
        feed, came, began_s = Feed(), [], time.monotonic()

        async def listen() -> None:
            async for part in events._stream(feed, "", KIM._replace(sites=frozenset({"mill"}))):
                came.append(part)

        listening = asyncio.create_task(listen())
        for _ in range(50):
            await asyncio.sleep(0.01)
            feed.put([Change(Kind.WARNING, "quay", {})])
        listening.cancel()
        assert set(came) == {b": \n\n"}
        return len(came), time.monotonic() - began_s

    beats, took_s = asyncio.run(listens())
    assert 3 <= beats <= 1 + took_s / 0.1


def test_a_stream_by_a_key_goes_on():
    assert not heard(KIM, 0.3)[1]
