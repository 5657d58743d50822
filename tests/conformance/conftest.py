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
from pathlib import Path
from typing import NamedTuple

import pytest

from connectors.influx import admin
from connectors.influx.query import InfluxReader
from connectors.influx.store import InfluxStore, WriteOptions
from connectors.influx.target import Target
from connectors.memory import ManualClock, MemorySnapshots, MemoryStore, SnapshotShelf
from pipelines.ports import Snapshots, Store


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
    """A real InfluxDB: its settings from the environment as JSON, or those of a running instance of ours."""

    variable: str
    instance: str

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
        """Where this server is; fails with what to do."""
        cache = Path(os.environ.get("FOREWARN_CACHE", "~/.cache/forewarn")).expanduser()
        file = cache / "instances" / self.instance / "services.json"
        if given := os.environ.get(self.variable):
            settings = json.loads(given)
        elif file.exists():
            settings = json.loads(file.read_text())["settings"]
        else:
            pytest.fail(f"no InfluxDB for this test: start instance {self.instance!r}, or set {self.variable} (JSON)")
        target = Target(*(settings[f"FOREWARN_INFLUX_{name}"] for name in ("URL", "TOKEN", "ORG", "BUCKET")))
        admin.reachable(target.url)
        return target


INFLUX = {
    "influx-1.8": InfluxKit("FOREWARN_TEST_INFLUX_18", "dev"),
    "influx-2.7": InfluxKit("FOREWARN_TEST_INFLUX_27", "dev27"),
}
STORES: dict[str, MemoryKit | InfluxKit] = {"memory": MemoryKit(), **INFLUX}

Workers = Callable[[], Snapshots]
"""Makes the Snapshots of one more worker, over the same kept state."""


@asynccontextmanager
async def _memory_workers() -> AsyncIterator[Workers]:
    shelf = SnapshotShelf()
    yield lambda: MemorySnapshots(shelf)


SNAPSHOTS: dict[str, Callable[[], AbstractAsyncContextManager[Workers]]] = {"memory": _memory_workers}


@pytest.fixture(params=STORES)
def stores(request: pytest.FixtureRequest) -> MemoryKit | InfluxKit:
    """Each store there is."""
    return STORES[request.param]


@pytest.fixture(params=INFLUX)
def influx(request: pytest.FixtureRequest) -> InfluxKit:
    """Each version of InfluxDB."""
    return INFLUX[request.param]


@pytest.fixture(params=SNAPSHOTS)
def workers(request: pytest.FixtureRequest) -> AbstractAsyncContextManager[Workers]:
    """Each keeper of snapshots, empty."""
    return SNAPSHOTS[request.param]()
