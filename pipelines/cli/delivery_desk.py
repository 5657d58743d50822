"""Where commands and the HTTP API meet a plant's subscriptions and deliveries: its file, its topics, the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from connectors.delivery import SinkError
from connectors.kafka.clients import KafkaUnreachable, check_reachable
from connectors.kafka.deliveries import entries_of
from connectors.kafka.plain import LogProducer, LogRecord, read
from models.delivery.errors import SubscriptionError
from models.delivery.plan import Plan
from models.delivery.readiness import Wait, readiness
from models.delivery.reading import Book, encode
from models.delivery.state import Entry, State
from models.delivery.subscriptions import Subscription
from models.delivery.trying import Trial, tried
from models.plant import Plant
from models.records import (
    Advice,
    Alert,
    AlertReason,
    AlertState,
    Confidence,
    Delivery,
    DeliveryState,
    Evidence,
    Level,
    Redelivery,
    Rung,
    Subscribed,
    id_of,
)
from models.records import encode as encode_record
from pipelines.cli.board import now_us
from pipelines.cli.book import check_book, read_book
from pipelines.deliver.board import PARTITION, Board, Odd, key_of
from pipelines.plant_file import read_plant
from pipelines.settings import Settings
from pipelines.topics import Topic, named


class Told(NamedTuple):
    """A warning that is made up, for a trial."""

    asset: str
    mode: str
    severity: int
    advice: Advice


class Waiting(NamedTuple):
    """A warning that a subscription is to be told of, and what it waits for."""

    subscription: str
    asset: str
    mode: str
    alert: str
    since_us: int
    waits: str
    inhibited_by: str


class DeliveryDesk:
    """A `connectors.console.subscriptions.Subscriptions`. Files are read at each call, since they may change.

    All raise SubscriptionError, PlantError and what Kafka's client raises. `left_out` is what the topic had that is no
    subscription.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = named(settings.topic_prefix, Topic.SUBSCRIPTIONS)
        self.left_out: list[str] = []

    @property
    def plant(self) -> Plant:
        """As its file is now."""
        return read_plant(self._settings.plant, self._settings.site)

    def subscriptions(self) -> dict[str, tuple[str, Subscription]]:
        """By name, each with where it is from."""
        plant = self.plant
        book, board = self._book(plant), self.board(plant.plant)
        by = {name: f"topic, by {one.by}" for name, one in board.subscribed.items()}
        sources = by | dict.fromkeys(book.subscriptions, "file")
        return {name: (sources[name], one) for name, one in sorted(board.with_file(book.subscriptions).items())}

    def told(self) -> list[dict[str, Any]]:
        """The same in plain values."""
        found = self.subscriptions().items()
        return [{"name": name, "from": source, **msgspec.to_builtins(one)} for name, (source, one) in found]

    def put(self, name: str, wanted: Subscription, by: str) -> list[str]:
        """Put one on the topic."""
        return self.put_all({name: wanted}, by)

    def put_all(self, wanted: Mapping[str, Subscription], by: str) -> list[str]:
        """Put subscriptions on the topic, whose sinks the service's file has, and whose names it does not have."""
        plant = self.plant
        book = read_book(self._settings.subscriptions, plant)
        try:
            check_book(book, wanted, plant)
        except SinkError as wrong:
            raise SubscriptionError(str(wrong)) from wrong
        if shadowed := sorted(wanted.keys() & book.subscriptions.keys()):
            raise SubscriptionError(f"subscriptions.{shadowed[0]} is in the service's file, which counts")
        with LogProducer(self._settings.cluster) as producer:
            for name, one in wanted.items():
                record = Subscribed(plant=plant.plant, name=name, by=by, time_us=now_us(), content=encode(one))
                producer.send(self._topic, key_of(record), encode_record(record), PARTITION)
        return [f"on the topic: {', '.join(wanted) or 'nothing'}"]

    def remove(self, name: str) -> list[str]:
        """Take one off the topic."""
        known = self.board(self.plant.plant).subscribed
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise SubscriptionError(f"no subscription '{name}' is on the topic: there are {there}")
        with LogProducer(self._settings.cluster) as producer:
            producer.send(self._topic, key_of(known[name]), None, PARTITION)
        return [f"off the topic: {name}"]

    def trials(self, alert: Alert | Told, time_us: int) -> list[Trial]:
        """Who would get a warning; without Kafka by the file alone."""
        plant = self.plant
        book, board = read_book(self._settings.subscriptions, plant), Board(plant.plant)
        if self._is_reachable():
            board = self.board(plant.plant)
        of = invented(plant, alert, time_us) if isinstance(alert, Told) else alert
        return list(tried(Plan(plant, board.with_file(book.subscriptions)), of, time_us))

    def tried(self, asset: str, mode: str, severity: int, advice: Advice) -> list[dict[str, Any]]:
        """The same of a made-up one, now, in plain values."""
        return [plain(one) for one in self.trials(Told(asset, mode, severity, advice), now_us())]

    def deliveries(self, *, every: bool) -> dict[str, Any]:
        """Notifications that were not delivered, or all, and warnings that wait, in plain values."""
        listed, waiting = self.delivered(every=every)
        return {"deliveries": [_told(one) for one in listed], "waiting": [one._asdict() for one in waiting]}

    def delivered(self, *, every: bool) -> tuple[list[Delivery], list[Waiting]]:
        """Notifications by the time they were made, and warnings that wait."""
        plant = self.plant
        entries = self.entries(plant.plant)
        found = sorted(chosen(entries, every=every), key=lambda one: (one.notification.time_us, one.notification.id))
        plan = Plan(plant, self.board(plant.plant).with_file(self._book(plant).subscriptions))
        return found, list(_waits(plan, State(entries)))

    def retry(self, begin: str, by: str) -> list[str]:
        """Have one sent again."""
        return self.retry_all([begin], by)

    def retry_all(self, begins: Sequence[str], by: str) -> list[str]:
        """Have notifications sent again whose ids begin so, or all that were not delivered."""
        plant = self.plant.plant
        left = [one.notification.id for one in chosen(self.entries(plant), every=False)]
        wanted = [_whole(begin, left) for begin in begins] or left
        with LogProducer(self._settings.cluster) as producer:
            for one in wanted:
                wish = Redelivery(plant=plant, id=one, by=by, time_us=now_us())
                producer.send(self._topic, key_of(wish), encode_record(wish), PARTITION)
        return [f"to be tried again by the role that runs: {len(wanted)}"]

    def board(self, plant: str) -> Board:
        """What the topic says now."""
        board = Board(plant)
        self.left_out = []
        for record in self._records(Topic.SUBSCRIPTIONS):
            try:
                board.take(record.key or b"", record.value)
            except Odd as odd:
                self.left_out.append(str(odd))
        return board

    def entries(self, plant: str) -> tuple[Entry, ...]:
        """What the log of deliveries has."""
        last = {record.key or b"": record.value for record in self._records(Topic.DELIVERIES)}
        return entries_of({key: value for key, value in last.items() if key.startswith(f"{plant}/".encode())})

    def _book(self, plant: Plant) -> Book:
        path = self._settings.subscriptions
        return Book() if path is None else read_book(path, plant)

    def _records(self, topic: Topic) -> Iterator[LogRecord]:
        try:
            yield from read(self._settings.cluster, named(self._settings.topic_prefix, topic))
        except LookupError as missing:
            raise SubscriptionError(f"{missing} `forewarn deliver` makes those of delivery") from missing

    def _is_reachable(self) -> bool:
        try:
            check_reachable(self._settings.cluster)
        except KafkaUnreachable:
            return False
        return True


def chosen(entries: Sequence[Entry], *, every: bool) -> Iterator[Delivery]:
    """Deliveries that are not done, or all."""
    for one in entries:
        if isinstance(one, Delivery) and (every or one.state is not DeliveryState.DELIVERED):
            yield one


def plain(one: Trial) -> dict[str, Any]:
    """A trial in plain values."""
    return one._asdict() | {"group": dict(one.group), "escalates": [step._asdict() for step in one.escalates]}


def invented(plant: Plant, told: Told, time_us: int) -> Alert:
    """A warning that nothing brought about. Raises SubscriptionError for an asset that is none."""
    if told.asset not in plant.assets:
        raise SubscriptionError(f"the plant has no asset '{told.asset}': name one of its plant file")
    signals = tuple(plant.types[plant.assets[told.asset].type].signals)[:1]
    found = Evidence(
        rung=Rung.RULES, name="trial", level=Level.WARNING, since_us=time_us, mode=told.mode, signals=signals,
        value=None, limit=None, unit="", basis="", confidence=Confidence.LOW,
    )  # fmt: skip
    return Alert(
        id=id_of("alert", plant.plant, told.asset, told.mode, time_us), revision=0, plant=plant.plant,
        asset=told.asset, mode=told.mode, state=AlertState.UNACKNOWLEDGED, reason=AlertReason.OPENED,
        opened_us=time_us, window_end_us=time_us, level=Level.WARNING, evidence=(found,), chances=(), lead_h=None,
        remaining=None, drivers=(), model="", basis="", rung=Rung.RULES, confidence=Confidence.LOW, completeness=1.0,
        advice=told.advice, severity=told.severity, moved_us=time_us,
    )  # fmt: skip


def _waits(plan: Plan, state: State) -> Iterator[Waiting]:
    """Warnings that are to be told and are not yet, and why."""
    time_us = now_us()
    for case in state.cases.values():
        for name, told in case.told.items():
            if told.due >= 0 and name in plan.subscriptions:
                found, alert = readiness(plan, state, name, case, time_us), case.alert
                why = "it is grouped" if found.wait is Wait.NOTHING else found.wait.value
                yield Waiting(name, alert.asset, alert.mode, alert.id, told.due_us, why, found.by)


def _whole(begin: str, ids: Sequence[str]) -> str:
    """The one id that begins so. Raises SubscriptionError."""
    found = [one for one in ids if one.startswith(begin)]
    if len(found) != 1:
        raise SubscriptionError(
            f"{len(found)} notifications that were not delivered have an id that begins with {begin}"
        )
    return found[0]


def _told(one: Delivery) -> dict[str, Any]:
    its = one.notification
    return {
        "id": its.id, "subscription": its.subscription, "sink": its.sink, "state": one.state, "attempts": one.attempts,
        "why": one.why, "reason": its.reason, "time_us": its.time_us, "next_us": one.next_us, "done_us": one.done_us,
        "alerts": [{"id": each.alert, "revision": each.revision, "asset": each.asset} for each in its.mentions],
    }  # fmt: skip
