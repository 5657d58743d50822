"""What a poll makes of the answers. Sans-IO: it says which block to ask for, and is told what came.

A register that cannot be read is BAD once, and says nothing more until it can be read again. A block that holds an
illegal address is split until the guilty registers are found; those are left out until the next connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import structlog

from connectors.scada.feed import Read, Reading, Unread
from connectors.scada.feeds.modbus.blocks import Block, halves, plan
from connectors.scada.feeds.modbus.registers import Register
from connectors.scada.feeds.modbus.words import decode
from models.records import Quality, Reject

_log = structlog.get_logger()


class Exc(IntEnum):
    """Exception codes of an answer: Protocol 7."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_DATA_ADDRESS = 2
    ILLEGAL_DATA_VALUE = 3
    SERVER_DEVICE_FAILURE = 4
    ACKNOWLEDGE = 5
    SERVER_DEVICE_BUSY = 6
    MEMORY_PARITY_ERROR = 8
    GATEWAY_PATH_UNAVAILABLE = 10
    GATEWAY_TARGET_FAILED_TO_RESPOND = 11


SPLITS = (Exc.ILLEGAL_DATA_ADDRESS, Exc.ILLEGAL_DATA_VALUE)
"""Both can mean a part of a block: the second is also said by PLCs that give fewer at once than the protocol allows."""


class Refused(NamedTuple):
    """An exception in place of an answer."""

    code: int

    @property
    def words(self) -> str:
        """The code as the protocol names it."""
        known = self.code in Exc.__members__.values()
        return Exc(self.code).name.lower().replace("_", "-") if known else f"exception {self.code}"


class Strange(NamedTuple):
    """An answer that is none to what was asked."""

    detail: str


Answer = Sequence[int] | Sequence[bool] | Refused | Strange


class Poller:
    """The registers of one PLC over its polls: `begin`, then for each block of `next` an answer to `take`."""

    def __init__(self, registers: Sequence[Register], most_gap: int) -> None:
        self._registers, self._most_gap = registers, most_gap
        self._blocks: list[Block] = []
        self._waiting: deque[Block] = deque()
        self._time_us = 0
        self._bad: set[str] = set()
        self.connected()

    def connected(self) -> None:
        """A new connection: what was left out is asked for again, as the PLC may have another program now."""
        self._blocks = plan(self._registers, self._most_gap)

    def begin(self, time_us: int) -> None:
        """A poll begins: its time is that of all its readings."""
        self._time_us = time_us
        self._waiting = deque(self._blocks)

    def next(self) -> Block | None:
        """The block to ask for, None at the end of the poll."""
        return self._waiting.popleft() if self._waiting else None

    def take(self, block: Block, answer: Answer) -> Read:
        """What an answer to a block says. Never raises on rubbish."""
        if isinstance(answer, Refused):
            return self._refused(block, answer)
        if not isinstance(answer, Strange) and not _fits(block, answer):
            answer = Strange(f"{len(answer)} values where {block.size} were asked for")
        if isinstance(answer, Strange):
            where = f"{block.table} {block.first} to {block.first + block.size - 1}"
            return Read(unread=[Unread(Reject.UNREADABLE, f"{where}: {answer.detail}")])
        readings = []
        for register in block.registers:
            at = register.register - block.first
            readings += self._read(register, decode(register, answer[at : at + register.width]))
        return Read(readings)

    def _read(self, register: Register, value: float | bool | str | None) -> list[Reading]:
        if value is None:
            return self._is_bad([register])
        self._bad.discard(register.address)
        return [Reading(register.address, self._time_us, value)]

    def _refused(self, block: Block, refused: Refused) -> Read:
        if refused.code not in SPLITS:
            self._tell(block, refused)
            return Read(self._is_bad(block.registers))
        self._blocks.remove(block)
        if len(block.registers) == 1:
            self._tell(block, refused)
            return Read(self._is_bad(block.registers))
        parts = halves(block)
        self._blocks += parts
        self._waiting += parts
        return Read()

    def _tell(self, block: Block, refused: Refused) -> None:
        """Log a refusal once for what it is about, until it reads well again."""
        new = [register.address for register in block.registers if register.address not in self._bad]
        if new:
            _log.warning(
                "registers-refused", table=str(block.table), first=block.first, count=block.size,
                reason=refused.words, addresses=new[:10], addresses_in_all=len(new),
            )  # fmt: skip

    def _is_bad(self, registers: Sequence[Register]) -> list[Reading]:
        """One BAD reading for each that was not bad before."""
        new = [register.address for register in registers if register.address not in self._bad]
        self._bad.update(new)
        return [Reading(address, self._time_us, None, Quality.BAD) for address in new]


def _fits(block: Block, answer: Sequence[int] | Sequence[bool]) -> bool:
    """Words come as many as asked for; bits fill up their last byte: Protocol 6.1 and 6.2."""
    return len(answer) >= block.size if block.table.is_bits else len(answer) == block.size
