"""What history says in the forms that others keep it in: rows of a store, and records that are marked as a replay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from msgspec.structs import replace

from models.records import Alert, Forecast, Health, Rung, id_of
from pipelines.backfill.results import SAID, forecasts_table
from pipelines.ports import Rows

FORECASTS = "forewarn_forecasts"
"""The measurement in the store."""


def rows_table(rows: Rows) -> pl.DataFrame:
    """Rows as they would be stored: `asset`, `time_us`, then the fields by name, null where a row has none."""
    names = pl.Series(rows.assets, dtype=pl.String).gather(rows.asset_index)
    columns = [
        pl.Series(name, values.tolist() if values.dtype == object else values) for name, values in rows.fields.items()
    ]
    table = pl.DataFrame([names.alias("asset"), pl.Series("time_us", rows.time_us), *columns])
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def forecast_rows(plant: str, forecasts: Sequence[Forecast]) -> Rows:
    """A row a forecast, at the end of its window: what is written again says the same or what is newer."""
    table = forecasts_table(forecasts)
    assets = table["asset"].unique(maintain_order=True).to_list()
    fields = {name: table[name].fill_null(float("nan")).to_numpy() for name in SAID[pl.Float64]}
    fields |= {name: table[name].to_numpy().astype(object) for name in SAID[pl.String]}
    index = {name: at for at, name in enumerate(assets)}
    at = np.array([index[name] for name in table["asset"].to_list()], np.int64)
    return Rows(FORECASTS, plant, tuple(assets), at, table["window_end_us"].to_numpy(), fields)


def replayed(record: Forecast | Health | Alert, run: str) -> Forecast | Health | Alert:
    """The record as one of a run over history, with an id of its own: it is never taken for what live said."""
    if isinstance(record, Forecast | Health):
        kind, rung = ("forecast", record.rung) if isinstance(record, Forecast) else ("health", Rung.HEALTH)
        made = id_of(f"replay {run} {kind}", record.plant, record.asset, rung, record.window_end_us)
    else:
        made = id_of(f"replay {run} {record.id}", record.plant, record.asset, record.mode, record.opened_us)
    return replace(record, id=made, historical=True)
