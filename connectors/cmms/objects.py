"""The objects file: what machines of the plant file are called in a maintenance system. TOML, a table a machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from connectors.cmms.templates import Template, Value, misfit
from connectors.delivery import SinkError
from connectors.files import toml


class Object(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One machine: its equipment number or its location there, and fields of the template that are other for it."""

    equipment: str = ""
    location: str = ""
    fields: dict[str, Value] = {}


class Objects(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By asset."""

    assets: dict[str, Object]


def objects_of(file: str | None, template: Template) -> Mapping[str, Object]:
    """What the file says, none where there is no file. Raises SinkError."""
    if file is None:
        return {}
    try:
        found = toml.read(Path(file), Objects)
    except toml.TomlError as wrong:
        raise SinkError(f"objects {wrong}") from wrong
    for asset, its in found.assets.items():
        place = f"objects {file}: assets.{asset}"
        if not its.equipment and not its.location:
            raise SinkError(f"{place} has neither equipment nor location: give one")
        for name, value in its.fields.items():
            if reason := misfit(template, name, value):
                raise SinkError(f"{place}.fields.{name} {reason}")
    return found.assets
