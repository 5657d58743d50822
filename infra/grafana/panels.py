"""Panels, rows and dashboards in Grafana's own words. Pure: a function a kind, and where panels lie is reckoned.

The words are those of Grafana 11: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

SCHEMA_VERSION = 39
"""Of the dashboard's JSON: what Grafana 10.3 to 11 write; later ones read it."""
COLUMNS = 24
"""Of Grafana's grid."""
HEIGHT = 8


class Source(StrEnum):
    """A data source, by the uid that provisioning gives it; before the dash is what Grafana calls its type."""

    PROMETHEUS = "prometheus-forewarn"
    INFLUX = "influxdb-forewarn"

    @property
    def reference(self) -> dict[str, str]:
        """How a panel names it."""
        return {"type": self.partition("-")[0], "uid": str(self)}


class Query(NamedTuple):
    """A question to Prometheus with what its lines are called, or one in Flux."""

    text: str
    legend: str = ""


class Kind(StrEnum):
    """What a panel looks like."""

    LINES = "timeseries"
    NUMBER = "stat"
    TABLE = "table"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A picture: what it is called, shows and asks. `unit` is one of Grafana's, `red` the value from which it is bad.

    Where `low` is bad, values under `red` are.
    """

    title: str
    says: str
    unit: str
    queries: Sequence[Query]
    source: Source = Source.PROMETHEUS
    kind: Kind = Kind.LINES
    width: int = 8
    red: float | None = None
    low: bool = False
    stacked: bool = False
    least: float | None = 0.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, kw_only=True)
class Variable:
    """What is chosen at the head of a dashboard: a Flux question for the choices."""

    name: str
    label: str
    flux: str
    several: bool = False


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """Under a uid that links hold to."""

    uid: str
    title: str
    says: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = ()
    since: str = "now-6h"
    refresh: str = "30s"
    tags: Sequence[str] = field(default=("forewarn",))

    def to_json(self) -> dict[str, Any]:
        """As Grafana reads it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.says,
            "tags": list(self.tags),
            "schemaVersion": SCHEMA_VERSION,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": self.refresh,
            "time": {"from": self.since, "to": "now"},
            "timezone": "browser",
            "templating": {"list": [_variable(one) for one in self.variables]},
            "annotations": {"list": []},
            "links": [{"type": "dashboards", "title": "Forewarn", "tags": ["forewarn"], "asDropdown": True}],
            "panels": _laid(self.rows),
        }


def _laid(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Panels from left to right, and on under each other where a line is full."""
    out: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        out.append(_heading(row.title, len(out) + 1, y))
        x, y = 0, y + 1
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + HEIGHT
            place = {"x": x, "y": y, "w": panel.width, "h": HEIGHT}
            out.append(_panel(panel, len(out) + 1, place))
            x += panel.width
        y += HEIGHT
    return out


def _heading(title: str, number: int, y: int) -> dict[str, Any]:
    place = {"x": 0, "y": y, "w": COLUMNS, "h": 1}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _panel(panel: Panel, number: int, place: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": str(panel.kind),
        "title": panel.title,
        "description": panel.says,
        "datasource": panel.source.reference,
        "gridPos": dict(place),
        "targets": [_target(panel, query, at) for at, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
    }


def _target(panel: Panel, query: Query, at: int) -> dict[str, Any]:
    told: dict[str, Any] = {"refId": chr(ord("A") + at), "datasource": panel.source.reference}
    if panel.source is Source.INFLUX:
        return {**told, "query": query.text}
    is_now = panel.kind is not Kind.LINES
    shape = {"instant": is_now, "range": not is_now, "format": "table" if panel.kind is Kind.TABLE else "time_series"}
    return {**told, "expr": query.text, "legendFormat": query.legend, **shape}


def _defaults(panel: Panel) -> dict[str, Any]:
    told: dict[str, Any] = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": _steps(panel)}}
    if panel.kind is Kind.LINES:
        is_limit = panel.red is not None
        told["custom"] = {
            "fillOpacity": 20 if panel.stacked else 0,
            "stacking": {"mode": "normal" if panel.stacked else "none"},
            "thresholdsStyle": {"mode": "line" if is_limit else "off"},
            "spanNulls": False,
        }
        if panel.least is not None:
            told["min"] = panel.least
    return told


def _steps(panel: Panel) -> list[dict[str, Any]]:
    good, bad = {"color": "green"}, {"color": "red"}
    if panel.red is None:
        return [{**good, "value": None}]
    first, second = (bad, good) if panel.low else (good, bad)
    return [{**first, "value": None}, {**second, "value": panel.red}]


def _variable(one: Variable) -> dict[str, Any]:
    return {
        "type": "query",
        "name": one.name,
        "label": one.label,
        "datasource": Source.INFLUX.reference,
        "query": one.flux,
        "refresh": 2,  # when the time range changes
        "sort": 1,
        "multi": one.several,
        "includeAll": one.several,
        "current": {},
    }


_OPTIONS: Mapping[Kind, dict[str, Any]] = {
    Kind.LINES: {
        "legend": {"displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    Kind.NUMBER: {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value"},
    Kind.TABLE: {"showHeader": True, "cellHeight": "sm"},
}
