"""Dashboards against what there is: Flux on InfluxDB 2.7 with rows of the real store, metrics of a running worker."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from msgspec.structs import replace

from connectors.influx.store import InfluxStore
from connectors.metrics import WORKER
from connectors.metrics import samples as declared
from infra.grafana import plant
from models.records import Alert, AlertState, Forecast, Maintenance, MaintenanceAction, WorkOrder, WorkOrderKind, decode
from pipelines.backfill.said import forecast_rows
from pipelines.main import influx_target
from pipelines.ports import Rows
from pipelines.told import alert_rows
from pipelines.topics import Topic
from tests.kit import streams
from tests.kit.installation import Installation
from tests.kit.streams import MINUTE_US, START_US
from tests.servers.test_metrics import port_of, summed
from tests.unit.connectors.test_endpoint import asked as asked_http
from tests.unit.connectors.test_metrics import scraped
from tests.unit.infra.test_watch_dashboards import flux_panels, metrics_in, promql

pytestmark = pytest.mark.servers

ASSETS = ("pump-01", "fan-01")
MINUTES = 120
DONE_US = START_US + 100 * MINUTE_US
BEGIN, END = "2025-12-01T00:00:00Z", "2026-02-01T00:00:00Z"
BOOK = """
[sinks.own]
kind = "topic"
topic = "told"
[subscriptions.none]
sink = "own"
match = { asset = ["no-such-*"] }
"""
COLUMNS = {
    "Open warnings": {"level", "revision"},
    "Which are open": set(plant.TOLD),
    "Chance of failure within 72 h, in warnings": {"_time", "_value", "asset"},
    "Chance of failure within 72 h, replayed": {"_time", "_value", "asset"},
    "Chosen signals": {"_time", "_value", "asset", "_field"},
    "Rows": {"_time", "_value", "asset"},
    "Failures and repairs": {"_time", "asset", "action", "mode"},
    "Work orders": {"_time", "asset", "order", "kind", "mode"},
    "By model and outcome": {"model", "outcome", "warnings"},
    "By rung and confidence": {"rung", "confidence", "warnings"},
    "Rows stored since a partition began": {"_time", "_value", "partition"},
    "Rows that are neither stored nor rejected": {"_time", "_value", "partition"},
}
"""What each panel in Flux is to give."""


@pytest.fixture(scope="module")
def installation(servers, tmp_path_factory) -> Iterator[Installation]:
    """A plant with warnings, a repair and an order, whose worker runs on."""
    told = [
        Maintenance(plant="tiny", asset="pump-01", time_us=DONE_US, action=MaintenanceAction.REPAIRED, mode="seal"),
        WorkOrder(
            plant="tiny", asset="pump-01", order="4711", kind=WorkOrderKind.CORRECTIVE, mode="seal",
            reported_us=DONE_US, started_us=DONE_US, finished_us=DONE_US,
        ),
    ]  # fmt: skip
    with Installation(tmp_path_factory.mktemp("dashboards")) as made:
        made.send([*streams.stream(5, MINUTES, ASSETS), *told])
        made.worker_at_work()
        made.finish()
        made.wait(lambda: summed(scraped(port_of(made)), "forewarn_ledger_balanced") == 3, 20)
        store(made, said(made))
        yield made


def said(installation: Installation) -> list[Rows]:
    """Forecasts as a backfill stores them, and warnings of which one is closed since."""
    forecasts = records(installation, Topic.FORECASTS, Forecast)
    last = {alert.id: alert for alert in records(installation, Topic.ALERTS, Alert)}
    assert forecasts and last, installation.told()
    one = next(iter(last.values()))
    chances = next(forecast.chances for forecast in forecasts if forecast.chances)
    twin = replace(one, id="twin", revision=1, chances=chances, state=AlertState.UNACKNOWLEDGED)
    closed = [replace(twin, id="over", revision=at, state=state) for at, state in enumerate(
        (AlertState.UNACKNOWLEDGED, AlertState.CLOSED), 1
    )]  # fmt: skip
    return [forecast_rows("tiny", [f for f in forecasts if f.chances]), alert_rows("tiny", [twin, *closed])]


def records(installation: Installation, topic: Topic, kind: type) -> list[Any]:
    found = [decode(value) for values in installation.published(topic).values() for value in values]
    return [one for one in found if isinstance(one, kind)]


def store(installation: Installation, rows: list[Rows]) -> None:
    async def write() -> None:
        async with InfluxStore(influx_target(installation.settings)) as opened:
            assert await opened.write(rows) == []

    asyncio.run(write())


def asked(installation: Installation, flux: str) -> list[dict[str, str]]:
    """Rows of an answer, with Grafana's words put in as Grafana does; columns that all rows have are as InfluxDB's."""
    given = installation.settings
    words = {
        "v.defaultBucket": json.dumps(given.influx_bucket), "v.timeRangeStart": BEGIN, "v.timeRangeStop": END,
        "v.windowPeriod": "1m", "${type}": "pump", "${asset:json}": json.dumps(ASSETS),
        "${signal:json}": '["pressure_bar", "is_running"]',
    }  # fmt: skip
    for word, value in words.items():
        flux = flux.replace(word, value)
    assert "v." not in re.sub(r'"[^"]*"', "", flux).replace("(v:", "") and "$" not in flux
    request = Request(f"{given.influx_url}/api/v2/query?{urlencode({'org': given.influx_org})}", flux.encode())
    request.add_header("Authorization", f"Token {given.influx_token.get_secret_value()}")
    request.add_header("Content-Type", "application/vnd.flux")
    request.add_header("Accept", "application/csv")
    with urlopen(request, timeout=30) as answer:
        text = answer.read().decode()
    return [row for block in text.replace("\r\n", "\n").split("\n\n") for row in csv.DictReader(io.StringIO(block))]


def shown(row: dict[str, str]) -> set[str]:
    return row.keys() - {"", "result", "table"}


def test_each_panel_in_flux_gives_its_columns_from_what_the_store_wrote(installation) -> None:
    panels = {panel["title"]: panel["targets"][0]["query"] for panel in flux_panels()}
    assert panels.keys() == COLUMNS.keys()
    ledger = [title for title in panels if "partition" in COLUMNS[title]]
    for title in panels.keys() - set(ledger):
        rows = asked(installation, panels[title])
        assert rows and shown(rows[0]) == COLUMNS[title], (title, rows[:2])


def test_open_warnings_are_told_once_by_their_last_word_and_closed_ones_not(installation) -> None:
    (flux,) = [panel["targets"][0]["query"] for panel in flux_panels() if panel["title"] == "Which are open"]
    rows = asked(installation, flux)
    assert {row["state"] for row in rows}.isdisjoint({str(AlertState.CLOSED)})
    last = {alert.id: alert for alert in records(installation, Topic.ALERTS, Alert)}
    still = [alert for alert in last.values() if alert.state is not AlertState.CLOSED]
    assert len(rows) == len(still) + 1  # and the one of this test's own


def test_choices_are_asset_types_alone_their_assets_and_signals(installation) -> None:
    choices = {one.name: {row["_value"] for row in asked(installation, one.flux)} for one in plant.VARIABLES}
    assert choices["type"] == {"pump", "fan"}
    assert choices["asset"] == {"pump-01"}
    assert {"pressure_bar", "temp_degc", "is_running"} <= choices["signal"]


def test_each_metric_of_a_worker_that_dashboards_ask_for_is_served_by_one(installation) -> None:
    served = {sample.split(" ")[0] for sample in scraped(port_of(installation))}
    of_workers = {name for name in declared() if any(name.startswith(f"forewarn_{one}") for one in WORKER)}
    wanted = {name for expr in promql() for name in metrics_in(expr)} & of_workers
    assert len(wanted) > 20 and wanted <= served, wanted - served


@pytest.mark.parametrize("role", ["deliver", "rebuild"])
def test_a_role_as_a_process_serves_its_own_metrics_and_is_ready(installation, role) -> None:
    file = installation.folder / "subscriptions.toml"
    file.write_text(BOOK)
    installation.settings = installation.settings.model_copy(update={"subscriptions": file})
    process = installation.worker(program=("pipelines.cli", role))
    log = installation.folder / f"worker-{len(installation.workers) - 1}.log"
    installation.wait(lambda: "/metrics" in log.read_text(), 30)
    port = int(re.findall(r"127\.0\.0\.1:(\d+)/metrics", log.read_text())[0])
    installation.wait(lambda: asked_http(port, "/readyz")[0] == 200, 30)
    installation.wait(lambda: scraped(port).get(f"forewarn_role_look_age_seconds role={role}", 99) < 10, 30)
    if role == "deliver":
        assert scraped(port)["forewarn_deliveries state=failing"] == 0
    process.terminate()
    process.wait(20)
    installation.workers.remove(process)


def test_the_ledger_of_now_is_in_influxdb_also_once_the_worker_has_ended(installation) -> None:
    installation.stop(*installation.workers)  # the last test here: its last ledger is written when it ends
    panels = {panel["title"]: panel["targets"][0]["query"] for panel in flux_panels()}
    for title in (title for title in panels if "partition" in COLUMNS[title]):
        now = panels[title].replace("v.timeRangeStart", "-1h").replace("v.timeRangeStop", "now()")
        rows = asked(installation, now)
        assert rows and shown(rows[0]) == COLUMNS[title], (title, rows[:2])
        if title.startswith("Rows that are neither"):
            assert {float(row["_value"]) for row in rows} == {0.0}
