"""A plant as JSON, as it stands in records and snapshots: what a worker needs, which is all but tags.

The same plant gives the same bytes, however it was spread over files. What a file leaves out is left out here, so that
a key which a later Forewarn adds changes nothing until it is used. Reading checks as reading a file does.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from models.plant.checks import check
from models.plant.errors import PlantError
from models.plant.plant import Plant


def encode(plant: Plant) -> bytes:
    """The content of a plant, without its tags."""
    return msgspec.json.encode(_said(plant.for_workers()))


def decode(content: bytes) -> Plant:
    """The plant of a content. Raises PlantError where it is none, or not what a plant must be."""
    try:
        plant = msgspec.json.decode(content, type=Plant).for_workers()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise PlantError(f"the content is no plant: {wrong}") from wrong
    check(plant)
    return plant


def _said(value: Any) -> Any:
    """What differs from the defaults, in the order of the fields; dictionaries in theirs."""
    if isinstance(value, Struct):
        fields = ((said, getattr(value, name), default) for name, said, default in _fields(type(value)))
        return {said: _said(one) for said, one, default in fields if one != default}
    if isinstance(value, dict):
        return {name: _said(inner) for name, inner in value.items()}
    return [_said(one) for one in value] if isinstance(value, tuple) else value


@cache
def _fields(of: type[Struct]) -> tuple[tuple[str, str, Any], ...]:
    """Names of a type's fields, as they are in content, and defaults. msgspec reads annotations anew each time."""
    return tuple((field.name, field.encode_name, _default(field)) for field in msgspec.structs.fields(of))


def _default(field: msgspec.structs.FieldInfo) -> Any:
    factory = field.default_factory
    return field.default if factory is msgspec.NODEFAULT else factory()
