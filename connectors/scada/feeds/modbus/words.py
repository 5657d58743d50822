"""What the words of an answer mean. Pure: words in, a value out."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

from connectors.scada.feeds.modbus.registers import Kind, Order, Register

_FORMS = {
    Kind.INT16: ">h", Kind.UINT16: ">H", Kind.INT32: ">i", Kind.UINT32: ">I", Kind.INT64: ">q", Kind.UINT64: ">Q",
    Kind.FLOAT32: ">f", Kind.FLOAT64: ">d",
}  # fmt: skip
"""Two's complement and IEEE 754, once the bytes are in the order of Protocol 4.2: the high one of a word first."""


def decode(register: Register, words: Sequence[int] | Sequence[bool]) -> float | bool | str | None:
    """The value in a register's own words, as many as its width; None for what is none, such as NaN.

    A number comes as float, scaled: an integer beyond 2**53 loses its lowest bits. A string ends at its first NUL,
    loses the blanks at its end, and is UTF-8, of which ASCII is a part.
    """
    if register.type is Kind.BOOL:
        return bool(words[0]) if register.bit is None else bool(words[0] >> register.bit & 1)
    ordered = words if register.words is Order.BIG else words[::-1]
    data = b"".join(int(word).to_bytes(2, "little" if register.swap_bytes else "big") for word in ordered)
    if register.type is Kind.STRING:
        return _text(data[: register.length])
    value = float(struct.unpack(_FORMS[register.type], data)[0]) * register.scale + register.offset
    return value if math.isfinite(value) else None


def _text(data: bytes) -> str | None:
    try:
        return data.split(b"\0", 1)[0].decode().rstrip()
    except UnicodeDecodeError:
        return None
