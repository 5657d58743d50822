"""The dashboards of what InfluxDB has: machines, warnings, what was done, and how models' warnings came out. In Flux.

Forecasts and health that live says are on Kafka and on Forewarn's own page, not in InfluxDB: of forecasts it has those
that a backfill put there, of warnings every revision.
"""

from __future__ import annotations

import json

from infra.grafana.panels import Dashboard, Kind, Panel, Query, Row, Source, Variable
from infra.grafana.service import SCORING
from models.records import WARNING_HORIZON_H, AlertState
from pipelines.backfill.said import FORECASTS
from pipelines.ledger_rows import MEASUREMENT as LEDGER
from pipelines.told import ALERTS, MAINTENANCE, WORK_ORDERS

CHANCE = f"chance_{WARNING_HORIZON_H}h"
OWN_MEASUREMENTS = (ALERTS, FORECASTS, LEDGER, MAINTENANCE, WORK_ORDERS)
"""What is not of an asset type."""

IN_RANGE = "|> range(start: v.timeRangeStart, stop: v.timeRangeStop)"
LONG_AGO = "|> range(start: -400d)"
"""A warning that is open may have been moved last before what is looked at: as long as delivery keeps one with an
order that nobody closed."""
AS_ROWS = '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value")'
LAST_WORDS = '|> group(columns: ["event_name"]) |> sort(columns: ["revision"]) |> last(column: "revision") |> group()'
"""The last revision of each warning, whose id is the event's name, in one table."""


def _from(measurement: str, span: str = IN_RANGE, more: str = "") -> str:
    return f'from(bucket: v.defaultBucket) {span} |> filter(fn: (r) => r._measurement == "{measurement}"{more})'


def _kept(*columns: str) -> str:
    return f"|> keep(columns: {json.dumps(columns)})"


OF_CHOSEN = " and contains(value: r.asset, set: ${asset:json})"
TOLD = ("_time", "asset", "mode", "level", "advice", "state", CHANCE, "lead_h", "confidence", "assigned", "says")
"""What a table of open warnings shows."""

OPEN = f'{_from(ALERTS, LONG_AGO)} {AS_ROWS} {LAST_WORDS} |> filter(fn: (r) => r.state != "{AlertState.CLOSED}")'
CLOSED = f'{_from(ALERTS)} {AS_ROWS} {LAST_WORDS} |> filter(fn: (r) => r.state == "{AlertState.CLOSED}")'
STEPS = "|> aggregateWindow(every: v.windowPeriod, fn: mean, createEmpty: false)"


def _flux(title: str, says: str, unit: str, flux: str, kind: Kind = Kind.TABLE, width: int = 24) -> Panel:
    return Panel(
        title=title,
        says=says,
        unit=unit,
        queries=[Query(_on_lines(flux))],
        source=Source.INFLUX,
        kind=kind,
        width=width,
        least=None,
    )


def _on_lines(flux: str) -> str:
    """A step a line, as people read it in Grafana's editor."""
    return flux.replace('" from(', '"\nfrom(').replace(" |> ", "\n  |> ")


def _chance(measurement: str) -> str:
    shown = f'{OF_CHOSEN} and r._field == "{CHANCE}"'
    return f'{_from(measurement, more=shown)} |> group(columns: ["asset"]) {STEPS} {_kept("_time", "_value", "asset")}'


WARNINGS = Row(
    title="Warnings",
    panels=[
        _flux(
            "Open warnings",
            "How many nobody has said yet what became of, by level.",
            "none",
            f'{OPEN} |> group(columns: ["level"]) |> count(column: "revision") {_kept("level", "revision")}',
            Kind.NUMBER,
            6,
        ),
        _flux(
            "Which are open",
            "The last word of each. `forewarn alerts move` and the page are where they are answered.",
            "none",
            f'{OPEN} {_kept(*TOLD)} |> sort(columns: ["_time"], desc: true)',
            width=18,
        ),
        _flux(
            f"Chance of failure within {WARNING_HORIZON_H} h, in warnings",
            "As each revision of a warning has it, of the chosen assets; a warning that no hazard speaks in has none.",
            "percentunit",
            _chance(ALERTS),
            Kind.LINES,
            12,
        ),
        _flux(
            f"Chance of failure within {WARNING_HORIZON_H} h, replayed",
            "Forecasts that `forewarn backfill --to influx` stored. Those of now are on Kafka and on Forewarn's page.",
            "percentunit",
            _chance(FORECASTS),
            Kind.LINES,
            12,
        ),
    ],
)

SIGNALS = Row(
    title="Signals",
    panels=[
        _flux(
            "Chosen signals",
            "Means over steps as wide as the picture shows, of the chosen assets, each in its own unit.",
            "short",
            'import "types" '
            + _from(
                "${type}",
                more=f"{OF_CHOSEN} and contains(value: r._field, set: ${{signal:json}})",
            )
            + ' |> filter(fn: (r) => types.isType(v: r._value, type: "float"))'
            + f' |> group(columns: ["asset", "_field"]) {STEPS} {_kept("_time", "_value", "asset", "_field")}',
            Kind.LINES,
        ),
        _flux(
            "Rows",
            "Values of each chosen asset an hour: where it says nothing, there is no bar.",
            "short",
            _from("${type}", more=OF_CHOSEN)
            + ' |> group(columns: ["asset", "_field"]) |> aggregateWindow(every: 1h, fn: count, createEmpty: false)'
            + ' |> group(columns: ["asset"]) |> aggregateWindow(every: 1h, fn: sum, createEmpty: false)'
            + f" {_kept('_time', '_value', 'asset')}",
            Kind.LINES,
        ),
    ],
)

DONE = Row(
    title="What was done",
    panels=[
        _flux(
            "Failures and repairs",
            "Of all assets, the latest first: each begins a new life of its machine.",
            "none",
            f"{_from(MAINTENANCE)} {AS_ROWS} |> group() {_kept('_time', 'asset', 'action', 'mode')}"
            ' |> sort(columns: ["_time"], desc: true)',
            width=12,
        ),
        _flux(
            "Work orders",
            "Finished orders of the maintenance system, by when they were reported.",
            "none",
            f"{_from(WORK_ORDERS)} {AS_ROWS} |> group() {_kept('_time', 'asset', 'order', 'kind', 'mode')}"
            ' |> sort(columns: ["_time"], desc: true)',
            width=12,
        ),
    ],
)

OUTCOMES = Row(
    title="How warnings came out",
    panels=[
        _flux(
            "By model and outcome",
            "Warnings that were closed within the time shown, by what people said became of them.",
            "none",
            f'{CLOSED} |> group(columns: ["model", "outcome"]) |> count(column: "revision") |> group()'
            f' {_kept("model", "outcome", "revision")} |> rename(columns: {{revision: "warnings"}})',
            width=12,
        ),
        _flux(
            "By rung and confidence",
            "What open warnings rest on, and how sure that is.",
            "none",
            f'{OPEN} |> group(columns: ["rung", "confidence"]) |> count(column: "revision") |> group()'
            f' {_kept("rung", "confidence", "revision")} |> rename(columns: {{revision: "warnings"}})',
            width=12,
        ),
    ],
)

KEPT = Row(
    title="The ledger, as InfluxDB has it",
    panels=[
        _flux(
            "Rows stored since a partition began",
            "Written each minute by whoever has the partition.",
            "short",
            _from(LEDGER, more=' and r._field == "rows_stored"')
            + ' |> group(columns: ["partition"])'
            + " |> aggregateWindow(every: v.windowPeriod, fn: last, createEmpty: false)"
            f" {_kept('_time', '_value', 'partition')}",
            Kind.LINES,
            12,
        ),
        _flux(
            "Rows that are neither stored nor rejected",
            "By partition: 0 while the ledger balances.",
            "short",
            _from(LEDGER)
            + f" {AS_ROWS} |> map(fn: (r) => ({{r with _value: r.rows_read - r.rows_stored - r.rows_rejected}}))"
            f' |> group(columns: ["partition"]) {_kept("_time", "_value", "partition")}',
            Kind.LINES,
            12,
        ),
    ],
)

_SCHEMA = 'import "influxdata/influxdb/schema" '
_OWN = " and ".join(f'r._value != "{one}"' for one in OWN_MEASUREMENTS)
VARIABLES = (
    Variable(
        name="type",
        label="Asset type",
        flux=f"{_SCHEMA}schema.measurements(bucket: v.defaultBucket, start: -400d) |> filter(fn: (r) => {_OWN})",
    ),
    Variable(
        name="asset",
        label="Asset",
        several=True,
        flux=_SCHEMA + 'schema.measurementTagValues(bucket: v.defaultBucket, measurement: "${type}", tag: "asset", '
        "start: -400d)",
    ),
    Variable(
        name="signal",
        label="Signal",
        several=True,
        flux=f'{_SCHEMA}schema.measurementFieldKeys(bucket: v.defaultBucket, measurement: "${{type}}", start: -400d)',
    ),
)


def plant() -> Dashboard:
    """The machines."""
    return Dashboard(
        uid="forewarn-plant",
        title="Forewarn: plant",
        says="Machines of the plant: warnings, signals, and what was done, from InfluxDB.",
        rows=[WARNINGS, SIGNALS, DONE],
        variables=VARIABLES,
        since="now-7d",
        refresh="1m",
    )


def models() -> Dashboard:
    """The models as they run, and how their warnings came out."""
    return Dashboard(
        uid="forewarn-models",
        title="Forewarn: models",
        says="What models are asked, and what became of their warnings. "
        "Drift, shadows and verdicts: `forewarn model history`.",
        rows=[SCORING, OUTCOMES],
        since="now-30d",
        refresh="1m",
    )
