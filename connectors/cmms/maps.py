"""Maps of columns and codes of maintenance systems, as TOML: those that are shipped, and those of a user."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from connectors.cmms.systems import systems
from connectors.files import toml
from connectors.files.table import MapError
from connectors.files.texts import zone_misfit
from models.records import Name

SHIPPED = Path(__file__).parent / "maps"
Ways = tuple[str | tuple[str, ...], ...]
"""Columns that may say a thing: of a row the first that does. Several in one are parts, as group and code."""
KindWord = Literal["breakdown", "inspection", "repair", "planned", "replacement"]


class Columns(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a document's words stand. `found` is a column of its own that says whether damage was found.

    A list without any column of `number` has its rows known by `numberless`.
    """

    number: Ways
    asset: Ways
    reported: Ways
    kind: Ways = ()
    breakdown: Ways = ()
    mode: Ways = ()
    found: Ways = ()
    component: Ways = ()
    cause: Ways = ()
    text: Ways = ()
    started: Ways = ()
    finished: Ways = ()
    duration: Ways = ()
    unit: Ways = ()
    status: Ways = ()
    changed: Ways = ()
    numberless: Ways = ()

    def numbers(self, names: Collection[str]) -> Ways:
        """Columns that rows are known by in a list of these columns."""
        return self.number if _has(self.number, names) else self.numberless

    @property
    def names(self) -> set[str]:
        """All columns that are named."""
        ways = [way for field in self.__struct_fields__ for way in getattr(self, field)]
        return {name for way in ways for name in ((way,) if isinstance(way, str) else way)}


class Map(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How rows of one list become documents; `source` names the list, and a user's map replaces that of its source.

    `kinds` are words of the columns of kind, `otherwise` the kind where they say nothing. `modes` has by damage code,
    with or without its group, the failure mode; a code that is in neither `modes` nor ISO 14224 is a mode itself.
    `nothing` are words that say that nothing was found, `yes` and `no` those of a breakdown flag, `void` states of
    documents that mean nothing. `hours` has units of durations, the first where none is said. `assets` has assets by
    equipment number. Times without an offset are of `zone`, the plant's where it is empty; `date_formats` are forms of
    days beside the usual ones. Encoding and delimiter are found out where they are empty.
    """

    source: Name
    columns: Columns
    kinds: dict[str, KindWord] = {}
    otherwise: KindWord | None = None
    modes: dict[str, str] = {}
    nothing: tuple[str, ...] = ()
    yes: tuple[str, ...] = ("x", "1", "true", "yes", "y", "ja", "j")
    no: tuple[str, ...] = ("0", "false", "no", "n", "nein", "-")
    void: tuple[str, ...] = ()
    hours: dict[str, float] = msgspec.field(default_factory=lambda: {"h": 1.0})
    assets: dict[str, str] = {}
    date_formats: tuple[str, ...] = ()
    zone: str = ""
    fold: Literal["first", "second", "refuse"] = "first"
    encoding: str = ""
    delimiter: str = ""


def read_map(path: Path) -> Map:
    """The map in a TOML file. Raises MapError."""
    try:
        found = toml.read(path, Map)
    except toml.TomlError as wrong:
        raise MapError(f"{wrong}. {SHIPPED} has the maps that are shipped") from wrong
    misfit = zone_misfit(found.zone) if found.zone else None
    if misfit is None and len(found.delimiter.encode()) > 1:
        misfit = "delimiter must be one character"
    for needed in ("number", "asset", "reported"):
        if not getattr(found.columns, needed):
            misfit = f"columns.{needed} names no column"
    for form in found.date_formats:
        if "%" not in form:
            misfit = f"date_formats '{form}' is no strptime format: write it as \"%m/%d/%Y\""
    if misfit:
        raise MapError(f"{path}: {misfit}")
    return found


def maps_of(system: str, own: Iterable[Path] = ()) -> tuple[Map, ...]:
    """The maps of a system, some of them replaced by a user's. Raises MapError."""
    known = systems()
    if system not in known:
        raise MapError(f"there is no system '{system}': use one of {', '.join(known)}")
    maps = {one.source: one for one in (read_map(SHIPPED / f"{name}.toml") for name in known[system].MAPS)}
    for path in own:
        mine = read_map(path)
        if mine.source not in maps:
            raise MapError(f"{path}: {system} has no list of source '{mine.source}': use one of {', '.join(maps)}")
        maps[mine.source] = mine
    return tuple(maps.values())


def map_for(path: Path, heads: Mapping[str, Sequence[str]], maps: Sequence[Map]) -> Map:
    """The map that most of a file's columns are in; `heads` has them as each map reads them, by its source.

    Raises MapError where none has what a document needs.
    """
    fitting = [one for one in maps if _fits(one.columns, heads[one.source])]
    if not fitting:
        wanted = " or ".join(f"{field} ({_said(maps, field)})" for field in _NEEDED)
        names = list(heads[maps[0].source])[:20]
        raise MapError(f"{path} has no columns of {wanted}; it has {names}: give a map, as --map FILE.toml")
    return max(fitting, key=lambda one: len(one.columns.names & set(heads[one.source])))


_NEEDED = ("number", "asset", "reported")


def _fits(columns: Columns, names: Collection[str]) -> bool:
    return all(_has(ways, names) for ways in (columns.numbers(names), columns.asset, columns.reported))


def _has(ways: Ways, names: Collection[str]) -> bool:
    return any((way if isinstance(way, str) else way[0]) in names for way in ways)


def _said(maps: Sequence[Map], field: str) -> str:
    ways = dict.fromkeys(way if isinstance(way, str) else way[0] for one in maps for way in getattr(one.columns, field))
    return ", ".join(ways)
