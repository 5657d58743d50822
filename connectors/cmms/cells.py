"""From cells of a maintenance system's list to words, moments and hours, a column at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl

from connectors.cmms.maps import Map, Ways
from connectors.files.cells import time_us
from connectors.files.shape import Shape

_NO_DAY = r"^(0+|0{4}-00-00|00\.00\.0{4})$"
_DAY = r"(\d{4})(\d\d)(\d\d)"
_MOMENT_FORMS = (
    (rf"^{_DAY}(\d\d)(\d\d)(\d\d)$", "$1-$2-$3 $4:$5:$6"),
    (rf"^{_DAY}([ T].*)?$", "$1-$2-$3$4"),
    (r"^(\d\d)\.(\d\d)\.(\d{4})(.*)$", "$3-$2-$1$4"),
    (r" (\d\d)(\d\d)(\d\d)$", " $1:$2:$3"),
    (r" PT(\d\d)H(\d\d)M(\d\d)S$", " $1:$2:$3"),
    (r" 24:00:00$", " 23:59:59"),  # so SAP writes the end of a day; a second is nothing here
)
"""Days as 20260131 and 31.01.2026 and times of day as 060000 and PT06H00M00S, to ISO 8601."""


def words(rows: pl.DataFrame, ways: Ways, by: str = "-") -> list[pl.Series]:
    """Of each way that the rows have columns for its texts, null where it says nothing. Parts are joined.

    Of a group and a code the code must be there.
    """
    return [_joined(rows, parts, by, parts[-1]) for parts in _parts(rows, ways)]


def moments(rows: pl.DataFrame, ways: Ways) -> pl.Series:
    """The first text of a moment, day and time of day joined; null where no day is said."""
    texts = [_joined(rows, parts, " ", parts[0]) for parts in _parts(rows, ways, first_is_enough=True)]
    return first(texts, len(rows))


def first(texts: Sequence[pl.Series], rows: int) -> pl.Series:
    """Of each row the first text that says something."""
    if not texts:
        return pl.Series([None] * rows, dtype=pl.String)
    return pl.select(pl.coalesce(*texts)).to_series()


def _parts(rows: pl.DataFrame, ways: Ways, *, first_is_enough: bool = False) -> list[tuple[str, ...]]:
    every = [(way,) if isinstance(way, str) else way for way in ways]
    if first_is_enough:
        every = [
            tuple(name for name in parts if name in rows.columns) if parts[0] in rows.columns else () for parts in every
        ]
    return [parts for parts in every if parts and all(name in rows.columns for name in parts)]


def _joined(rows: pl.DataFrame, parts: tuple[str, ...], by: str, needed: str) -> pl.Series:
    cells = [_said(rows[name]) for name in parts]
    if by == " ":
        cells[0] = cells[0].set(cells[0].str.contains(_NO_DAY).fill_null(value=False), None)
    there = cells[parts.index(needed)].is_not_null()
    joined = pl.select(pl.concat_str(*cells, separator=by, ignore_nulls=True)).to_series()
    return joined.set(~there, None)


def _said(cells: pl.Series) -> pl.Series:
    text = cells.cast(pl.String).str.strip_chars()
    return text.set((text == "").fill_null(value=False), None)


def moments_us(texts: pl.Series, by: Map, zone: str) -> pl.Series:
    """Microseconds since 1970 UTC of such texts, null where one is no moment. A day alone is its beginning."""
    iso = pl.col("text")
    for form, said in _MOMENT_FORMS:
        iso = iso.str.replace(form, said)
    table = pl.DataFrame({"text": texts}).with_columns(iso.alias("iso"))
    shapes = [("text", Shape(time_format=form, zone=zone, fold=by.fold)) for form in by.date_formats]
    ways = [time_us(name, pl.String(), shape) for name, shape in [*shapes, ("iso", Shape(zone=zone, fold=by.fold))]]
    return table.select(pl.coalesce(*(way for way in ways if way is not None))).to_series()


def hours(texts: pl.Series, units: pl.Series, by: Map) -> pl.Series:
    """Durations in hours: 1.234,5 and 1,234.5 alike, since the last comma or point is the decimal one."""
    point = texts.str.replace_all(r"[.,](\d*[.,])", "$1").str.replace(",", ".", literal=True)
    factors = {unit.lower(): factor for unit, factor in by.hours.items()}
    factor = through(units.fill_null(next(iter(by.hours))), lambda unit: factors.get(unit.lower()), pl.Float64)
    return point.cast(pl.Float64, strict=False) * factor


def through(texts: pl.Series, meaning: Callable[[str], object], dtype: type[pl.DataType] = pl.String) -> pl.Series:
    """What texts mean, each asked for once; null where one means nothing."""
    known = texts.drop_nulls().unique()
    means = pl.Series([meaning(text) for text in known.to_list()], dtype=dtype)
    return texts.replace_strict(known, means, default=None, return_dtype=dtype)
