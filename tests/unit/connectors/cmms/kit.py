"""A plant of three pumps, and lists of a maintenance system written for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from connectors.cmms.maps import maps_of
from connectors.cmms.reader import Read, read
from models.failure.documents import Document
from models.plant import Plant, parse

PLANT = """
plant = "p"
timezone = "Europe/Brussels"
[types.pump.signals.temp_degc]
kind = "gauge"
[assets.pump-01]
type = "pump"
[assets.pump-02]
type = "pump"
[assets.pump-03]
type = "pump"
"""


def plant(text: str = PLANT) -> Plant:
    return parse(text)


def written(folder: Path, *lines: str, name: str = "list.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def taken(path: Path, *others: Path, system: str = "csv", own: tuple[Path, ...] = (), **said: Any) -> Read:
    return read([path, *others], system, maps_of(system, own), plant(), **said)


def one(path: Path, **said: Any) -> Document:
    """The one document of a list of which all can be used."""
    found = taken(path, **said)
    assert found.letters == []
    (document,) = found.documents
    return document


def told(found: Read) -> list[str]:
    """What was told, without the folder."""
    return [f"{letter.reason}: {letter.detail.rpartition('/')[2]}" for letter in found.letters]
