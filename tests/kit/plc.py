"""A PLC for tests of the Modbus feed: pymodbus' own server in this process, which notes what it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from connectors.scada.feed import Read, Reading, Unread
from connectors.scada.feeds.modbus import ModbusFeed, Register

SIZE = 400
"""Addresses of each of its tables."""
DEADLINE_S = 20.0
NAMES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


def register(address: str, at: int, kind: str = "uint16", table: str = "holding", **more: Any) -> Register:
    """A register, in few words."""
    said = {"address": address, "register": at, "type": kind, "table": table} | more
    return msgspec.convert(said, Register)


class Plc:
    """Four tables, addresses that are illegal, a code that it answers instead, and how slow it is."""

    def __init__(self, holding: dict[int, int] | None = None, inputs: dict[int, int] | None = None) -> None:
        self.words = {3: _filled(holding or {}), 4: _filled(inputs or {})}
        self.bits = {1: [at % 3 == 0 for at in range(SIZE)], 2: [at % 5 == 0 for at in range(SIZE)]}
        self.illegal: set[tuple[str, int]] = set()
        self.code: ExcCodes | None = None
        self.slow_s = 0.0
        self.port = 0
        self.asked: list[tuple[int, int, int]] = []
        """Function code, first address and count of each request."""
        self._server: Any = None

    async def start(self) -> None:
        """Listen; the second time on the port of the first."""
        blocks = [
            [SimData(0, values=self.bits[1], datatype=DataType.BITS)],
            [SimData(0, values=self.bits[2], datatype=DataType.BITS)],
            [SimData(0, values=self.words[3], datatype=DataType.REGISTERS)],
            [SimData(0, values=self.words[4], datatype=DataType.REGISTERS)],
        ]
        device = SimDevice(1, simdata=tuple(blocks), action=self._act)
        self._server = ModbusTcpServer(device, address=("127.0.0.1", self.port), trace_pdu=self._note)
        await self._server.serve_forever(background=True)
        self.port = self._server.transport.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close all connections and the port."""
        await self._server.shutdown()

    def _note(self, sending: bool, pdu: Any) -> Any:
        if not sending:
            self.asked.append((pdu.function_code, pdu.address, pdu.count))
        return pdu

    async def _act(self, function: int, _start: int, address: int, count: int, _now: Any, _new: Any) -> Any:
        await asyncio.sleep(self.slow_s)
        asked = {(NAMES[function], at) for at in range(address, address + count)}
        return ExcCodes.ILLEGAL_ADDRESS if asked & self.illegal else self.code


def _filled(words: dict[int, int]) -> list[int]:
    return [words.get(at, 0) for at in range(SIZE)]


@asynccontextmanager
async def running(plc: Plc) -> AsyncIterator[Plc]:
    """The PLC listens inside, and has ended after."""
    await plc.start()
    try:
        yield plc
    finally:
        await plc.stop()


class Taken:
    """Where a feed puts what it read; waits for what a test waits for."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.unread: list[Unread] = []
        self.polls: list[Read] = []

    async def take(self, read: Read) -> None:
        """As a relay does."""
        self.polls.append(read)
        self.readings += read.readings
        self.unread += read.unread

    def of(self, address: str) -> list[Reading]:
        """Readings of an address."""
        return [reading for reading in self.readings if reading.address == address]


async def until(seen: Callable[[], bool]) -> None:
    """Wait for it, with a deadline."""
    async with asyncio.timeout(DEADLINE_S):
        while not seen():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def fed(feed: ModbusFeed) -> AsyncIterator[Taken]:
    """The feed runs inside, and has ended after."""
    taken = Taken()
    task = asyncio.create_task(feed.run(taken.take))
    try:
        yield taken
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
