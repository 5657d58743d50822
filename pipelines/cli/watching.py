"""Prints warnings from the alerts topic; what the log repeats is shown once."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape

from connectors.kafka.plain import LogRecord, Start, read
from models.alerting.lifecycle import is_active
from models.alerting.wording import clock, headline, rests_on
from models.records import Alert, Driver, Level
from pipelines.cli.options import errors
from pipelines.cli.revisions import revisions
from pipelines.settings import Settings
from pipelines.topics import Topic, named


def watch_alerts(settings: Settings, from_beginning: bool, once: bool, console: Console, as_json: bool) -> None:
    """Follow the alerts topic until interrupted, or to its present end."""
    start = Start.BEGINNING if from_beginning else Start.END
    records = read(settings.cluster, named(settings.topic_prefix, Topic.ALERTS), start, forever=not once)
    print_alerts(records, console, errors, as_json=as_json)


def print_alerts(records: Iterable[LogRecord], console: Console, errors: Console, *, as_json: bool) -> None:
    """Print each revision of a warning once; what another version of Forewarn wrote is named and left out."""
    seen: set[tuple[str, int]] = set()
    for alert, record in revisions(records, errors):
        if (alert.id, alert.revision) in seen:
            continue
        seen.add((alert.id, alert.revision))
        if as_json:
            console.out((record.value or b"").decode(), highlight=False)
        else:
            console.print("\n".join(lines(alert)), highlight=False, soft_wrap=True)


def lines(alert: Alert) -> tuple[str, ...]:
    """One warning with colour markup: a line that says it, and a line for each piece of evidence that it rests on."""
    return line(alert), *(f"    [dim]{escape(one)}[/]" for one in rests_on(alert))


def line(alert: Alert) -> str:
    """One warning in one line, with colour markup: when it was moved and, unless by its data, by whom and why."""
    colour = "red" if alert.level is Level.ALARM else "yellow"
    colour = colour if is_active(alert) else "green"
    drivers = escape(", ".join(map(trend, alert.drivers)))
    replayed = "[dim]replay[/] " if alert.historical else ""
    return (
        f"{clock(alert.moved_us or alert.window_end_us)}  [{colour}]{alert.reason:9}[/] {replayed}"
        f"[bold]{escape(alert.asset)}[/]  {alert.level}, {alert.confidence} confidence, {escape(headline(alert))}"
        + (f": {drivers}" if drivers else "")
        + escape(_mover(alert))
    )


def _mover(alert: Alert) -> str:
    """Who moved it and why, and what became of it; empty for what its data moved."""
    why = ", ".join(filter(None, (str(alert.outcome.reason) if alert.outcome else "", alert.why)))
    return f" (by {alert.by}{f': {why}' if why else ''})" if alert.by else ""


def trend(driver: Driver) -> str:
    """A driver in a few words: how far it is from the asset's usual at this load, and how it moves."""
    if driver.change is None:
        return driver.signal
    moves = "" if driver.per_day is None else f", {driver.per_day:+.3g} a day"
    return f"{driver.signal} {driver.change:+.3g}{moves}"
