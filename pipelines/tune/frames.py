"""Parts of stations that send frames and no part records: rows of the store, by what the plant file calls signals."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from models.plant import Plant, Station
from models.records import Part
from pipelines.plan.ports import Rows
from pipelines.tune.board import Board

PRODUCT, PART, LOT = "product", "part", "lot"
"""Names that signals may be given beside those of parameters and measured values."""
BACK_US = 7 * 86_400 * 1_000_000
"""How far back rows are read at the start. Our choice: a week has parts enough to learn from."""
OVERLAP_US = 60 * 1_000_000
"""Rows of the last minute are read again, since they may be written out of order; a known part stays."""


class Frames:
    """Of one plant's stations; `look` again and again. Belongs to one event loop."""

    def __init__(self, board: Board, rows: Rows) -> None:
        self._board, self._rows = board, rows
        self._read_until_us: dict[str, int] = {}

    @property
    def are_read(self) -> bool:
        """Whether any station's parts are rows."""
        return any(station.signals for station in self._board.stations.values())

    async def look(self, now_us: int) -> int:
        """Take parts of new rows; how many rows there were. Raises StoreDown."""
        found = 0
        for asset, station in self._board.stations.items():
            if not station.signals or self._board.plant.type_of(asset) is None:
                continue
            from_us = self._read_until_us.get(asset, now_us - BACK_US) - OVERLAP_US
            kind = self._board.plant.assets[asset].type
            rows = await self._rows.read(kind, max(0, from_us), now_us + 1, [asset])
            for part in parts_of(rows, self._board.plant, asset, station):
                self._board.take_record(part)
            found += len(rows)
            if len(rows):
                self._read_until_us[asset] = int(rows["time_us"][-1])
        return found


class Named(NamedTuple):
    """Columns of rows that are parameters, and those that are measured, by their own names."""

    settings: dict[str, str]
    measured: dict[str, str]


def parts_of(rows: pl.DataFrame, plant: Plant, asset: str, station: Station) -> list[Part]:
    """A part for each row that has all parameters; its id is its time, where no signal says it.

    A station of one product alone need not say which; of several, rows that do not are left out.
    """
    names = _named(station, rows.columns)
    if set(names.settings) != set(station.parameters) or rows.is_empty():
        return []
    columns = {alias: signal for alias, signal in station.signals.items() if signal in rows.columns}
    alone = next(iter(station.models), "") if len(station.models) == 1 else ""
    whole = rows.drop_nulls(list(names.settings.values()))
    found = []
    for row in whole.iter_rows(named=True):
        product = str(row.get(columns.get(PRODUCT, ""), None) or alone)
        if not product:
            continue
        found.append(
            Part(
                plant=plant.plant,
                asset=asset,
                part=str(row.get(columns.get(PART, ""), None) or row["time_us"]),
                product=product,
                time_us=row["time_us"],
                settings={name: float(row[column]) for name, column in names.settings.items()},
                measured={
                    name: float(row[column]) for name, column in names.measured.items() if row[column] is not None
                },
                lot=str(row.get(columns.get(LOT, ""), None) or ""),
            )
        )
    return found


def _named(station: Station, columns: list[str]) -> Named:
    there = {alias: signal for alias, signal in station.signals.items() if signal in columns}
    settings = {alias: signal for alias, signal in there.items() if alias in station.parameters}
    measured = {alias: signal for alias, signal in there.items() if alias not in (PRODUCT, PART, LOT)}
    return Named(settings, measured)
