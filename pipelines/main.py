"""The composition root: settings to a running worker. Only here and in the command line do all parts meet."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from connectors.endpoint import serve as serve_endpoint
from connectors.health import reasons
from connectors.influx import admin as influx_admin
from connectors.influx.store import InfluxStore
from connectors.influx.target import Target
from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.batches import BatchSchema, Lease, faust_settings, transport_factory
from connectors.kafka.ends import LogEnds
from connectors.kafka.publisher import KafkaPublisher
from connectors.kafka.releases import ReleaseReader
from connectors.kafka.snapshots import KafkaSnapshots
from connectors.kafka.told import NoticeReader
from connectors.metrics import WorkerCollector
from connectors.releases import keys
from connectors.releases.loader import ReleaseLoader
from connectors.releases.registry import Cached, Registry
from connectors.systemd import Systemd
from models.failure.learned import Lister, Model, load
from models.inference import ModelError
from models.plant import Plant
from models.records import Release, ReleaseMove, encode
from models.release import Cause, Refused, State
from pipelines.agents import WorkerApp, build_app, serve, together
from pipelines.controls.plant import kinds_of, learned_of, names_of, needed_of
from pipelines.partition import Partition
from pipelines.plant_file import PlantFile
from pipelines.plant_file import read_plant as read_plant
from pipelines.ports import Clock, Output, Publisher, Snapshot
from pipelines.pulse import Pulse
from pipelines.releases.board import Board
from pipelines.releases.desk import Desk
from pipelines.releases.shelf import Shelf
from pipelines.reload import PlantTeller
from pipelines.runner import PartitionRunner
from pipelines.seen import AllMeters, group_checks, health_of, lag_of, partition_views, steps_of, store_view
from pipelines.settings import Settings
from pipelines.topics import Share, Topic, named, partition_of
from pipelines.watch import Watch, rules
from pipelines.watcher import Watcher

_log = structlog.get_logger()


class WallClock:
    """The machine's time."""

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


def read_named(plant: Plant, folder: Path) -> dict[str, Model]:
    """The models that the plant's types name, from NAME.onnx and NAME.json in the folder.

    Those that give figures need not be there: a release may bring them. Raises ModelError for a hazard or health model
    that is not, and for one that misfits a type that names it.
    """
    found = {name: read_model(folder, name) for name in there(plant, folder)}
    learned_of(plant, found)
    return found


def there(plant: Plant, folder: Path) -> list[str]:
    """Names of models that are to be read, in order: all that must be there, and of others those that are."""
    needed = needed_of(plant)
    return sorted(name for name in names_of(plant) if name in needed or (folder / f"{name}.json").is_file())


def read_models(plant: Plant, folder: Path) -> dict[str, Model]:
    """The models that the plant names, which must be there, and all others in the folder: snapshots may name those.

    Raises ModelError.
    """
    found = read_named(plant, folder)
    for name in sorted({card.stem for card in folder.glob("*.json")} - found.keys()):
        if not (folder / f"{name}.onnx").is_file():
            continue
        try:
            found[name] = read_model(folder, name)
        except ModelError as wrong:
            _log.warning("model-left-out", model=name, folder=str(folder), error=str(wrong), doing="no type names it")
    return found


def read_model(folder: Path, name: str) -> Model:
    """The model NAME.onnx with its card NAME.json, and NAME.cases.json where it has one. Raises ModelError."""
    past = folder / f"{name}.cases.json"
    try:
        cases = past.read_bytes() if past.is_file() else b""
        return load((folder / f"{name}.onnx").read_bytes(), (folder / f"{name}.json").read_bytes(), cases)
    except OSError as wrong:
        raise ModelError(
            f"model '{name}' cannot be read from {folder} ({wrong.strerror}): set FOREWARN_MODELS"
        ) from wrong


def fitting(models: dict[str, Model], folder: Path) -> Callable[[Plant], None]:
    """Raises ModelError for a plant whose models misfit; those it names for the first time are read into `models`."""

    def fits(plant: Plant) -> None:
        models.update({name: read_model(folder, name) for name in there(plant, folder) if name not in models})
        learned_of(plant, models)

    return fits


def influx_target(settings: Settings) -> Target:
    """Where rows are kept."""
    token = settings.influx_token.get_secret_value()
    return Target(
        url=settings.influx_url,
        token=token,
        org=settings.influx_org,
        bucket=settings.influx_bucket,
        ca=settings.influx_ca,
    )


def provision(settings: Settings) -> list[Topic]:
    """Make the topics and the bucket that are missing; returns the topics made. Raises where a server is away."""
    provision_store(settings)
    return provision_log(settings)


def provision_store(settings: Settings) -> None:
    """Make the bucket where it is missing. Raises where InfluxDB is away."""
    target = influx_target(settings)
    influx_admin.reachable(target)
    influx_admin.ensure(target, settings.retention_days)


def provision_log(settings: Settings) -> list[Topic]:
    """Make the topics that are missing, and return them. Raises where Kafka is away."""
    with KafkaAdmin(settings.cluster, settings.topic_prefix) as admin:
        return admin.create_topics(settings.partitions)


def loader_of(settings: Settings, file: PlantFile, models: Mapping[str, Lister]) -> ReleaseLoader:
    """What makes models of releases, those alone whose signatures are trusted."""
    files = Cached(Registry(settings.registry_url), settings.cache_folder / "releases")
    trusted, unsigned = keys.public_keys(settings.release_keys), settings.unsigned_releases
    return ReleaseLoader(files, trusted, models, unsigned=unsigned, kinds=lambda: kinds_of(file.plant))


def desk_of(settings: Settings, file: PlantFile, models: Mapping[str, Lister], publisher: Publisher) -> Desk:
    """Where a worker follows releases."""
    board, worker = Board(file.plant.plant), f"{socket.gethostname()}-{os.getpid()}"

    async def told(release: Release, begin: State, to: State, cause: Cause, refused: Refused | None) -> None:
        move = ReleaseMove(
            plant=release.plant, name=release.name, version=release.version, begin=begin, to=to, cause=cause, by=worker,
            why=refused.detail if refused else "", refusal=refused.reason if refused else None,
            time_us=time.time_ns() // 1000,
        )  # fmt: skip
        key = f"{move.plant}/{move.name}".encode()
        place = partition_of(key, settings.partitions)
        await publisher.publish(place, [Output(Topic.AUDIT, key, encode(move))])

    return Desk(
        board,
        Shelf(board, loader_of(settings, file, models), told),
        ReleaseReader(settings.cluster, settings.topic_prefix),
        publisher,
        worker=worker,
        names=lambda: names_of(file.plant),
    )


def watch_of(settings: Settings, plant: str) -> Watch:
    """What a worker watches of itself, under the installation's limits."""
    return Watch(plant, rules(settings.notice_lag, settings.notice_down_s, settings.notice_no_data_s))


def _passed(_: str) -> None:
    """Nothing is done at a step's name."""


async def work(settings: Settings, checkpoint: Callable[[str], None] = _passed) -> int:
    """Run a worker until it is told to stop; the exit status. `checkpoint` is told each step of carrying effects out.

    One function, though long: it does nothing but name each part's parts, and they refer to one another.
    """
    models: dict[str, Model] = {}
    file = PlantFile(settings.plant, settings.site, fitting(models, settings.models))
    models |= read_models(file.plant, settings.models)
    provision(settings)
    _log.info("worker-starts", kafka=settings.kafka, influx=settings.influx_url, group=settings.group, **file.told)
    lease, clock, meters = Lease(), WallClock(), AllMeters()
    publisher = KafkaPublisher(settings.cluster, settings.topic_prefix)
    snapshots = KafkaSnapshots(settings.cluster, settings.group, settings.topic_prefix)
    notices = NoticeReader(settings.cluster, settings.topic_prefix)
    desk = desk_of(settings, file, models, publisher)
    await desk.catch_up()

    def restore(partition: int, snapshot: Snapshot | None) -> Partition:
        share = Share(partition, settings.partitions)
        return Partition.restore(file.plant, models, snapshot, settings.lateness_s, share, shelf=desk.shelf)

    turns = asyncio.Lock()
    async with InfluxStore(influx_target(settings)) as store:

        def runner(partition: int) -> PartitionRunner:
            return PartitionRunner(
                partition,
                restore=restore,
                publisher=publisher,
                store=store,
                snapshots=snapshots,
                clock=clock,
                lease=lease,
                turns=turns,
                snapshot_s=settings.snapshot_s,
                checkpoint=checkpoint,
                meters=meters.of(partition),
            )

        ends = LogEnds(lambda: app._consumer, named(settings.topic_prefix, Topic.RECORDS))
        watcher = Watcher(
            watch_of(settings, file.plant.plant),
            file.plant.plant,
            publisher=publisher,
            store=store,
            clock=clock,
            lease=lease,
            lag=lambda partition: lag_of(app.owner, ends.known, partition),
            told=notices.last,
            refresh=lambda: ends.ask([p for p in app.owner.runners() if not app.owner.has_room(p)]),
        )
        app = build_app(
            broker=settings.kafka,
            group=settings.topic_prefix + settings.group,
            records=named(settings.topic_prefix, Topic.RECORDS),
            partitions=settings.partitions,
            transport=transport_factory(settings.cluster, lease),
            schema=BatchSchema(),
            settings=faust_settings(),
            runner=runner,
            publisher=publisher,
            clock=clock,
            lease=lease,
            plant=file.plant.plant,
            tick_s=settings.tick_s,
            beside=lambda owned: together(
                PlantTeller(file, publisher, owned).run(), watcher.run(owned), desk.run(owned)
            ),
            released=watcher.released,
        )
        try:
            async with shown(settings, app, ends, lease, clock, store):
                return await serve(app)
        finally:
            await watcher.finish()
            await desk.stop()
            await publisher.stop()
            await snapshots.stop()
            await notices.stop()


@asynccontextmanager
async def shown(
    settings: Settings, app: WorkerApp, ends: LogEnds, lease: Lease, clock: Clock, store: InfluxStore
) -> AsyncIterator[None]:
    """Metrics, health and word to systemd, while a worker runs."""
    pulse = Pulse(clock, lambda: steps_of(app.owner))
    group = group_checks(app.owner, ends, lease)
    health = health_of(pulse, group, store)
    collector = WorkerCollector(lambda: partition_views(app.owner, clock, ends.known), lambda: store_view(store))
    endpoint = serve_endpoint(collector, settings.metrics_host, settings.metrics_port, health)
    beats = asyncio.create_task(pulse.beat())
    try:
        # Trouble of the store is none that a start anew would mend, so systemd is not told of it.
        with Systemd(os.environ, health.is_alive, lambda: not reasons(group)):
            yield
    finally:
        beats.cancel()
        endpoint.close()
