"""`forewarn deliveries`: what could not be delivered and why, which warnings wait for what, and trying again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.kafka.deliveries import entries_of
from connectors.kafka.plain import LogProducer
from models.alerting.wording import clock
from models.delivery.errors import SubscriptionError
from models.delivery.plan import Plan
from models.delivery.readiness import Wait, readiness
from models.delivery.reading import Book
from models.delivery.state import Entry, State
from models.plant import Plant
from models.records import Delivery, DeliveryState, Redelivery, encode
from pipelines.cli.board import now_us
from pipelines.cli.book import read_book
from pipelines.cli.subscribing import board_of, records_of
from pipelines.deliver.board import PARTITION, key_of
from pipelines.plant_file import read_plant
from pipelines.settings import Settings
from pipelines.topics import Topic, named

SHOWN = 5
"""Machines of a notification that a line names."""


class Waiting(NamedTuple):
    """A warning that a subscription is to be told of, and what it waits for."""

    subscription: str
    asset: str
    mode: str
    alert: str
    since_us: int
    waits: str
    inhibited_by: str


def show(settings: Settings, console: Console, *, every: bool, as_json: bool) -> None:
    """Print notifications that were not delivered, or all that the log has, and the warnings that wait."""
    plant = read_plant(settings.plant, settings.site)
    entries = entries_now(settings, plant.plant)
    deliveries = sorted(chosen(entries, every=every), key=lambda one: (one.notification.time_us, one.notification.id))
    waiting = list(waits(settings, plant, entries, console))
    if as_json:
        told = {"deliveries": [_told(one) for one in deliveries], "waiting": [one._asdict() for one in waiting]}
        console.out(json.dumps(told), highlight=False)
        return
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
    """Wish that notifications are tried again now: those named, or all that were not delivered."""
    plant = read_plant(settings.plant, settings.site).plant
    left = [one.notification.id for one in chosen(entries_now(settings, plant), every=False)]
    wanted = [_whole(begin, left) for begin in ids] or left
    with LogProducer(settings.kafka) as producer:
        for one in wanted:
            wish = Redelivery(plant=plant, id=one, by=by, time_us=now_us())
            producer.send(named(settings.topic_prefix, Topic.SUBSCRIPTIONS), key_of(wish), encode(wish), PARTITION)
    console.print(f"to be tried again by the role that runs: {len(wanted)}")


def _whole(begin: str, ids: Sequence[str]) -> str:
    """The one id that begins so. Raises SubscriptionError."""
    found = [one for one in ids if one.startswith(begin)]
    if len(found) != 1:
        raise SubscriptionError(
            f"{len(found)} notifications that were not delivered have an id that begins with {begin}"
        )
    return found[0]


def entries_now(settings: Settings, plant: str) -> tuple[Entry, ...]:
    """What the log of deliveries has of a plant."""
    last = {record.key or b"": record.value for record in records_of(settings, Topic.DELIVERIES)}
    return entries_of({key: value for key, value in last.items() if key.startswith(f"{plant}/".encode())})


def chosen(entries: Sequence[Entry], *, every: bool) -> Iterator[Delivery]:
    """Deliveries that are not done, or all."""
    for one in entries:
        if isinstance(one, Delivery) and (every or one.state is not DeliveryState.DELIVERED):
            yield one


def waits(settings: Settings, plant: Plant, entries: Sequence[Entry], console: Console) -> Iterator[Waiting]:
    """Warnings that are to be told and are not yet, and why."""
    book = Book() if settings.subscriptions is None else read_book(settings.subscriptions, plant)
    plan = Plan(plant, board_of(settings, plant.plant, console).with_file(book.subscriptions))
    state, time_us = State(entries), now_us()
    for case in state.cases.values():
        for name, told in case.told.items():
            if told.due >= 0 and name in plan.subscriptions:
                found = readiness(plan, state, name, case, time_us)
                why = "it is grouped" if found.wait is Wait.NOTHING else found.wait.value
                alert = case.alert
                yield Waiting(name, alert.asset, alert.mode, alert.id, told.due_us, why, found.by)


def _told(one: Delivery) -> dict[str, Any]:
    its = one.notification
    return {
        "id": its.id, "subscription": its.subscription, "sink": its.sink, "state": one.state, "attempts": one.attempts,
        "why": one.why, "reason": its.reason, "time_us": its.time_us, "next_us": one.next_us, "done_us": one.done_us,
        "alerts": [{"id": each.alert, "revision": each.revision, "asset": each.asset} for each in its.mentions],
    }  # fmt: skip


def _row(one: Delivery) -> tuple[str, ...]:
    its = one.notification
    assets = sorted({each.asset for each in its.mentions})
    named_assets = ", ".join(assets[:SHOWN]) + (f" and {len(assets) - SHOWN} more" if len(assets) > SHOWN else "")
    return (
        clock(its.time_us), its.id[:12], its.subscription, its.sink, str(one.state), str(one.attempts), named_assets,
        one.why,
    )  # fmt: skip
