"""The whole job in one command: servers, a worker, a simulated plant, a live view, and a summary that can fail."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import polars as pl
from rich.console import Console
from rich.live import Live

from connectors.influx.query import InfluxReader
from connectors.kafka.admin import KafkaAdmin
from connectors.scada.history import History
from connectors.scada.simulator import START_US, asset_name
from infra.bin import services
from infra.bin.layout import Options, Services
from infra.bin.progress import Progress
from models.failure.hazard import Hazard
from models.failure.learned import Model
from models.physics.cycles import RunState
from models.plant import Plant
from models.records import MaintenanceAction
from pipelines.cli import feed, picture
from pipelines.cli.demo_backfilled import Backfill
from pipelines.cli.demo_child import BUILD, INSTANCE, child
from pipelines.cli.demo_planned import Planning
from pipelines.cli.demo_shown import Page, shown, tell_kept
from pipelines.cli.demo_swapped import Swap
from pipelines.cli.demo_told import Receivers
from pipelines.cli.demo_tuned import plant_folder, tuned
from pipelines.cli.observer import Observer
from pipelines.cli.outcome import Outcome, judge
from pipelines.cli.summary import Summary, show, write
from pipelines.cli.view import View
from pipelines.main import influx_target, provision, read_named, read_plant
from pipelines.settings import Settings
from pipelines.told import MAINTENANCE, WORK_ORDERS
from pipelines.topics import Topic

DRAIN_S = 120
PICTURE_EVERY_S = 3.0
SAMPLE_H = 1 / 6
"""Hours a row of the simulated plant stands for."""
RESTART_AT = 0.4
"""Share of the history after which the worker is ended and another one started."""
OFFER_AT, SWAP_AT = 0.6, 0.1
"""Share of the history after which another version of the model is offered, and of the live rows after which it is
promoted: latency is measured through that."""
DAY_US = 86_400_000_000
PICTURE_DAYS = 30
PICTURED = ("flow_m3_h", "oil_temp_degc", "radial_bearing_temp_degc", "thrust_bearing_temp_degc")


class DemoFailed(Exception):
    """A process of the demo ended too early; the message says which and where its log is."""


def run(plan: feed.Plan, *, influx: str, keep: bool, console: Console) -> int:
    """Run the demo; the exit status."""
    picture.check()
    began_s = time.monotonic()
    with Progress() as progress:
        servers = services.up(Options(instance=INSTANCE, influx=influx, fresh=True), progress)
    try:
        summary, page = _job(plan, servers, console, began_s, keep)
    finally:
        if not keep:
            services.down(Options(instance=INSTANCE))
    write(summary, BUILD / "demo.json")
    show(summary, console)
    if keep:
        tell_kept(plan, page, summary.worker, console)
    return 1 if summary.problems() else 0


def _limits(models: Iterable[Model]) -> list[float]:
    return [model.card.warning_limit for model in models if isinstance(model, Hazard)]


def _job(plan: feed.Plan, servers: Services, console: Console, began_s: float, keep: bool) -> tuple[Summary, Page]:
    swap = Swap(
        Settings(instance=INSTANCE, tick_s=0, snapshot_s=2.0, cache=Options().cache, plant=plant_folder(BUILD)), BUILD
    )
    settings = swap.settings
    provision(settings)
    history = feed.history_of(plan, settings.cache_folder, console)
    observer = Observer(settings, plan.live_from_us)
    observer.start()
    plant = read_plant(settings.plant)
    limit = min(_limits(read_named(plant, settings.models).values()))
    view = View(observer, limit)
    with (
        shown(settings, console, keep=keep) as page,
        Receivers(settings, BUILD) as receivers,
        child(receivers.settings, "deliver", "deliver"),
        _Worker(settings, keep=keep) as worker,
        Live(view, console=console, refresh_per_second=2),
        ThreadPoolExecutor(1) as beside,
    ):
        tuning = beside.submit(tuned, settings, plant.plant, int(history.time_us[-1]), console)
        _stream(settings, plan, view, observer, worker, swap, len(history.time_us))
        _drain(settings, view, observer, worker)
        told, swapped = receivers.wait(observer.alerts), swap.wait()
        said_us = [max(one.window_end_us, one.moved_us) for one in observer.alerts.values()]
        planning = Planning(settings, plant.plant, max([int(history.time_us[-1]), *said_us]))
        backfill = Backfill(settings, _pictured(history), int(history.time_us[-1]))
        view.phase = "production is planned, and history is worked off again"
        backfilled, made, tried = backfill.wait(), planning.wait(), tuning.result()
    rows, of_one = asyncio.run(_ask_influxdb(settings, history, asset := _pictured(history)))
    outcome = _outcome(observer, history)
    _draw(plant, observer, outcome, asset, of_one, limit)
    found = _summary(plan, servers, observer, history, rows, outcome, time.monotonic() - began_s, worker)
    return replace(found, told=told, planned=made, tuned=tried, swapped=swapped, backfilled=backfilled), page


class _Worker:
    """The worker as a child process, which can be ended and started anew."""

    def __init__(self, settings: Settings, *, keep: bool) -> None:
        self._settings, self._keep, self.restarts = settings, keep, 0
        self._open()

    def _open(self) -> None:
        self._child = child(self._settings, "worker", "worker", keep=self._keep)
        self.process = self._child.__enter__()

    def __enter__(self) -> _Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.__exit__(kind, fault, trace)

    def restart(self) -> None:
        """End it by SIGTERM, as a deployment does, and start the next."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        self._child.__exit__(None, None, None)
        self.restarts += 1
        self._open()


def _stream(
    settings: Settings, plan: feed.Plan, view: View, observer: Observer, worker: _Worker, swap: Swap, rows: int
) -> None:
    view.phase = f"{plan.days} days of history as fast as it goes, then {plan.live_rows} rows at {plan.pace:.0f} rows/s"
    arguments = ("--days", plan.days, "--seed", plan.seed, "--live-rows", plan.live_rows, "--pace", plan.pace)
    with child(settings, "simulate", "simulate", *map(str, arguments)) as feeder:
        pictured_s = 0.0
        while feeder.poll() is None:
            _watch(observer, worker)
            if not worker.restarts and observer.ledger.rows_read > RESTART_AT * rows:
                worker.restart()
            if observer.ledger.rows_read > OFFER_AT * rows:
                swap.offer()
            if len(observer.latencies_ms) > SWAP_AT * plan.live_rows:
                swap.promote()
            if view.has_open_warnings and time.monotonic() - pictured_s > PICTURE_EVERY_S:
                pictured_s = time.monotonic()
                _save_picture(view)
        if feeder.returncode != 0:
            raise DemoFailed(f"the feed ended with status {feeder.returncode}: see {BUILD}/demo-simulate.log")


def _watch(observer: Observer, worker: _Worker) -> None:
    if observer.fault is not None:
        raise observer.fault
    if worker.process.poll() is not None:
        raise DemoFailed(f"the worker ended with status {worker.process.returncode}: see {BUILD}/demo-worker.log")
    time.sleep(0.1)


def _drain(settings: Settings, view: View, observer: Observer, worker: _Worker) -> None:
    """Wait until a snapshot of every partition covers all records."""
    view.phase = "waiting for the last snapshot"
    with KafkaAdmin(settings.cluster, settings.topic_prefix) as admin:
        ends = {p: end for p, end in admin.end_offsets(Topic.RECORDS).items() if end}
    given_up_s = time.monotonic() + DRAIN_S
    while any(observer.next_offsets.get(partition, 0) < end for partition, end in ends.items()):
        _watch(observer, worker)
        if time.monotonic() > given_up_s:
            raise DemoFailed(f"after {DRAIN_S} s the worker had taken {observer.next_offsets} of {ends}")
    view.phase = "done"


async def _ask_influxdb(settings: Settings, history: History, asset: str) -> tuple[int, pl.DataFrame]:
    """How many rows InfluxDB holds of this history, and the rows of one pump's last weeks."""
    last_us = int(history.time_us[-1])
    dates_us = [order.reported_us for order in history.orders]  # services are planned, and people mistype
    first_us, end_us = min(START_US, *dates_us, last_us), max(last_us, *dates_us, START_US) + 1
    async with InfluxReader(influx_target(settings)) as reader:
        rows = await reader.count_rows("pump", START_US, last_us + 1)
        for measurement in (MAINTENANCE, WORK_ORDERS):
            rows += await reader.count_rows(measurement, first_us, end_us)
        return rows, await reader.read("pump", last_us - PICTURE_DAYS * DAY_US, last_us + 1, [asset])


def _pictured(history: History) -> str:
    """The pump whose failure was the last of the history, or the first pump of a history without one."""
    failed = [event for event in history.events if event.action is MaintenanceAction.FAILED]
    return asset_name(max(failed, key=lambda event: event.time_us).asset if failed else 0)


def _outcome(observer: Observer, history: History) -> Outcome:
    failures = [
        (asset_name(event.asset), event.time_us, event.mode)
        for event in history.events
        if event.action is MaintenanceAction.FAILED
    ]
    ran_h = float((history.true_state == RunState.RUNNING).sum()) * SAMPLE_H
    return judge(failures, observer.alerts.values(), int(history.time_us[-1]), ran_h)


def _draw(plant: Plant, observer: Observer, outcome: Outcome, asset: str, rows: pl.DataFrame, limit: float) -> None:
    """One pump's last weeks into build/pump.svg."""
    from_us = int(rows["time_us"].min() or 0)  # type: ignore[arg-type] # a column of integers
    units = {name: plant.types["pump"].signals[name].unit for name in PICTURED}
    life = picture.Life(
        asset=asset,
        forecasts=observer.forecasts_of(asset, from_us),
        rows=rows,
        signals=units,
        limit=limit,
        warnings=tuple(w for w in outcome.warnings if w.asset == asset and (w.ended_us or from_us) >= from_us),
        failures=tuple(f for f in outcome.failures if f.asset == asset and f.time_us >= from_us),
    )
    picture.draw(life, BUILD / "pump.svg")


def _summary(
    plan: feed.Plan,
    servers: Services,
    observer: Observer,
    history: History,
    rows: int,
    outcome: Outcome,
    seconds: float,
    worker: _Worker,
) -> Summary:
    assert servers.kafka
    assert servers.influx
    return Summary(
        rows_sent=len(history.time_us) + len(history.events) + len(history.orders),
        ledger=observer.ledger,
        rows_in_influxdb=rows,
        forecasts=observer.forecasts,
        outcome=outcome,
        latencies_ms=tuple(observer.latencies_ms),
        pace_rows_s=plan.pace,
        kafka=f"{servers.kafka.version} ({servers.kafka.how})",
        influxdb=f"{servers.influx.version} ({servers.influx.how})",
        seconds=round(seconds, 1),
        worker=worker.process.pid,
        restarts=worker.restarts,
        by_model=observer.by_model,
    )


def _save_picture(view: View) -> None:
    """The view as a picture, for those who are not there."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=126, file=nowhere, force_terminal=True)
        console.print(view)
    fetched_fonts = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
    picture = fetched_fonts.sub("", console.export_svg(title="make demo"))
    (BUILD / "demo.svg").write_text(picture, encoding="utf-8")
