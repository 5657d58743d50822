"""How the rows of a history stand in its files, as an engineer writes it down; checked before anything is read.

The words are those of the files feed's config. Without a file the defaults hold: columns `asset`, `time_us` or `time`,
and signals by their names.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from connectors.files import toml
from connectors.files.table import US_A_UNIT, MapError
from connectors.files.texts import Texts, zone_misfit

TIMES = ("time_us", "time")
"""Columns of times that need no naming; the first that is there is meant."""


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names of columns: `asset` is for rows, `tag`, `value` and `quality` for long; an empty `quality` is none."""

    asset: str = "asset"
    time: str = ""
    tag: str = "tag"
    value: str = "value"
    quality: str = ""


class Shape(Texts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the files of a history are like.

    `rows`: a row is of one asset, its columns are signals by name. `wide`: columns are addresses of the plant's tags.
    `long`: a row is one value of one address. An address is `prefix` and the column's name, or the tag; `feed` is
    whose addresses they are, as tags name it. `time_format` is "iso" (ISO 8601; whole numbers are microseconds since
    1970 UTC), s, ms or us, or a strptime format. Times without an offset are of `zone`.
    """

    form: Literal["rows", "wide", "long"] = "rows"
    columns: Columns = Columns()
    prefix: str = ""
    feed: str = "files"
    time_format: str = "iso"
    zone: str = "UTC"

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns without which nothing can be read, but for the time and a folder's asset."""
        if self.form == "long":
            return tuple(name for name in (self.columns.tag, self.columns.value, self.columns.quality) if name)
        return (self.columns.asset,) if self.form == "rows" else ()


def read_shape(path: Path) -> Shape:
    """The shape in a TOML file. Raises MapError."""
    try:
        found = toml.read(path, Shape)
    except toml.TomlError as wrong:
        raise MapError(str(wrong)) from wrong
    check(found, f"{path}: ")
    return found


def check(shape: Shape, where: str = "") -> None:
    """Raises MapError for what cannot work."""
    one_byte = "delimiter must be of one byte" if len(shape.delimiter.encode()) > 1 else None
    if misfit := shape.misfit() or one_byte or zone_misfit(shape.zone):
        raise MapError(f"{where}{misfit}")
    if shape.time_format not in ("iso", *US_A_UNIT) and "%" not in shape.time_format:
        raise MapError(f"{where}time_format '{shape.time_format}' is neither iso, s, ms, us nor a strptime format")
