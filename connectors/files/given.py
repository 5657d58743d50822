"""The files that a user gave by globs: which there are, and what is in each as far as its beginning tells."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import polars as pl

from connectors.files import lines
from connectors.files.cells import time_us
from connectors.files.shape import TIMES, Shape
from connectors.files.table import MapError
from connectors.files.trouble import LINE, TIME, Trouble
from models.clocks import OLDEST_US
from models.plant.tags import ALWAYS_US
from models.records import Reject

PARQUET = (".parquet", ".pq")


class Unusable(ValueError):
    """A file cannot be read, whatever it was meant to hold."""


class File(NamedTuple):
    """One file. `asset` is what a folder `asset=NAME` says, `time` the expression of its times."""

    path: Path
    size: int
    mtime_ns: int
    names: list[str]
    time: pl.Expr
    time_name: str
    asset: str | None

    @property
    def is_parquet(self) -> bool:
        """Whether it is Parquet, by its name; else it is CSV."""
        return self.path.suffix.lower() in PARQUET

    @property
    def values(self) -> list[str]:
        """Its columns but for the time, with the asset that its folder says."""
        return [name for name in self.names if name != self.time_name]

    def trouble(self, plant: str, shape: Shape) -> Trouble:
        """A collector of letters about it."""
        return Trouble(plant, str(self.path), "row" if self.is_parquet else "line", shape.delimiter)

    def scan(self, shape: Shape, columns: Sequence[str], offset: int, rows: int) -> pl.LazyFrame:
        """Some rows of a Parquet file with LINE, TIME, and the asset that its folder says."""
        own = [name for name in columns if name in self.names]
        table = pl.scan_parquet(self.path, glob=False, hive_partitioning=False)
        table = table.select(*dict.fromkeys((*own, self.time_name))).slice(offset, rows)
        return self.with_asset(table.with_row_index(LINE, offset + 1), shape).with_columns(self.time.alias(TIME))

    def times(self) -> pl.LazyFrame:
        """The times of a Parquet file."""
        return pl.scan_parquet(self.path, glob=False, hive_partitioning=False).select(self.time.alias(TIME))

    def timed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows of text with TIME: a text that comes often is read once."""
        texts = rows.select(self.time_name).unique()
        if 2 * len(texts) > len(rows):
            return rows.with_columns(self.time.alias(TIME))
        known = texts.with_columns(self.time.alias(TIME))
        return rows.join(known, on=self.time_name, how="left", maintain_order="left")

    def with_asset(self, table: pl.LazyFrame, shape: Shape) -> pl.LazyFrame:
        """With the asset that its folder says as a column, for rows that have none."""
        if self.asset is None or shape.form != "rows" or shape.columns.asset in self.names:
            return table
        return table.with_columns(pl.lit(self.asset).alias(shape.columns.asset))


def listed(globs: Sequence[str]) -> list[Path]:
    """All files that match, in order of their names. Raises MapError where a glob matches none."""
    found: set[str] = set()
    for each in globs:
        names = glob.glob(str(Path(each).expanduser()), recursive=True)  # noqa: PTH207 # it may begin anywhere
        some = [name for name in names if Path(name).is_file()]
        if not some:
            raise MapError(f"no file matches '{each}': give a glob in quotes, such as 'history/**/*.parquet'")
        found.update(some)
    return [Path(name) for name in sorted(found)]


def opened(path: Path, shape: Shape) -> File:
    """A file, of which no more than its beginning was read. Raises Unusable, and MapError where columns are missing."""
    try:
        now = path.stat()
        if path.suffix.lower() in PARQUET:
            schema = dict(pl.scan_parquet(path, glob=False, hive_partitioning=False).collect_schema())
        else:
            names = lines.header(path, shape)
            twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
            if twice:
                raise Unusable(f"columns are there twice: {twice[:10]}")
            schema = dict.fromkeys(names, pl.String())
    except lines.UNREADABLE as wrong:
        raise Unusable(f"cannot be read: {getattr(wrong, 'strerror', None) or wrong}"[:500]) from wrong
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as wrong:
        raise Unusable(f"cannot be read as Parquet: {str(wrong).splitlines()[0]}"[:500]) from wrong
    if not schema:
        raise Unusable("is empty")
    asset = _asset_of(path, shape)
    return _fits(path, now.st_size, now.st_mtime_ns, schema, asset, shape)


def _fits(
    path: Path, size: int, mtime_ns: int, schema: dict[str, pl.DataType], asset: str | None, shape: Shape
) -> File:
    names = list(schema)
    times = (shape.columns.time,) if shape.columns.time else TIMES
    time = next((name for name in times if name in schema), None)
    ask = f": is the delimiter '{shape.delimiter}'?" if len(names) == 1 else ""
    if time is None:
        raise MapError(
            f"{path} has no column {' or '.join(map(repr, times))} of times; it has {names[:20]}{ask}: "
            "name it in the shape, as columns.time"
        )
    given = {*names, shape.columns.asset} if asset is not None else set(names)
    missing = [name for name in shape.needed if name not in given]
    if missing:
        raise MapError(
            f"{path} has no columns {missing}; it has {names[:20]}{ask}: correct the shape's form or columns"
        )
    expression = time_us(time, schema[time], shape)
    if expression is None:
        raise MapError(f"{path}: column '{time}' is of {schema[time]}, and no time: name another as columns.time")
    return File(path, size, mtime_ns, names, expression, time, asset)


def _asset_of(path: Path, shape: Shape) -> str | None:
    said = [part.partition("=")[2] for part in path.parent.parts if part.startswith(f"{shape.columns.asset}=")]
    return unquote(said[-1]) if said else None


def in_time(rows: pl.DataFrame, file: File, trouble: Trouble) -> pl.DataFrame:
    """Rows that have a time in this age; the others go to `trouble`."""
    time = rows[TIME]
    is_good = time.is_between(OLDEST_US, ALWAYS_US, closed="left").fill_null(value=False)
    if is_good.all():
        return rows

    def said(row: dict[str, Any]) -> str:
        return f"'{file.time_name}' says {str(row[file.time_name] or '')[:100]!r}"

    trouble.rows(Reject.NO_TIME, "no time", rows.filter(time.is_null()), lambda row: f"{said(row)}, which is no time")
    is_far = ~is_good & time.is_not_null()
    ask = "which is not from 2000 to 9999: is time_format right?"
    trouble.rows(Reject.FAR_PAST, "such times", rows.filter(is_far).drop(TIME), lambda row: f"{said(row)}, {ask}")
    return rows.filter(is_good)


def row_count(path: Path) -> int:
    """Rows of a Parquet file, from its end."""
    table = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    return int(table.select(pl.len()).collect().item())
