"""`forewarn connect`: one feed, from its own protocol to the records topic, until it is stopped."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Sequence
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog
from rich.console import Console

from connectors.endpoint import serve
from connectors.files import toml
from connectors.health import Health
from connectors.kafka.clients import KafkaUnreachable, check_reachable
from connectors.kafka.publisher import KafkaPublisher
from connectors.metrics import FeedCollector, FeedView
from connectors.scada.feed import Feed, FeedError, counts_of
from connectors.scada.feeds import FEEDS
from connectors.scada.mapping import Mapper
from connectors.scada.relay import Relay
from connectors.scada.spool import Spool
from connectors.systemd import Systemd
from pipelines.cluster import Brokers
from pipelines.main import WallClock
from pipelines.plant_file import PlantFile
from pipelines.pulse import Pulse
from pipelines.settings import Settings
from pipelines.stopping import told_to_stop

_log = structlog.get_logger()

TOLD_EVERY_S = 10.0
REPORTED_EVERY_S = 60.0
"""To the ledger; our choice, as ticks."""


def read_feed(name: str, config: Path, folder: Path | None = None, mapping: Callable[[], str] = str) -> Feed:
    """The feed that a TOML file describes. Raises FeedError.

    One that has something to remember gets the folder, one that can read again what the mapping of an address left out
    gets the mapping.
    """
    module = module_of(name)
    opener: Callable[..., Feed] = module.open_feed
    offered = {"folder": folder, "mapping": mapping}
    wanted = {name: one for name, one in offered.items() if name in signature(opener).parameters}
    return opener(read_config(module, config), **wanted)


def module_of(name: str) -> Any:
    """A feed's module. Raises FeedError for a name that is none."""
    if name not in FEEDS:
        raise FeedError(f"there is no feed '{name}': use one of {', '.join(FEEDS)}")
    return import_module(f"connectors.scada.feeds.{name}")


def read_config(module: Any, config: Path) -> Any:
    """A feed's config out of a TOML file. Raises FeedError that names the file, the line and an example."""
    try:
        return toml.read(config, module.Config)
    except toml.TomlError as wrong:
        example = f"infra/examples/feeds/{module.__name__.rpartition('.')[2]}.toml"
        raise FeedError(f"{wrong}. {example} is an example of this feed's config") from wrong


async def connect(
    settings: Settings, name: str, config: Path, spool_mb: int, console: Console, *, as_json: bool
) -> None:
    """Run a feed until SIGTERM or Ctrl-C; what waits is sent, or kept on disk for the next time. Raises FeedError."""
    file = PlantFile(settings.plant, settings.site)
    plant, source = file.plant, f"{name}:{config.stem}"
    own = quote(f"{settings.topic_prefix}{plant.plant}-{name}-{config.stem}", safe="")
    folder = settings.instance_folder / "spool" / own
    feed = read_feed(name, config, folder / "kept", lambda: relay.mapping)
    spool = Spool(folder, spool_mb * 1_000_000)
    publisher = KafkaPublisher(settings.cluster, settings.topic_prefix, forgets=True)
    relay = Relay(Mapper(plant, source), publisher, spool, plant.plant, settings.partitions, WallClock())
    collector = FeedCollector(name, config.stem, lambda: view_of(feed, relay))
    pulse = Pulse(WallClock())
    health = health_of(pulse, relay)
    endpoint = serve(collector, settings.metrics_host, settings.metrics_port, health)
    reads = where(read_config(module_of(name), config))
    _log.info("feed-starts", feed=source, reads=reads, kafka=settings.kafka, **file.told, kept_in=str(folder))
    follow = file.follow(lambda new: relay.map_by(Mapper(new, source)))
    try:
        await look_for(settings.cluster)
        with Systemd(os.environ, health.is_alive, health.is_alive):
            await _run(feed, relay, (follow, pulse.beat()), console, as_json)
    finally:
        endpoint.close()
        await publisher.stop()
        spool.close()


def where(config: Any) -> str:
    """What a feed reads from: its config's own name for that comes first here."""
    return next(str(getattr(config, name)) for name in ("url", "host", "bootstrap", "folder") if hasattr(config, name))


async def look_for(kafka: Brokers) -> None:
    """Say so where nobody answers. It is no reason to end, since what is read waits on disk."""
    try:
        await asyncio.to_thread(check_reachable, kafka)
    except KafkaUnreachable as away:
        _log.error("kafka-away", error=str(away), doing="what is read waits on disk until it is there")


def health_of(pulse: Pulse, relay: Relay) -> Health:
    """A feed lives while its loop does, and is ready while Kafka takes what it reads; meanwhile that goes to disk."""

    def kafka() -> str | None:
        return f"Kafka takes nothing; {relay.spool_bytes:,} bytes wait on disk" if relay.away else None

    return Health(alive={"loop": pulse.wrong}, ready={"kafka": kafka})


def view_of(feed: Feed, relay: Relay) -> FeedView:
    """What metrics and the terminal tell of a feed."""
    return FeedView(
        dict(relay.counts),
        {str(reason): count for reason, count in dict(relay.unread).items()},
        relay.spool_bytes,
        relay.away,
        counts_of(feed),
        relay.spool_limit_bytes,
    )


async def _run(
    feed: Feed, relay: Relay, beside: Sequence[Coroutine[Any, Any, None]], console: Console, as_json: bool
) -> None:
    stopped = told_to_stop()
    works = feed.run(relay.take), relay.run(), *beside, _tell(feed, relay, console, as_json)
    tasks = [asyncio.create_task(work) for work in works]
    waiting = asyncio.create_task(stopped.wait())
    try:
        done, _ = await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {waiting}:
            task.result()  # raises what ended it
        if not stopped.is_set():
            raise FeedError("the feed came to an end by itself: look at what it reads from, and start it again")
    finally:
        for task in (*tasks, waiting):
            task.cancel()
        await asyncio.gather(*tasks, waiting, return_exceptions=True)
        relay.tell()
        await relay.flush()


async def _tell(feed: Feed, relay: Relay, console: Console, as_json: bool) -> None:
    reported_s = 0.0
    while True:
        await asyncio.sleep(TOLD_EVERY_S)
        reported_s += TOLD_EVERY_S
        if reported_s >= REPORTED_EVERY_S:
            reported_s = 0.0
            relay.tell()
        if as_json:
            console.out(json.dumps(told_json(view_of(feed, relay))), highlight=False)
        else:
            console.print(told_line(view_of(feed, relay)), highlight=False, markup=False)


def told_json(view: FeedView) -> dict[str, Any]:
    """For machines: the relay's counts, and what else there is by name."""
    more = {"unread_by_reason": dict(view.unread), "spool_bytes": view.spool_bytes, "kafka_away": view.away}
    return {**view.counts, **more, "feed": dict(view.own)}


def told_line(view: FeedView) -> str:
    """For people: what is not 0."""
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in view.unread.items())
    counts = {**view.counts, **{f"feed's {name.replace('_', ' ')}": count for name, count in view.own.items()}}
    line = "  ".join(f"{name} {count:,}" for name, count in counts.items() if count)
    return f"{line}  ({reasons})" if reasons else line or "nothing read yet"
