"""Servers and installations of a benchmark's own, on real Kafka and InfluxDB 2.7."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.kafka.admin import KafkaAdmin
from infra.bin import services
from infra.bin.layout import Options
from pipelines.cli import environment
from pipelines.main import provision
from pipelines.settings import STARTER, Settings
from pipelines.topics import Topic
from tests.kit.loads import write_plant

DRAIN_S = 60.0
QUICK = bool(os.environ.get("BENCH_QUICK"))
"""`BENCH_QUICK=1`: fewer rows and rounds, to try a benchmark while it is written. Its table says so."""


@contextmanager
def servers(folder: Path) -> Iterator[Mapping[str, str]]:
    """Kafka and InfluxDB 2.7 of this run alone; yields the settings that lead to them."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("FOREWARN_KAFKA", "FOREWARN_INFLUX"))}
    options = Options(
        instance="bench", influx="2.7", instances=folder, kafka_port=29392, influx_port=28386,
        environ=environ | {"FOREWARN_SERVERS": "local"},
    )  # fmt: skip
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is below us is ended, too
    try:
        found = services.up(options)
        yield {key.removeprefix("FOREWARN_").lower(): value for key, value in found.settings().items()}
    finally:
        services.down(options)


def installation(name: str, folder: Path, given: Mapping[str, str], assets: int, **more: Any) -> Settings:
    """Settings of one whose topics begin with its name. No ticks: the rows of an asset close its minutes."""
    of_all: dict[str, Any] = {"models": STARTER, "topic_prefix": f"{name}.", "tick_s": 0, "metrics_port": 0}
    return Settings(**given, plant=write_plant(folder, assets), **of_all | more)


@contextmanager
def worker(settings: Settings, folder: Path) -> Iterator[int]:
    """A worker process, its log in the folder; yields its id."""
    command = [sys.executable, "-m", "pipelines.cli", "worker"]
    with (folder / "worker.log").open("wb") as log:
        started = subprocess.Popen(command, env=environment(settings), cwd=folder, stdout=log, stderr=log)
        try:
            yield started.pid
        finally:
            started.kill()
            started.wait()


def drained(settings: Settings) -> None:
    """Return when snapshots cover all that was sent."""
    deadline = time.monotonic() + DRAIN_S
    with KafkaAdmin(settings.kafka, settings.topic_prefix) as admin:
        while any(admin.lag(settings.topic_prefix + settings.group).values()):
            assert time.monotonic() < deadline, f"the worker is behind after {DRAIN_S:.0f} s"
            time.sleep(0.2)


def topics(settings: Settings) -> None:
    """Make topics and bucket; returns when each partition has a leader."""
    provision(settings)
    with KafkaAdmin(settings.kafka, settings.topic_prefix) as admin:
        admin.end_offsets(Topic.RECORDS)
