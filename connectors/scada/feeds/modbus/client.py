"""The shell around pymodbus' asyncio client: it connects, waits for the due time and the cap, asks, and comes back.

Only the four functions that read are ever called: codes 1 to 4 of Protocol 6.1 to 6.4.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import TYPE_CHECKING

import structlog

from connectors.scada.feed import INSTALL, FeedError, Read, Take
from connectors.scada.feeds.modbus.blocks import Block, plan
from connectors.scada.feeds.modbus.poll import Answer, Poller, Refused, Strange
from connectors.scada.feeds.modbus.registers import Config, Table, check
from connectors.scada.feeds.modbus.schedule import Pace, Schedule
from pipelines.stopping import end_if_asked

if TYPE_CHECKING:
    from pymodbus.client import AsyncModbusTcpClient
    from pymodbus.pdu import ModbusPDU

FIRST_DELAY_S, MOST_DELAY_S = 1.0, 30.0
"""Before a new connection: doubled with each that gave no answer. Our choice."""
MOST_UNANSWERED = 3
"""Requests in a row without an answer after which the connection is given up. Our choice."""

_log = structlog.get_logger()


class Away(Exception):
    """The PLC does not answer on this connection."""


def wall_us() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1000


def open_feed(config: Config, now_us: Callable[[], int] = wall_us) -> ModbusFeed:
    """A feed of one PLC; `now_us` is its clock. Raises FeedError for a config that cannot work."""
    try:
        import_module("pymodbus.client")
    except ImportError as missing:
        raise FeedError(f"the Modbus feed needs pymodbus: {INSTALL}") from missing
    check(config)
    requests = len(plan(config.registers, config.most_gap))
    if requests > config.most_requests_s * config.period_s:
        raise FeedError(
            f"a poll is {requests} requests, but most_requests_s = {config.most_requests_s:g} allows "
            f"{config.most_requests_s * config.period_s:g} in {config.period_s:g} s: raise period_s, most_requests_s "
            f"or most_gap"
        )
    return ModbusFeed(config, now_us)


class ModbusFeed:
    """One PLC. `counts` has polls, skipped ones, requests, refused, unanswered, connections and times away."""

    def __init__(self, config: Config, now_us: Callable[[], int]) -> None:
        self._config, self._now_us = config, now_us
        self._poller = Poller(config.registers, config.most_gap)
        self._schedule = Schedule(round(config.period_s * 1_000_000))
        self._pace = Pace(config.most_requests_s)
        self._unanswered = 0
        self._delay_s = FIRST_DELAY_S
        self.counts: Counter[str] = Counter()

    async def run(self, take: Take) -> None:
        """Poll for ever; a PLC that is away is tried again, after 1 s doubling to 30 s."""
        while True:
            try:
                await self._connection(take)
            except Away as away:
                self.counts["away"] += 1
                _log.warning("plc-away", host=self._config.host, reason=str(away), again_s=self._delay_s)
            end_if_asked()
            await asyncio.sleep(self._delay_s)
            self._delay_s = min(2 * self._delay_s, MOST_DELAY_S)

    async def _connection(self, take: Take) -> None:
        from pymodbus.client import AsyncModbusTcpClient

        config = self._config
        client = AsyncModbusTcpClient(
            config.host, port=config.port, timeout=config.timeout_s, retries=0, reconnect_delay=0
        )  # its own retries would pass the cap
        try:
            if not await client.connect():
                raise Away(f"no connection to port {config.port}")
            self.counts["connections"] += 1
            self._unanswered = 0
            self._poller.connected()
            _log.info("plc-connected", host=config.host, port=config.port, unit=config.unit)
            while True:
                await self._poll(client, take)
        finally:
            client.close()

    async def _poll(self, client: AsyncModbusTcpClient, take: Take) -> None:
        """One poll, when it is due. What was read before the PLC went away is still given."""
        self._poller.begin(await self._due())
        if not client.connected:
            raise Away("the connection was closed")
        self.counts["polls"] += 1
        read = Read([], [])
        away = None
        while away is None and (block := self._poller.next()):
            try:
                answer = await self._ask(client, block)
            except Away as fault:
                away = fault
                continue
            if answer is not None:
                new = self._poller.take(block, answer)
                read = Read([*read.readings, *new.readings], [*read.unread, *new.unread])
        if read.readings or read.unread:
            await take(read)
        if away:
            raise away

    async def _due(self) -> int:
        """Wait until the next poll is due; the time at which it begins."""
        skipped = self._schedule.skipped
        due_us = self._schedule.after(self._now_us())
        if self._schedule.skipped > skipped:
            self.counts["skipped"] = self._schedule.skipped
            _log.warning("polls-skipped", host=self._config.host, skipped=self._schedule.skipped - skipped)
        while (now_us := self._now_us()) < due_us:
            if due_us - now_us > self._config.period_s * 1_000_000:
                due_us = self._schedule.after(now_us)  # the clock was set back
            await asyncio.sleep((due_us - now_us) / 1_000_000)
        return now_us

    async def _ask(self, client: AsyncModbusTcpClient, block: Block) -> Answer | None:
        """The answer to a block, None if there is none in time. Raises Away for a connection that is lost."""
        from pymodbus.exceptions import ConnectionException, ModbusException

        loop = asyncio.get_running_loop()
        while (wait_s := self._pace.wait_s(loop.time())) > 0:
            await asyncio.sleep(wait_s)
        self._pace.sent(loop.time())
        self.counts["requests"] += 1
        try:
            answer = answer_of(block, await _request(client, block, self._config.unit))
        except ConnectionException as fault:
            raise Away("the connection was closed") from fault
        except ModbusException as fault:
            self._not_answered(client, fault)
            return None
        self._unanswered, self._delay_s = 0, FIRST_DELAY_S
        self.counts["refused"] += isinstance(answer, Refused)
        return answer

    def _not_answered(self, client: AsyncModbusTcpClient, fault: Exception) -> None:
        self.counts["unanswered"] += 1
        self._unanswered += 1
        if not client.connected:
            raise Away("the connection was closed") from fault
        if self._unanswered >= MOST_UNANSWERED:
            raise Away(f"{self._unanswered} requests in a row had no answer in {self._config.timeout_s:g} s") from fault


def _request(client: AsyncModbusTcpClient, block: Block, unit: int) -> Awaitable[ModbusPDU]:
    """The one place where something is sent: each table has its one function that reads."""
    match block.table:
        case Table.COIL:
            return client.read_coils(block.first, count=block.size, device_id=unit)
        case Table.DISCRETE:
            return client.read_discrete_inputs(block.first, count=block.size, device_id=unit)
        case Table.HOLDING:
            return client.read_holding_registers(block.first, count=block.size, device_id=unit)
        case Table.INPUT:
            return client.read_input_registers(block.first, count=block.size, device_id=unit)


CODES = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}
"""Function codes: Protocol 6.1 to 6.4. An exception has 128 more: Protocol 7."""


def answer_of(block: Block, pdu: ModbusPDU) -> Answer:
    """What pymodbus understood, as an answer to a block: its own checks do not cover function and transaction 0."""
    if pdu.transaction_id == 0 or pdu.function_code & 0x7F != CODES[block.table]:
        return Strange(f"an answer of function {pdu.function_code} and transaction {pdu.transaction_id}")
    if pdu.isError():
        return Refused(pdu.exception_code)
    return pdu.bits if block.table.is_bits else pdu.registers
