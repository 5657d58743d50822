"""The plant as its engineers describe it: asset types with signals, and the assets of each type.

Parsed from the text of a TOML file, which somebody else opens. Everything is checked here, once.
"""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum

import msgspec
from msgspec import Struct

from models.records import Name

_DURATION = re.compile(r"(\d+)\s*(s|min|h|d)")
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


class PlantError(ValueError):
    """The plant file is wrong; the message says where and how."""


class SignalKind(StrEnum):
    """What a signal's values mean."""

    GAUGE = "gauge"
    COUNTER = "counter"
    SETPOINT = "setpoint"
    STATE = "state"
    BOOLEAN = "boolean"
    TEXT = "text"
    EVENT = "event"

    @property
    def python_type(self) -> type:
        """The type of its samples: float, bool or str."""
        if self in (SignalKind.GAUGE, SignalKind.COUNTER, SignalKind.SETPOINT):
            return float
        return bool if self is SignalKind.BOOLEAN else str


class Sampling(StrEnum):
    """When a new value arrives."""

    PERIODIC = "periodic"
    ON_CHANGE = "on-change"


class Signal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One signal of an asset type. `range` is what its sensor can say; outside of it a sample is not stored."""

    kind: SignalKind
    unit: str = ""
    sampling: Sampling = Sampling.PERIODIC
    max_silence: str = "10min"
    range: tuple[float, float] | None = None

    @property
    def max_silence_s(self) -> int:
        """Seconds after which no value means no knowledge."""
        return seconds(self.max_silence)


class AssetType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Machines that are alike: the same signals in the same order, the same model."""

    signals: dict[Name, Signal]
    model: str | None = None


class Asset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One machine."""

    type: Name
    description: str = ""


class Plant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plant: its name, asset types by name, assets by name."""

    plant: Name
    types: dict[Name, AssetType]
    assets: dict[Name, Asset]

    def type_of(self, asset: str) -> str | None:
        """Name of the asset's type, None for an asset that is not of this plant."""
        known = self.assets.get(asset)
        return known.type if known else None


def seconds(duration: str) -> int:
    """Seconds of a duration such as `90s`, `5min`, `2h`, `1d`; raises PlantError on anything else."""
    found = _DURATION.fullmatch(duration.strip())
    if not found:
        raise PlantError(f"'{duration}' is no duration: write a whole number and s, min, h or d, such as 5min")
    return int(found[1]) * _SECONDS[found[2]]


def parse(text: str) -> Plant:
    """The plant in a TOML text; raises PlantError naming the place and the mend."""
    try:
        plant = msgspec.convert(tomllib.loads(text), Plant)
    except tomllib.TOMLDecodeError as wrong:
        raise PlantError(f"the plant file is not TOML: {wrong}") from wrong
    except msgspec.ValidationError as wrong:
        raise PlantError(f"the plant file does not fit: {wrong}") from wrong
    for name, asset in plant.assets.items():
        if asset.type not in plant.types:
            raise PlantError(f"assets.{name}.type is '{asset.type}', but types are {sorted(plant.types)}")
    for kind, asset_type in plant.types.items():
        _check_signals(kind, asset_type)
    return plant


def _check_signals(kind: str, asset_type: AssetType) -> None:
    for name, signal in asset_type.signals.items():
        where = f"types.{kind}.signals.{name}"
        if signal.range and not signal.range[0] < signal.range[1]:
            raise PlantError(f"{where}.range must rise, but is {list(signal.range)}")
        if signal.range and signal.kind.python_type is not float:
            raise PlantError(f"{where} has a range, but a {signal.kind} has none")
        try:
            seconds(signal.max_silence)
        except PlantError as wrong:
            raise PlantError(f"{where}.max_silence: {wrong}") from wrong
