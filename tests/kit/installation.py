"""A whole installation on real servers: topics, bucket, plant and model of its own, and worker processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from connectors.influx import admin as influx_admin
from connectors.influx.query import InfluxReader
from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.plain import Compression, LogProducer, read
from connectors.kafka.records import put
from connectors.memory import MemoryStore
from models.plant import Plant
from models.records import AnyInput, key_of
from pipelines.controls.models import Shelf
from pipelines.driver import Driver
from pipelines.ledger import LEDGER_KEY, Ledger
from pipelines.main import influx_target, provision
from pipelines.partition import Partition
from pipelines.ports import Effects, RawRecord
from pipelines.saving import load
from pipelines.settings import STARTER, Settings
from pipelines.state import State
from pipelines.topics import Topic, named, partition_of
from tests.kit import tiny

ROOT = Path(__file__).parents[2]
EVER_US = 4_000_000_000_000_000
PARTITIONS = 3
LONGEST_AWAY_S = 300.0
"""Kafka is away for less in all tests, and nothing that is sent is given up."""


class Installation:
    """A context manager; leaving it ends the workers and deletes topics and bucket."""

    def __init__(
        self, folder: Path, influx: str = "27", snapshot_s: float = 0.5, plant: str = "", **settings: Any
    ) -> None:
        """`plant` is the text of a plant file whose models are the starter's; without it, the tiny plant.

        `settings` go before those of the session's servers, such as the address of a proxy.
        """
        self.name = f"t{uuid.uuid4().hex[:8]}"
        self.folder = folder / self.name
        self.folder.mkdir()
        (self.folder / "plant.toml").write_text(plant or tiny.PLANT_TOML)
        tiny.write(self.folder)
        given = json.loads(os.environ[f"FOREWARN_TEST_INFLUX_{influx}"])
        bucket = f"{self.name}/kept" if "/" in given["FOREWARN_INFLUX_BUCKET"] else self.name
        chosen = {
            "kafka": os.environ["FOREWARN_TEST_KAFKA"],
            "influx_url": given["FOREWARN_INFLUX_URL"],
            "influx_token": given["FOREWARN_INFLUX_TOKEN"],
            "influx_org": given["FOREWARN_INFLUX_ORG"],
            "influx_bucket": bucket,
            "plant": self.folder / "plant.toml",
            "models": STARTER if plant else self.folder,
            "topic_prefix": f"{self.name}.",
            "partitions": PARTITIONS,
            "snapshot_s": snapshot_s,
            "tick_s": 0,
        }
        self.settings = Settings(**chosen | settings)
        self.workers: list[subprocess.Popen[bytes]] = []
        self._feeds: list[threading.Thread] = []

    def __enter__(self) -> Installation:
        provision(self.settings)
        self._admin = KafkaAdmin(self.settings.kafka, self.settings.topic_prefix)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        for feed in self._feeds:
            feed.join()
        self._admin.delete_all()
        self._admin.close()
        influx_admin.drop(influx_target(self.settings))

    @property
    def records(self) -> str:
        """Name of the topic that workers read."""
        return named(self.settings.topic_prefix, Topic.RECORDS)

    def worker(
        self, crash_at: str = "", program: Sequence[str] = ("pipelines.cli", "worker"), source: Path = ROOT
    ) -> subprocess.Popen[bytes]:
        """Start a worker process; its log is in the folder. `program` is a module of `source` and its arguments."""
        from pipelines.cli import environment

        environ = environment(self.settings) | {"PYTHONPATH": str(source)}
        program = ("tests.kit.crashing", crash_at) if crash_at else program
        log = (self.folder / f"worker-{len(self.workers)}.log").open("wb")
        started = subprocess.Popen([sys.executable, "-m", *program], cwd=source, env=environ, stdout=log, stderr=log)
        self.workers.append(started)
        return started

    def worker_at_work(self) -> subprocess.Popen[bytes]:
        """The first worker, once it has taken partitions over."""
        started = self.worker()
        self.wait(lambda: "partition-taken-over" in self.told(), 30)
        return started

    def keep_stamps(self) -> None:
        """Have the log keep its producers' times for ever, in place of when records arrived here; returns once it does.

        A broker heeds such a change some time after it took it.
        """
        wanted = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
        topic = named(self.settings.topic_prefix, Topic.RECORDS)
        with contextlib.closing(KafkaAdminClient(bootstrap_servers=self.settings.kafka)) as client:
            client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, wanted)])

            def is_so() -> bool:
                found = client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
                return all(one in str(found) for one in ("CreateTime", "retention.ms"))

            self.wait(is_so, 30.0)

    def send(
        self,
        records: Sequence[AnyInput | bytes],
        seconds: float = 0.0,
        compression: Compression | None = None,
        stamps_ms: Sequence[int] | None = None,
    ) -> None:
        """Put records on the log, evenly over some seconds. Bytes go to the partition of the tiny plant's pump-01."""
        topic, began = self.records, time.monotonic()
        with LogProducer(self.settings.kafka, compression, linger_ms=1, patience_s=LONGEST_AWAY_S) as producer:
            for at, record in enumerate(records):
                if seconds and at % 20 == 0:
                    time.sleep(max(0.0, began + seconds * at / len(records) - time.monotonic()))
                stamp_ms = stamps_ms[at] if stamps_ms else None
                if isinstance(record, bytes):
                    key = key_of("tiny", "pump-01")
                    producer.send(topic, key, record, partition_of(key, PARTITIONS), timestamp_ms=stamp_ms)
                else:
                    put(producer, topic, record, PARTITIONS, stamp_ms)

    def feed(self, records: Sequence[AnyInput | bytes], seconds: float, stamps_ms: Sequence[int] | None = None) -> None:
        """Send in the background."""
        self._feeds.append(threading.Thread(target=self.send, args=(records, seconds, None, stamps_ms)))
        self._feeds[-1].start()

    def configure(self, topic: Topic, **changes: str) -> None:
        """Set a topic anew, as someone may do by hand; `cleanup_policy` is `cleanup.policy`."""
        configs = {name.replace("_", "."): value for name, value in changes.items()}
        resource = ConfigResource(ConfigResourceType.TOPIC, named(self.settings.topic_prefix, topic), configs)
        with contextlib.closing(KafkaAdminClient(bootstrap_servers=self.settings.kafka)) as client:
            client.alter_configs([resource])

    def lag(self) -> dict[int, int]:
        """Records not yet in a snapshot."""
        return self._admin.lag(self.settings.topic_prefix + self.settings.group)

    def finish(self, timeout_s: float = 60.0) -> None:
        """Wait until a snapshot of every partition covers all that was sent."""
        for feed in self._feeds:
            feed.join()
        self.wait(lambda: not any(self.lag().values()), timeout_s)

    def wait(self, true: Callable[[], bool], timeout_s: float) -> float:
        """Seconds until it is true; fails with the workers' logs."""
        began = time.monotonic()
        while not true():
            if time.monotonic() - began > timeout_s:
                raise AssertionError(f"still not so after {timeout_s} s\n{self.told()}")
            time.sleep(0.1)
        return time.monotonic() - began

    def told(self) -> str:
        """The ends of the workers' logs."""
        return "\n".join(
            f"--- {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.folder.glob("worker-*.log"))
        )

    def published(self, topic: Topic) -> dict[int, list[bytes]]:
        """Values by partition, repeats and all."""
        out: dict[int, list[bytes]] = {p: [] for p in range(PARTITIONS)}
        for record in read(self.settings.kafka, named(self.settings.topic_prefix, topic)):
            out[record.partition].append(record.value or b"")
        return out

    def forecasts(self) -> int:
        """How many were published, repeats and all."""
        return sum(map(len, self.published(Topic.FORECASTS).values()))

    def stored(self, measurement: str, bucket: str = "") -> pl.DataFrame:
        """All rows in InfluxDB, in its bucket or another."""
        settings = self.settings.model_copy(update={"influx_bucket": bucket} if bucket else {})

        async def ask() -> pl.DataFrame:
            async with InfluxReader(influx_target(settings)) as reader:
                return await reader.read(measurement, 0, EVER_US)

        return asyncio.run(ask())

    def states(self) -> list[State]:
        """What the last snapshots hold, by partition."""
        last: dict[bytes, bytes] = {}
        for record in read(self.settings.kafka, named(self.settings.topic_prefix, Topic.STATE)):
            if record.value is None:
                last.pop(record.key or b"", None)
            else:
                last[record.key or b""] = record.value
        out = []
        for partition in range(PARTITIONS):
            of = f"{self.settings.group}/{partition}/".encode()
            parts = {key[len(of) :].decode(): value for key, value in last.items() if key.startswith(of)}
            parts.pop("manifest")
            out.append(load(parts, self.settings.lateness_s))
        return out

    def ledger(self) -> Ledger:
        """Sum of the ledgers in the last snapshots."""
        return ledger_of(self.settings)

    def stop(self, *workers: subprocess.Popen[bytes]) -> None:
        """SIGTERM; each must end well."""
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            assert worker.wait(20) == 0, self.told()


def ledger_of(settings: Settings) -> Ledger:
    """Sum of the ledgers in the last snapshots."""
    last: dict[int, Ledger] = {}
    for record in read(settings.kafka, named(settings.topic_prefix, Topic.STATE)):
        if record.value and (record.key or b"").endswith(LEDGER_KEY):
            last[record.partition] = msgspec.json.decode(record.value, type=Ledger)
    return Ledger.total(last.values())


class Undisturbed:
    """What partitions in memory make of the same records; releases are those of the shelf, by version."""

    def __init__(
        self, records: Iterable[AnyInput] = (), shelf: Shelf | None = None, plant: Plant | None = None
    ) -> None:
        plant, hazards = plant or tiny.plant(), tiny.models()
        self.store = MemoryStore()
        self.outputs: dict[Topic, dict[int, list[bytes]]] = {
            topic: {p: [] for p in range(PARTITIONS)} for topic in Topic
        }
        self.partitions = [Partition(plant, hazards, shelf=shelf) for _ in range(PARTITIONS)]
        for partition, effects in Driver(self.partitions).feed(records):
            self._keep(partition, effects)

    @classmethod
    def of_log(cls, installation: Installation, shelf: Shelf | None = None, plant: Plant | None = None) -> Undisturbed:
        """Of what stands on the topic, as another client than the worker's reads it, in one batch a partition."""
        made = cls(shelf=shelf, plant=plant)
        log: dict[int, list[RawRecord]] = {p: [] for p in range(PARTITIONS)}
        for record in read(installation.settings.kafka, installation.records):
            log[record.partition].append(RawRecord(record.offset, record.timestamp_ms, record.value or b""))
        for number, batch in log.items():
            made._keep(number, made.partitions[number].receive(batch))
        return made

    def _keep(self, partition: int, effects: Effects) -> None:
        asyncio.run(self.store.write(effects.rows))
        for output in effects.outputs:
            self.outputs[output.topic][partition].append(output.value)

    @property
    def ledger(self) -> Ledger:
        """The sum over partitions."""
        return Ledger.total(partition.ledger for partition in self.partitions)

    def stored(self, measurement: str) -> pl.DataFrame:
        """All rows."""
        return asyncio.run(self.store.read(measurement, 0, EVER_US))


def check(installation: Installation, undisturbed: Undisturbed, *, repeats: bool) -> None:
    """Outputs, rows and ledger are those of the undisturbed run, whose ledger balances."""
    check_outputs(installation, undisturbed, repeats=repeats)
    check_rows(installation, undisturbed)
    assert installation.ledger() == undisturbed.ledger
    assert undisturbed.ledger.balances


def check_outputs(
    installation: Installation,
    undisturbed: Undisturbed,
    *,
    repeats: bool,
    topics: Sequence[Topic] = (Topic.FORECASTS, Topic.ALERTS, Topic.DEAD_LETTERS),
) -> None:
    """Each topic's bytes are the undisturbed run's; with `repeats`, equal ones may come again.

    So no id and revision has two contents.
    """
    for topic in topics:
        for partition, found in installation.published(topic).items():
            kept = list(dict.fromkeys(found)) if repeats else found
            assert kept == undisturbed.outputs[topic][partition], (
                f"{topic} of partition {partition}\n{installation.told()}"
            )


def check_rows(installation: Installation, undisturbed: Undisturbed) -> None:
    """InfluxDB holds the unique rows of the undisturbed run, and no others."""
    for measurement in ("pump", "fan"):
        found, wanted = installation.stored(measurement), undisturbed.stored(measurement)
        assert found.equals(wanted.select(found.columns)), f"rows of {measurement}: {len(found)}, not {len(wanted)}"
