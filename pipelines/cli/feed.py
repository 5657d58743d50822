"""Streams the simulated plant or a file to the `records` topic: each record to its key's partition, ticks to all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from connectors.files import table
from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.plain import Compression, LogProducer
from connectors.kafka.records import put
from connectors.scada import simulator
from connectors.scada.history import History, store, told
from connectors.scada.simulator import START_US, Scenario
from models.physics.fleet import FleetSpec
from models.records import AnyInput, Frame
from pipelines.main import provision, read_plant
from pipelines.settings import Settings
from pipelines.topics import Topic, named

CATCH_UP_S = 120.0
"""How long workers may keep no further snapshot: one that is slow is waited for, one that is not there is not."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the simulated plant streams: `days` of history at full speed, then `live_rows` at `pace` rows a second."""

    days: int
    pumps: int
    seed: int
    live_rows: int
    pace: float

    @property
    def spec(self) -> FleetSpec:
        """The plant, with enough days for history and live rows."""
        return self._spec(0)

    def spec_on(self, days: int) -> FleetSpec:
        """The same plant for so many days more; what comes before them is the same."""
        return self._spec(days)

    def _spec(self, days: int) -> FleetSpec:
        live_days = -(-2 * self.live_rows // (144 * self.pumps))
        return FleetSpec(start_us=START_US, n_pumps=self.pumps, days=self.days + live_days + days)

    @property
    def live_from_us(self) -> int:
        """When the live part begins."""
        return START_US + self.days * 86_400_000_000

    @property
    def scenario(self) -> Scenario:
        """The plant and what happens to its feed."""
        return Scenario.default(self.spec)

    def cut(self, history: History) -> History:
        """The history without what comes after the last live row's instant."""
        last = int(np.searchsorted(history.time_us, self.live_from_us)) + self.live_rows
        return history.first(int(np.searchsorted(history.time_us, history.time_us[last - 1], side="right")))


def bar(console: Console) -> Progress:
    """A progress bar; plain lines are printed nowhere, so that pipes stay clean."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def history_of(plan: Plan, cache: Path, console: Console) -> History:
    """The plan's simulated history, from the cache if it was simulated before."""
    with bar(console) as progress:
        task = progress.add_task("simulating days", total=plan.spec.days)
        return plan.cut(
            simulator.simulate(
                plan.spec, plan.seed, cache / "simulated", lambda done, _of: progress.update(task, completed=done)
            )
        )


def store_plant(settings: Settings, plan: Plan, console: Console) -> None:
    """Simulate the plant into the cache, without Kafka; prints where it is and how much it is."""
    began_s = time.monotonic()
    with bar(console) as progress:
        task = progress.add_task("simulating days", total=plan.spec.days)
        folder = store(
            plan.spec,
            plan.seed,
            settings.cache_folder / "simulated",
            lambda done, _of: progress.update(task, completed=done),
        )
    rows, events, size = told(folder)
    console.print(
        f"{folder}: {rows:,} rows, {events:,} events, {size / 1e6:.0f} MB, {time.monotonic() - began_s:.1f} s",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def stream_plant(settings: Settings, plan: Plan, compression: str, console: Console) -> None:
    """Stream the simulated plant; prints how much it was."""
    plant = read_plant(settings.plant).plant
    provision(settings)
    history = history_of(plan, settings.cache_folder, console)
    records = simulator.records(history, plant, plan.scenario.outages)
    with _producer(settings, compression) as producer:
        paced = _paced(records, plan, lambda: _caught_up(settings, producer))
        _stream(settings, producer, paced, len(history.time_us), console)


def go_on(settings: Settings, plan: Plan, days: int, compression: str, console: Console) -> None:
    """Stream what comes after the plan's live rows, for so many simulated days at its pace."""
    plant = read_plant(settings.plant).plant
    until_us = int(history_of(plan, settings.cache_folder, console).time_us[-1])
    with bar(console) as progress:
        task = progress.add_task("simulating days", total=plan.spec_on(days).days)
        history = simulator.simulate(
            plan.spec_on(days), plan.seed, settings.cache_folder / "simulated",
            lambda done, _of: progress.update(task, completed=done),
        )  # fmt: skip
    later = history.after(until_us)
    records = simulator.records(later, plant, plan.scenario.outages)
    with _producer(settings, compression) as producer:
        _stream(settings, producer, _at_pace(records, plan.pace), len(later.time_us), console)


def _at_pace(records: Iterable[AnyInput], pace: float) -> Iterator[AnyInput]:
    """Frames wait for their turn, and with them what stands between."""
    due_s = time.monotonic()
    for record in records:
        if isinstance(record, Frame):
            due_s += 1 / pace
            time.sleep(max(0.0, due_s - time.monotonic()))
        yield record


def stream_file(settings: Settings, file: Path, map_file: Path, compression: str, console: Console) -> None:
    """Stream a CSV or Parquet file by its map."""
    plant = read_plant(settings.plant).plant
    by = table.read_map(map_file)
    rows = table.count(file) * len(by.assets)
    provision(settings)
    with _producer(settings, compression) as producer:
        _stream(settings, producer, table.records(file, by, plant), rows, console)


class NotCaughtUp(Exception):
    """No worker took the history in time; the message says so."""


def _producer(settings: Settings, compression: str) -> LogProducer:
    return LogProducer(settings.cluster, Compression(compression), linger_ms=2)


def _caught_up(settings: Settings, producer: LogProducer) -> None:
    """Wait until snapshots of the workers cover all that was sent."""
    producer.flush()
    with KafkaAdmin(settings.cluster, settings.topic_prefix) as admin:
        wait_for_workers(lambda: sum(admin.lag(settings.topic_prefix + settings.group).values()))


def wait_for_workers(
    lag: Callable[[], int],
    monotonic_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until `lag` is 0. Raises NotCaughtUp once it has not been less than ever before for CATCH_UP_S."""
    least, since_s = lag(), monotonic_s()
    while now := lag():
        if now < least:
            least, since_s = now, monotonic_s()
        if monotonic_s() - since_s > CATCH_UP_S:
            raise NotCaughtUp(
                f"{now:,} records wait, and no worker took any in {CATCH_UP_S:g} s: start one with `forewarn worker`"
            )
        sleep(0.2)


def _paced(records: Iterable[AnyInput], plan: Plan, caught_up: Callable[[], None]) -> Iterator[AnyInput]:
    """Once the history is worked off, records of the live part wait for their turn; ticks for the frame after them."""
    due_s: float | None = None
    for record in records:
        if isinstance(record, Frame) and record.times_us[0] >= plan.live_from_us:
            if due_s is None:
                caught_up()
            due_s = time.monotonic() if due_s is None else due_s + 1 / plan.pace
            time.sleep(max(0.0, due_s - time.monotonic()))
        yield record


def _stream(
    settings: Settings, producer: LogProducer, records: Iterable[AnyInput], rows: int, console: Console
) -> None:
    topic, began_s, sent = named(settings.topic_prefix, Topic.RECORDS), time.monotonic(), 0
    with bar(console) as progress:
        task = progress.add_task("streaming rows", total=rows)
        for record in records:
            put(producer, topic, record, settings.partitions)
            if isinstance(record, Frame):
                sent += len(record.times_us)
                progress.update(task, completed=sent)
        producer.flush()
    console.print(
        f"streamed {sent:,} rows to {topic} in {time.monotonic() - began_s:.1f} s", highlight=False, markup=False
    )
