"""Any CSV or Parquet file as a feed: a map says which column is the time and which column is which asset's signal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import polars as pl
from msgspec import Struct

from connectors.files import toml
from models.records import AnyInput, Frame, Name, Tick

ROWS_A_READ = 50_000
LONGEST_FRAME_US = 10 * 60_000_000
"""A frame comes after the tick of its first row, and nothing further ahead of a tick is believed."""


class MapError(ValueError):
    """The map or the file does not fit; the message says where and what to do."""


class TimeColumn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The column of time stamps. `format` as strftime's, unless they are integers, in `unit`s since 1970 UTC."""

    column: str
    format: str | None = None
    unit: str = "us"
    zone: str = "UTC"


class Column(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a signal's values stand: value = column * scale + offset."""

    column: str
    scale: float = 1.0
    offset: float = 0.0


class Map(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a table becomes frames: its time column, and per asset the column of each signal."""

    source: Name
    time: TimeColumn
    assets: dict[Name, dict[Name, Column]]
    rows_per_frame: int = 1


US_A_UNIT = {"s": 1_000_000, "ms": 1_000, "us": 1}


def read_map(path: Path) -> Map:
    """The map in a TOML file. Raises MapError."""
    try:
        found = toml.read(path, Map)
    except toml.TomlError as wrong:
        raise MapError(f"{wrong}. infra/examples/bearings/map.toml is an example of a map") from wrong
    if found.time.unit not in US_A_UNIT:
        raise MapError(f"{path}: time.unit is '{found.time.unit}', but units are {', '.join(US_A_UNIT)}")
    return found


def count(path: Path) -> int:
    """Rows in the file. Raises MapError where it cannot be read."""
    with _reading(path):
        return int(_scan(path).select(pl.len()).collect().item())


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raises MapError for what polars cannot read, or not as the map says."""
    try:
        yield
    except OSError as wrong:
        raise MapError(f"{path} cannot be read ({wrong.strerror or wrong}): give a CSV or Parquet file") from wrong
    except pl.exceptions.PolarsError as wrong:
        raise MapError(f"{path} cannot be read as the map says: {str(wrong).splitlines()[0]}") from wrong


def records(path: Path, by: Map, plant: str) -> Iterator[AnyInput]:
    """Frames of a file that is sorted by time, a tick before each of them, all on the file's time."""
    last_us = -1
    for table in _tables(path, by):
        for rows in table.iter_slices(by.rows_per_frame):
            times = rows["time_us"].to_list()
            _check_times(path, times, last_us)
            last_us = times[-1]
            yield Tick(plant=plant, time_us=times[0])
            for asset, signals in by.assets.items():
                columns = {name: rows[f"{asset}/{name}"].to_list() for name in signals}
                yield Frame(plant=plant, asset=asset, source=by.source, times_us=times, signals=columns)


def _check_times(path: Path, times: list[int], last_us: int) -> None:
    if times[0] < last_us or any(after < before for before, after in pairwise(times)):
        raise MapError(f"{path}: time goes back near {times[0]} us: sort the file by its time column first")
    if times[-1] - times[0] > LONGEST_FRAME_US:
        raise MapError(f"{path}: {len(times)} rows span more than 10 minutes: set rows_per_frame lower")


def _scan(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path) if path.suffix == ".parquet" else pl.scan_csv(path)


def _tables(path: Path, by: Map) -> Iterator[pl.DataFrame]:
    """The file's rows with columns `time_us` and `asset/signal`, some thousand at a time."""
    table = _scan(path)
    with _reading(path):
        known = table.collect_schema().names()
    wanted = [by.time.column, *(column.column for signals in by.assets.values() for column in signals.values())]
    missing = [name for name in wanted if name not in known]
    if missing:
        raise MapError(f"{path} has no columns {missing}; it has {known}: correct the map")
    values = [
        (pl.col(column.column).cast(pl.Float64) * column.scale + column.offset).alias(f"{asset}/{name}")
        for asset, signals in by.assets.items()
        for name, column in signals.items()
    ]
    table = table.select(_time(by.time), *values)
    for at in range(0, count(path), ROWS_A_READ):
        with _reading(path):
            rows = table.slice(at, ROWS_A_READ).collect()
        yield rows


def _time(time: TimeColumn) -> pl.Expr:
    if time.format is None:
        return (pl.col(time.column).cast(pl.Int64) * US_A_UNIT[time.unit]).alias("time_us")
    local = pl.col(time.column).str.to_datetime(time.format, time_unit="us").dt.replace_time_zone(time.zone)
    return local.dt.epoch("us").alias("time_us")
