"""A lane in a process of its own: opens what it needs, works off, tells how far it is, ends when its parent does."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from queue import Empty, Queue
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from connectors.influx.keeper import InfluxKeeper
from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.keeper import TopicKeeper
from connectors.kafka.plain import Compression, LogProducer
from connectors.kafka.records import put
from models.bins import STATISTICS
from models.failure.learned import Lister
from models.plant import Plant
from models.plant.layout import Layout
from models.tiers import SPAN
from pipelines.backfill.kept import LaneFolder, Standing
from pipelines.backfill.lane import KEEP_S, Keeper, Lane, Span
from pipelines.backfill.plan import SCORED, Into, Plan, What
from pipelines.backfill.replay import records_of
from pipelines.backfill.stretch import Stretch
from pipelines.cli.backfill.asked import Asked
from pipelines.cli.backfill.models import Turn
from pipelines.cli.backfill.sources import Lanes, open_source
from pipelines.collector import keep_memory, spare_the_collector
from pipelines.ledger import Ledger
from pipelines.ledger import Source as Counts
from pipelines.made import Pace
from pipelines.main import influx_target, read_plant
from pipelines.partition import Partition
from pipelines.ports import Snapshot
from pipelines.settings import Settings
from pipelines.topics import Topic, named

T = TypeVar("T")
WAIT_S = 0.5
"""From one look at whether a lane is to end to the next, while nothing comes. Our choice."""


class Job(NamedTuple):
    """A lane of a run, as it goes to its process."""

    settings: Settings
    asked: Asked
    plan: Plan
    turns: tuple[Turn, ...]
    lane: int
    folder: Path


class Told(NamedTuple):
    """How far a lane is."""

    rows: int
    until_us: int


class Ended(NamedTuple):
    """That a lane came to its end, or was stopped; or why it failed."""

    is_through: bool
    fault: Exception | None = None


def work_lane(
    job: Job,
    told: Connection,
    stop: Event,
    checkpoint: Callable[[str], None] = lambda _: None,
    keep_s: float = KEEP_S,
) -> None:
    """The body of the process."""
    spare_the_collector()
    keep_memory()
    parent = os.getppid()

    def is_over() -> bool:
        return stop.is_set() or os.getppid() != parent

    try:
        ended = Ended(run(job, lambda *at: told.send(Told(*at)), is_over, checkpoint, keep_s))
    except Exception as fault:  # told to the parent, which says it
        ended = Ended(False, fault)
    told.send(ended)


def run(
    job: Job,
    told: Callable[[int, int], None],
    stop: Callable[[], bool],
    checkpoint: Callable[[str], None] = lambda _: None,
    keep_s: float = KEEP_S,
) -> bool:
    """Work a lane off; whether it came to its end."""
    with ExitStack() as held:
        if not _alone(job, held, stop):
            return False
        folder = LaneFolder(job.folder / f"lane-{job.lane}")
        if folder.is_through:
            return True
        try:
            if job.plan.replays_onto is not None:
                return publish(job, folder, told, stop)
            return _run(job, folder, told, stop, checkpoint, keep_s)
        except Stopped:
            return False


def _alone(job: Job, held: ExitStack, stop: Callable[[], bool]) -> bool:
    """Wait for a process that still works this lane off, whose parent was killed; False if stopped meanwhile."""
    job.folder.mkdir(parents=True, exist_ok=True)
    lock = held.enter_context((job.folder / f".lane-{job.lane}").open("w"))
    while not stop():
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.1)
        else:
            return True
    return False


def _run(
    job: Job,
    folder: LaneFolder,
    told: Callable[[int, int], None],
    stop: Callable[[], bool],
    checkpoint: Callable[[str], None],
    keep_s: float,
) -> bool:
    plan, settings = job.plan, job.settings
    source = source_of(job)
    plant = plant_of(settings, plan, job.turns[0])
    span = Span(from_us=plan.from_us, to_us=plan.to_us, assets=frozenset(source.assets(plan, job.lane)))
    models = [(turn.from_us, turn.read(plant)) for turn in job.turns]
    point = folder.point
    snapshot = Snapshot(point.next_offset, point.state) if point else None
    hazards = hazards_at(models, point.at.reached_us if point else 0)
    share = source.share(job.lane)
    pace = Pace(_span(plant, len(span.assets)) if share is None else SPAN, plan.every_min, What.FEATURES in plan.what)
    partition = Partition.restore(plant, hazards, snapshot, plan.lateness_s, share, pace)
    edges_us = [from_us for from_us, _ in models]
    pieces = source.pieces(plan, job.lane, point.at.position if point else None, edges_us)
    with ExitStack() as held:
        keepers = _keepers(job, held)
        keeps_rows = What.INGEST in plan.what and Into.PARQUET in plan.into
        lane = Lane(partition, span, folder, keepers, plan.source, checkpoint, models, keeps_rows=keeps_rows)
        return lane.run(ahead(pieces, stop), told, stop, keep_s)


def source_of(job: Job) -> Lanes:
    """The source of a run's lanes."""
    plant = read_plant(job.settings.plant, job.settings.site)
    return open_source(job.settings, job.asked, plant)


def publish(job: Job, folder: LaneFolder, told: Callable[[int, int], None], stop: Callable[[], bool]) -> bool:
    """Publish history as records, for workers of another prefix; whether it came to its end.

    What was sent since the last point is sent again after a crash: it is the same, and workers' outputs are, too.
    """
    plan, settings = job.plan, job.settings
    source = source_of(job)
    at = folder.point.at if folder.point else Standing(0, 0, 0, {}, {})
    pieces = source.pieces(plan, job.lane, at.position if folder.point else None, ())
    rows = at.rows
    prefix = plan.replays_onto or ""
    with KafkaAdmin(settings.cluster, prefix) as admin:
        admin.create_topics(settings.partitions)
    with LogProducer(settings.cluster, Compression.LZ4) as producer:
        for stretch in ahead(pieces, stop):
            assert isinstance(stretch, Stretch)
            for record in records_of(stretch, plan.plant, plan.source):
                put(producer, named(prefix, Topic.RECORDS), record, settings.partitions)
            producer.flush()
            rows += sum(map(len, stretch.tables.values()))
            folder.take((), stretch.letters, [])
            folder.keep(Snapshot(0, {}), Standing(stretch.until_us, stretch.until_us, rows, {}, {}))
            told(rows, stretch.until_us)
            if stop():
                return False
    folder.finish(
        Ledger(rows_read=rows, rows_stored=rows, sources={plan.source: Counts(rows_read=rows, rows_stored=rows)})
    )
    return True


SPANS_MIN = (1440, 720, 480, 360, 240, 120, 60)
RING_BYTES = 256_000_000
"""Of the rings of 1-min bins of a lane. Our choice."""


def _span(plant: Plant, assets: int) -> int:
    """The longest span whose rings are not too large: parts of a day."""
    columns = max(Layout(name, of).columns for name, of in plant.types.items())
    minute = assets * columns * STATISTICS * 8
    return next((span for span in SPANS_MIN if span * minute <= RING_BYTES), SPANS_MIN[-1])


def plant_of(settings: Settings, plan: Plan, turn: Turn) -> Plant:
    """The plant as it is worked with: without models where nothing is to be scored."""
    plant = turn.plant(read_plant(settings.plant, settings.site))
    if SCORED & set(plan.what):
        return plant
    return replace(plant, types={name: replace(of, model=None) for name, of in plant.types.items()})


def _keepers(job: Job, held: ExitStack) -> list[Keeper]:
    """Where results go beside the run's folder; `held` closes them."""
    plan, settings = job.plan, job.settings
    said = {"forecasts": What.FORECASTS in plan.what, "alerts": What.ALERTS in plan.what}
    keepers: list[Keeper] = []
    if Into.INFLUX in plan.into:
        keeper = InfluxKeeper(influx_target(settings), rows=What.INGEST in plan.what, **said)
        keepers.append(held.enter_context(keeper))
    if Into.TOPICS in plan.into and any(said.values()):
        producer = held.enter_context(LogProducer(settings.cluster, Compression.LZ4))
        keepers.append(TopicKeeper(producer, settings.topic_prefix, plan.name, **said))
    return keepers


class Stopped(Exception):
    """Reading was given up, as asked, while nothing came."""


def ahead(items: Iterator[T], stop: Callable[[], bool]) -> Iterator[T]:
    """The same items, the next of which is made in a thread while one is worked with. Raises Stopped."""
    queue: Queue[tuple[T | None, BaseException | None]] = Queue()
    wanted, is_over = threading.Semaphore(1), threading.Event()

    def fill() -> None:
        try:
            while wanted.acquire() and not is_over.is_set():
                queue.put((next(items), None))
        except BaseException as fault:  # the end, too; raised where items are taken
            queue.put((None, fault))
        finally:
            if isinstance(items, Generator):  # lets go of files and connections
                items.close()

    thread = threading.Thread(target=fill, name="read ahead", daemon=True)
    thread.start()
    try:
        while True:
            try:
                item, fault = queue.get(timeout=WAIT_S)
            except Empty:
                if stop():
                    raise Stopped from None
                continue
            if isinstance(fault, StopIteration):
                return
            if fault is not None:
                raise fault
            wanted.release()
            yield item  # type: ignore[misc]
    finally:
        is_over.set()
        wanted.release()


def hazards_at(models: list[tuple[int, dict[str, Lister]]], time_us: int) -> dict[str, Lister]:
    """The models that hold from a time on."""
    return next((hazards for from_us, hazards in reversed(models) if from_us <= time_us), models[0][1])
