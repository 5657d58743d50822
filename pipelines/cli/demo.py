"""The whole job in one command: servers, a worker, a simulated plant, a live view, and a summary that can fail."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.table import Table

from connectors.influx.query import InfluxReader
from connectors.kafka.admin import KafkaAdmin
from connectors.scada.simulator import START_US, History, asset_name
from infra.bin import services
from infra.bin.layout import Options, Services
from infra.bin.progress import Progress
from models.records import MaintenanceAction
from pipelines.cli import environment, feed
from pipelines.cli.observer import Observer
from pipelines.cli.outcome import Outcome, judge
from pipelines.cli.view import View
from pipelines.ledger import Ledger
from pipelines.main import influx_target, provision, read_hazards, read_plant
from pipelines.settings import Settings
from pipelines.topics import Topic

INSTANCE = "demo"
BUILD = Path("build")
P99_BAR_MS = 200
DRAIN_S = 120
PICTURE_EVERY_S = 3.0
SAMPLE_H = 1 / 6
"""Hours a row of the simulated plant stands for."""


class DemoFailed(Exception):
    """A process of the demo ended too early; the message says which and where its log is."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the demo found. `rows_in_influxdb` was counted there; all else comes from the topics."""

    rows_sent: int
    ledger: Ledger
    rows_in_influxdb: int
    forecasts: int
    outcome: Outcome
    latencies_ms: tuple[int, ...]
    pace_rows_s: float
    kafka: str
    influxdb: str
    seconds: float
    worker: int

    def problems(self) -> list[str]:
        """Why the demo has failed; empty if it has not."""
        ledger = self.ledger
        checks = (
            (ledger.balances, "the ledger does not balance: rows or values read are neither stored nor rejected"),
            (ledger.rows_read == self.rows_sent, f"{self.rows_sent} rows sent, {ledger.rows_read} read"),
            (
                ledger.rows_stored == self.rows_in_influxdb,
                f"{ledger.rows_stored} rows stored, {self.rows_in_influxdb} in InfluxDB",
            ),
        )
        return [problem for holds, problem in checks if not holds]

    def latency_ms(self, percent: float) -> float:
        """Percentile of the time from a record's arrival to the forecast it led to, both by the broker's clock."""
        return float(np.percentile(self.latencies_ms, percent)) if self.latencies_ms else float("nan")


def run(plan: feed.Plan, *, influx: str, keep: bool, console: Console) -> int:
    """Run the demo; the exit status."""
    began_s = time.monotonic()
    with Progress() as progress:
        servers = services.up(Options(instance=INSTANCE, influx=influx, fresh=True), progress)
    try:
        summary = _job(plan, servers, console, began_s, keep)
    finally:
        if not keep:
            services.down(Options(instance=INSTANCE))
    _write(summary)
    _show(summary, console)
    if keep:
        console.print(
            f"left running: {_left(summary.worker)} and `forewarn down --instance {INSTANCE}`", highlight=False
        )
    return 1 if summary.problems() else 0


def _job(plan: feed.Plan, servers: Services, console: Console, began_s: float, keep: bool) -> Summary:
    settings = Settings(instance=INSTANCE, tick_s=0, snapshot_s=2.0, cache=Options().cache)
    provision(settings)
    history = feed.history_of(plan, settings.cache_folder, console)
    observer = Observer(settings, plan.live_from_us)
    observer.start()
    hazards = read_hazards(read_plant(settings.plant), settings.models)
    view = View(observer, limit=min(hazard.card.warning_limit for hazard in hazards.values()))
    with _child(settings, "worker", "worker", keep=keep) as worker, Live(view, console=console, refresh_per_second=4):
        _stream(settings, plan, view, observer, worker)
        _drain(settings, view, observer, worker)
    rows = asyncio.run(_count(settings, history))
    return _summary(plan, servers, observer, history, rows, time.monotonic() - began_s, worker.pid)


def _left(worker: int) -> str:
    return f"servers and a worker; look with `forewarn status --instance {INSTANCE}`, stop with `kill {worker}`"


@contextmanager
def _child(settings: Settings, name: str, *arguments: str, keep: bool = False) -> Iterator[subprocess.Popen[bytes]]:
    """A `forewarn` command as a child process with its log in build/; ended at the end, by SIGTERM."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"demo-{name}.log").open("wb") as log:
        command = [sys.executable, "-m", "pipelines.cli", *arguments]
        child = subprocess.Popen(
            command, env=environment(settings), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=keep
        )
    try:
        yield child
    except BaseException:
        child.kill()
        raise
    finally:
        if not keep and child.poll() is None:
            child.send_signal(signal.SIGTERM)
            child.wait(timeout=20)


def _stream(
    settings: Settings, plan: feed.Plan, view: View, observer: Observer, worker: subprocess.Popen[bytes]
) -> None:
    view.phase = f"{plan.days} days of history as fast as it goes, then {plan.live_rows} rows at {plan.pace:.0f} rows/s"
    arguments = ("--days", plan.days, "--seed", plan.seed, "--live-rows", plan.live_rows, "--pace", plan.pace)
    with _child(settings, "simulate", "simulate", *map(str, arguments)) as feeder:
        pictured_s = 0.0
        while feeder.poll() is None:
            _watch(observer, worker)
            if view.has_open_warnings and time.monotonic() - pictured_s > PICTURE_EVERY_S:
                pictured_s = time.monotonic()
                _save_picture(view)
        if feeder.returncode != 0:
            raise DemoFailed(f"the feed ended with status {feeder.returncode}: see {BUILD}/demo-simulate.log")


def _watch(observer: Observer, worker: subprocess.Popen[bytes]) -> None:
    if observer.fault is not None:
        raise observer.fault
    if worker.poll() is not None:
        raise DemoFailed(f"the worker ended with status {worker.returncode}: see {BUILD}/demo-worker.log")
    time.sleep(0.1)


def _drain(settings: Settings, view: View, observer: Observer, worker: subprocess.Popen[bytes]) -> None:
    """Wait until a snapshot of every partition covers all records."""
    view.phase = "waiting for the last snapshot"
    with KafkaAdmin(settings.kafka, settings.topic_prefix) as admin:
        ends = {p: end for p, end in admin.end_offsets(Topic.RECORDS).items() if end}
    given_up_s = time.monotonic() + DRAIN_S
    while any(observer.next_offsets.get(partition, 0) < end for partition, end in ends.items()):
        _watch(observer, worker)
        if time.monotonic() > given_up_s:
            raise DemoFailed(f"after {DRAIN_S} s the worker had taken {observer.next_offsets} of {ends}")
    view.phase = "done"


async def _count(settings: Settings, history: History) -> int:
    async with InfluxReader(influx_target(settings)) as reader:
        return await reader.count_rows("pump", START_US, int(history.time_us[-1]) + 1)


def _summary(
    plan: feed.Plan, servers: Services, observer: Observer, history: History, rows: int, seconds: float, worker: int
) -> Summary:
    failures = [
        (asset_name(event.asset), event.time_us, event.mode)
        for event in history.events
        if event.action is MaintenanceAction.FAILED
    ]
    assert servers.kafka
    assert servers.influx
    return Summary(
        rows_sent=len(history.time_us),
        ledger=observer.ledger,
        rows_in_influxdb=rows,
        forecasts=observer.forecasts,
        outcome=judge(failures, observer.alerts.values(), int(history.time_us[-1]), len(history.time_us) * SAMPLE_H),
        latencies_ms=tuple(observer.latencies_ms),
        pace_rows_s=plan.pace,
        kafka=f"{servers.kafka.version} ({servers.kafka.how})",
        influxdb=f"{servers.influx.version} ({servers.influx.how})",
        seconds=round(seconds, 1),
        worker=worker,
    )


def _save_picture(view: View) -> None:
    """The view as a picture, for those who are not there."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=126, file=nowhere, force_terminal=True)
        console.print(view)
    fetched_fonts = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
    picture = fetched_fonts.sub("", console.export_svg(title="make demo"))
    (BUILD / "demo.svg").write_text(picture, encoding="utf-8")


def _write(summary: Summary) -> None:
    outcome = summary.outcome
    ledger = {name: getattr(summary.ledger, name) for name in summary.ledger.__struct_fields__}
    document = {
        "rows_sent": summary.rows_sent,
        **ledger,
        "rows_in_influxdb": summary.rows_in_influxdb,
        "balanced": not summary.problems(),
        "problems": summary.problems(),
        "failures": [asdict(failure) for failure in outcome.failures],
        "warned": len(outcome.warned),
        "lead_h": [round(lead, 1) for lead in outcome.warned],
        "unfounded_warnings": outcome.unfounded,
        "undecided_warnings": outcome.undecided,
        "machine_months": round(outcome.machine_months, 1),
        "latency_ms": {
            "p50": summary.latency_ms(50), "p99": summary.latency_ms(99),
            "forecasts": len(summary.latencies_ms), "pace_rows_s": summary.pace_rows_s,
        },
        "kafka": summary.kafka,
        "influxdb": summary.influxdb,
        "seconds": summary.seconds,
    }  # fmt: skip
    (BUILD / "demo.json").write_text(json.dumps(document, indent=2) + "\n")


def _show(summary: Summary, console: Console) -> None:
    ledger, outcome = summary.ledger, summary.outcome
    table = Table("", "rows", "values", title="what came and where it went", title_justify="left")
    for what in ("read", "stored", "late", "rejected"):
        table.add_row(what, f"{getattr(ledger, f'rows_{what}'):,}", f"{getattr(ledger, f'values_{what}'):,}")
    console.print(table)
    leads = Table("failure of", "mode", "warned", title="failures (simulated)", title_justify="left")
    for failure in outcome.failures:
        lead = "[red]no[/]" if failure.lead_h is None else f"{failure.lead_h:.0f} h before"
        leads.add_row(failure.asset, failure.mode, lead)
    console.print(leads)
    warned = outcome.warned
    lines = (
        f"warned {len(warned)} of {len(outcome.failures)} failures"
        + (f", median lead {np.median(warned):.0f} h" if warned else ""),
        f"unfounded warnings {outcome.unfounded} in {outcome.machine_months:.0f} machine-months,"
        f" {outcome.undecided} undecided at the end",
        f"latency p50 {summary.latency_ms(50):.0f} ms, p99 {summary.latency_ms(99):.0f} ms"
        f" ({len(summary.latencies_ms)} forecasts at {summary.pace_rows_s:.0f} rows/s; bar p99 {P99_BAR_MS} ms)",
        f"{summary.forecasts:,} forecasts; InfluxDB holds {summary.rows_in_influxdb:,} rows",
        f"Kafka {summary.kafka}, InfluxDB {summary.influxdb}; {summary.seconds:.0f} s; also in {BUILD}/demo.json",
    )
    for text in lines:
        console.print(text, highlight=False)
    for problem in summary.problems():
        console.print(f"[red]{problem}[/]")
    if not summary.problems():
        console.print("[green]ledger balances: read = stored + rejected, and InfluxDB holds what was stored[/]")
