"""A short hash of what a plant file means, so that two people can say whether they speak of the same one.

Neither the order of tables and files, nor comments, nor a default that is written out change it; the order of a type's
signals does, since arrays and snapshots follow it. A key that a later Forewarn adds changes no file's version until it
is used. Two spellings of one duration, 60s and 1min, are two meanings here.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from models.plant.assets import AssetType
from models.plant.shifts import Date
from models.plant.signals import Signal

CHARACTERS = 12
"""Of SHA-256 in hexadecimal: 48 bits, in which a thousand plant files have the same by a chance of 2e-9."""


def version_of(plant: Struct) -> str:
    """The version of a plant."""
    return hashlib.sha256(_encoded(_meaning(plant))).hexdigest()[:CHARACTERS]


def _encoded(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def _meaning(value: Any) -> Any:
    if isinstance(value, Struct):
        return _of_struct(value)
    if isinstance(value, dict):
        return {name: _meaning(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        inner = [_meaning(one) for one in value]
        # Tags, shifts, limits and holidays are sets; other tuples are pairs and lists whose order may mean something.
        return sorted(inner, key=_encoded) if value and isinstance(value[0], Struct | Date) else inner
    return value


_fields = cache(msgspec.structs.fields)


def _of_struct(value: Struct) -> dict[str, Any]:
    said = {}
    for field in _fields(type(value)):
        one = getattr(value, field.name)
        factory = field.default_factory
        default = field.default if factory is msgspec.NODEFAULT else factory()
        if one != default:
            said[field.encode_name] = _meaning(one)
    if isinstance(value, Signal):
        said["stepped"] = value.stepped
    if isinstance(value, AssetType):
        said["signals"] = list(said["signals"].items())
    return said
