"""Streams of records as the tables that a store would give back, in stretches of any size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import polars as pl

from models.plant import Plant
from models.records import AnyInput, Frame, Maintenance, WorkOrder
from pipelines.backfill.stretch import Stretch

KINDS = {float: pl.Float64, bool: pl.Boolean, str: pl.String}
MINUTE_US = 60_000_000


def tables(records: Iterable[AnyInput], plant: Plant) -> dict[str, pl.DataFrame]:
    """The frames' rows by asset type; a null is nothing."""
    rows = defaultdict(list)
    for record in records:
        if isinstance(record, Frame):
            of = [dict(zip(record.signals, row, strict=True)) for row in zip(*record.signals.values(), strict=True)]
            for time_us, values in zip(record.times_us, of, strict=True):
                if all(value is None for value in values.values()):
                    continue
                rows[plant.assets[record.asset].type].append({"asset": record.asset, "time_us": time_us} | values)
    return {name: pl.DataFrame(of, schema(plant, name)).sort("asset", "time_us") for name, of in rows.items()}


def schema(plant: Plant, name: str) -> dict:
    """Of a type's table."""
    kinds = {signal: KINDS[spec.kind.python_type] for signal, spec in plant.types[name].signals.items()}
    return {"asset": pl.String, "time_us": pl.Int64} | kinds


def stretches(records: Sequence[AnyInput], plant: Plant, ends_us: Sequence[int]) -> Iterator[Stretch]:
    """The same in stretches that end at these times."""
    of, events = tables(records, plant), [r for r in records if isinstance(r, Maintenance | WorkOrder)]
    begin_us = 0
    for end_us in ends_us:
        now = {name: table.filter(pl.col("time_us").is_between(begin_us, end_us, "left")) for name, table in of.items()}
        happened = sorted((e for e in events if begin_us <= e.done_us < end_us), key=lambda e: e.done_us)
        yield Stretch(end_us, now, tuple(happened))
        begin_us = end_us


def ends(random: np.random.Generator, first_us: int, last_us: int, most_min: int) -> list[int]:
    """Random whole minutes, the last of them after all."""
    out = [first_us // MINUTE_US * MINUTE_US]
    while out[-1] <= last_us:
        out.append(out[-1] + int(random.integers(1, most_min)) * MINUTE_US)
    return out[1:]
