"""Failures and repairs of a history, from a CSV or Parquet file with columns asset, time, action and mode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from connectors.files import lines
from connectors.files.given import Unusable, in_time, opened, row_count
from connectors.files.shape import Columns, Shape
from connectors.files.table import MapError
from connectors.files.trouble import LINE, TIME, Told, Trouble
from models.plant import Plant
from models.records import Maintenance, MaintenanceAction, Reject

ACTIONS = [str(action) for action in MaintenanceAction]


def read_events(path: Path, shape: Shape, plant: Plant) -> tuple[list[Maintenance], list[Told]]:
    """In order of time, and what could not be used. Raises MapError where nothing can be read."""
    columns = Columns(asset="asset", time=shape.columns.time)
    try:
        own = msgspec.structs.replace(shape, form="rows", columns=columns)
        try:
            file = opened(path, own)
        except MapError:  # a maintenance system names its columns as it likes, and the default names are at hand
            own = msgspec.structs.replace(own, columns=Columns())
            file = opened(path, own)
    except Unusable as wrong:
        raise MapError(f"{path} {wrong}") from wrong
    if "action" not in file.names:
        raise MapError(f"{path} has no column 'action'; it has {file.names}: events have asset, time, action and mode")
    trouble = file.trouble(plant.plant, shape)
    if file.is_parquet:
        tables = [file.scan(own, file.values, 0, row_count(path)).collect()]
    else:
        pieces = lines.pieces(path, file.names, own, trouble)
        tables = [piece.rows.with_columns(file.time.alias(TIME)) for piece in pieces]
    events: list[Maintenance] = []
    for rows in tables:
        events += [_event(row, plant.plant) for row in _usable(in_time(rows, file, trouble), plant, trouble)]
    return sorted(events, key=lambda event: event.time_us), trouble.end()


def _usable(rows: pl.DataFrame, plant: Plant, trouble: Trouble) -> list[dict[str, Any]]:
    texts = [name for name in ("asset", "action", "mode") if name in rows.columns]
    rows = rows.with_columns(pl.col(name).cast(pl.String).str.strip_chars() for name in texts)
    action = rows["action"].str.to_lowercase()
    is_action = action.is_in(ACTIONS).fill_null(value=False)
    trouble.rows(
        Reject.NOT_A_RECORD,
        "no action",
        rows.filter(~is_action),
        lambda row: f"action is {row['action']!r}, but it is one of {', '.join(ACTIONS)}",
    )
    rows = rows.with_columns(action).filter(is_action)
    is_known = rows["asset"].is_in(list(plant.assets)).fill_null(value=False)
    trouble.rows(
        Reject.UNKNOWN_ASSET,
        "unknown assets",
        rows.filter(~is_known),
        lambda row: f"'{row['asset']}' is no asset of the plant",
    )
    return rows.filter(is_known).drop(LINE).to_dicts()


def _event(row: dict[str, Any], plant: str) -> Maintenance:
    return Maintenance(
        plant=plant,
        asset=row["asset"],
        time_us=row[TIME],
        action=MaintenanceAction(row["action"]),
        mode=row.get("mode") or "",
    )
