"""`forewarn model coverage`: whether intervals on time to failure hold, by a backfill's run or by what live told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console

from connectors.cmms.labels import read_labels
from connectors.kafka.plain import read
from models.failure.ends import ends_of, usable
from models.failure.labels import Label
from models.inference import ModelError
from models.plant import Plant
from models.records import Alert, Maintenance, decode
from pipelines.backfill.results import PLAN, Results
from pipelines.cli.backfill.live import read_live
from pipelines.cli.report.coverage import Covered, Intervals, lines
from pipelines.cli.report.figures import known
from pipelines.settings import Settings
from pipelines.topics import Topic, named

EVER_US = 1 << 61
NOTHING = "no interval on time to failure was told: the model's card has none, or no chance was high enough"


def of_run(folder: Path, labels: Path | None) -> tuple[Covered, ...]:
    """What intervals of a run held. Raises ModelError where the folder is none."""
    results = Results(folder)
    if not (folder / PLAN).is_file():
        raise ModelError(f"{folder} is no folder of a backfill: name one in build/backfill, or give --live")
    plan, records = results.plan, list(results.records())
    from_us, to_us = known(plan)
    events = [one for one in records if isinstance(one, Maintenance)]
    own = [label for label in confirmed(labels) if label.asset in plan.assets]
    found = Intervals(ends=ends_of(own, events), from_us=from_us, to_us=to_us)
    found.take_alerts(one for one in records if isinstance(one, Alert))
    for table in results.forecasts_by_assets():
        found.take_forecasts(table)
    return found.covered


def of_live(settings: Settings, plant: Plant, labels: Path | None, errors: Console) -> tuple[Covered, ...]:
    """What intervals that live told held, as far as the topics go back. Raises KafkaUnreachable, LookupError."""
    said = read_live(settings, 0, EVER_US, set(plant.assets), errors)
    last_us = int(said.forecasts["window_end_us"].to_numpy().max(initial=0))
    to_us = max([last_us, *(alert.window_end_us for alert in said.alerts)])
    found = Intervals(ends=ends_of(confirmed(labels), events_of(settings)), from_us=0, to_us=to_us)
    found.take_alerts(said.alerts)
    found.take_forecasts(said.forecasts)
    return found.covered


def show(found: tuple[Covered, ...], console: Console, *, as_json: bool) -> None:
    """Print it."""
    if as_json:
        told = [msgspec.to_builtins(one) | {"verdict": one.opened.verdict.value} for one in found]
        console.out(msgspec.json.encode(told).decode(), highlight=False)
        return
    for line in lines(found) or (NOTHING,):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def confirmed(file: Path | None) -> tuple[Label, ...]:
    """Labels that a person confirmed."""
    return usable(read_labels(file)) if file else ()


def events_of(settings: Settings) -> Iterator[Maintenance]:
    """Failures and repairs on the log; what else is there is not looked into."""
    for record in read(settings.cluster, named(settings.topic_prefix, Topic.RECORDS)):
        if b'"maintenance"' not in (record.value or b""):
            continue
        try:
            event = decode(record.value or b"")
        except msgspec.DecodeError:
            continue  # a dead letter by now: workers say so
        if isinstance(event, Maintenance):
            yield event
