"""`forewarn deliveries`: what could not be delivered and why, which warnings wait for what, and trying again."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.alerting.wording import clock
from models.records import Delivery
from pipelines.cli.delivery_desk import DeliveryDesk
from pipelines.settings import Settings

SHOWN = 5
"""Machines of a notification that a line names."""


def show(settings: Settings, console: Console, *, every: bool, as_json: bool) -> None:
    """Print notifications that were not delivered, or all that the log has, and the warnings that wait."""
    desk = DeliveryDesk(settings)
    if as_json:
        console.out(json.dumps(desk.deliveries(every=every)), highlight=False)
        return
    deliveries, waiting = desk.delivered(every=every)
    table = Table("made (UTC)", "id", "subscription", "sink", "state", "tries", "warnings of", "why")
    for one in deliveries:
        table.add_row(*map(escape, _row(one)))
    console.print(table if deliveries else "all notifications were delivered" if not every else "no notifications")
    if waiting:
        later = Table("since (UTC)", "subscription", "warning of", "waits since", title="not told yet")
        for each in waiting:
            later.add_row(*map(escape, (clock(each.since_us), each.subscription, each.asset, each.waits)))
        console.print(later)


def retry(settings: Settings, ids: Sequence[str], by: str, console: Console) -> None:
    """Wish that notifications are tried again now: those whose ids begin so, or all that were not delivered."""
    console.print("\n".join(DeliveryDesk(settings).retry_all(ids, by)))


def _row(one: Delivery) -> tuple[str, ...]:
    its = one.notification
    assets = sorted({each.asset for each in its.mentions})
    told = ", ".join(assets[:SHOWN]) + (f" and {len(assets) - SHOWN} more" if len(assets) > SHOWN else "")
    made = clock(its.time_us)
    return made, its.id[:12], its.subscription, its.sink, str(one.state), str(one.attempts), told, one.why
