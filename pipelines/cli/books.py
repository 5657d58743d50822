"""`forewarn ledger`: what was read, stored and rejected, by source, partition and topic, as of the last snapshots."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.kafka.plain import read
from pipelines.ledger import LEDGER_KEY, Ledger
from pipelines.settings import Settings
from pipelines.topics import Topic, named

WHAT = ("read", "stored", "late", "rejected")


def ledgers(settings: Settings) -> dict[int, Ledger]:
    """The ledger of each partition that has a snapshot."""
    found: dict[int, Ledger] = {}
    for record in read(settings.cluster, named(settings.topic_prefix, Topic.STATE)):
        if record.value is not None and (record.key or b"").endswith(LEDGER_KEY):
            found[record.partition] = msgspec.json.decode(record.value, type=Ledger)
    return dict(sorted(found.items()))


def show_ledger(settings: Settings, console: Console, *, as_json: bool) -> int:
    """Print the books; 1 where they do not balance."""
    found = ledgers(settings)
    total = Ledger.total(list(found.values()))
    if as_json:
        console.out(json.dumps(document_of(settings, found, total)), highlight=False)
    elif not found:
        console.print("no worker has kept a snapshot yet: start `forewarn worker`, and look again after some seconds")
    else:
        _tables(settings, found, total, console)
    return 0 if total.balances else 1


def document_of(settings: Settings, found: dict[int, Ledger], total: Ledger) -> dict[str, Any]:
    """The books in plain values."""
    return {
        "balances": total.balances,
        "total": msgspec.to_builtins(total),
        "partitions": {str(number): msgspec.to_builtins(ledger) for number, ledger in found.items()},
        "topics": _topics(settings, total),
    }


def _topics(settings: Settings, total: Ledger) -> dict[str, int]:
    """Records by topic: those that workers read from `records`, and those they published on the others.

    History that `forewarn rebuild` and `backfill` publish is in no partition's ledger.
    """
    counts = {
        Topic.RECORDS: total.records_read,
        Topic.FORECASTS: total.forecasts,
        Topic.ALERTS: total.alerts,
        Topic.NOTICES: total.notices,
    }
    return {named(settings.topic_prefix, topic): count for topic, count in counts.items()}


def _tables(settings: Settings, found: dict[int, Ledger], total: Ledger, console: Console) -> None:
    sources = Table("source", *(f"rows {what}" for what in WHAT), "values read", "values stored", "values rejected")
    for name, of in sorted(total.sources.items()):
        rows = (of.rows_read, of.rows_stored, of.rows_late, of.rows_rejected)
        values = (of.values_read, of.values_stored, of.values_rejected)
        sources.add_row(escape(name) or "(unknown)", *(f"{count:,}" for count in (*rows, *values)))
    console.print(sources)
    partitions = Table("partition", "records read", *(f"rows {what}" for what in WHAT), "balances")
    for label, ledger in [*((str(number), ledger) for number, ledger in found.items()), ("all", total)]:
        rows = tuple(getattr(ledger, f"rows_{what}") for what in WHAT)
        partitions.add_row(
            label, *(f"{count:,}" for count in (ledger.records_read, *rows)), "yes" if ledger.balances else "[red]NO[/]"
        )
    console.print(partitions)
    topics = Table("topic", "records, of workers")
    for topic, count in _topics(settings, total).items():
        topics.add_row(escape(topic), f"{count:,}")
    console.print(topics)
    if total.rejected_by_reason:
        reasons = Table("rejected because of", "values, or records without any")
        for reason, count in Counter(total.rejected_by_reason).most_common():
            reasons.add_row(reason, f"{count:,}")
        console.print(reasons)
    if total.feeds:
        console.print(_feeds(total))


def _feeds(total: Ledger) -> Table:
    """What feeds said of themselves: what never reached the log is here alone."""
    table = Table("feed", "readings", "rows", "sent", "on disk", "lost on disk", "unread")
    for name, counts in sorted(total.feeds.items()):
        unread = ", ".join(
            f"{key.removeprefix('unread:')} {count:,}"
            for key, count in sorted(counts.items())
            if key.startswith("unread:")
        )
        told = (counts.get(key, 0) for key in ("readings", "rows", "sent", "spooled", "dropped"))
        table.add_row(escape(name), *(f"{count:,}" for count in told), unread or "0")
    return table
