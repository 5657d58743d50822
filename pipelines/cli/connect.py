"""`forewarn connect`: one feed, from its own protocol to the records topic, until it is stopped."""

from __future__ import annotations

import asyncio
import json
import signal
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from rich.console import Console

from connectors.kafka.publisher import KafkaPublisher
from connectors.scada.feed import Feed, FeedError
from connectors.scada.feeds import FEEDS
from connectors.scada.mapping import Mapper
from connectors.scada.relay import Relay
from connectors.scada.spool import Spool
from pipelines.main import WallClock, read_plant
from pipelines.settings import Settings

TOLD_EVERY_S = 10.0


def read_feed(name: str, config: Path) -> Feed:
    """The feed that a TOML file describes. Raises FeedError."""
    if name not in FEEDS:
        raise FeedError(f"there is no feed '{name}': use one of {', '.join(FEEDS)}")
    module: Any = import_module(f"connectors.scada.feeds.{name}")
    opener: Callable[[Any], Feed] = module.open_feed
    try:
        return opener(msgspec.convert(tomllib.loads(config.read_text("utf-8")), module.Config))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as wrong:
        raise FeedError(f"{config}: {wrong}") from wrong


async def connect(
    settings: Settings, name: str, config: Path, spool_mb: int, console: Console, *, as_json: bool
) -> None:
    """Run a feed until SIGTERM or Ctrl-C; what waits is sent, or kept on disk for the next time. Raises FeedError."""
    feed = read_feed(name, config)
    plant = read_plant(settings.plant)
    folder = quote(f"{settings.topic_prefix}{plant.plant}-{name}-{config.stem}", safe="")
    spool = Spool(settings.cache_folder / "spool" / folder, spool_mb * 1_000_000)
    publisher = KafkaPublisher(settings.kafka, settings.topic_prefix, forgets=True)
    mapper = Mapper(plant, f"{name}:{config.stem}")
    relay = Relay(mapper, publisher, spool, plant.plant, settings.partitions, WallClock())
    try:
        await _run(feed, relay, console, as_json)
    finally:
        await publisher.stop()
        spool.close()


async def _run(feed: Feed, relay: Relay, console: Console, as_json: bool) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    tasks = [asyncio.create_task(work) for work in (feed.run(relay.take), relay.run(), _tell(relay, console, as_json))]
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
        await relay.flush()


async def _tell(relay: Relay, console: Console, as_json: bool) -> None:
    while True:
        await asyncio.sleep(TOLD_EVERY_S)
        counts = dict(relay.counts)
        if as_json:
            console.out(json.dumps(counts), highlight=False)
        else:
            console.print("  ".join(f"{name} {count:,}" for name, count in counts.items()), highlight=False)
