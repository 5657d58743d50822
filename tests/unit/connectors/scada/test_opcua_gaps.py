"""The time away of the feed itself is read from the server's history, from where all was safe."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import structlog
from asyncua import ua

from connectors.scada.feed import Read
from connectors.scada.feeds.opcua import gaps, link, open_feed
from tests.unit.connectors.scada.opcua_plant import SPEED, T0_US, Plant, Taken, a_plant, config_of, data_value, until


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(link, "FIRST_RETRY_S", 0.1)
    monkeypatch.setattr(gaps, "KEEP_EVERY_S", 0.05)


@asynccontextmanager
async def fed(plant: Plant, take, folder: Path):
    feed = open_feed(config_of(plant, fill_gaps=True), folder=folder)
    task = asyncio.create_task(feed.run(take))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _remembers(plant: Plant) -> None:
    """The server has a history of the speed, of what is written to it."""
    await plant.server.iserver.history_manager.storage.new_historized_node(ua.NodeId.from_string(SPEED), None)


async def _was(plant: Plant, value: float, seconds: float) -> None:
    storage = plant.server.iserver.history_manager.storage
    await storage.save_node_value(ua.NodeId.from_string(SPEED), data_value(value, seconds))


def kept(folder: Path) -> dict[str, int]:
    file = folder / gaps.FILE
    return msgspec.json.decode(file.read_bytes()) if file.is_file() else {}


def test_what_was_missed_while_the_feed_did_not_run_is_read_from_the_history(tmp_path: Path) -> None:
    async def body():
        taken = Taken()
        async with a_plant() as plant:
            await _remembers(plant)
            async with fed(plant, taken.take, tmp_path):
                await plant.say(SPEED, 2.0, 10)
                await until(lambda: kept(tmp_path) == {SPEED: T0_US + 10_000_000})
            await _was(plant, 99.0, 5)  # before what was read: not asked for again
            for row in range(20):
                await _was(plant, 100.0 + row, 11 + row)
            await plant.say(SPEED, 3.0, 60)
            async with fed(plant, taken.take, tmp_path):
                await until(lambda: 3.0 in taken.values(SPEED))
        values = taken.values(SPEED)
        assert [value for value in dict.fromkeys(values) if value >= 100] == [100.0 + row for row in range(20)]
        assert 99.0 not in values and values.index(119.0) < values.index(3.0)

    asyncio.run(body())


def test_no_time_is_kept_that_is_not_settled(tmp_path: Path) -> None:
    safe = asyncio.Event()

    async def take(read: Read, *, settled: bool = False) -> None:
        if settled:
            await safe.wait()

    async def body():
        async with a_plant() as plant, fed(plant, take, tmp_path):
            await plant.say(SPEED, 2.0, 10)
            await asyncio.sleep(0.5)
            assert kept(tmp_path) == {}
            safe.set()
            await until(lambda: kept(tmp_path) == {SPEED: T0_US + 10_000_000})

    asyncio.run(body())


@pytest.mark.parametrize("rubbish", [b"", b"{", b"\xff", b'{"a": "b"}', b"[1]"])
def test_a_file_of_times_that_is_spoilt_is_told_of_and_the_feed_goes_on_without(tmp_path: Path, rubbish) -> None:
    (tmp_path / gaps.FILE).write_bytes(rubbish)

    async def body():
        taken = Taken()
        with structlog.testing.capture_logs() as logs:
            async with a_plant() as plant, fed(plant, taken.take, tmp_path):
                await until(lambda: taken.readings)
        assert "kept-unread" in {log["event"] for log in logs}

    asyncio.run(body())


def _slow_second_read(plant: Plant) -> tuple[asyncio.Event, asyncio.Event]:
    """The server's second answer about history is held: (it was asked for, it may go)."""
    manager, asked, goes = plant.server.iserver.history_manager, asyncio.Event(), asyncio.Event()
    answer, count = manager.read_history, []

    async def slow(params):
        count.append(1)
        if len(count) == 2:
            asked.set()
            await goes.wait()
        return await answer(params)

    manager.read_history = slow
    return asked, goes


def _known(folder: Path) -> None:
    (folder / gaps.FILE).write_bytes(msgspec.json.encode({SPEED: T0_US}))


def test_what_is_published_during_the_second_read_of_history_is_held_until_its_end(tmp_path: Path) -> None:
    _known(tmp_path)

    async def body():
        taken = Taken()
        async with a_plant() as plant:
            await _remembers(plant)
            asked, goes = _slow_second_read(plant)
            async with fed(plant, taken.take, tmp_path):
                await asyncio.wait_for(asked.wait(), 10)
                await _was(plant, 50.0, 20)
                for row in range(5):
                    await plant.say(SPEED, 100.0 + row, 30 + row)
                    await asyncio.sleep(0.05)
                assert not taken.values(SPEED) or max(taken.values(SPEED)) < 50
                goes.set()
                await until(lambda: 104.0 in taken.values(SPEED))
        late = [value for value in taken.values(SPEED) if value >= 50]
        assert late == [50.0, 100.0, 101.0, 102.0, 103.0, 104.0]

    asyncio.run(body())


def test_what_was_held_when_the_server_went_away_is_read_from_its_history(tmp_path: Path) -> None:
    _known(tmp_path)

    async def body():
        taken = Taken()
        with structlog.testing.capture_logs() as logs:
            await scene(taken)
        assert "opcua-away" in {log["event"] for log in logs}
        assert 100.0 in taken.values(SPEED)

    async def scene(taken: Taken):
        async with a_plant() as plant:
            await _remembers(plant)
            asked, goes = _slow_second_read(plant)
            async with fed(plant, taken.take, tmp_path):
                await asyncio.wait_for(asked.wait(), 10)
                await plant.say(SPEED, 100.0, 30)
                await _was(plant, 100.0, 30)
                await plant.say(SPEED, 1.0, 40)
                await asyncio.sleep(0.2)
                for client in list(plant.server.bserver.clients):
                    client.transport.close()
                goes.set()
                await until(lambda: 1.0 in taken.values(SPEED))

    asyncio.run(body())
