"""`forewarn notices`: what should be looked after in data, sources and service; nothing of it is about a machine."""

from __future__ import annotations

import json
from collections.abc import Iterable

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.kafka.plain import read
from models.alerting.noticed import DAY_US, LEAST_DAYS, Measure, measures
from models.alerting.wording import clock
from models.records import AnyRecord, Notice, NoticeState, decode
from pipelines.settings import Settings
from pipelines.topics import Topic, named


def notices(settings: Settings) -> list[Notice]:
    """The last revision of each notice on the topic, by the time it began."""
    return last_of_each(
        decode(record.value or b"") for record in read(settings.cluster, named(settings.topic_prefix, Topic.NOTICES))
    )


def last_of_each(records: Iterable[AnyRecord]) -> list[Notice]:
    """The last revision of each notice among records, by the time it began."""
    found: dict[str, Notice] = {}
    for notice in records:
        if isinstance(notice, Notice) and (notice.id not in found or found[notice.id].revision < notice.revision):
            found[notice.id] = notice
    return sorted(found.values(), key=lambda notice: (notice.since_us, notice.asset, notice.signal))


def show_notices(settings: Settings, console: Console, *, every: bool, as_json: bool) -> None:
    """Print the open ones, or all."""
    rows = [notice for notice in notices(settings) if every or notice.state is NoticeState.OPEN]
    if as_json:
        console.out(json.dumps([msgspec.to_builtins(notice) for notice in rows]), highlight=False)
        return
    table = Table("since (UTC)", "state", "kind", "asset", "what is so")
    for notice in rows:
        told = (clock(notice.since_us), str(notice.state), str(notice.kind), notice.asset or notice.source)
        table.add_row(*map(escape, (*told, notice.detail)))
    console.print(table if rows else "no notice is open" if not every else "no notices")


def show_measures(settings: Settings, days: float, now_us: int, console: Console, *, as_json: bool) -> None:
    """Print EEMUA 191's measures of the notices that began in the last days."""
    found = measures(notices(settings), now_us - round(days * DAY_US), now_us)
    if as_json:
        console.out(json.dumps([one._asdict() | {"holds": one.holds} for one in found]), highlight=False)
        return
    table = Table("measure", "value", "at most", "holds", "by", title=f"notices of {days:g} days", title_justify="left")
    for one in found:
        table.add_row(*_measure(one))
    console.print(table)
    if days < LEAST_DAYS:
        console.print(f"of under {LEAST_DAYS:g} days such figures say little", highlight=False)


def _measure(one: Measure) -> tuple[str, ...]:
    holds = {True: "yes", False: "NO", None: "-"}[one.holds]
    return one.name, f"{one.value:.3g}", "-" if one.most is None else f"{one.most:g}", holds, one.source
