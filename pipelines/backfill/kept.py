"""A lane's folder: numbered parts of results, and the point a lane goes on from. A file is whole or not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import polars as pl
from msgspec import Struct

from models.records import AnyRecord, Forecast
from pipelines.backfill.gaps import Found, Held, gaps_table
from pipelines.backfill.results import LEDGER, forecasts_table, last_of_each, lines_of
from pipelines.ledger import Ledger
from pipelines.ports import Snapshot

POINT = "point"


class Standing(NamedTuple):
    """How far a lane is: where reading goes on, the time reached, rows read, when assets last spoke, gaps held.

    A position is a time in microseconds, or an offset of a log.
    """

    position: int
    reached_us: int
    rows: int
    last_us: dict[str, int]
    held: Held


class Point(Struct, frozen=True, kw_only=True):
    """What a lane goes on from: what was read before it is in the parts before `part` and in the partition's state."""

    part: int
    at: Standing
    next_offset: int
    state: dict[str, bytes]


class LaneFolder:
    """Parts and points of one lane. Opening it forgets what was written after its point."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.point = self._read_point()
        self._part = self.point.part if self.point else 0
        self._tables: dict[str, list[pl.DataFrame]] = {}
        self._records: list[AnyRecord] = []
        for stale in folder.glob("*-*.*"):
            if int(stale.stem.rpartition("-")[2]) >= self._part:
                stale.unlink()

    def _read_point(self) -> Point | None:
        file = self.folder / POINT
        return msgspec.msgpack.decode(file.read_bytes(), type=Point) if file.is_file() else None

    @property
    def is_through(self) -> bool:
        """Whether the lane came to its end."""
        return (self.folder / LEDGER).is_file()

    def take(self, forecasts: Sequence[Forecast], records: Sequence[AnyRecord], gaps: Found) -> None:
        """Hold what is for the next part."""
        if forecasts:
            self.take_table("forecasts", forecasts_table(forecasts))
        if gaps:
            self.take_table("gaps", gaps_table(gaps))
        self._records += records

    def take_table(self, kind: str, table: pl.DataFrame) -> None:
        """Hold rows of a table for the next part."""
        self._tables.setdefault(kind, []).append(table)

    def keep(self, state: Snapshot, at: Standing) -> None:
        """Write a part, and then the point behind it."""
        for kind, parts in self._tables.items():
            table = pl.concat(parts, how="diagonal")
            table = last_of_each(table) if kind == "forecasts" else table
            self._write(f"{kind}-{self._part:06}.parquet", table.write_parquet)
        if self._records:
            lines = lines_of(self._records)
            self._write(f"records-{self._part:06}.jsonl", lambda file: file.write_bytes(lines))
        self._tables, self._records = {}, []
        self._part += 1
        self.point = Point(part=self._part, at=at, next_offset=state.next_offset, state=dict(state.parts))
        data = msgspec.msgpack.encode(self.point)
        self._write(POINT, lambda file: file.write_bytes(data))

    def finish(self, ledger: Ledger) -> None:
        """Say that the lane came to its end."""
        self._write(LEDGER, lambda file: file.write_bytes(msgspec.json.encode(ledger)))

    def _write(self, name: str, write: Callable[[Path], object]) -> None:
        aside = self.folder / f".{name}"
        write(aside)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(self.folder / name)


def forget(folder: Path) -> None:
    """Throw a run's folder away."""
    if folder.exists():
        shutil.rmtree(folder)
