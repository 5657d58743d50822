"""Avro in Confluent's wire format: from bytes and a lookup of schemas to what JSON could hold, and a few more kinds.

No client and no clock. fastavro reads the binary; a schema with which rubbish could fill the memory or overflow the
stack of its compiled reader is not used at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

HEADER_BYTES = 5
"""Byte 0 and a schema's id, big-endian (Confluent Schema Registry documentation, "Wire format")."""
DEEPEST = 64
"""Levels of a schema; our choice."""
MOST_PARTS = 10_000
"""Fields, items and branches of a schema, a named type as often as it is used; our choice."""

_LEAST_BYTES = {
    **{"null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1},
    **{"enum": 1, "array": 1, "map": 1},
}
"""How many bytes a value takes at least (Avro 1.12.0 specification, "Binary Encoding")."""


class NotAvro(ValueError):
    """Bytes that are no Avro of their schema, or a schema that is none of use."""


class Schema(NamedTuple):
    """A writer's schema as fastavro wants it, or in `fault` why there is none."""

    parsed: Any = None
    fault: str = ""


def schema_id(value: bytes) -> int | None:
    """Which schema a message was written with; None where it is not in the wire format."""
    if len(value) < HEADER_BYTES or value[0] != 0:
        return None
    return int.from_bytes(value[1:HEADER_BYTES], "big")


def schema_of(text: str) -> Schema:
    """The schema in a text. Never raises."""
    import fastavro

    named: dict[str, Any] = {}
    try:
        parsed = fastavro.parse_schema(json.loads(text), named_schemas=named)
        _Parts(named).least_bytes(parsed)
    except NotAvro as wrong:
        return Schema(fault=str(wrong))
    except Exception as wrong:  # fastavro raises errors of many kinds on what is no schema
        return Schema(fault=f"its schema is no Avro: {wrong!r}"[:300])
    return Schema(parsed)


def decoded(value: bytes, schemas: Mapping[int, Schema]) -> Any:
    """What a message says, in dicts, lists and scalars; logical types are Python's. Raises NotAvro."""
    import fastavro

    number = schema_id(value)
    if number is None:
        raise NotAvro("no byte 0 and schema id before the Avro, which Confluent's wire format has")
    schema = schemas[number]
    if schema.fault:
        raise NotAvro(f"schema {number}: {schema.fault}")
    body = BytesIO(value[HEADER_BYTES:])
    try:
        said = fastavro.schemaless_reader(body, schema.parsed, None)
    except Exception as wrong:  # fastavro raises errors of many kinds on rubbish
        raise NotAvro(f"no Avro of schema {number}: {wrong!r}"[:300]) from wrong
    if left := len(value) - HEADER_BYTES - body.tell():
        raise NotAvro(f"no Avro of schema {number}: {left} bytes are left over")
    return said


class _Parts:
    """Walks a parsed schema, counting its parts."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named, self._left = named, MOST_PARTS

    def least_bytes(self, schema: Any, within: tuple[str, ...] = ()) -> int:
        """How many bytes a value takes at least. Raises NotAvro for a schema that must not be used."""
        self._left -= 1
        if self._left < 0 or len(within) > DEEPEST:
            raise NotAvro(f"its schema has over {MOST_PARTS} parts or {DEEPEST} levels")
        if isinstance(schema, list):
            return 1 + min((self.least_bytes(branch, (*within, "")) for branch in schema), default=0)
        kind = schema["type"] if isinstance(schema, dict) else schema
        if not isinstance(kind, str):
            return self.least_bytes(kind, (*within, ""))
        if isinstance(schema, str) and schema in self._named:
            return self.least_bytes(self._named[schema], within)
        return self._of_kind(kind, schema, within)

    def _of_kind(self, kind: str, schema: Any, within: tuple[str, ...]) -> int:
        if kind in ("record", "error"):
            if schema["name"] in within:
                raise NotAvro(f"its schema holds '{schema['name']}' within itself, which is not read")
            inner = (*within, schema["name"])
            return sum(self.least_bytes(field["type"], inner) for field in schema["fields"])
        if kind == "array" and self.least_bytes(schema["items"], (*within, "")) == 0:
            raise NotAvro("its schema has an array of items that take no bytes, of which there may be any number")
        if kind == "map":
            self.least_bytes(schema["values"], (*within, ""))
        if kind == "fixed":
            if type(schema["size"]) is not int or schema["size"] < 0:
                raise NotAvro(f"its schema has a fixed of size {schema['size']!r}")
            return int(schema["size"])
        return _LEAST_BYTES[kind]
