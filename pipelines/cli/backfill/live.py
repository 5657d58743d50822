"""What live said in a span, from the topics: to compare history with, and to know which models it was said by."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from rich.console import Console

from connectors.kafka.admin import KafkaAdmin, KafkaUnreachable
from connectors.kafka.plain import read
from models.records import Alert, Forecast, decode
from pipelines.backfill.plan import Plan
from pipelines.backfill.results import forecasts_table
from pipelines.cli.feed import bar
from pipelines.cli.report import Live
from pipelines.settings import Settings
from pipelines.topics import Topic, named


class Said(NamedTuple):
    """Forecasts and revisions of warnings as they were published live."""

    forecasts: list[Forecast]
    alerts: list[Alert]


def live_or_why(settings: Settings, plan: Plan, errors: Console) -> Live | str:
    """What live said in a plan's span, or why that is not known."""
    try:
        said = read_live(settings, plan.from_us, plan.to_us, set(plan.assets), errors)
    except (KafkaUnreachable, LookupError) as away:
        return f"not compared with live: {away}"
    if not said.forecasts and not said.alerts:
        return "not compared with live: the topics have nothing of this span"
    return Live(alerts=tuple(said.alerts), forecasts=forecasts_table(said.forecasts))


def read_live(settings: Settings, from_us: int, to_us: int, assets: Collection[str], errors: Console) -> Said:
    """Of these assets, with from_us < end of the window <= to_us. Raises KafkaUnreachable, LookupError."""
    found = Said([], [])
    for topic, into in ((Topic.FORECASTS, found.forecasts), (Topic.ALERTS, found.alerts)):
        for record in _read(settings, topic, errors):
            if record.asset in assets and not record.historical and from_us < record.window_end_us <= to_us:
                into.append(record)  # type: ignore[arg-type] # each topic holds one kind
    return found


def _read(settings: Settings, topic: Topic, errors: Console) -> Iterator[Forecast | Alert]:
    with KafkaAdmin(settings.kafka, settings.topic_prefix) as admin, bar(errors) as progress:
        task = progress.add_task(f"reading {topic}", total=sum(admin.end_offsets(topic).values()))
        for record in read(settings.kafka, named(settings.topic_prefix, topic)):
            progress.advance(task)
            said = decode(record.value or b"")
            if isinstance(said, Forecast | Alert):
                yield said
