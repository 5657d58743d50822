"""What an ONNX file holds, read from its bytes: opsets, operators, counts. No session is made and `onnx` is not needed.

A serving installation has onnxruntime alone, and asking onnxruntime would load what is in question. Only the structure
is read, by the numbers of onnx.proto (onnx 1.17, IR 10); tensors are passed over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from models.inference import ModelError

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
"""Wire types of protobuf (its encoding guide); 3 and 4 are groups, which ONNX has none of."""
FIXED_BYTES = {FIXED64: 8, FIXED32: 4}
VARINT_BYTES = 10
EXTERNAL = 1
"""TensorProto.DataLocation."""
TENSORS = (5, 10)
SPARSE_TENSORS = (22, 23)
GRAPHS = (6, 11)
"""Fields of AttributeProto."""
NUMBERS = re.compile(rb"(?:\x3d.{4}|\x40[\x80-\xff]{0,9}[\x00-\x7f])+", re.DOTALL)
"""Fields 7 and 8 of AttributeProto, a float or an int each: trees have a hundred thousand."""
FLOAT = 1
"""TensorProto.DataType."""
Value = int | memoryview


class End(NamedTuple):
    """An input or an output: its name, the type of its numbers (0 where it is no tensor), its shape, None for any."""

    name: str
    kind: int
    shape: tuple[int | None, ...]


@dataclass(slots=True)
class Contents:
    """What a file holds. Operators are (domain, name) and how many nodes have it; opsets are by domain."""

    size_bytes: int
    ir_version: int = 0
    opsets: dict[str, int] = field(default_factory=dict)
    operators: Counter[tuple[str, str]] = field(default_factory=Counter)
    inputs: list[End] = field(default_factory=list)
    outputs: list[End] = field(default_factory=list)
    graphs: int = 0
    subgraphs: int = 0
    functions: int = 0
    training: int = 0
    external: int = 0

    @property
    def nodes(self) -> int:
        """How many there are."""
        return self.operators.total()


def read(onnx: bytes) -> Contents:
    """What is in the bytes. Raises ModelError where they are no ONNX file."""
    found = Contents(size_bytes=len(onnx))
    for number, value in _fields(memoryview(onnx)):
        if number == 1:
            found.ir_version = _number(value)
        elif number == 7:
            found.graphs += 1
            _graph(_message(value), found)
        elif number == 8:
            _opset(_message(value), found)
        elif number == 20:
            found.training += 1
        elif number == 25:
            found.functions += 1
    if found.graphs != 1:
        raise ModelError(f"the bytes are no ONNX file: they hold {found.graphs} graphs, not one")
    return found


def _opset(message: memoryview, found: Contents) -> None:
    domain, version = "", 0
    for number, value in _fields(message):
        if number == 1:
            domain = _text(value)
        elif number == 2:
            version = _number(value)
    found.opsets[_standard(domain)] = version


def _graph(message: memoryview, found: Contents) -> None:
    for number, value in _fields(message):
        if number == 1:
            _node(_message(value), found)
        elif number == 5:
            _tensor(_message(value), found)
        elif number == 11:
            found.inputs.append(_end(_message(value)))
        elif number == 12:
            found.outputs.append(_end(_message(value)))
        elif number == 15:
            _sparse(_message(value), found)


def _end(message: memoryview) -> End:
    """ValueInfoProto: a name and a TypeProto, of which tensors alone are read."""
    name, kind, shape = "", 0, []
    for number, value in _fields(message):
        if number == 1:
            name = _text(value)
        for tensor in _within(value, 1) if number == 2 else ():
            for what, told in _fields(_message(tensor)):
                if what == 1:
                    kind = _number(told)
                elif what == 2:
                    shape += [_size(_message(one)) for one in _within(told, 1)]
    return End(name, kind, tuple(shape))


def _size(dimension: memoryview) -> int | None:
    """How many there are of a dimension, None where it may have any number."""
    sizes = [_number(value) for number, value in _fields(dimension) if number == 1]
    return sizes[-1] if sizes else None


def _within(value: Value, number: int) -> list[Value]:
    """The values of one field of a message."""
    return [one for found, one in _fields(_message(value)) if found == number]


def _node(message: memoryview, found: Contents) -> None:
    domain = name = ""
    for number, value in _fields(message):
        if number == 4:
            name = _text(value)
        elif number == 7:
            domain = _text(value)
        elif number == 5:
            _attribute(_message(value), found)
    found.operators[_standard(domain), name] += 1


def _attribute(message: memoryview, found: Contents) -> None:
    for number, value in _fields(message, NUMBERS):
        if number in TENSORS:
            _tensor(_message(value), found)
        elif number in SPARSE_TENSORS:
            _sparse(_message(value), found)
        elif number in GRAPHS:
            found.subgraphs += 1


def _sparse(message: memoryview, found: Contents) -> None:
    for number, value in _fields(message):
        if number in (1, 2):
            _tensor(_message(value), found)


def _tensor(message: memoryview, found: Contents) -> None:
    """A tensor whose numbers lie in another file."""
    found.external += any(
        number == 13 or (number == 14 and _number(value) == EXTERNAL) for number, value in _fields(message)
    )


def _standard(domain: str) -> str:
    """`ai.onnx` is another name of the empty domain."""
    return "" if domain == "ai.onnx" else domain


def _fields(message: memoryview, passed: re.Pattern[bytes] | None = None) -> Iterator[tuple[int, Value]]:
    """Numbers and values of a message's fields, in order, but for runs of fields that are `passed` over."""
    at, end = 0, len(message)
    while at < end:
        if passed and (run := passed.match(message, at)):
            at = run.end()
            continue
        key, at = _varint(message, at)
        kind = key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == LENGTH:
            size, at = _varint(message, at)
        elif kind in FIXED_BYTES:
            size = FIXED_BYTES[kind]
        else:
            raise ModelError(f"the bytes are no ONNX file: a field of wire type {kind}")
        if size > end - at:
            raise ModelError(f"the bytes are no ONNX file: a field of {size} bytes where {end - at} are left")
        yield key >> 3, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """A number of 7 bits a byte, lowest first, and where the next field begins."""
    value = 0
    for place, byte in enumerate(message[at : at + VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ModelError("the bytes are no ONNX file: a number without an end")


def _number(value: Value) -> int:
    if isinstance(value, int):
        return value
    raise ModelError("the bytes are no ONNX file: bytes where a number belongs")


def _message(value: Value) -> memoryview:
    if isinstance(value, memoryview):
        return value
    raise ModelError("the bytes are no ONNX file: a number where bytes belong")


def _text(value: Value) -> str:
    try:
        return bytes(_message(value)).decode()
    except UnicodeDecodeError as wrong:
        raise ModelError("the bytes are no ONNX file: a name that is no UTF-8") from wrong
