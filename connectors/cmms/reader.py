"""Lists of a maintenance system, as CSV, to documents; what cannot be used is told with file and line, and counted."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from msgspec.structs import replace

from connectors.cmms import cells
from connectors.cmms.maps import Map, map_for
from connectors.cmms.systems import systems
from connectors.files import lines
from connectors.files.shape import Shape
from connectors.files.table import MapError
from connectors.files.trouble import Trouble
from models.clocks import OLDEST_US
from models.failure.documents import Document, Finding, Kind, joined
from models.failure.modes import MODES
from models.plant import Plant
from models.plant.tags import ALWAYS_US
from models.records import DeadLetter, Reject

HOUR_US = 3_600_000_000
CENTURY_H = 876_000
"""No work takes longer."""
LONGEST = 200
"""Characters of a name, as `models.records.Name` has it."""
TIMES = ("reported", "started", "finished", "changed")
_BREAKDOWN = "breakdown"


class Read(NamedTuple):
    """Documents by number and asset, letters about what could not be used; rows: all, used, and void."""

    documents: list[Document]
    letters: list[DeadLetter]
    rows: int
    used: int
    void: int


def read(
    paths: Iterable[Path],
    system: str,
    maps: Sequence[Map],
    plant: Plant,
    equipment: Mapping[str, str] | None = None,
    zone: str = "",
) -> Read:
    """All documents of some files. Raises MapError for a file that no map fits or that cannot be read at all.

    `equipment` has assets by equipment number, beside those of the maps. Times without an offset are of `zone`, else of
    the map's, else of the plant's.
    """
    parts: dict[tuple[str, str, str], list[Document]] = defaultdict(list)
    letters: list[DeadLetter] = []
    counts: Counter[str] = Counter()
    for path in sorted(paths):
        by, shape, names = _opened(path, maps)
        trouble = Trouble(plant.plant, str(path), "line", shape.delimiter)
        rows_of = _Rows(system, by, plant, equipment or {}, zone or by.zone or plant.timezone, trouble, counts)
        for piece in lines.pieces(path, names, shape, trouble):
            for part in rows_of.documents(piece.rows):
                parts[part.source, part.number, part.asset].append(part)
        letters += [told.letter for told in trouble.end()]
    return Read([joined(some) for some in parts.values()], letters, counts["rows"], counts["used"], counts["void"])


def _opened(path: Path, maps: Sequence[Map]) -> tuple[Map, Shape, list[str]]:
    """The map that a file's columns are in, how its texts are to be read, and its columns."""
    looked = _looked_at(path)
    heads: dict[str, list[str]] = {}
    shapes: dict[str, Shape] = {}
    for by in maps:
        encoding, delimiter = by.encoding or looked.encoding, by.delimiter or looked.delimiter
        shapes[by.source] = replace(looked, encoding=encoding, delimiter=delimiter)
        try:
            heads[by.source] = lines.header(path, shapes[by.source])
        except (*lines.UNREADABLE, LookupError) as wrong:
            raise MapError(f"{path} cannot be read as {encoding}: {wrong}") from wrong
    by = map_for(path, heads, maps)
    names = heads[by.source]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise MapError(f"{path}: columns are there twice: {twice[:10]}: leave one of each out")
    return by, shapes[by.source], names


def _looked_at(path: Path) -> Shape:
    """Encoding and delimiter as the file shows them: Latin-1 as Windows has it, where it is no UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as wrong:
        raise MapError(f"{path} cannot be read ({wrong.strerror}): give CSV files") from wrong
    encoding = "utf-8-sig"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        encoding = "cp1252"
    head = data.partition(b"\n")[0]
    delimiter = max((b",", b";", b"\t", b"|"), key=head.count).decode()
    return Shape(encoding=encoding, delimiter=delimiter)


def read_equipment(path: Path) -> dict[str, str]:
    """Assets by equipment number, of a CSV file with columns `equipment` and `asset`. Raises MapError."""
    shape = _looked_at(path)
    with path.open(encoding=shape.encoding, newline="") as file:
        rows = csv.DictReader(file, delimiter=shape.delimiter)
        if not {"equipment", "asset"} <= set(rows.fieldnames or ()):
            raise MapError(f"{path} has no columns 'equipment' and 'asset'; it has {rows.fieldnames}")
        return {row["equipment"].strip(): row["asset"].strip() for row in rows if row["equipment"] and row["asset"]}


def _bare(equipment: str) -> str:
    """An equipment number without the zeros that tables fill it up with."""
    return equipment.lstrip("0") if equipment.isdecimal() else equipment


class _Rows:
    """The rows of one file, told apart into what can be used and what cannot."""

    def __init__(
        self, system: str, by: Map, plant: Plant, equipment: Mapping[str, str], zone: str, trouble: Trouble,
        counts: Counter[str],
    ) -> None:  # fmt: skip
        self._system, self._map, self._plant, self._zone = system, by, plant, zone
        self._trouble, self._counts = trouble, counts
        self._number_of = systems()[system].number_of
        self._equipment = {_bare(number): asset for number, asset in (by.assets | dict(equipment)).items()}
        self._kinds = {word.lower(): kind for word, kind in by.kinds.items()}
        self._nothing = {word.lower() for word in by.nothing}
        self._modes = {code.lower(): mode for code, mode in by.modes.items()}

    def documents(self, rows: pl.DataFrame) -> list[Document]:
        """A document a row that can be used; the others go to the trouble, but for those that are void."""
        rows = self._with_meaning(rows)
        self._counts["rows"] += len(rows)
        self._counts["void"] += int(rows["(void)"].sum())
        for reason, what, wrong, say in self._checks():
            self._trouble.rows(reason, what, rows.filter(wrong & ~pl.col("(void)")), say)
            rows = rows.filter(~wrong)
        self._counts["used"] += int((~rows["(void)"]).sum())
        return [self._document(row) for row in rows.select(pl.col(r"^\(.*\)$")).to_dicts()]

    def _with_meaning(self, rows: pl.DataFrame) -> pl.DataFrame:
        columns, size = self._map.columns, len(rows)
        found: dict[str, pl.Series] = {}
        for name in ("component", "cause", "text", "status", "duration", "unit", "breakdown"):
            found[name] = cells.first(cells.words(rows, getattr(columns, name)), size)
        found["number"] = cells.through(
            cells.first(cells.words(rows, columns.numbers(rows.columns)), size), self._number_of
        )
        for name, meaning in (("asset", self._asset_of), ("kind", self._kind_of)):
            said = cells.words(rows, getattr(columns, name))
            found[f"{name} said"] = cells.first(said, size)
            found[name] = cells.first([cells.through(text, meaning) for text in said], size)
        codes = cells.first(cells.words(rows, columns.mode), size)
        found["finding"] = self._findings(codes, cells.first(cells.words(rows, columns.found), size))
        found["mode"] = cells.through(codes, self._mode_of)
        for name in TIMES:
            found[f"{name} said"] = cells.moments(rows, getattr(columns, name))
            found[name] = cells.moments_us(found[f"{name} said"], self._map, self._zone)
        found["hours"] = cells.hours(found["duration"], found["unit"], self._map)
        found["void"] = self._is_void(found["status"])
        return rows.with_columns(series.alias(f"({name})") for name, series in found.items())

    def _asset_of(self, text: str) -> str | None:
        asset = self._equipment.get(_bare(text), text)
        return asset if asset in self._plant.assets else None

    def _unknown(self, equipment: str) -> str:
        if asset := self._equipment.get(_bare(equipment)):
            return f"'{equipment}' is mapped to '{asset}', which is no asset of the plant"
        return (
            f"'{equipment}' is no asset of the plant: name its asset in the map's [assets], or in a file of "
            "equipment,asset"
        )

    def _kind_of(self, word: str) -> str | None:
        return self._kinds.get(word.lower())

    def _mode_of(self, code: str) -> str:
        """By the map, then as ISO 14224 has it; else the plant's own word."""
        bare = code.rpartition("-")[2]
        if self._is_nothing(code):
            return ""
        known = self._modes.get(code.lower()) or self._modes.get(bare.lower())
        return known or next((one.upper() for one in (code, bare) if one.upper() in MODES), code)

    def _is_nothing(self, code: str) -> bool:
        return code.lower() in self._nothing or code.rpartition("-")[2].lower() in self._nothing

    def _findings(self, codes: pl.Series, found: pl.Series) -> pl.Series:
        """That nothing was found is believed to whichever column says it; a code or any other word is damage."""

        def meaning(text: str) -> str:
            return Finding.NOTHING.value if self._is_nothing(text) else Finding.DAMAGE.value

        both = [cells.through(each, meaning) for each in (found, codes)]
        return cells.first(both, len(codes)).fill_null(Finding.UNSAID.value)

    def _is_void(self, status: pl.Series) -> pl.Series:
        void = {word.upper() for word in self._map.void}
        return cells.through(status, lambda text: bool(void & set(text.upper().split())), pl.Boolean).fill_null(
            value=False
        )

    def _checks(self) -> list[tuple[Reject, str, pl.Expr, Any]]:
        """Reasons with what counts them together, which rows they are about, and what is said of one."""
        columns, flags = self._map.columns, [word.lower() for word in (*self._map.yes, *self._map.no)]
        no_kind = pl.col("(kind)").is_null() & (
            pl.lit(self._map.otherwise is None) | pl.col("(kind said)").is_not_null()
        )
        checks = [
            (Reject.NOT_A_RECORD, "no number", pl.col("(number)").is_null(), lambda _: (
                f"the document has no number in {_listed(columns.number)}")),
            (Reject.NOT_A_RECORD, "a number that is too long", pl.col("(number)").str.len_chars() > LONGEST, lambda _: (
                f"the document's number is longer than {LONGEST} characters: is it in the right column?")),
            (Reject.UNKNOWN_ASSET, "unknown equipment", pl.col("(asset)").is_null(), lambda row: (
                self._unknown(row["(asset said)"] or ""))),
            (Reject.NOT_A_RECORD, "a kind of work that is not in the map", no_kind, lambda row: (
                f"the kind of work is '{row['(kind said)'] or ''}': say what it means in the map's [kinds]")),
            (Reject.NOT_A_RECORD, "a breakdown flag that is not in the map",
             ~pl.col("(breakdown)").str.to_lowercase().is_in(flags).fill_null(value=True), lambda row: (
                f"the breakdown flag is '{row['(breakdown)']}': name it in the map's `yes` or `no`")),
            (Reject.NO_TIME, "no time of a report", pl.col("(reported said)").is_null(), lambda _: (
                f"nothing in {_listed(columns.reported)} says when it was reported")),
            *(check for name in TIMES for check in _time_checks(name)),
            (Reject.NOT_A_NUMBER, "no duration",
             pl.col("(duration)").is_not_null() & ~pl.col("(hours)").is_between(0, CENTURY_H).fill_null(value=False),
             lambda row: f"the duration '{row['(duration)']} {row['(unit)'] or ''}' is no number of a unit in [hours]"),
        ]  # fmt: skip
        return [(reason, what, wrong.fill_null(value=False), say) for reason, what, wrong, say in checks]

    def _document(self, row: dict[str, Any]) -> Document:
        word = str(row["(kind)"] or self._map.otherwise)
        finished_us = row["(finished)"]
        if finished_us is None and row["(hours)"]:
            finished_us = row["(reported)"] + round(row["(hours)"] * HOUR_US)
        flag = (row["(breakdown)"] or "").lower() in {yes.lower() for yes in self._map.yes}
        return Document(
            system=self._system,
            source=self._map.source,
            number=row["(number)"],
            asset=row["(asset)"],
            kind=Kind.REPAIR if word == _BREAKDOWN else Kind(word),
            finding=Finding(row["(finding)"]),
            breakdown=flag or word == _BREAKDOWN,
            mode=row["(mode)"] or "",
            component=row["(component)"] or "",
            cause=row["(cause)"] or "",
            text=row["(text)"] or "",
            reported_us=row["(reported)"],
            started_us=row["(started)"],
            finished_us=finished_us,
            changed_us=row["(changed)"],
            void=row["(void)"],
        )


def _time_checks(name: str) -> list[tuple[Reject, str, pl.Expr, Any]]:
    said, us = f"({name} said)", pl.col(f"({name})")
    far = us.is_not_null() & ~us.is_between(OLDEST_US, ALWAYS_US, closed="left")
    return [
        (Reject.NO_TIME, f"an unreadable time, {name}", pl.col(said).is_not_null() & us.is_null(), lambda row: (
            f"{name}: '{row[said]}' is no time: name its form in the map's date_formats")),
        (Reject.FAR_PAST, f"such times, {name}", far, lambda row: f"{name}: '{row[said]}' is not from 2000 to 9999"),
    ]  # fmt: skip


def _listed(ways: Iterable[str | tuple[str, ...]]) -> str:
    return ", ".join(way if isinstance(way, str) else " ".join(way) for way in ways)
