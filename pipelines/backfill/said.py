"""What history says in the forms that others keep it in: rows of a store, and records that are marked as a replay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from msgspec.structs import replace

from models.alerting.wording import headline
from models.failure.hazard import WARNING
from models.records import Alert, Forecast, Health, Remaining, Rung, id_of
from pipelines.backfill.results import SAID, forecasts_table
from pipelines.ports import Rows

FORECASTS, ALERTS = "forewarn_forecasts", "forewarn_alerts"
"""Measurements in the store."""
WORDS = (
    "state", "reason", "level", "rung", "confidence", "mode", "basis", "model", "advice", "by", "why", "assigned",
    "order",
)  # fmt: skip
"""What a warning's row has as the record has it."""


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


def alert_rows(plant: str, alerts: Sequence[Alert]) -> Rows:
    """A row a revision of a warning, under its id, when it was moved and a microsecond later for each one before it.

    So two that were moved at one time, as one that opens while its machine stands, are two rows and not the last alone.
    A chance, its lead and what remains are there only where one speaks. `says` is in a sentence what it rests on,
    `basis` what its rung is founded on.
    """
    assets = list(dict.fromkeys(alert.asset for alert in alerts))
    fields = {
        "chance_72h": np.array([alert.chances[WARNING] if alert.chances else np.nan for alert in alerts]),
        "lead_h": np.array([np.nan if alert.lead_h is None else alert.lead_h for alert in alerts], np.float64),
        "remaining_h": np.array([_median_h(alert.remaining) for alert in alerts]),
        "opened_us": np.array([alert.opened_us for alert in alerts], np.float64),
        **{name: np.array([str(getattr(alert, name)) for alert in alerts], object) for name in WORDS},
        "revision": np.array([alert.revision for alert in alerts], np.float64),
        "severity": np.array([alert.severity for alert in alerts], np.float64),
        "held": np.array([", ".join(one.kind for one in alert.held) for alert in alerts], object),
        "outcome": np.array([str(alert.outcome.reason) if alert.outcome else "" for alert in alerts], object),
        "says": np.array([headline(alert) for alert in alerts], object),
    }
    return Rows(
        ALERTS,
        plant,
        tuple(assets),
        np.array([assets.index(alert.asset) for alert in alerts], np.int64),
        np.array([(alert.moved_us or alert.window_end_us) + alert.revision for alert in alerts], np.int64),
        fields,
        event=np.array([alert.id for alert in alerts], object),
    )


def _median_h(left: Remaining | None) -> float:
    return np.nan if left is None or left.median_h is None else left.median_h


def replayed(record: Forecast | Health | Alert, run: str) -> Forecast | Health | Alert:
    """The record as one of a run over history, with an id of its own: it is never taken for what live said."""
    if isinstance(record, Forecast | Health):
        kind, rung = ("forecast", record.rung) if isinstance(record, Forecast) else ("health", Rung.HEALTH)
        made = id_of(f"replay {run} {kind}", record.plant, record.asset, rung, record.window_end_us)
    else:
        made = id_of(f"replay {run} {record.id}", record.plant, record.asset, record.mode, record.opened_us)
    return replace(record, id=made, historical=True)
