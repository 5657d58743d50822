"""What is told of an asset, as rows to store: maintenance and work orders, and back from them; warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import polars as pl

from models.alerting.wording import headline
from models.failure.hazard import WARNING
from models.records import OF_SENSORS, Alert, Maintenance, MaintenanceAction, Remaining, WorkOrder, WorkOrderKind
from pipelines.frames import Columns
from pipelines.ledger import Ledger
from pipelines.ports import Rows

MAINTENANCE, WORK_ORDERS, ALERTS = "maintenance", "work_orders", "forewarn_alerts"
"""Measurements in InfluxDB."""
WORDS = (
    "state", "reason", "level", "rung", "confidence", "mode", "basis", "model", "advice", "by", "why", "assigned",
    "order",
)  # fmt: skip
"""What a warning's row has as the record has it."""


def told(columns: Columns, names: tuple[str, ...], plant: str, ledger: Ledger) -> list[Rows]:
    """Tables of one asset type's batch, those without rows left out; counted as rows read and stored."""
    events = [(asset, record.time_us, record) for _, asset, record in columns.maintenance]
    orders = [(asset, record.reported_us, record) for _, asset, record in columns.orders]
    tables = []
    for measurement, rows, fields in (
        (MAINTENANCE, events, _MAINTENANCE_FIELDS),
        (WORK_ORDERS, orders, _WORK_ORDER_FIELDS),
    ):
        if rows:
            tables.append(_table(measurement, rows, fields, names, plant))
            ledger.store(len(rows), sum(_values(tables[-1])))
    return tables


_Fields = dict[str, Callable[..., str | float | None]]

_MAINTENANCE_FIELDS: _Fields = {
    "action": lambda record: str(record.action),
    "mode": lambda record: record.mode or None,
}
_WORK_ORDER_FIELDS: _Fields = {
    "order": lambda record: record.order,
    "kind": lambda record: str(record.kind),
    "mode": lambda record: record.mode or None,
    "started_us": lambda record: float(record.started_us),
    "finished_us": lambda record: float(record.finished_us),
}


def _table(
    measurement: str,
    rows: Sequence[tuple[int, int, Maintenance | WorkOrder]],
    fields: _Fields,
    names: tuple[str, ...],
    plant: str,
) -> Rows:
    columns = {}
    for name, read in fields.items():
        column = [read(record) for _, _, record in rows]
        columns[name] = np.array(column, np.float64 if name.endswith("_us") else object)
    asset, time_us = (np.array([row[at] for row in rows], np.int64) for at in (0, 1))
    event = np.array([_event(record) for _, _, record in rows], object)
    return Rows(measurement, plant, names, asset, time_us, columns, event)


def _event(record: Maintenance | WorkOrder) -> str:
    """What tells two rows of an asset at one moment apart."""
    if isinstance(record, WorkOrder):
        return record.order
    return f"{record.action} {record.mode}".strip() if record.action in OF_SENSORS else str(record.action)


def _values(table: Rows) -> list[int]:
    return [sum(value is not None for value in column.tolist()) for column in table.fields.values()]


def happened(tables: Iterable[Rows]) -> list[Maintenance]:
    """Failures and repairs among rows to store, as they stand there."""
    out = []
    for rows in tables:
        if rows.measurement == MAINTENANCE:
            assets = [rows.assets[at] for at in rows.asset_index.tolist()]
            columns = assets, rows.time_us.tolist(), rows.fields["action"].tolist(), rows.fields["mode"].tolist()
            out += [_event_of(rows.plant, *cells) for cells in zip(*columns, strict=True)]
    return out


def maintenance_of(rows: pl.DataFrame, plant: str) -> list[Maintenance]:
    """Failures and repairs as the store gives them back, in its order."""
    if rows.is_empty():
        return []
    mode = rows["mode"].to_list() if "mode" in rows.columns else [None] * len(rows)
    columns = zip(rows["asset"].to_list(), rows["time_us"].to_list(), rows["action"].to_list(), mode, strict=True)
    return [_event_of(plant, *cells) for cells in columns]


def done(events: Sequence[Maintenance], orders: Sequence[WorkOrder], from_us: int) -> list[Maintenance | WorkOrder]:
    """Failures and repairs from a time on with work orders, in order of when they were done."""
    both: list[Maintenance | WorkOrder] = [event for event in events if event.time_us >= from_us]
    return sorted([*both, *orders], key=lambda one: one.done_us)


def orders_of(rows: pl.DataFrame, plant: str) -> list[WorkOrder]:
    """Work orders as the store gives them back, in its order."""
    if rows.is_empty():
        return []
    modes = rows["mode"].to_list() if "mode" in rows.columns else [None] * len(rows)
    return [
        WorkOrder(
            plant=plant, asset=row["asset"], order=row["order"], kind=WorkOrderKind(row["kind"]), mode=mode or "",
            reported_us=row["time_us"], started_us=int(row["started_us"]), finished_us=int(row["finished_us"]),
        )
        for row, mode in zip(rows.iter_rows(named=True), modes, strict=True)
    ]  # fmt: skip


def _event_of(plant: str, asset: str, time_us: int, action: str, mode: str | None) -> Maintenance:
    return Maintenance(plant=plant, asset=asset, time_us=time_us, action=MaintenanceAction(action), mode=mode or "")


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
