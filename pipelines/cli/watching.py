"""Prints warnings from the alerts topic; what the log repeats is shown once."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from connectors.kafka.plain import Start, read
from models.failure.hazard import WARNING
from models.records import Alert, AlertState, Driver, decode
from pipelines.settings import Settings
from pipelines.topics import Topic, named


def watch_alerts(settings: Settings, from_beginning: bool, once: bool, console: Console, as_json: bool) -> None:
    """Follow the alerts topic until interrupted, or to its present end."""
    start = Start.BEGINNING if from_beginning else Start.END
    seen: set[tuple[str, int]] = set()
    for record in read(settings.kafka, named(settings.topic_prefix, Topic.ALERTS), start, forever=not once):
        alert = decode(record.value or b"")
        if not isinstance(alert, Alert) or (alert.id, alert.revision) in seen:
            continue
        seen.add((alert.id, alert.revision))
        if as_json:
            console.out((record.value or b"").decode(), highlight=False)
        else:
            console.print(line(alert), highlight=False, soft_wrap=True)


def line(alert: Alert) -> str:
    """One warning in one line, with colour markup."""
    colour = "green" if alert.state is AlertState.RETURNED else "yellow"
    drivers = escape(", ".join(map(trend, alert.drivers)))
    replayed = "[dim]replay[/] " if alert.historical else ""
    lead = f"likely within {alert.lead_h} h" if alert.lead_h else "no horizon over the limit"
    return (
        f"{clock(alert.window_end_us)}  [{colour}]{alert.reason:9}[/] {replayed}[bold]{escape(alert.asset)}[/]  "
        f"{alert.chances[WARNING]:>4.0%} in 72 h (from {alert.basis}), {lead}" + (f": {drivers}" if drivers else "")
    )


def trend(driver: Driver) -> str:
    """A driver in a few words: how far it is from the asset's usual at this load, and how it moves."""
    if driver.change is None:
        return driver.signal
    moves = "" if driver.per_day is None else f", {driver.per_day:+.3g} a day"
    return f"{driver.signal} {driver.change:+.3g}{moves}"


def clock(time_us: int) -> str:
    """A time for people, UTC."""
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
