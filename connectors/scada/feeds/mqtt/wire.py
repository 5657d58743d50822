"""The protobuf wire format, as much as Sparkplug needs: https://protobuf.dev/programming-guides/encoding/.

Our own reader and not google.protobuf: a gateway has one library less (and none whose version onnx pins), nothing is
registered in a pool that a Sparkplug library in the same process registers too, and what is cut off or unfit has one
error with its place. The tests write payloads with google.protobuf, an implementation by others.
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5
_SIZES = {EIGHT_BYTES: 8, FOUR_BYTES: 4}
_LONGEST = 10
"""Bytes of a varint of 64 bits."""

Raw = int | bytes


class Malformed(ValueError):
    """The bytes are no protobuf message; says where."""


def fields(data: bytes) -> Iterator[tuple[int, int, Raw]]:
    """Field number, wire type and value of each field in turn; all but varints are bytes. Raises Malformed."""
    at = 0
    while at < len(data):
        began = at
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind == LENGTH:
            size, at = _varint(data, at)
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            raise Malformed(f"wire type {kind} at byte {began} is none that Sparkplug uses")
        if number == 0 or at + size > len(data):
            raise Malformed(f"field {number} at byte {began} says {size} bytes, but {len(data) - at} follow")
        yield number, kind, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place, byte in enumerate(data[at : at + _LONGEST]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + place + 1
    raise Malformed(f"the number at byte {at} does not end")


def varint_field(number: int, value: int) -> bytes:
    """A field with a number of up to 64 bits, not negative."""
    return _written(number << 3 | VARINT) + _written(value)


def length_field(number: int, value: bytes) -> bytes:
    """A field with bytes: a text or an inner message."""
    return _written(number << 3 | LENGTH) + _written(len(value)) + value


def _written(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
