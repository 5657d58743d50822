"""`forewarn subscriptions`: who wants what, checked, tried, put on the topic and taken off it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connectors.delivery import SinkError
from connectors.kafka.plain import LogProducer, LogRecord, read
from models.alerting.wording import clock
from models.delivery.checks import doubts
from models.delivery.errors import SubscriptionError
from models.delivery.plan import Plan
from models.delivery.reading import Book, encode, located, parse
from models.delivery.subscriptions import Match, Subscription
from models.delivery.trying import Trial, tried
from models.plant import Plant
from models.records import (
    Advice,
    Alert,
    AlertReason,
    AlertState,
    Confidence,
    Evidence,
    Level,
    Rung,
    Subscribed,
    decode,
    id_of,
)
from models.records import encode as encode_record
from pipelines.cli.board import now_us
from pipelines.cli.book import check_book, read_book, text_of
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


def check(settings: Settings, file: Path | None, console: Console) -> None:
    """Check the file and say what it holds. Raises SubscriptionError."""
    plant = read_plant(settings.plant, settings.site)
    book = read_book(file or settings.subscriptions, plant)
    console.print(f"{len(book.subscriptions)} subscriptions to {len(book.sinks)} sinks fit plant '{plant.plant}'")
    for doubt in doubts(book.subscriptions, plant):
        console.print(f"[yellow]doubt:[/] {escape(doubt)}", highlight=False, soft_wrap=True)


def show(settings: Settings, console: Console, *, as_json: bool) -> None:
    """Print all subscriptions, of the file and of the topic."""
    plant = read_plant(settings.plant, settings.site)
    book = Book() if settings.subscriptions is None else read_book(settings.subscriptions, plant)
    board = board_of(settings, plant.plant, console)
    wanted = board.with_file(book.subscriptions)
    by = {name: f"topic, by {one.by}" for name, one in board.subscribed.items()}
    sources = by | dict.fromkeys(book.subscriptions, "file")
    if as_json:
        told = [{"name": name, "from": sources[name], **msgspec.to_builtins(one)} for name, one in wanted.items()]
        console.out(json.dumps(told), highlight=False)
        return
    table = Table("subscription", "from", "sink", "for", "when", "together by")
    for name, one in sorted(wanted.items()):
        table.add_row(*map(escape, (name, sources[name], ", ".join(one.sinks), *_in_words(one))))
    console.print(table if wanted else "no subscriptions")


def try_out(
    settings: Settings, file: Path | None, made_up: Told, at_us: int | None, console: Console, *, as_json: bool
) -> None:
    """Say who would get a warning, of a file of one or made up, and when. Raises SubscriptionError."""
    plant = read_plant(settings.plant, settings.site)
    book = read_book(settings.subscriptions, plant)
    board = board_of(settings, plant.plant, console) if _is_reachable(settings) else Board(plant.plant)
    time_us = now_us() if at_us is None else at_us
    alert = _read_alert(file) if file is not None else invented(plant, made_up, time_us)
    found = list(tried(Plan(plant, board.with_file(book.subscriptions)), alert, time_us))
    if as_json:
        console.out(json.dumps([_plain(one) for one in found]), highlight=False)
        return
    _print_trials(found, alert, console)


def add(settings: Settings, file: Path, by: str, console: Console) -> None:
    """Put a file's subscriptions on the topic, to sinks of the service's own file. Raises SubscriptionError."""
    plant = read_plant(settings.plant, settings.site)
    book, (text, _) = read_book(settings.subscriptions, plant), text_of(file)
    try:
        added = parse(text)
        if added.sinks:
            raise SubscriptionError("sinks: the service's own file says which sinks there are: take them out here")
        check_book(book, added.subscriptions, plant)
    except (SubscriptionError, SinkError) as wrong:
        raise SubscriptionError(f"{file}: {located(text, str(wrong))}") from wrong
    if shadowed := sorted(added.subscriptions.keys() & book.subscriptions.keys()):
        raise SubscriptionError(f"{file}: {', '.join(shadowed)} is in {settings.subscriptions} already, which counts")
    with LogProducer(settings.kafka) as producer:
        for name, one in added.subscriptions.items():
            record = Subscribed(plant=plant.plant, name=name, by=by, time_us=now_us(), content=encode(one))
            producer.send(_topic(settings), key_of(record), encode_record(record), PARTITION)
    console.print(f"on the topic: {', '.join(added.subscriptions) or 'nothing, the file has none'}")


def remove(settings: Settings, name: str, console: Console) -> None:
    """Take a subscription off the topic. Raises SubscriptionError where none is there."""
    plant = read_plant(settings.plant, settings.site)
    known = board_of(settings, plant.plant, console).subscribed
    if name not in known:
        there = ", ".join(sorted(known)) or "none"
        raise SubscriptionError(f"no subscription '{name}' is on the topic: there are {there}")
    with LogProducer(settings.kafka) as producer:
        producer.send(_topic(settings), key_of(known[name]), None, PARTITION)
    console.print(f"off the topic: {name}")


def board_of(settings: Settings, plant: str, console: Console) -> Board:
    """What the topic says now; what cannot be used of it is told."""
    board = Board(plant)
    for record in records_of(settings, Topic.SUBSCRIPTIONS):
        try:
            board.take(record.key or b"", record.value)
        except Odd as odd:
            console.print(f"[yellow]left out:[/] {escape(str(odd))}", highlight=False, soft_wrap=True)
    return board


def records_of(settings: Settings, topic: Topic) -> Iterator[LogRecord]:
    """What is on a topic of delivery. Raises SubscriptionError where it was never made."""
    try:
        yield from read(settings.kafka, named(settings.topic_prefix, topic))
    except LookupError as missing:
        raise SubscriptionError(f"{missing} `forewarn deliver` makes those of delivery") from missing


def invented(plant: Plant, told: Told, time_us: int) -> Alert:
    """A warning that nothing brought about. Raises SubscriptionError for an asset that is none."""
    if told.asset not in plant.assets:
        raise SubscriptionError(f"the plant has no asset '{told.asset}': give one by --asset, or a warning by --alert")
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


def _read_alert(file: Path) -> Alert:
    text, _ = text_of(file)
    try:
        record = decode(text.encode())
    except msgspec.DecodeError as wrong:
        raise SubscriptionError(f"{file} is no warning: {wrong}: `forewarn alerts watch --json` prints some") from wrong
    if not isinstance(record, Alert):
        raise SubscriptionError(f"{file} is a {type(record).__name__}, not a warning")
    return record


def _topic(settings: Settings) -> str:
    return named(settings.topic_prefix, Topic.SUBSCRIPTIONS)


def _is_reachable(settings: Settings) -> bool:
    """Whether Kafka is there, without which the file alone is tried."""
    from connectors.kafka.admin import KafkaUnreachable, check_reachable

    try:
        check_reachable(settings.kafka)
    except KafkaUnreachable:
        return False
    return True


def _plain(one: Trial) -> dict[str, Any]:
    return one._asdict() | {"group": dict(one.group), "escalates": [step._asdict() for step in one.escalates]}


def _print_trials(found: list[Trial], alert: Alert, console: Console) -> None:
    table = Table("subscription", "sink", "told (UTC)", "together with", "else", title=f"a warning of {alert.asset}")
    for one in found:
        if one.at_us is None:
            table.add_row(*map(escape, (one.subscription, "", "no", "", f"other {', '.join(one.unlike)}")), style="dim")
            continue
        group = ", ".join(value for _, value in one.group if value) or "all"
        steps = "; ".join(f"{clock(step.at_us)} {step.sink}" for step in one.escalates)
        table.add_row(*map(escape, (one.subscription, one.sink, clock(one.at_us), group, steps)))
    console.print(table if found else "no subscriptions")


def _in_words(one: Subscription) -> tuple[str, str, str]:
    """For what, when, and together by what."""
    default = msgspec.to_builtins(Match())
    wanted = {key: value for key, value in msgspec.to_builtins(one.match).items() if value != default[key]}
    told = "; ".join(f"{key} {_listed(value)}" for key, value in wanted.items()) or "all"
    when = ", ".join((*one.schedule.shifts, *one.schedule.days)) or "always"
    return told, when, f"{', '.join(one.group.by)} after {one.group.wait}"


def _listed(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else f"from {value}"
