"""The OPC UA feed against asyncua's own server, started in the test on a free port of the loopback."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from types import SimpleNamespace

import pytest
import structlog
from asyncua import Client, ua

from connectors.scada.feed import Reading
from connectors.scada.feeds.opcua import link, open_feed
from models.records import Quality
from tests.unit.connectors.scada.opcua_plant import (
    DEADLINE_S,
    MODE,
    RUNNING,
    SPEED,
    T0,
    T0_US,
    Plant,
    Taken,
    a_plant,
    config_of,
    data_value,
    free_port,
    running,
    until,
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(link, "FIRST_RETRY_S", 0.1)


def test_values_of_all_kinds_come_with_their_source_times():
    async def body():
        taken = Taken()
        async with a_plant() as plant, running(config_of(plant, nodes=(SPEED, MODE, RUNNING)), taken):
            await until(lambda: len(taken.readings) == 3)
            await plant.say(SPEED, 2.5, 60.25)
            await until(lambda: len(taken.readings) == 4)
        assert taken.readings == [
            Reading(SPEED, T0_US, 1.0),
            Reading(MODE, T0_US, "auto"),
            Reading(RUNNING, T0_US, True),
            Reading(SPEED, T0_US + 60_250_000, 2.5),
        ]

    asyncio.run(body())


def test_statuses_become_qualities_and_a_bad_value_is_none():
    async def body():
        taken = Taken()
        async with a_plant() as plant, running(config_of(plant), taken):
            await until(lambda: len(taken.readings) == 1)
            await plant.say(SPEED, 2.0, 1, ua.StatusCodes.UncertainLastUsableValue)
            await plant.say(SPEED, 3.0, 2, ua.StatusCodes.BadSensorFailure)
            await until(lambda: len(taken.readings) == 3)
        assert [(one.value, one.quality) for one in taken.readings] == [
            (1.0, Quality.GOOD),
            (2.0, Quality.UNCERTAIN),
            (None, Quality.BAD),
        ]

    asyncio.run(body())


def test_a_step_within_the_deadband_is_not_sent():
    async def body():
        taken = Taken()
        async with a_plant() as plant, running(config_of(plant, deadband={SPEED: 0.5}), taken):
            await until(lambda: len(taken.readings) == 1)
            await plant.say(SPEED, 1.3, 1)
            await plant.say(SPEED, 9.0, 2)
            await until(lambda: len(taken.readings) == 2)
        assert taken.values(SPEED) == [1.0, 9.0]

    asyncio.run(body())


def test_a_browse_path_is_an_address_as_well():
    async def body():
        taken = Taken()
        async with a_plant() as plant, running(config_of(plant, nodes=("/2:Pump01/2:Speed",)), taken):
            await until(lambda: taken.readings)
        assert taken.readings == [Reading("/2:Pump01/2:Speed", T0_US, 1.0)]

    asyncio.run(body())


def test_a_node_that_the_server_does_not_know_is_logged_once_and_the_others_go_on():
    async def body():
        taken, port = Taken(), free_port()
        nodes = ("ns=2;s=Nothing", "/2:Pump01/2:Nothing", SPEED)
        with structlog.testing.capture_logs() as logs:
            plant = await Plant(port).start()
            async with running(config_of(plant, nodes=nodes), taken):
                await until(lambda: len(taken.readings) == 1)
                await plant.stop()
                async with a_plant(port):
                    await until(lambda: len(taken.readings) == 2)
        refused = sorted(log["address"] for log in logs if log["event"] == "opcua-node-refused")
        assert refused == ["/2:Pump01/2:Nothing", "ns=2;s=Nothing"]

    asyncio.run(body())


def test_after_a_restart_of_the_server_its_values_come_again():
    async def body():
        taken, port = Taken(), free_port()
        plant = await Plant(port).start()
        async with running(config_of(plant), taken):
            await until(lambda: taken.readings)
            await plant.stop()
            async with a_plant(port) as plant:
                await until(lambda: len(taken.readings) == 2)
                await plant.say(SPEED, 7.0, 5)
                await until(lambda: len(taken.readings) == 3)
        assert taken.values(SPEED) == [1.0, 1.0, 7.0]

    asyncio.run(body())


def test_a_stop_while_a_session_is_being_closed_is_not_lost():
    class Deaf:
        uaclient = SimpleNamespace(protocol=None)

        async def disconnect(self):
            with contextlib.suppress(asyncio.CancelledError):  # as asyncua does while it awaits its own tasks
                await asyncio.sleep(60)

    async def body():
        closing = asyncio.create_task(link.close(Deaf()))
        await asyncio.sleep(0.01)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

    asyncio.run(body())


async def _gap(port: int, taken: Taken, config, *, historized: bool, rows: int) -> None:
    """A server that goes away and comes back, with rows of the time between in its history."""
    plant = await Plant(port).start()
    async with running(config(plant), taken):
        await until(lambda: taken.readings)
        await plant.stop()
        plant = Plant(port)
        await plant.server.init()
        if historized:
            storage = plant.server.iserver.history_manager.storage
            node = ua.NodeId.from_string(SPEED)
            await storage.new_historized_node(node, None)
            for row in range(rows):
                await storage.save_node_value(node, data_value(100.0 + row, 1 + row))
        else:
            plant.server.iserver.history_manager.read_history = _unsupported
        plant.server.init = _nothing
        await plant.start()
        try:
            await plant.say(SPEED, 5.0, 9999)
            await until(lambda: 5.0 in taken.values(SPEED))
        finally:
            await plant.stop()


async def _nothing() -> None: ...


async def _unsupported(params) -> list[ua.HistoryReadResult]:
    status = ua.StatusCode(ua.StatusCodes.BadHistoryOperationUnsupported)
    return [ua.HistoryReadResult(StatusCode=status) for _ in params.NodesToRead]


def test_the_time_away_is_filled_from_the_servers_history_in_order(monkeypatch):
    monkeypatch.setattr("connectors.scada.feeds.opcua.gaps.PAGE", 10)
    taken = Taken()
    asyncio.run(_gap(free_port(), taken, lambda p: config_of(p, fill_gaps=True), historized=True, rows=35))
    values = list(dict.fromkeys(v for v in taken.values(SPEED) if v >= 100))
    assert values == [100.0 + row for row in range(35)]
    assert taken.values(SPEED).index(134.0) < taken.values(SPEED).index(5.0)


def test_no_more_of_a_gap_is_read_than_the_bound():
    taken = Taken()
    config = lambda p: config_of(p, fill_gaps=True, gap_rows_per_node=4)  # noqa: E731
    with structlog.testing.capture_logs() as logs:
        asyncio.run(_gap(free_port(), taken, config, historized=True, rows=20))
    assert max(v for v in taken.values(SPEED)) < 110
    assert "opcua-gap-cut" in {log["event"] for log in logs}


def test_a_server_without_history_is_told_of_once_and_the_feed_goes_on():
    taken = Taken()
    with structlog.testing.capture_logs() as logs:
        config = lambda p: config_of(p, nodes=(SPEED, MODE), fill_gaps=True)  # noqa: E731
        asyncio.run(_gap(free_port(), taken, config, historized=False, rows=0))
    assert [log["event"] for log in logs].count("opcua-no-history") == 1


def test_an_event_is_a_reading_of_its_message_at_its_time():
    async def body():
        taken = Taken()
        async with a_plant() as plant:
            generator = await plant.server.get_event_generator()
            async with running(config_of(plant, nodes=(), events=("i=2253",)), taken):
                for count in range(500):  # an event before the subscription is nobody's
                    await generator.trigger(T0 + timedelta(seconds=count), f"oil low {count}")
                    await asyncio.sleep(0.02)
                    if taken.readings:
                        break
                await until(lambda: taken.readings)
        first = taken.readings[0]
        count = int(str(first.value).rpartition(" ")[2])
        assert first == Reading("i=2253#events", T0_US + count * 1_000_000, f"oil low {count}")

    asyncio.run(body())


def test_the_server_sees_no_write_and_no_call_but_condition_refresh():
    async def body():
        taken = Taken()
        async with a_plant() as plant:
            await plant.server.get_event_generator()
            config = config_of(plant, nodes=(SPEED, MODE), events=("i=2253",), fill_gaps=True)
            async with running(config, taken):
                await until(lambda: len(taken.readings) == 2 and plant.calls)
                await plant.say(SPEED, 2.0, 1)
                await until(lambda: len(taken.readings) == 3)
            assert plant.writes == 0
            assert plant.calls == [ua.ObjectIds.ConditionType_ConditionRefresh]
            async with Client(plant.url) as other:  # the count counts
                await other.get_node(SPEED).write_value(3.0)
            assert plant.writes == 1

    asyncio.run(body())


def test_a_node_that_the_server_gets_later_is_subscribed_to_then(monkeypatch):
    monkeypatch.setattr(link, "REFUSED_S", 0.1)

    async def body():
        taken = Taken()
        async with a_plant() as plant, running(config_of(plant, nodes=(SPEED, "ns=2;s=Late")), taken):
            await until(lambda: taken.readings)
            await plant.server.nodes.objects.add_variable("ns=2;s=Late", "2:Late", 4.0)
            await until(lambda: taken.of("ns=2;s=Late"))
        assert len(taken.of(SPEED)) == 1

    asyncio.run(body())


def test_a_server_that_ends_a_message_in_the_middle_and_talks_rubbish_is_tried_again():
    async def body():
        taken, port, met = Taken(), free_port(), []

        async def rubbish(_reader, writer) -> None:
            met.append(1)
            writer.write(b"ACKF\xff\x00" if len(met) == 1 else b"GET / HTTP/1.1\r\n\r\n" * 50)
            writer.close()

        server = await asyncio.start_server(rubbish, "127.0.0.1", port)
        plant = Plant(port)
        async with running(config_of(plant), taken):
            await until(lambda: len(met) >= 2)
            server.close()
            await server.wait_closed()
            await plant.start()
            try:
                await until(lambda: taken.readings)
            finally:
                await plant.stop()

    asyncio.run(body())


def test_what_the_taker_raises_ends_the_feed():
    async def take(_read, *, settled: bool = False) -> None:
        raise RuntimeError("the relay is broken")

    async def body():
        async with a_plant() as plant:
            await asyncio.wait_for(open_feed(config_of(plant)).run(take), DEADLINE_S)

    with pytest.raises(RuntimeError, match="the relay is broken"):
        asyncio.run(body())
