"""A plant with an OPC UA server, and a taker: what the tests of that feed share."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from asyncua import Server, ua
from asyncua.common.callback import CallbackType

from connectors.scada.feed import FeedError, Reading
from connectors.scada.feeds.opcua import Config, open_feed
from tests.kit.ports import free_port

T0 = datetime(2026, 1, 1, tzinfo=UTC)
T0_US = 1_767_225_600_000_000
SPEED, MODE, RUNNING = "ns=2;s=Pump01.Speed", "ns=2;s=Pump01.Mode", "ns=2;s=Pump01.Running"
DEADLINE_S = 15.0


class Taken:
    """A relay that keeps what it is given."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.unread = []

    async def take(self, read, *, settled: bool = False) -> None:
        self.readings += read.readings
        self.unread += read.unread

    def of(self, address: str) -> list[Reading]:
        return [reading for reading in self.readings if reading.address == address]

    def values(self, address: str) -> list:
        return [reading.value for reading in self.of(address)]


class Plant:
    """A server with a pump, which counts the writes and lists the calls that clients make."""

    def __init__(self, port: int, **options) -> None:
        self.url, self.server, self.nodes = f"opc.tcp://127.0.0.1:{port}", Server(**options), {}
        self.writes, self.calls = 0, []

    async def start(self) -> Plant:
        await self.server.init()
        self.server.set_endpoint(self.url)
        await self.server.register_namespace("urn:plant")
        pump = await self.server.nodes.objects.add_object("ns=2;s=Pump01", "2:Pump01")
        for address, value in ((SPEED, 1.0), (MODE, "auto"), (RUNNING, True)):
            self.nodes[address] = await pump.add_variable(address, f"2:{address.partition('.')[2]}", value)
            await self.nodes[address].set_writable()
            await self.say(address, value, 0)
        self.server.subscribe_server_callback(CallbackType.PreWrite, self._saw_write)
        self._answer = self.server.iserver.method_service.call
        self.server.iserver.method_service.call = self._saw_call
        self.server.disable_clock()  # else it takes a second to stop
        await self.server.start()
        return self

    def _saw_write(self, written, _dispatcher) -> None:
        self.writes += written.is_external

    async def _saw_call(self, requests):
        self.calls += [request.MethodId.Identifier for request in requests]
        return await self._answer(requests)

    async def say(self, address: str, value, seconds: float, status=ua.StatusCodes.Good) -> None:
        await self.server.write_attribute_value(self.nodes[address].nodeid, data_value(value, seconds, status))

    async def stop(self) -> None:
        await self.server.stop()


def data_value(value, seconds: float = 0.0, status=ua.StatusCodes.Good) -> ua.DataValue:
    variant = value if isinstance(value, ua.Variant) else ua.Variant(value)
    return ua.DataValue(
        variant, ua.StatusCode(status), T0 + timedelta(seconds=seconds), T0 + timedelta(seconds=seconds)
    )


def config_of(plant: Plant, **fields) -> Config:
    fields = {"nodes": (SPEED,), "publishing_interval_ms": 20.0, "sampling_interval_ms": 0.0, "timeout_s": 3.0} | fields
    return Config(url=plant.url, **fields)


async def until(fact) -> None:
    """Wait for a fact, or fail."""
    ends = asyncio.get_running_loop().time() + DEADLINE_S
    while not fact():
        assert asyncio.get_running_loop().time() < ends, "it did not come to be"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def running(config: Config, taken: Taken):
    task = asyncio.create_task(open_feed(config).run(taken.take))
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError, FeedError):
            await task


@asynccontextmanager
async def a_plant(at: int | None = None, **options):
    plant = await Plant(at or free_port(), **options).start()
    try:
        yield plant
    finally:
        await plant.stop()
