"""Every store and every keeper of snapshots, each behind one small kit, so that one suite tests all.

To add one: write a kit and put it in STORES or SNAPSHOTS; the suites find it there.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import pytest
from _pytest.mark.structures import ParameterSet

from connectors.influx import admin
from connectors.influx.query import InfluxReader
from connectors.influx.store import InfluxStore, WriteOptions
from connectors.influx.target import Target
from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.plain import LogProducer
from connectors.kafka.snapshots import KafkaSnapshots
from connectors.memory import ManualClock, MemorySnapshots, MemoryStore, SnapshotShelf
from pipelines.ports import Snapshots, Store
from pipelines.topics import Topic, named


class Opened(NamedTuple):
    """An empty store and what reads it back."""

    store: Store
    reader: InfluxReader | MemoryStore


@dataclass(frozen=True)
class MemoryKit:
    """The store in memory."""

    @asynccontextmanager
    async def open(self, retention_h: float | None = None, **_: object) -> AsyncIterator[Opened]:
        retention_us = None if retention_h is None else round(retention_h * 3_600_000_000)
        store = MemoryStore(clock=ManualClock(time_us=time.time_ns() // 1000), retention_us=retention_us)
        yield Opened(store, store)


@dataclass(frozen=True)
class InfluxKit:
    """A real InfluxDB, whose settings the fixture `servers` puts into the environment as JSON."""

    variable: str

    @asynccontextmanager
    async def open(
        self, retention_h: float | None = None, page_bytes: int = 32 * 1024 * 1024, **options: int
    ) -> AsyncIterator[Opened]:
        target = self.new_bucket()
        admin.ensure(target, None if retention_h is None else retention_h / 24)
        try:
            async with (
                InfluxStore(target, WriteOptions(**options)) as store,
                InfluxReader(target, page_bytes=page_bytes) as reader,
            ):
                yield Opened(store, reader)
        finally:
            admin.drop(target)

    def new_bucket(self) -> Target:
        """A bucket of a new name, not made yet."""
        target = self.target()
        name = f"test-{uuid.uuid4().hex[:12]}"
        return target.with_bucket(f"{name}/kept" if "/" in target.bucket else name)

    def target(self) -> Target:
        """Where this server is."""
        settings = json.loads(os.environ[self.variable])
        target = Target(*(settings[f"FOREWARN_INFLUX_{name}"] for name in ("URL", "TOKEN", "ORG", "BUCKET")))
        admin.reachable(target)
        return target


INFLUX = {
    "influx-1.8": InfluxKit("FOREWARN_TEST_INFLUX_18"),
    "influx-2.7": InfluxKit("FOREWARN_TEST_INFLUX_27"),
}
STORES: dict[str, MemoryKit | InfluxKit] = {"memory": MemoryKit(), **INFLUX}


def _param(name: str, kit: object) -> ParameterSet:
    """A real server's tests are marked as such."""
    return pytest.param(
        name, marks=[pytest.mark.servers] if isinstance(kit, InfluxKit) or kit is _kafka_workers else []
    )


Workers = Callable[[], Snapshots]
"""Makes the Snapshots of one more worker, over the same kept state."""


@asynccontextmanager
async def _memory_workers() -> AsyncIterator[Workers]:
    shelf = SnapshotShelf()
    yield lambda: MemorySnapshots(shelf)


@asynccontextmanager
async def _kafka_workers() -> AsyncIterator[Workers]:
    """On topics of their own, whose `records` are long enough for any offset of the suite."""
    bootstrap, prefix = os.environ["FOREWARN_TEST_KAFKA"], f"test-{uuid.uuid4().hex[:8]}."
    made: list[KafkaSnapshots] = []

    def worker() -> Snapshots:
        made.append(KafkaSnapshots(bootstrap, "g", prefix))
        return made[-1]

    with KafkaAdmin(bootstrap, prefix) as kafka:
        kafka.create_topics(3)
        with LogProducer(bootstrap) as log:
            for at in range(3 * 1000):
                log.send(named(prefix, Topic.RECORDS), b"k", b"{}", at % 3)
        try:
            yield worker
        finally:
            for each in made:
                await each.stop()
            kafka.delete_all()


SNAPSHOTS: dict[str, Callable[[], AbstractAsyncContextManager[Workers]]] = {
    "memory": _memory_workers,
    "kafka": _kafka_workers,
}


@pytest.fixture(params=[_param(name, kit) for name, kit in STORES.items()])
def stores(request: pytest.FixtureRequest) -> MemoryKit | InfluxKit:
    """Each store there is."""
    return STORES[request.param]


@pytest.fixture(params=[_param(name, kit) for name, kit in INFLUX.items()])
def influx(request: pytest.FixtureRequest) -> InfluxKit:
    """Each version of InfluxDB."""
    return INFLUX[request.param]


@pytest.fixture(params=[_param(name, kit) for name, kit in SNAPSHOTS.items()])
def workers(request: pytest.FixtureRequest) -> AbstractAsyncContextManager[Workers]:
    """Each keeper of snapshots, empty."""
    return SNAPSHOTS[request.param]()
