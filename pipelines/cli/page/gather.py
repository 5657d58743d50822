"""What is known of a warning: the case and those like it from the topics, rows and work from InfluxDB."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

import polars as pl
from msgspec.structs import replace

from connectors.influx.query import InfluxReader
from connectors.kafka.plain import read
from models.alerting.lately import Changed, Series, lately, settings_of
from models.alerting.lifecycle import is_active
from models.alerting.page import Facts
from models.alerting.track import Track, suspected, track_of
from models.alerting.trends import DAY_US, Trend, trends_of
from models.plant import Plant
from models.records import Alert, HealthyBaseline, Maintenance, WorkOrder, decode
from pipelines.cli.acting import named_by, warnings_of
from pipelines.cli.baselines import latest as latest_baselines
from pipelines.main import influx_target, read_plant
from pipelines.ports import StoreDown
from pipelines.settings import Settings
from pipelines.told import MAINTENANCE, WORK_ORDERS, maintenance_of, orders_of
from pipelines.topics import Topic, named

LOOKED_BACK_US = 14 * DAY_US
HOUR_US = 3_600_000_000
GONE = "the machine is in the plant file no more, so its signals are not known"

Found = tuple[pl.DataFrame, list[Maintenance | WorkOrder], int]
"""Rows of the machine, work on it, and the time up to which rows were asked for."""


def facts_of(settings: Settings, beginning: str, now_us: int, warnings: Mapping[str, Alert] | None = None) -> Facts:
    """All of a warning by the beginning of its id. Raises NoMove, PlantError, KafkaUnreachable.

    `warnings` are the last revisions of all, where they are known; else they are read off the topic. Where InfluxDB
    does not answer, what it would have told says so.
    """
    plant = read_plant(settings.plant, settings.site)
    known = warnings_of(settings) if warnings is None else warnings
    case = named_by(beginning, known)
    like_it = _like(case, known.values(), plant)
    kind = plant.type_of(case.asset)
    if kind is None:
        why = f"Not told: {GONE}."
        return Facts(
            case=case, plant=plant, now_us=now_us, trends=why, trends_to_us=now_us, changed=why, like_it=like_it
        )
    trends: tuple[Trend, ...] | str
    changed: tuple[Changed, ...] | str
    try:
        rows, work, to_us = asyncio.run(_stored(settings, case, kind, now_us))
        trends = drawn(trends_of(case, plant, _baselines(settings, case)), rows)
        trends = trends or "No trend: what speaks of it names no number of the machine."
        changed = lately(work, {name: series(rows, name) for name in settings_of(plant.types[kind])}, to_us)
    except StoreDown as down:
        trends = changed = f"Not told: {down}."
        to_us = now_us
    return Facts(
        case=case, plant=plant, now_us=now_us, trends=trends, trends_to_us=to_us, changed=changed, like_it=like_it
    )


def _like(case: Alert, known: Iterable[Alert], plant: Plant) -> Track:
    """What became of closed warnings of its type and mode."""
    kind = plant.type_of(case.asset)
    return track_of(
        one for one in known
        if one.id != case.id and plant.type_of(one.asset) == kind and suspected(one) == suspected(case)
    )  # fmt: skip


def _baselines(settings: Settings, case: Alert) -> Iterable[HealthyBaseline]:
    topic = named(settings.topic_prefix, Topic.BASELINES)
    every = latest_baselines(decode(record.value or b"") for record in read(settings.cluster, topic))
    return [one for one in every.values() if one.asset == case.asset]


async def _stored(settings: Settings, case: Alert, kind: str, now_us: int) -> Found:
    """Rows up to now of a warning that holds; of one that ended, and of a machine silent since, up to its last word."""
    ends_us = ((now_us,) if is_active(case) else ()) + (case.window_end_us,)
    async with InfluxReader(influx_target(settings)) as reader:
        for to_us in ends_us:
            rows = await reader.read(kind, max(0, to_us - LOOKED_BACK_US), to_us, [case.asset])
            if len(rows):
                break
        events = await reader.read(MAINTENANCE, 0, to_us + 1, [case.asset])
        orders = await reader.read(WORK_ORDERS, 0, to_us + 1, [case.asset])
    work: list[Maintenance | WorkOrder] = [*maintenance_of(events, case.plant), *orders_of(orders, case.plant)]
    return rows, work, to_us


def drawn(trends: Sequence[Trend], rows: pl.DataFrame) -> tuple[Trend, ...]:
    """Trends with their hourly means."""
    return tuple(replace(one, points=hourly(rows, one.signal)) for one in trends)


def hourly(rows: pl.DataFrame, signal: str) -> tuple[tuple[int, float], ...]:
    """A signal's mean of each hour that has a value, at the hour's begin."""
    if signal not in rows.columns:
        return ()
    hour = (pl.col("time_us") // HOUR_US * HOUR_US).alias("hour_us")
    found = rows.group_by(hour).agg(pl.col(signal).mean()).drop_nulls().sort("hour_us")
    return tuple(zip(found["hour_us"].to_list(), found[signal].to_list(), strict=True))


def series(rows: pl.DataFrame, signal: str) -> Series:
    """A signal's values by time, those that it has."""
    if signal not in rows.columns:
        return ()
    found = rows.select("time_us", signal).drop_nulls().sort("time_us")
    return list(found.iter_rows())
