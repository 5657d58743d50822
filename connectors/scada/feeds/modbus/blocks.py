"""Which requests read the registers: as few as the protocol allows. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from connectors.scada.feeds.modbus.registers import MOST_BITS, MOST_REGISTERS, Register, Table


class Block(NamedTuple):
    """One request: `size` addresses of a table from `first` on, and what is read of them."""

    table: Table
    first: int
    size: int
    registers: tuple[Register, ...]


def plan(registers: Iterable[Register], most_gap: int) -> list[Block]:
    """Blocks that hold every register once and whole, and read over no gap of more than `most_gap` addresses."""
    blocks = []
    ordered = sorted(registers, key=lambda r: (r.table, r.register, r.width))
    for table, its in groupby(ordered, key=lambda r: r.table):
        most = MOST_BITS if table.is_bits else MOST_REGISTERS
        together: list[Register] = []
        end = 0
        for register in its:
            wider = max(end, register.end)
            if together and (register.register - end > most_gap or wider - together[0].register > most):
                blocks.append(_block(together))
                together, wider = [], register.end
            together.append(register)
            end = wider
        blocks.append(_block(together))
    return blocks


def halves(block: Block) -> tuple[Block, Block]:
    """A block of two or more registers as two: parted at its widest gap, the first suspect, else in the middle."""
    middle = len(block.registers) / 2
    at = max(range(1, len(block.registers)), key=lambda i: (_gap(block.registers, i), -abs(i - middle)))
    return _block(block.registers[:at]), _block(block.registers[at:])


def _gap(registers: Sequence[Register], at: int) -> int:
    return max(0, registers[at].register - max(register.end for register in registers[:at]))


def _block(registers: Sequence[Register]) -> Block:
    first = registers[0].register
    return Block(registers[0].table, first, max(r.end for r in registers) - first, tuple(registers))
