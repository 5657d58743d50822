"""The composition root: settings to a running worker. Only here and in the command line do all parts meet."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from connectors.influx import admin as influx_admin
from connectors.influx.store import InfluxStore
from connectors.influx.target import Target
from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.batches import BatchSchema, Lease, faust_settings, transport_factory
from connectors.kafka.publisher import KafkaPublisher
from connectors.kafka.snapshots import KafkaSnapshots
from models.failure.hazard import Hazard
from models.inference import ModelError
from models.plant import Plant, PlantError, parse
from pipelines.agents import build_app, serve
from pipelines.partition import Partition
from pipelines.ports import Snapshot
from pipelines.runner import PartitionRunner
from pipelines.settings import Settings
from pipelines.topics import Topic, named


class WallClock:
    """The machine's time."""

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        return time.time_ns() // 1000

    def monotonic_s(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()


def read_plant(path: Path) -> Plant:
    """The plant in a file. Raises PlantError naming the file."""
    try:
        return parse(path.read_text())
    except OSError as wrong:
        raise PlantError(f"the plant file {path} cannot be read ({wrong.strerror}): set FOREWARN_PLANT") from wrong
    except PlantError as wrong:
        raise PlantError(f"{path}: {wrong}") from wrong


def read_hazards(plant: Plant, folder: Path) -> dict[str, Hazard]:
    """The models that the plant's types name, from NAME.onnx and NAME.json in the folder. Raises ModelError."""
    names = {asset_type.model for asset_type in plant.types.values() if asset_type.model}
    found = {}
    for name in sorted(names):
        try:
            found[name] = Hazard.load((folder / f"{name}.onnx").read_bytes(), (folder / f"{name}.json").read_bytes())
        except OSError as wrong:
            raise ModelError(
                f"model '{name}' cannot be read from {folder} ({wrong.strerror}): set FOREWARN_MODELS"
            ) from wrong
    return found


def influx_target(settings: Settings) -> Target:
    """Where rows are kept."""
    token = settings.influx_token.get_secret_value()
    return Target(url=settings.influx_url, token=token, org=settings.influx_org, bucket=settings.influx_bucket)


def provision(settings: Settings) -> list[Topic]:
    """Make the topics and the bucket that are missing; returns the topics made. Raises where a server is away."""
    target = influx_target(settings)
    influx_admin.reachable(target.url)
    influx_admin.ensure(target, settings.retention_days)
    with KafkaAdmin(settings.kafka, settings.topic_prefix) as admin:
        return admin.create_topics(settings.partitions)


def crash_at(spec: str) -> Callable[[str], None]:
    """For fault tests: a checkpoint that ends this process, as by kill -9, the n-th time step `NAME:n` is passed."""
    name, _, count = spec.partition(":")
    left = int(count or 1)

    def checkpoint(passed: str) -> None:
        nonlocal left
        if passed == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return checkpoint


async def work(settings: Settings) -> int:
    """Run a worker until it is told to stop; the exit status."""
    plant = read_plant(settings.plant)
    hazards = read_hazards(plant, settings.models)
    provision(settings)
    lease, clock = Lease(), WallClock()
    publisher = KafkaPublisher(settings.kafka, settings.topic_prefix)
    snapshots = KafkaSnapshots(settings.kafka, settings.group, settings.topic_prefix)
    checkpoint = crash_at(os.environ.get("FOREWARN_CRASH_AT", ""))

    def restore(_partition: int, snapshot: Snapshot | None) -> Partition:
        return Partition.restore(plant, hazards, snapshot, settings.lateness_s)

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
                snapshot_s=settings.snapshot_s,
                checkpoint=checkpoint,
            )

        app = build_app(
            broker=settings.kafka,
            group=settings.topic_prefix + settings.group,
            records=named(settings.topic_prefix, Topic.RECORDS),
            partitions=settings.partitions,
            transport=transport_factory(lease),
            schema=BatchSchema(),
            settings=faust_settings(),
            runner=runner,
            publisher=publisher,
            clock=clock,
            lease=lease,
            plant=plant.plant,
            tick_s=settings.tick_s,
        )
        try:
            return await serve(app)
        finally:
            await publisher.stop()
            await snapshots.stop()
