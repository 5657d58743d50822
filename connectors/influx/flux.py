"""Flux questions and the annotated CSV that answers them. Pure.

The CSV is parted in blocks of one value type each; polars parses a block at once. Two things InfluxDB answers are not
what it stores: a carriage return in a text is lost, and 2.7 moves empty texts within their column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

import polars as pl

LATEST_US = 9_223_372_036_854_775
"""InfluxDB's times are 64-bit nanoseconds; nothing is later than this."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEWLINE = b"\r\n"
_VALUE_TYPES = {"double": pl.Float64, "boolean": pl.Boolean, "string": pl.String, "long": pl.Int64}
_MANY_ASSETS = 50


class QueryRefused(Exception):
    """InfluxDB did not answer a question it was asked: its words."""


def question(
    bucket: str, measurement: str, from_us: int, to_us: int, assets: Collection[str] | None, columns: Collection[str]
) -> str:
    """Flux for the values of a measurement in from_us <= time < to_us, without pivot, only these columns kept."""
    tests = [f"r._measurement == {_quoted(measurement)}"]
    if assets is not None and len(assets) <= _MANY_ASSETS:
        tests.append("(" + " or ".join(f"r.asset == {_quoted(asset)}" for asset in sorted(assets)) + ")")
    kept = ", ".join(map(_quoted, columns))
    return (
        f"from(bucket: {_quoted(bucket)})"
        f" |> range(start: {_time(from_us)}, stop: {_time(to_us)})"
        f" |> filter(fn: (r) => {' and '.join(tests)})"
        f" |> keep(columns: [{kept}])"
    )


def reduced(bucket: str, measurement: str, from_us: int, to_us: int, function: str) -> str:
    """Flux for one row of each series of a measurement: what `count`, `first` or `last` make of it."""
    timed = ' |> duplicate(column: "_stop", as: "_time")' if function == "count" else ""
    kept = '"_time", "asset", "_field"' + (', "_value"' if function == "count" else "")
    return (
        f"from(bucket: {_quoted(bucket)})"
        f" |> range(start: {_time(from_us)}, stop: {_time(to_us)})"
        f" |> filter(fn: (r) => r._measurement == {_quoted(measurement)})"
        f" |> {function}(){timed} |> keep(columns: [{kept}])"
    )


def last_of(bucket: str, measurement: str, asset: str, to_us: int) -> str:
    """Flux for the last row of each of an asset's series."""
    return (
        f"from(bucket: {_quoted(bucket)})"
        f" |> range(start: {_time(0)}, stop: {_time(to_us)})"
        f" |> filter(fn: (r) => r._measurement == {_quoted(measurement)} and r.asset == {_quoted(asset)})"
        ' |> last() |> keep(columns: ["_time", "asset", "_field"])'
    )


def windowed(
    bucket: str, measurement: str, asset: str, fields: Collection[str], span_us: tuple[int, int], step_us: int, of: str
) -> str:
    """Flux for what `mean`, `min` or `max` make of each step of an asset's fields, at the step's begin.

    Steps lie on whole multiples since 1970; those without a value are left out.
    """
    names = " or ".join(f"r._field == {_quoted(field)}" for field in sorted(fields))
    return (
        f"from(bucket: {_quoted(bucket)})"
        f" |> range(start: {_time(span_us[0])}, stop: {_time(span_us[1])})"
        f" |> filter(fn: (r) => r._measurement == {_quoted(measurement)} and r.asset == {_quoted(asset)} and ({names}))"
        f' |> aggregateWindow(every: {step_us}us, fn: {of}, createEmpty: false, timeSrc: "_start")'
        ' |> keep(columns: ["_time", "asset", "_field", "_value"])'
    )


def _quoted(text: str) -> str:
    """A Flux string; `${` would begin an expression."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${") + '"'


def _time(time_us: int) -> str:
    moment = _EPOCH + timedelta(microseconds=min(time_us, LATEST_US))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def frames(reply: bytes) -> Iterator[pl.DataFrame]:
    """A frame a block: `asset`, `time_us`, and where they were kept `field` and `value`. Raises QueryRefused."""
    for block in _blocks(reply):
        types, _, rest = block.partition(_NEWLINE)
        names, _, _ = rest.partition(_NEWLINE)
        columns = names.decode().split(",")
        if "error" in columns:
            raise QueryRefused(rest.partition(_NEWLINE)[2].decode(errors="replace").strip(","))
        yield _frame(rest, dict(zip(columns, types.decode().split(","), strict=True)))


def _frame(text: bytes, types: dict[str, str]) -> pl.DataFrame:
    value = _VALUE_TYPES[types.get("_value", "string")]
    wanted = [name for name in ("asset", "event_name", "_time", "_field", "_value") if name in types]
    frame = pl.read_csv(
        text,
        columns=wanted,
        schema_overrides=dict.fromkeys(types, pl.String) | {"_value": value},
        empty_string_is_null=False,
        infer_schema=False,
    )
    micros = pl.col("_time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us").dt.epoch("us").alias("time_us")
    named = [pl.col(old).alias(new) for old, new in (("_field", "field"), ("_value", "value")) if old in types]
    # Go's CSV writer turns a newline inside a value into CR LF.
    texts = [pl.col("value").str.replace_all("\r\n", "\n", literal=True)] if value == pl.String and named[1:] else []
    event = ["event_name"] if "event_name" in types else []
    return frame.select("asset", *event, micros, *named).with_columns(texts)


def _blocks(reply: bytes) -> Iterator[bytes]:
    """Parts that begin with `#datatype`; one inside a quoted value is no beginning."""
    mark = _NEWLINE * 2 + b"#datatype"
    begin, look, quotes = 0, 0, 0
    while (at := reply.find(mark, look)) >= 0:
        quotes += reply.count(b'"', look, at)
        look = at + len(mark)
        if quotes % 2 == 0:
            yield reply[begin : at + len(_NEWLINE)]
            begin = at + 2 * len(_NEWLINE)
    if reply.startswith(b"#datatype", begin):
        yield reply[begin:].rstrip(_NEWLINE)


def pivoted(parts: Collection[pl.DataFrame]) -> pl.DataFrame:
    """One row an asset, event and moment, sorted by these, one column a field, in the order of their names."""
    by_type: dict[pl.DataType, list[pl.DataFrame]] = {}
    for part in parts:
        by_type.setdefault(part.schema["value"], []).append(part)
    keys = keys_of(parts)
    wide = pl.DataFrame(schema={key: pl.Int64 if key == "time_us" else pl.String for key in keys})
    for values in by_type.values():
        some = pl.concat(values).pivot(on="field", index=keys, values="value")
        if twice := (set(wide.columns) & set(some.columns)) - set(keys):
            raise QueryRefused(f"fields {sorted(twice)} changed type within this range: read its parts one by one")
        wide = some if wide.is_empty() else wide.join(some, on=keys, how="full", coalesce=True)
    return in_order(wide)


def keys_of(parts: Collection[pl.DataFrame]) -> list[str]:
    """Columns that tell rows apart: all series of a measurement have an event, or none has."""
    has_events = any("event_name" in part.columns for part in parts)
    return ["asset", *(["event_name"] if has_events else []), "time_us"]


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """`asset`, `event_name` where there is one, `time_us`, then the fields by name, sorted by asset and time.

    Columns are taken one by one, since polars reads a field named `*` as a pattern.
    """
    keys = keys_of([frame])
    names = [*keys, *sorted(set(frame.columns) - set(keys))]
    return pl.DataFrame([frame.get_column(name) for name in names]).sort("asset", "time_us", *keys[1:-1])
