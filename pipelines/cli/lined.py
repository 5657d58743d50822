"""Lines of CSV files as records on topics: what commands share that put what people keep in tables onto the log."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console

from connectors.kafka.plain import LogProducer
from models.plant import Plant
from models.records import Record, encode
from pipelines.cli.planning_error import PlanError
from pipelines.main import provision_log
from pipelines.settings import Settings
from pipelines.topics import Topic, named, partition_of


def lines(file: Path, needed: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines of a CSV file by their number, all as text. Raises PlanError."""
    try:
        rows = pl.read_csv(file, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as wrong:
        raise PlanError(f"{file} is no CSV file with commas: {str(wrong).splitlines()[0]}") from wrong
    missing = [name for name in needed if name not in rows.columns]
    if missing:
        raise PlanError(f"{file} lacks the columns {missing}: its first line is to be {','.join(needed)}")
    for at, row in enumerate(rows.iter_rows(named=True), start=2):
        if any(one is not None for one in row.values()):  # else it is an empty line
            yield at, row


def number(text: str, where: str, name: str) -> float | int:
    """A finite number. Raises PlanError."""
    try:
        found = json.loads(text)
    except (json.JSONDecodeError, TypeError) as wrong:
        raise PlanError(f"{where}: {name} is {text or 'empty'}, not a number") from wrong
    if not isinstance(found, int | float) or isinstance(found, bool) or not abs(found) <= sys.float_info.max:
        raise PlanError(f"{where}: {name} is {text or 'empty'}, not a number")
    return found


def within(text: str, where: str, name: str, least: float, most: float) -> float:
    """A number that a record takes."""
    found = number(text, where, name)
    if not least <= found <= most:
        raise PlanError(f"{where}: {name} is {text}: write one of {least:g} to {most:g}")
    return float(found)


def time_of(plant: Plant, text: str, where: str, after_us: int | None = None) -> int:
    """A time with its zone, or by the plant's clock: the second of that name where it is to be `after_us`."""
    try:
        found = datetime.fromisoformat(text)
    except (ValueError, TypeError) as wrong:
        raise PlanError(f"{where}: {text!r} is no time: write it as 2026-03-02T06:00 or with its zone") from wrong
    found = found if found.tzinfo else found.replace(tzinfo=ZoneInfo(plant.timezone))
    if after_us is not None and us_of(found) <= after_us:
        found = found.replace(fold=1)
    return us_of(found)


def us_of(time: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return round(time.astimezone(UTC).timestamp() * 1e6)


def send(settings: Settings, topic: Topic, records: Sequence[tuple[bytes, Record]]) -> None:
    """Publish records by key, and wait until Kafka has them."""
    provision_log(settings)
    with LogProducer(settings.cluster) as producer:
        for key, record in records:
            place = partition_of(key, settings.partitions)
            producer.send(named(settings.topic_prefix, topic), key, encode(record), place)
        producer.flush()


def say(console: Console, as_json: bool, **told: object) -> None:
    """Print what was done, in a line."""
    text = json.dumps(told) if as_json else "  ".join(f"{name.replace('_', ' ')}: {one}" for name, one in told.items())
    console.print(text, highlight=False, markup=False, soft_wrap=True)
