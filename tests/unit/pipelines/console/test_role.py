"""The follower: it tells only what is new, says when the log is away, and goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from msgspec.structs import replace
from structlog.testing import capture_logs

from pipelines.console import role
from pipelines.console.ports import Came
from pipelines.console.role import Follower
from pipelines.console.standing import Standing
from pipelines.topics import Topic
from tests.kit.followed import PLANT, MemoryLog, came, forecast
from tests.kit.warned import alert


def followed(log: MemoryLog, then: Callable[[Follower], Coroutine], monkeypatch) -> str:
    """All that was told to whoever listens from the beginning."""
    monkeypatch.setattr(role, "GATHER_S", 0.001)
    monkeypatch.setattr(role, "AGAIN_S", 0.001)

    async def run() -> str:
        follower = Follower(log, Standing(PLANT), (KeyError,))
        task = asyncio.create_task(follower.run())
        await asyncio.wait_for(follower.caught_up(), 5)
        await then(follower)
        task.cancel()
        await asyncio.wait({task})
        assert log.closed == 1
        return (await follower.feed.after(0, lambda _: True, 0.01))[1].decode()

    return asyncio.run(run())


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.001)


def test_what_was_there_at_the_beginning_is_folded_and_not_told(monkeypatch):
    log = MemoryLog(came(alert(), forecast("pump-01", 1)))

    async def then(follower: Follower) -> None:
        assert len(follower.standing.cases) == 1
        log.put(*came(forecast("pump-01", 2)))
        await until(lambda: follower.standing.asset("pump-01").window_end_us == forecast("pump-01", 2).window_end_us)

    told = followed(log, then, monkeypatch)
    assert told.count("event: assets") == 1 and "event: warning" not in told


def test_a_log_that_is_away_is_told_and_asked_again_and_nothing_is_missed(monkeypatch):
    log = MemoryLog()

    async def then(follower: Follower) -> None:
        log.fails = KeyError("away")
        await until(lambda: log.fails is None)
        log.put(*came(alert()))
        await until(lambda: bool(follower.standing.cases) and follower.is_following)

    told = followed(log, then, monkeypatch)
    said = [line for line in told.splitlines() if "is_following" in line]
    assert said == [f'data: {{"is_following":{word}}}' for word in ("true", "false", "true")]
    assert told.count("event: warning") == 1


def test_records_that_cannot_be_read_are_told_in_the_log_and_not_each_of_them(monkeypatch):
    log = MemoryLog()

    async def then(follower: Follower) -> None:
        for number in range(1, 101):
            log.put(Came(Topic.ALERTS, 0, b"", b"{"))
            await until(lambda seen=number: follower.standing.odd == seen)

    with capture_logs() as told:
        followed(log, then, monkeypatch)
    assert [one["records"] for one in told if one["event"] == "cannot-read"] == [1, 2, 4, 8, 16, 32, 64]


def test_an_edited_plant_file_has_everybody_load_anew(monkeypatch):
    async def then(follower: Follower) -> None:
        follower.change_plant(replace(PLANT, assets={"pump-01": PLANT.assets["pump-01"]}))
        assert [one.asset for one in follower.standing.assets()] == ["pump-01"]

    assert "event: reset" in followed(MemoryLog(), then, monkeypatch)
