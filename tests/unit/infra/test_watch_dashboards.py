"""Dashboards as files: they are what the code says, ask for what the code declares, and lie beside each other."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import ProcessCollector

from connectors.metrics import samples
from infra.grafana.__main__ import FOLDER, dashboards
from infra.grafana.panels import COLUMNS, SCHEMA_VERSION, Source
from pipelines.settings import Settings

PROVISIONING = FOLDER.parent / "provisioning"
OF_PROMETHEUS = {"up", "ALERTS"}
UNITS = {"none", "short", "s", "bytes", "percentunit", "suffix:/s"}
UIDS = {"forewarn-service", "forewarn-plant", "forewarn-models"}
"""Links and bookmarks hold to these."""
WORDS = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
NO_METRICS = re.compile(
    r"\{[^}]*\}|\"[^\"]*\"|\[[^\]]*\]|\b(by|without|on|ignoring)\s*\([^)]*\)|[a-z_0-9]+\s*(?=\()|"
    r"\b(and|or|unless|offset)\b|\b[0-9][0-9a-z.]*"
)


def read() -> dict[str, dict[str, Any]]:
    return {file.name: json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))}


def panels() -> list[dict[str, Any]]:
    return [panel for board in read().values() for panel in board["panels"] if panel["type"] != "row"]


def flux_panels() -> list[dict[str, Any]]:
    return [panel for panel in panels() if panel["datasource"]["uid"] == Source.INFLUX]


def promql() -> list[str]:
    """Every question to Prometheus, with what Grafana puts in."""
    asked = [one["expr"] for panel in panels() for one in panel["targets"] if "expr" in one]
    return [expr.replace("$__rate_interval", "1m") for expr in asked]


def metrics_in(expr: str) -> set[str]:
    """Names of samples in an expression of PromQL."""
    return set(WORDS.findall(NO_METRICS.sub(" ", NO_METRICS.sub(" ", expr))))


def known() -> set[str]:
    process = {one.name for family in ProcessCollector(registry=None).collect() for one in family.samples}
    return samples().keys() | process | OF_PROMETHEUS


def test_the_files_are_what_python_m_infra_grafana_writes() -> None:
    assert {file.name: file.read_text() for file in FOLDER.glob("*.json")} == dashboards()


def test_uids_stay_and_the_schema_is_stated() -> None:
    boards = read().values()
    assert {board["uid"] for board in boards} == UIDS
    assert {board["schemaVersion"] for board in boards} == {SCHEMA_VERSION}
    assert len({board["title"] for board in boards}) == len(UIDS)


def test_names_are_found_in_expressions() -> None:
    expr = (
        'histogram_quantile(0.9, sum by (le) (rate(a_bucket{job="b"}[5m]))) / (max by (c) (d:e:rate5m offset 30m) > 0)'
    )
    assert metrics_in(expr) == {"a_bucket", "d:e:rate5m"}


@pytest.mark.parametrize("expr", promql())
def test_every_metric_that_a_panel_names_is_declared(expr: str) -> None:
    found = metrics_in(expr)
    assert found and found <= known(), found - known()


def test_every_label_that_a_panel_sorts_by_is_declared() -> None:
    labels = {label for many in samples().values() for label in many}
    labels |= {"instance", "job", "alertname", "severity"}
    sorted_by = {
        one.strip() for expr in promql() for by in re.findall(r"by \(([^)]*)\)", expr) for one in by.split(",")
    }
    legends = {name for panel in panels() for one in panel["targets"] for name in re.findall(
        r"\{\{(\w+)\}\}", one.get("legendFormat", "")
    )}  # fmt: skip
    assert sorted_by | legends <= labels


def test_every_panel_says_what_it_shows_and_in_which_unit() -> None:
    assert len(panels()) > 30
    for panel in panels():
        assert panel["title"] and panel["description"].endswith((".", "`.")), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        assert panel["targets"] and panel["datasource"]["uid"] in {str(one) for one in Source}


@pytest.mark.parametrize("name", sorted(read()))
def test_no_two_panels_lie_on_each_other(name: str) -> None:
    board = read()[name]["panels"]
    places = [panel["gridPos"] for panel in board]
    assert all(one["x"] >= 0 and one["x"] + one["w"] <= COLUMNS for one in places)
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above, (a, b)
    assert len({panel["id"] for panel in board}) == len(board)
    assert len({panel["title"] for panel in board}) == len(board)


def test_what_a_question_in_flux_is_put_in_for_is_a_variable() -> None:
    for board in read().values():
        names = {one["name"] for one in board["templating"]["list"]}
        asked = [one.get("query", "") for panel in board["panels"] for one in panel.get("targets", ())]
        asked += [one["query"] for one in board["templating"]["list"]]
        assert {name for text in asked for name in re.findall(r"\$\{(\w+)", text)} <= names


def test_sources_have_the_uids_that_panels_name_and_the_settings_names() -> None:
    given = yaml.safe_load((PROVISIONING / "datasources" / "forewarn.yml").read_text())
    assert {one["uid"] for one in given["datasources"]} == {str(one) for one in Source}
    assert {one["type"] for one in given["datasources"]} == {one.reference["type"] for one in Source}
    text = Path(PROVISIONING / "datasources" / "forewarn.yml").read_text()
    wanted = {name.lower() for name in re.findall(r"\$FOREWARN_(\w+)", text)} - {"prometheus_url"}
    assert wanted <= Settings.model_fields.keys() and "influx_token" in wanted
    assert "token: $FOREWARN_INFLUX_TOKEN" in text


def test_what_provides_dashboards_lets_nobody_change_them_where_the_next_start_would_undo_it() -> None:
    (one,) = yaml.safe_load((PROVISIONING / "dashboards" / "forewarn.yml").read_text())["providers"]
    assert one["type"] == "file" and one["allowUiUpdates"] is False
