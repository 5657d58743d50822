"""The role that rebuilds: late spans from the notices, an asset's life from InfluxDB, its bins back to the log.

One process. A notice counts as dealt with once what was made for it is on the log; one that came twice is made twice,
which changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from contextlib import closing, nullcontext

import polars as pl
from rich.console import Console

from connectors.endpoint import Served
from connectors.health import Health
from connectors.influx.query import InfluxReader
from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.group import GroupReader
from connectors.kafka.plain import LogProducer, LogRecord
from models.records import Maintenance, Notice, NoticeKind, NoticeState, WorkOrder, decode, encode, key_of
from pipelines.cli.acting import warnings_of
from pipelines.cli.feed import bar
from pipelines.cli.logs import to_stderr
from pipelines.cli.role_shown import served
from pipelines.main import WallClock, influx_target, read_named, read_plant
from pipelines.meters import Doings
from pipelines.partition import Partition
from pipelines.rebuild import Life, Rebuilding, alone, denied, until_of
from pipelines.settings import Settings
from pipelines.stored import LifeGone, check_whole, life_from, records_of
from pipelines.told import MAINTENANCE, WORK_ORDERS, done, maintenance_of, orders_of
from pipelines.topics import MAX_MESSAGE_BYTES, Topic, named

LOOK_S = 1.0
KEPT_WITHIN_S = 120.0
"""With `--once`, how long workers may take to keep a snapshot that covers a notice."""
DAY_US = 86_400_000_000


class NoSnapshot(Exception):
    """No worker kept a snapshot in time that covers a notice; the message says what to do."""


Work = Maintenance | WorkOrder
Open = dict[str, tuple[Notice, LogRecord]]
"""Notices to deal with, the last of each asset."""


def rebuild(settings: Settings, console: Console, *, once: bool, as_json: bool) -> None:
    """Rebuild what late spans ask for: those open now with `once`, else as they come, until interrupted."""
    plant = read_plant(settings.plant, settings.site)
    group, topic = settings.topic_prefix + settings.group, named(settings.topic_prefix, Topic.NOTICES)
    doings = Doings()
    with (
        GroupReader(settings.cluster, f"{group}-rebuild", topic) as notices,
        LogProducer(settings.cluster) as producer,
        nullcontext() if once else _shown(settings, doings),
    ):
        while True:
            doings.looked_s = time.monotonic()
            for notice, record in newest(notices.waiting(), plant.plant).values():
                _wait_for_store(settings, record, once)
                now = read_plant(settings.plant, settings.site)  # it may have changed meanwhile
                of = Partition(now, read_named(now, settings.models), settings.lateness_s)
                is_made = _deal_with(settings, of, notice, producer, console, as_json)
                doings.done, doings.failed = doings.done + is_made, doings.failed + (not is_made)
            notices.done()
            if once:
                return
            time.sleep(LOOK_S)


def _shown(settings: Settings, doings: Doings) -> closing[Served]:
    """Metrics of the role. A span can take minutes in which nothing is looked at: that it answers is its health."""
    to_stderr(False, settings.secrets)
    return closing(served(settings, "rebuild", doings, dict, Health()))


def newest(records: Iterable[LogRecord], plant: str) -> Open:
    """Late spans that are open after these notices, the last of each asset: it takes in those before it."""
    found: Open = {}
    for record in records:
        notice = decode(record.value or b"")
        if not isinstance(notice, Notice) or notice.kind is not NoticeKind.LATE_SPAN or notice.plant != plant:
            continue
        if notice.state is NoticeState.OPEN:
            found[notice.asset] = notice, record
        elif notice.asset in found and found[notice.asset][0].id == notice.id:
            del found[notice.asset]
    return found


def _wait_for_store(settings: Settings, record: LogRecord, once: bool) -> None:
    """Wait until workers' snapshots cover the notice: then the store has all rows that came before it."""
    offset, began_s = int(dict(record.headers)["offset"]), time.monotonic()
    with KafkaAdmin(settings.cluster, settings.topic_prefix) as admin:
        while admin.kept(settings.topic_prefix + settings.group).get(record.partition, 0) <= offset:
            if once and time.monotonic() - began_s > KEPT_WITHIN_S:
                raise NoSnapshot(
                    f"no snapshot of partition {record.partition} covers offset {offset} after {KEPT_WITHIN_S:g} s: "
                    "start a worker with `forewarn worker`"
                )
            time.sleep(LOOK_S / 2)


def _deal_with(
    settings: Settings, of: Partition, notice: Notice, producer: LogProducer, console: Console, as_json: bool
) -> bool:
    """Whether it was rebuilt, and not refused."""
    began_s, told = time.monotonic(), {"asset": notice.asset, "number": notice.number, "id": notice.id}
    try:
        if of.plant.type_of(notice.asset) is None:
            raise LifeGone("the asset is not in the plant file")
        life = asyncio.run(_read_life(settings, of, notice, console))
        _publish(settings, life, producer)
        withdrawn = denied(warnings_of(settings).values(), life, notice)
        for action in withdrawn:
            producer.send(
                named(settings.topic_prefix, Topic.RECORDS), key_of(action.plant, action.asset), encode(action)
            )
        producer.flush()
    except LifeGone as gone:
        _say(console, told | {"refused": str(gone)}, as_json)
        return False
    made = {"until_us": life.rebuilt.until_us, "forecasts": len(life.forecasts), "warnings_denied": len(withdrawn)}
    _say(console, told | made | {"s": round(time.monotonic() - began_s, 1)}, as_json)
    return True


def _say(console: Console, told: dict[str, object], as_json: bool) -> None:
    text = json.dumps(told) if as_json else "  ".join(f"{name} {value}" for name, value in told.items())
    console.print(text, highlight=False, markup=False, soft_wrap=True)


async def _read_life(settings: Settings, of: Partition, notice: Notice, console: Console) -> Life:
    """Read an asset's life page by page and follow it. Raises LifeGone."""
    kind, until_us, asset = of.plant.assets[notice.asset].type, until_of(notice), notice.asset
    kept_from_us = None if settings.retention_days is None else WallClock().now_us() - settings.retention_days * DAY_US
    async with InfluxReader(influx_target(settings)) as reader:
        events = maintenance_of(await reader.read(MAINTENANCE, 0, until_us, [asset]), notice.plant)
        from_us = life_from(events, notice.from_us or 0)
        orders = orders_of(await reader.read(WORK_ORDERS, 0, until_us, [asset]), notice.plant)
        told = done(events, [order for order in orders if order.finished_us < until_us], from_us)
        work, first_us = Rebuilding(alone(of, asset), notice, from_us), until_us
        with bar(console) as progress:
            task = progress.add_task(f"rows of {asset}", total=None)
            async for page in reader.pages(kind, from_us, until_us, [asset]):
                first_us = min(first_us, int(page["time_us"][0]))
                check_whole(from_us, first_us, kept_from_us)
                now, told = _split(page, told)
                work.take(records_of(page, of.state.blocks[kind].layout, notice.plant, now))
                progress.advance(task, len(page))
        check_whole(from_us, first_us, kept_from_us)
        work.take(told)
        return work.finish()


def _split(page: pl.DataFrame, events: list[Work]) -> tuple[list[Work], list[Work]]:
    """Events up to the end of a page, and those after it."""
    last_us = int(page["time_us"][-1])
    return [e for e in events if e.done_us <= last_us], [e for e in events if e.done_us > last_us]


def _publish(settings: Settings, life: Life, producer: LogProducer) -> None:
    """The record first: it has to come while the bins since are there. Raises LifeGone for one that is too large."""
    made = life.rebuilt
    value, key = encode(made), key_of(made.plant, made.asset)
    if len(value) > MAX_MESSAGE_BYTES - 1024:
        raise LifeGone(f"its bins are {len(value)} bytes, and a message has at most {MAX_MESSAGE_BYTES}")
    producer.send(named(settings.topic_prefix, Topic.RECORDS), key, value)
    for forecast in life.forecasts:
        producer.send(named(settings.topic_prefix, Topic.FORECASTS), key, encode(forecast))
    producer.flush()
