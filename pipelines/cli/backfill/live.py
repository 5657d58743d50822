"""What live said in a span, from the topics: to compare history with, and to know which models it was said by."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import msgspec
import polars as pl
from rich.console import Console

from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.clients import KafkaUnreachable
from connectors.kafka.plain import read
from models.records import Alert, Forecast, decode
from pipelines.backfill.plan import Plan
from pipelines.backfill.results import forecasts_table, last_of_each
from pipelines.cli.feed import bar
from pipelines.cli.report import Live
from pipelines.settings import Settings
from pipelines.topics import Topic, named

CHUNK = 50_000
"""Forecasts that are made a table of at once. Our choice."""
EARLY_US = 3_600_000_000
"""A source whose clock is ahead has its forecasts published before their time; ours believes ten minutes."""


class Said(NamedTuple):
    """Forecasts, a table as results have it, and revisions of warnings as they were published live."""

    forecasts: pl.DataFrame
    alerts: list[Alert]


def live_or_why(settings: Settings, plan: Plan, errors: Console) -> Live | str:
    """What live said in a plan's span, or why that is not known."""
    try:
        said = read_live(settings, plan.from_us, plan.to_us, set(plan.assets), errors)
    except (KafkaUnreachable, LookupError) as away:
        return str(away)
    if said.forecasts.is_empty() and not said.alerts:
        return "the topics have nothing of this span"
    return Live(alerts=tuple(said.alerts), forecasts=said.forecasts)


def read_live(settings: Settings, from_us: int, to_us: int, assets: Collection[str], errors: Console) -> Said:
    """Of these assets, with from_us < end of the window <= to_us. Raises KafkaUnreachable, LookupError."""
    tables = [forecasts_table([])]
    chunk: list[Forecast] = []
    alerts: list[Alert] = []
    for topic in (Topic.FORECASTS, Topic.ALERTS):
        for record in _read(settings, topic, from_us, errors):
            if record.asset not in assets or record.historical or not from_us < record.window_end_us <= to_us:
                continue
            if isinstance(record, Alert):
                alerts.append(record)
                continue
            chunk.append(record)
            if len(chunk) == CHUNK:
                tables.append(forecasts_table(chunk))
                chunk = []
    return Said(last_of_each(pl.concat([*tables, forecasts_table(chunk)])), alerts)


def _read(settings: Settings, topic: Topic, from_us: int, errors: Console) -> Iterator[Forecast | Alert]:
    """What the topic has from a time on; says how much of it is none of its records."""
    name, start_ms, odd = named(settings.topic_prefix, topic), max(0, from_us - EARLY_US) // 1000, 0
    with KafkaAdmin(settings.cluster, settings.topic_prefix) as admin, bar(errors) as progress:
        task = progress.add_task(f"reading {topic}", total=sum(admin.end_offsets(topic).values()))
        for record in read(settings.cluster, name, start_ms):
            progress.advance(task)
            try:
                said = decode(record.value or b"")
            except msgspec.DecodeError:
                odd += 1
                continue
            if isinstance(said, Forecast | Alert):
                yield said
    if odd:
        errors.print(f"{odd:,} records of {name} could not be read and were left out", highlight=False)
