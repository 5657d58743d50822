"""What is read of a PLC: the config, and what is said of a wrong one.

"Protocol" is MODBUS Application Protocol Specification V1.1b3 throughout this package.
"""

from __future__ import annotations

import math
from collections import Counter
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from connectors.scada.feed import FeedError
from models.records import Name

MOST_REGISTERS = 125
"""Registers that one request can ask for: Protocol 6.3 and 6.4."""
MOST_BITS = 2000
"""Coils or discrete inputs that one request can ask for: Protocol 6.1 and 6.2."""
SPACE = 65_536
"""Addresses of a table: 0 to 65535, Protocol 4.4."""


class Table(StrEnum):
    """The four tables of a Modbus server: Protocol 4.3."""

    HOLDING = "holding"
    INPUT = "input"
    COIL = "coil"
    DISCRETE = "discrete"

    @property
    def is_bits(self) -> bool:
        """Whether an address of it is one bit, not a word of 16."""
        return self in (Table.COIL, Table.DISCRETE)


class Kind(StrEnum):
    """What the words of a value mean."""

    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BOOL = "bool"
    STRING = "string"


WIDTHS = {
    Kind.INT16: 1, Kind.UINT16: 1, Kind.INT32: 2, Kind.UINT32: 2, Kind.FLOAT32: 2,
    Kind.INT64: 4, Kind.UINT64: 4, Kind.FLOAT64: 4, Kind.BOOL: 1,
}  # fmt: skip
"""Addresses that a value takes; a string says its own length."""


class Order(StrEnum):
    """Which word of a number comes first: big is the one of the highest bits."""

    BIG = "big"
    LITTLE = "little"


class Register(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value of the PLC: `address` is its tag in the plant file, `register` the address in the request, from 0.

    `bit` is the bit of a bool in a word, 0 the lowest; `length` the bytes of a string, two a word. A number times
    `scale` plus `offset` is what is read. `swap_bytes` is for a PLC that puts the low byte of each word first, against
    Protocol 4.2. So the four orders are ABCD; CDAB with `words` little; BADC with `swap_bytes`; DCBA with both.
    """

    address: Name
    table: Table
    register: Annotated[int, Meta(ge=0, lt=SPACE)]
    type: Kind
    words: Order = Order.BIG
    swap_bytes: bool = False
    bit: Annotated[int, Meta(ge=0, le=15)] | None = None
    length: Annotated[int, Meta(ge=1, le=2 * MOST_REGISTERS)] | None = None
    scale: float = 1.0
    offset: float = 0.0

    @property
    def width(self) -> int:
        """Addresses that it takes."""
        return -(-(self.length or 1) // 2) if self.type is Kind.STRING else WIDTHS[self.type]

    @property
    def end(self) -> int:
        """The address behind its last."""
        return self.register + self.width


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One PLC. The defaults are our choice.

    Polls are due at multiples of `period_s`; no more than `most_requests_s` requests a second are sent, whatever
    happens. Up to `most_gap` addresses that nobody asked for are read over, to save a request.
    """

    host: Annotated[str, Meta(min_length=1)]
    port: Annotated[int, Meta(ge=1, le=65_535)] = 502
    unit: Annotated[int, Meta(ge=0, le=255)] = 1
    period_s: Annotated[float, Meta(ge=0.01, le=86_400)] = 1.0
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 3.0
    most_requests_s: Annotated[float, Meta(gt=0, le=10_000)] = 10.0
    most_gap: Annotated[int, Meta(ge=0, lt=MOST_REGISTERS)] = 8
    registers: Annotated[tuple[Register, ...], Meta(min_length=1)]


def check(config: Config) -> None:
    """Raises FeedError for what no PLC can answer: it names the register and the mend."""
    twice = [address for address, count in Counter(r.address for r in config.registers).items() if count > 1]
    if twice:
        raise FeedError(f"'{twice[0]}' stands for two registers: give each an address of its own")
    for register in config.registers:
        wrong = _wrong(register)
        if wrong:
            raise FeedError(f"register '{register.address}': {wrong}")
    try:
        config.host.encode("idna")
    except UnicodeError as wrong:
        raise FeedError(f"'{config.host}' is no host: write a name or an IP address") from wrong


def _wrong(register: Register) -> str:
    """What is wrong with it, empty for nothing."""
    kind, table, numeric = register.type, register.table, register.type not in (Kind.BOOL, Kind.STRING)
    if table.is_bits and kind is not Kind.BOOL:
        return f"a {table} is one bit: its type is bool, not {kind}"
    if (kind is Kind.BOOL and not table.is_bits) != (register.bit is not None):
        return "a bool in a word has a `bit` from 0 to 15, and nothing else has one"
    if (kind is Kind.STRING) != (register.length is not None):
        return "a string has a `length` in bytes, and nothing else has one"
    if register.end > SPACE:
        return f"its last address would be {register.end - 1}, but the last that can be asked for is {SPACE - 1}"
    if not numeric and (register.scale, register.offset) != (1.0, 0.0):
        return f"a {kind} has no scale and no offset: leave them out"
    if kind is Kind.BOOL and register.swap_bytes:
        return "a bool has a `bit` that says where it is: leave `swap_bytes` out"
    if kind is Kind.STRING and register.words is not Order.BIG:
        return "a string has no order of words: leave `words` out"
    if not math.isfinite(register.scale) or not math.isfinite(register.offset) or register.scale == 0:
        return "scale and offset are finite numbers, and scale is not 0"
    return ""
