"""From cells to times and values, a column at a time: expressions and series of polars, and no loop over cells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

from connectors.files.shape import Shape
from connectors.files.table import US_A_UNIT
from models.plant.tags import ALWAYS_US

_OFFSET = r"(:\d\d(?:[.,]\d+)?)\s*([Zz]|[+-]\d\d(?::?\d\d)?)$"
"""The offset of an ISO time after its minutes or seconds; the day of a date looks like one."""
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
_WHOLE_DIGITS = 15
"""A whole number of so many digits is the same as a float."""
_NO_NUMBER = ("nan", "inf", "+inf", "-inf", "infinity", "null", "none")
TEXT_KEPT = 1000
"""Characters of a text, as a feed's mapping has it."""
DTYPES: Mapping[type, type[pl.DataType]] = {float: pl.Float64, bool: pl.Boolean, str: pl.String}
"""How values of each kind stand in a table."""
_AMBIGUOUS = {"first": "earliest", "second": "latest", "refuse": "null"}


def time_us(column: str, dtype: pl.DataType, shape: Shape) -> pl.Expr | None:
    """Microseconds since 1970 UTC of a column, null where a cell is no time; None for a type that has no times."""
    cell, unit = pl.col(column), US_A_UNIT.get(shape.time_format, 1)
    if dtype.is_integer():
        return _in_us(cell.cast(pl.Int64, strict=False), unit)
    if dtype.is_float():
        return (cell * unit).round().cast(pl.Int64, strict=False)
    if dtype == pl.Date:
        return _with_zone(cell.cast(pl.Datetime("us")), shape)
    if isinstance(dtype, pl.Datetime):
        return cell.dt.epoch("us") if dtype.time_zone else _with_zone(cell.cast(pl.Datetime("us")), shape)
    return _of_text(cell.str.strip_chars(), shape, unit) if dtype == pl.String else None


def _in_us(whole: pl.Expr, unit: int) -> pl.Expr:
    """Null for what is after the year 9999 in that unit, which might be a time again once it overflows."""
    return whole if unit == 1 else pl.when(whole.is_between(0, ALWAYS_US // unit)).then(whole) * unit


def _with_zone(local: pl.Expr, shape: Shape) -> pl.Expr:
    if shape.zone == "UTC":
        return local.dt.epoch("us")
    ambiguous = _AMBIGUOUS[shape.fold]
    zoned = local.dt.replace_time_zone(shape.zone, ambiguous=ambiguous, non_existent="null")  # type: ignore[arg-type]
    return zoned.dt.epoch("us")


def _of_text(text: pl.Expr, shape: Shape, unit: int) -> pl.Expr:
    if shape.time_format not in ("iso", *US_A_UNIT):
        said = text.str.to_datetime(shape.time_format.replace(".%f", "%.f"), time_unit="us", strict=False)
        return said.dt.epoch("us") if "%z" in shape.time_format else _with_zone(said, shape)
    whole = _in_us(text.cast(pl.Int64, strict=False), unit)
    if shape.time_format != "iso":
        return pl.coalesce(whole, (text.cast(pl.Float64, strict=False) * unit).round().cast(pl.Int64, strict=False))
    return pl.coalesce(whole, _iso(text, shape))


def _iso(text: pl.Expr, shape: Shape) -> pl.Expr:
    offset = text.str.extract(_OFFSET, 2).str.replace(":", "", literal=True).str.replace("[Zz]", "+0000")
    body = text.str.replace(_OFFSET, "$1").str.replace(" ", "T", literal=True).str.replace(",", ".", literal=True)
    local = pl.coalesce(
        body.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False),
        body.str.to_datetime("%Y-%m-%dT%H:%M", time_unit="us", strict=False),
        body.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")),
    )
    hours = offset.str.slice(1, 2).cast(pl.Int64, strict=False)
    minutes = offset.str.slice(3, 2).cast(pl.Int64, strict=False).fill_null(0)
    sign = pl.when(offset.str.starts_with("-")).then(-1).otherwise(1)
    away = sign * (hours * 60 + minutes) * 60_000_000
    return pl.when(offset.is_null()).then(_with_zone(local, shape)).otherwise(local.dt.epoch("us") - away)


class Cast(NamedTuple):
    """Values of a column as a signal's kind has them; how many were bad, and which were of another kind."""

    values: pl.Series
    bad: int
    wrong: pl.Series | None


class Cells:
    """What the cells of a shape mean."""

    def __init__(self, shape: Shape) -> None:
        self._decimal = shape.decimal
        self._states = [state.strip().lower() for state in (*shape.states, *shape.more_states)]

    def cast(self, raw: pl.Series, kind: type) -> Cast:
        """A column's cells as values of a kind: float, bool or str."""
        if raw.dtype in (pl.Categorical, pl.Enum):
            raw = raw.cast(pl.String)
        elif not (raw.dtype.is_numeric() or raw.dtype in (pl.String, pl.Boolean, pl.Null)):
            return Cast(pl.Series(raw.name, [None], DTYPES[kind]).new_from_index(0, len(raw)), 0, raw.is_not_null())
        values = {float: self._numbers, bool: _truths, str: self._texts}[kind](raw)
        if kind is float and raw.dtype.is_numeric():
            return Cast(values, values.null_count() - raw.null_count(), None)
        if values.null_count() == raw.null_count() and not (kind is str and raw.dtype == pl.String):
            return Cast(values, 0, None)
        return self._told(raw, values)

    def _told(self, raw: pl.Series, values: pl.Series) -> Cast:
        if raw.dtype != pl.String:
            return Cast(values, 0, values.is_null() & raw.is_not_null())
        word = raw.str.strip_chars().str.to_lowercase()
        bad = (word.is_in(self._states) | word.is_in(_NO_NUMBER) | self._is_endless(word)).fill_null(value=False)
        values = values.set(bad, None) if bad.any() else values
        wrong = values.is_null() & ~bad & (word != "").fill_null(value=False)
        return Cast(values, int(bad.sum()), wrong if wrong.any() else None)

    def _numbers(self, raw: pl.Series) -> pl.Series:
        if raw.dtype == pl.Boolean:
            return pl.Series(raw.name, [None], pl.Float64).new_from_index(0, len(raw))
        numbers = raw.cast(pl.Float64, strict=False)
        if raw.dtype == pl.String and (self._decimal == "," or numbers.null_count() > raw.null_count()):
            numbers = self._point(raw.str.strip_chars()).cast(pl.Float64, strict=False)
        finite = numbers.is_finite()
        return numbers if finite.all() else numbers.set(~finite.fill_null(value=True), None)

    def _texts(self, raw: pl.Series) -> pl.Series:
        """Words as they are, but for codes and truths: 3.0 is '3', TRUE is 'true'. A too long one is null."""
        if raw.dtype == pl.Boolean:
            return raw.cast(pl.String)
        text = raw.cast(pl.String, strict=False).str.strip_chars()
        word = text.str.to_lowercase()
        text = text.zip_with(~word.is_in(["true", "false"]).fill_null(value=False), word)
        codes = text.filter(self._point(text).str.contains(_NUMBER).fill_null(value=False)).unique()
        if len(codes):
            text = text.replace(codes, [_code(code) for code in self._point(codes).to_list()])
        return text.set((text.str.len_chars() > TEXT_KEPT) | (text == ""), None)

    def _point(self, text: pl.Series) -> pl.Series:
        """With a decimal point where the shape has commas; what has a point then is no number."""
        if self._decimal == ".":
            return text
        return text.set(text.str.contains(".", literal=True), None).str.replace(",", ".", literal=True)

    def _is_endless(self, text: pl.Series) -> pl.Series:
        """Whether a text is a number that no float can hold, such as 1e999."""
        return self._point(text).cast(pl.Float64, strict=False).is_infinite()


def _truths(raw: pl.Series) -> pl.Series:
    if raw.dtype == pl.Boolean:
        return raw
    number = raw.cast(pl.Float64, strict=False) if raw.dtype != pl.String else None
    text = raw.str.strip_chars().str.to_lowercase() if number is None else None
    if text is not None:
        number = text.cast(pl.Float64, strict=False)
        number = number.set((text == "true").fill_null(value=False), 1.0)
        number = number.set((text == "false").fill_null(value=False), 0.0)
    assert number is not None
    return number.set(~number.is_in([0.0, 1.0]), None).cast(pl.Boolean)


def _code(number: str) -> str | None:
    """The one text of a number, as a feed's mapping has it; None where no float can hold it."""
    if number.isdecimal() and len(number) <= _WHOLE_DIGITS:
        return str(int(number))
    return f"{value:.15g}" if math.isfinite(value := float(number)) else None
