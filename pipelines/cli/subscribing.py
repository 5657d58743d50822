"""`forewarn subscriptions`: who wants what, checked, tried, put on the topic and taken off it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from models.alerting.wording import clock
from models.delivery.checks import doubts
from models.delivery.errors import SubscriptionError
from models.delivery.reading import located, parse
from models.delivery.subscriptions import Match, Subscription
from models.delivery.trying import Trial
from models.records import Alert, decode
from pipelines.cli.board import now_us
from pipelines.cli.book import read_book, text_of
from pipelines.cli.delivery_desk import DeliveryDesk, Told, plain
from pipelines.cli.options import errors
from pipelines.plant_file import read_plant
from pipelines.settings import Settings


def check(settings: Settings, file: Path | None, console: Console) -> None:
    """Check the file and say what it holds. Raises SubscriptionError."""
    plant = read_plant(settings.plant, settings.site)
    book = read_book(file or settings.subscriptions, plant)
    console.print(f"{len(book.subscriptions)} subscriptions to {len(book.sinks)} sinks fit plant '{plant.plant}'")
    for doubt in doubts(book.subscriptions, plant):
        console.print(f"[yellow]doubt:[/] {escape(doubt)}", highlight=False, soft_wrap=True)


def show(settings: Settings, console: Console, *, as_json: bool) -> None:
    """Print all subscriptions, of the file and of the topic."""
    desk = DeliveryDesk(settings)
    if as_json:
        console.out(json.dumps(desk.told()), highlight=False)
        return
    table = Table("subscription", "from", "sink", "for", "when", "together by")
    found = desk.subscriptions()
    for name, (source, one) in found.items():
        table.add_row(*map(escape, (name, source, ", ".join(one.sinks), *_in_words(one))))
    console.print(table if found else "no subscriptions")
    for odd in desk.left_out:
        errors.print(f"[yellow]left out:[/] {escape(odd)}", highlight=False, soft_wrap=True)


def try_out(
    settings: Settings, file: Path | None, made_up: Told, at_us: int | None, console: Console, *, as_json: bool
) -> None:
    """Say who would get a warning, of a file of one or made up, and when. Raises SubscriptionError."""
    alert = made_up if file is None else _read_alert(file)
    found = DeliveryDesk(settings).trials(alert, now_us() if at_us is None else at_us)
    if as_json:
        console.out(json.dumps([plain(one) for one in found]), highlight=False)
        return
    _print_trials(found, alert.asset, console)


def add(settings: Settings, file: Path, by: str, console: Console) -> None:
    """Put a file's subscriptions on the topic, to sinks of the service's own file. Raises SubscriptionError."""
    text, _ = text_of(file)
    try:
        added = parse(text)
        if added.sinks:
            raise SubscriptionError("sinks: the service's own file says which sinks there are: take them out here")
        done = DeliveryDesk(settings).put_all(added.subscriptions, by)
    except SubscriptionError as wrong:
        raise SubscriptionError(f"{file}: {located(text, str(wrong))}") from wrong
    console.print("\n".join(done))


def remove(settings: Settings, name: str, console: Console) -> None:
    """Take a subscription off the topic. Raises SubscriptionError where none is there."""
    console.print("\n".join(DeliveryDesk(settings).remove(name)))


def _read_alert(file: Path) -> Alert:
    text, _ = text_of(file)
    try:
        record = decode(text.encode())
    except msgspec.DecodeError as wrong:
        raise SubscriptionError(f"{file} is no warning: {wrong}: `forewarn alerts watch --json` prints some") from wrong
    if not isinstance(record, Alert):
        raise SubscriptionError(f"{file} is a {type(record).__name__}, not a warning")
    return record


def _print_trials(found: list[Trial], asset: str, console: Console) -> None:
    table = Table("subscription", "sink", "told (UTC)", "together with", "else", title=f"a warning of {asset}")
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
