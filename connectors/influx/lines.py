"""Rows to InfluxDB line protocol, a column at a time. Pure: no request is made here.

Nothing is done per row in Python; names are escaped once per asset and field. What line protocol cannot carry is
refused here with a reason and never changed: infinite numbers, and names that the `unwritable_…` functions tell of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import polars as pl

from pipelines.ports import Rows

_CONTROL = frozenset(map(chr, range(32))) | {"\x7f"}
_BACKSLASH = re.compile(r"\\(?:[,= ]|$)")
# InfluxDB drops a field `time` without a word; the others are what a row is told by when it is read back.
_TAKEN = frozenset({"time", "time_us", "asset", "plant", "event_name"})


@dataclass(frozen=True, slots=True)
class Lines:
    """A line for every row that has a value: `text[i]` is row `row[i]`. `refused` are rows that no line can carry."""

    text: pl.Series
    row: np.ndarray
    refused: tuple[tuple[int, str], ...] = ()

    def __len__(self) -> int:
        return len(self.row)


def encode(rows: Rows) -> Lines:
    """Line protocol with microseconds; NaN and None are no field, no field is no line.

    Tags are `asset`, or what the rows name in its place, `plant`, and `event_name` where rows have one.

    Floats are written with the fewest digits that read back bit-equal. Raises TypeError for a column that is neither
    numbers, nor all bool, nor all str.
    """
    if not len(rows) or not rows.fields:
        return Lines(pl.Series(dtype=pl.String), np.empty(0, np.intp))
    columns = [_column(name, values) for name, values in rows.fields.items()]
    pairs = [_pair(name, f"f{i}", columns[i].dtype) for i, name in enumerate(rows.fields)]
    fields = [column.alias(f"f{i}") for i, column in enumerate(columns)]
    frame = pl.DataFrame([*fields, _series_keys(rows).alias("series"), pl.Series("time", rows.time_us)])
    said = pl.concat_str(pairs, separator=",", ignore_nulls=True)
    made = frame.select(
        text=pl.concat_str("series", said, pl.lit(" "), pl.col("time").cast(pl.String)),
        wanted=pl.any_horizontal(pl.col(*(field.name for field in fields)).is_not_null()),
    )
    return _without_refused(made["text"], made["wanted"].to_numpy(), _refused(rows, columns))


def unwritable_name(name: str) -> str | None:
    """Why line protocol cannot carry the name of a plant or asset, or None: it has no escape for these."""
    if not name:
        return "an empty name"
    if _BACKSLASH.search(name):
        return f"the name {name!r} has a backslash at its end or before a comma, space or equals sign"
    if not _CONTROL.isdisjoint(name):
        return f"the name {name!r} has a control character"
    return None


def unwritable_measurement(name: str) -> str | None:
    """Why a measurement cannot have this name, or None."""
    return f"the name {name!r} begins as a comment does" if name.startswith("#") else unwritable_name(name)


def unwritable_field(name: str) -> str | None:
    """Why a field cannot have this name, or None."""
    return f"the name {name!r} is taken" if name in _TAKEN else unwritable_name(name)


def field_key(name: str) -> str:
    """A field's name as it stands in a line."""
    return _escape(name, ",= ")


def _escape(name: str, special: str) -> str:
    for character in special:
        name = name.replace(character, "\\" + character)
    return name


def _series_keys(rows: Rows) -> pl.Series:
    """Measurement and tags of each row, with the space that ends them.

    Tags are sorted, as the server wants them; what stands in the place of `asset` is for its declarer to choose so.
    """
    if rows.event is None:
        return _keys_of(rows.measurement, rows.tag, rows.assets, rows.plant).gather(rows.asset_index)
    pairs = zip(rows.asset_index.tolist(), rows.event.tolist(), strict=True)
    return pl.Series([_key(rows, rows.assets[asset], event) for asset, event in pairs], dtype=pl.String)


@lru_cache(maxsize=64)
def _keys_of(measurement: str, tag: str, assets: tuple[str, ...], plant: str) -> pl.Series:
    """Of each asset; a partition has the same ones with each write."""
    head, tail = f"{_escape(measurement, ', ')},{tag}=", f",plant={_escape(plant, ',= ')} "
    return pl.Series([f"{head}{_escape(asset, ',= ')}{tail}" for asset in assets], dtype=pl.String)


def _key(rows: Rows, asset: str, event: str) -> str:
    head = f"{_escape(rows.measurement, ', ')},{rows.tag}={_escape(asset, ',= ')}"
    return f"{head},event_name={_escape(event, ',= ')},plant={_escape(rows.plant, ',= ')} "


def _column(name: str, values: np.ndarray) -> pl.Series:
    """The column as polars has it, null where the row has no value."""
    if values.dtype.kind == "f":
        return pl.Series(values.astype(np.float64, copy=False), nan_to_null=True)
    if values.dtype.kind == "b":
        return pl.Series(values)
    items = values.tolist()
    first = next((item for item in items if item is not None), True)
    if values.dtype.kind != "O" or not isinstance(first, bool | str):
        raise TypeError(f"field {name!r} holds {type(first).__name__}: only float64, bool and str columns are stored")
    try:
        return pl.Series(items, dtype=pl.Boolean if isinstance(first, bool) else pl.String, strict=True)
    except TypeError as mixed:
        raise TypeError(f"field {name!r} mixes bool, str or other values in one column: {mixed}") from mixed


def _pair(name: str, column: str, dtype: pl.DataType) -> pl.Expr:
    """`name=value`, null where the row has no value."""
    key = field_key(name)
    if dtype != pl.String:
        return pl.concat_str(pl.lit(f"{key}="), pl.col(column).cast(pl.String))
    quoted = pl.col(column).str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    return pl.concat_str(pl.lit(f'{key}="'), quoted, pl.lit('"'))


def _refused(rows: Rows, columns: Iterable[pl.Series]) -> dict[int, str]:
    """Rows that cannot be written as they are, and why; of several reasons the last is told."""
    refused: dict[int, str] = {}
    for (name, values), column in zip(rows.fields.items(), columns, strict=True):
        if values.dtype.kind == "f" and np.isinf(values).any():
            why = f"field {name!r} is infinite, which InfluxDB cannot hold"
            refused.update(dict.fromkeys(np.flatnonzero(np.isinf(values)).tolist(), why))
        if why_not := unwritable_field(name):
            refused.update(dict.fromkeys(column.is_not_null().arg_true().to_list(), f"field: {why_not}"))
    for index, why_not in _unwritable_of(rows.assets):
        refused.update(dict.fromkeys(np.flatnonzero(rows.asset_index == index).tolist(), f"asset: {why_not}"))
    for row, event in enumerate(() if rows.event is None else rows.event.tolist()):
        if why_not := unwritable_name(event):
            refused[row] = f"event: {why_not}"
    whole = unwritable_measurement(rows.measurement) or unwritable_name(rows.plant)
    return dict.fromkeys(range(len(rows)), f"measurement or plant: {whole}") if whole else refused


@lru_cache(maxsize=64)
def _unwritable_of(assets: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """Places of the assets whose names line protocol cannot carry, and why."""
    found = ((index, unwritable_name(asset)) for index, asset in enumerate(assets))
    return tuple((index, why_not) for index, why_not in found if why_not)


def _without_refused(text: pl.Series, wanted: np.ndarray, refused: dict[int, str]) -> Lines:
    wanted = wanted.copy() if refused else wanted
    wanted[list(refused)] = False
    if wanted.all():
        return Lines(text, np.arange(len(text)))
    row = np.flatnonzero(wanted)
    return Lines(text.gather(row), row, tuple(sorted(refused.items())))
