"""What `connect discover opcua` finds on asyncua's own server, started in the test on a free port of the loopback."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest
from asyncua import ua
from rich.console import Console

from connectors.scada.discover import Found, Limits, Survey
from connectors.scada.discover.plantfile import write
from connectors.scada.feed import FeedError, Read, Reading
from connectors.scada.feeds import opcua
from connectors.scada.feeds.opcua import browse
from connectors.scada.mapping import Mapper
from models.plant import SignalKind, parse
from pipelines.cli.discover import discover as look
from tests.kit.ports import free_port
from tests.unit.connectors.scada.opcua_plant import SPEED, Plant, Taken, a_plant, running, until

LIMITS = Limits(seconds=20.0, depth=12, most=1000)


def untold(_done: int, _of: int) -> None: ...


async def surveyed(plant: Plant, limits: Limits = LIMITS) -> Survey:
    return await opcua.discover(opcua.Config(url=plant.url), limits, untold)


async def hall(plant: Plant) -> None:
    """Beside the kit's Pump01: a folder with Pump02, alike, which has units, a motor in it, an array and a date."""
    line = await plant.server.nodes.objects.add_folder("ns=2;s=Line", "2:Line")
    await line.add_variable("ns=2;s=Line.Count", "2:Count", 7)
    pump = await line.add_object("ns=2;s=Pump02", "2:Pump02")
    pressure = await pump.add_variable("ns=2;s=Pump02.Pressure", "2:Pressure", 4.2)
    await pressure.add_property(2, "EngineeringUnits", ua.EUInformation(DisplayName=ua.LocalizedText("bar")))
    await pressure.add_property(2, "EURange", ua.Range(1.0, 9.0))
    await pressure.add_property(2, "InstrumentRange", ua.Range(0.0, 25.0))
    motor = await pump.add_object("ns=2;s=Pump02.Motor", "2:Motor")
    await motor.add_variable("ns=2;s=Pump02.Motor.Current", "2:Current", 3)
    of_the_server = ua.NodeId(ua.ObjectIds.ServerState)  # a subtype of Enumeration
    code = ua.VariantType.Int32
    await motor.add_variable("ns=2;s=Pump02.Motor.State", "2:State", 0, varianttype=code, datatype=of_the_server)
    await pump.add_variable("ns=2;s=Pump02.Curve", "2:Curve", [1.0, 2.0])
    await pump.add_variable("ns=2;s=Pump02.Since", "2:Since", ua.DateTime(2026, 1, 1))


def by_address(survey: Survey) -> dict[str, Found]:
    return {one.address: one for one in survey.found}


def test_variables_are_found_with_their_machine_kind_unit_ranges_and_value():
    async def body():
        async with a_plant() as plant:
            await hall(plant)
            found = by_address(await surveyed(plant))
        pump = ("Line", "Pump02")
        assert found["ns=2;s=Pump02.Pressure"] == Found(
            "ns=2;s=Pump02.Pressure", pump, ("Pressure",), SignalKind.GAUGE, "bar", (0.0, 25.0), (1.0, 9.0), 4.2
        )
        assert found["ns=2;s=Pump02.Motor.Current"][1:4] == (pump, ("Motor", "Current"), SignalKind.GAUGE)
        assert found["ns=2;s=Pump02.Motor.State"].kind is SignalKind.STATE
        assert found["ns=2;s=Line.Count"][1:3] == (("Line",), ("Count",))
        assert {one.kind for address, one in found.items() if "Pump01" in address} == {
            SignalKind.GAUGE, SignalKind.TEXT, SignalKind.BOOLEAN,
        }  # fmt: skip

    asyncio.run(body())


def test_arrays_and_dates_are_left_out_and_counted_and_the_servers_own_nodes_are_not_there():
    async def body():
        async with a_plant() as plant:
            await hall(plant)
            survey = await surveyed(plant)
        assert len(survey.found) == 7 and survey.is_whole
        assert survey.left_out == {"arrays": 1, "variables that are no number, truth or text": 1}

    asyncio.run(body())


def test_nothing_is_written_and_no_method_is_called():
    async def body():
        async with a_plant() as plant:
            await surveyed(plant)
            assert plant.writes == 0 and plant.calls == []

    asyncio.run(body())


def test_the_file_maps_what_the_feed_then_reads_back_to_its_signals():
    async def body():
        taken = Taken()
        async with a_plant() as plant:
            await hall(plant)
            survey = await surveyed(plant)
            addresses = tuple(one.address for one in survey.found)
            config = opcua.Config(url=plant.url, nodes=addresses, publishing_interval_ms=20.0)
            async with running(config, taken):
                await until(lambda: len(taken.readings) == len(addresses))
        mapper = Mapper(parse(write(survey, "hall", "a test")), "opcua")
        frames, unread = mapper.frames(Read([reading._replace(time_us=1) for reading in taken.readings]))
        assert not unread
        assert {frame.asset: frame.signals for frame in frames} == {
            "line": {"count": [7.0]},
            "pump01": {"mode": ["auto"], "running": [True], "speed": [1.0]},
            "pump02": {"motor_current": [3.0], "motor_state": ["0"], "pressure_bar": [4.2]},
        }

    asyncio.run(body())


def test_limits_end_the_browsing_and_are_said():
    async def body():
        async with a_plant() as plant:
            await hall(plant)
            shallow = await surveyed(plant, LIMITS._replace(depth=2))
            assert not shallow.is_whole and "ns=2;s=Pump02.Pressure" not in by_address(shallow)
            few = await surveyed(plant, LIMITS._replace(most=4))
            assert not few.is_whole

    asyncio.run(body())


def test_a_server_that_takes_few_nodes_a_request_is_asked_for_fewer():
    asked = []

    async def call(part: list[int]) -> list[int]:
        asked.append(len(part))
        if len(part) > 2:
            raise ua.uaerrors.BadTooManyOperations
        return part

    assert asyncio.run(browse._in_parts(call, list(range(5)), 8)) == list(range(5))
    assert asked == [5, 4, 2, 2, 1]


def test_a_server_that_is_away_is_an_error_that_says_what_to_see_to():
    config = opcua.Config(url=f"opc.tcp://127.0.0.1:{free_port()}", timeout_s=1.0)
    with pytest.raises(FeedError, match="see url"):
        asyncio.run(opcua.discover(config, LIMITS, untold))


def test_a_server_without_variables_is_an_error_that_says_what_to_do():
    async def body():
        async with a_plant() as plant:
            for node in plant.nodes.values():
                await node.delete()
            with pytest.raises(FeedError, match=r"0 are variables.*--depth"):
                await surveyed(plant)

    asyncio.run(body())


def test_the_command_writes_a_file_that_the_check_takes_and_does_not_write_over_one(tmp_path: Path):
    config, out = tmp_path / "line1.toml", tmp_path / "plant.toml"
    console = Console(width=200, record=True)

    async def body():
        async with a_plant() as plant:
            config.write_text(f'url = "{plant.url}"\n')
            await asyncio.to_thread(look, "opcua", config, LIMITS, out, console, force=False)
            with pytest.raises(FeedError, match="--force"):
                await asyncio.to_thread(look, "opcua", config, LIMITS, out, console, force=False)
            out.write_text("")
            await asyncio.to_thread(look, "opcua", config, LIMITS, out, console, force=True)

    asyncio.run(body())
    plant = parse(out.read_text())
    assert plant.plant == "line1" and SPEED in {tag.address for tag in plant.tags}
    assert "1 types with 3 signals, 1 assets, 3 tags" in console.export_text()


def test_the_progress_is_told():
    told = []

    async def body():
        async with a_plant() as plant:
            await opcua.discover(opcua.Config(url=plant.url), LIMITS, lambda done, of: told.append((done, of)))

    with suppress(FeedError):
        asyncio.run(body())
    assert told and told[-1][0] == told[-1][1] == 5


def test_a_reading_of_an_enumeration_is_a_text_of_its_code():
    text = write(Survey([Found("e", ("P",), ("State",), SignalKind.STATE)], browse.Counter(), is_whole=True), "x", "y")
    (frame,), _ = Mapper(parse(text), "t").frames(Read([Reading("e", 1, 3)]))
    assert frame.signals == {"state": ["3"]}
