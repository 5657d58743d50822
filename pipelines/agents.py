"""Runs partitions under Faust: one agent on `records` deals batches out to a task for each; none waits for another."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import faust
import structlog
from faust.app.base import BootStrategy
from faust.tables.manager import TableManager
from faust.types import TP

from models.records import Tick, encode
from pipelines.collector import spare_the_collector
from pipelines.ownership import Partitions
from pipelines.ports import Clock, Output, Publisher
from pipelines.runner import PartitionRunner
from pipelines.stopping import goodbye, told_to_stop
from pipelines.topics import Topic

_log = structlog.get_logger()

SWITCH_S = 0.0005
"""For how long the thread that fetches waits for the interpreter while a step is at work. It asks several times a
fetch: with Python's 5 ms, forecasts beside other load were out a fifth to a half later."""

STOP_S = 20.0
"""Longest time to stop: give up, last snapshots, leave the group."""


class _NoTables(TableManager):
    """Faust waits a second at start for tables to be declared; there are none."""

    async def on_start(self) -> None:
        await self._update_channels()
        await self.recovery.start()


class _NoProducer(BootStrategy):
    """Outputs go by a publisher of ours, so Faust's own producer would connect for nothing."""

    enable_kafka_producer = False


class WorkerApp(faust.App):
    """A Faust app whose consumer transport is given, and that can be told to stop in good order because of an error.

    Faust's own `crash` ends services and threads at once, so that nothing could be given up any more.
    """

    BootStrategy = _NoProducer
    make_transport: Callable[[], Any]
    failure: Exception | None = None
    owner: Partitions
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None
    """Runs while the app does."""

    def on_init(self) -> None:
        """Faust's hook for attributes."""
        super().on_init()
        self.failed = asyncio.Event()

    def fail(self, error: Exception) -> None:
        """Have `serve` stop the worker; the first error is the one that is told."""
        self.failure = self.failure or error
        self.failed.set()

    def _new_transport(self) -> Any:
        return self.make_transport()

    def _create_directories(self) -> None:
        """Without tables nothing is kept on disk."""


def build_app(
    *,
    broker: str,
    group: str,
    records: str,
    partitions: int,
    transport: Callable[[faust.App, Partitions], Any],
    schema: Any,
    settings: Mapping[str, Any],
    runner: Callable[[int], PartitionRunner],
    publisher: Publisher,
    clock: Clock,
    lease: Callable[[], bool],
    plant: str,
    tick_s: float = 60.0,
    waiting: int = 4,
    beside: Callable[[Callable[[], Mapping[int, PartitionRunner]]], Coroutine[Any, Any, None]] | None = None,
    released: Callable[[PartitionRunner], None] | None = None,
) -> WorkerApp:
    """Make the Faust app of a worker. `broker` is host:port[,host:port], `records` the topic's full name.

    `transport`, `schema` and `settings` are those of `connectors.kafka.batches`; so many batches of each partition
    are `waiting` at most. `beside` is what else runs, told how to ask for the runners of the partitions owned;
    `released` is told of each that is given up, while it still has its heart.
    """
    app = WorkerApp(
        group,
        broker=[f"kafka://{address}" for address in broker.split(",")],
        topic_partitions=partitions,
        **_FAUST | dict(settings),
    )

    async def tick(partition: int) -> None:
        now = Tick(plant=plant, time_us=clock.now_us())
        await publisher.publish(partition, [Output(Topic.RECORDS, plant.encode(), encode(now))])

    async def rewind(partition: int, offset: int) -> None:
        await app.consumer.seek_wait({TP(records, partition): offset})

    owner = Partitions(
        runner, rewind=rewind, fail=app.fail, tick=tick, tick_s=tick_s, lease=lease, waiting=waiting, released=released
    )
    app.owner = owner
    app.make_transport = lambda: transport(app, owner)
    app.beside = (lambda: beside(owner.runners)) if beside is not None else None

    async def deal(stream: Any) -> None:
        async for event in stream.noack().events():
            await owner.accept(event.message.partition, event.value)

    app.agent(app.topic(records, schema=schema, acks=False, partitions=partitions), name="partitions")(deal)
    return app


_FAUST: dict[str, Any] = {
    "store": "memory://",
    "TableManager": _NoTables,
    "web_enabled": False,
    "topic_allow_declare": False,
    "topic_disable_leader": True,
    "broker_session_timeout": 6.0,
    "broker_heartbeat_interval": 2.0,
    "broker_commit_interval": 1.0,
}


async def serve(app: WorkerApp) -> int:
    """Run the app until SIGTERM or SIGINT (0), or until it fails (1, and the log says why)."""
    spare_the_collector()
    sys.setswitchinterval(SWITCH_S)
    stop = told_to_stop()
    beside = None
    waits = [asyncio.create_task(each.wait()) for each in (stop, app.failed, app._crashed)]
    try:
        await app.start()
        beside = asyncio.create_task(_beside(app))
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in (*waits, *((beside,) if beside else ())):
            wait.cancel()
        await _stop(app)
    reason = app.failure or app.crash_reason
    if reason is not None:
        _log.critical("worker-fails", reason=str(reason), exc_info=reason)
    return 0 if reason is None else 1


async def together(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until one fails; its error is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _beside(app: WorkerApp) -> None:
    """What runs beside the app; its failure is the app's."""
    try:
        if app.beside is not None:
            await app.beside()
    except Exception as error:
        app.fail(error)


async def _stop(app: WorkerApp) -> None:
    """Stop in good order; after a crash of Faust's, whose threads may be gone or hang, end the process if need be."""
    if error := await goodbye(app.stop(), STOP_S):
        _log.critical("worker-hangs", error=repr(error), after=repr(app.failure or app.crash_reason))
        logging.shutdown()
        os._exit(1)
