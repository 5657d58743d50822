"""The subscriptions file on disk, checked whole: against its own sinks and the plant's calendar."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from connectors.delivery import Place, SinkError
from connectors.sinks import by_case, config_of, open_sink
from models.delivery.checks import check, check_calendar
from models.delivery.errors import SubscriptionError
from models.delivery.reading import Book, located, parse
from models.delivery.subscriptions import Subscription
from models.plant import Plant

NAME_IT = "name a file by FOREWARN_SUBSCRIPTIONS; infra/examples/sinks has examples"


def read_book(path: Path | None, plant: Plant) -> Book:
    """What the file says. Raises SubscriptionError that names file and line."""
    text, path = text_of(path)
    try:
        return book_of(text, plant)
    except SubscriptionError as wrong:
        raise SubscriptionError(f"{path}: {wrong}") from wrong


def text_of(path: Path | None) -> tuple[str, Path]:
    """The file's text. Raises SubscriptionError where there is none."""
    if path is None:
        raise SubscriptionError(f"no file says which sinks there are: {NAME_IT}")
    try:
        return path.read_text("utf-8-sig"), path
    except OSError as wrong:
        raise SubscriptionError(f"{path} cannot be read ({wrong.strerror}): {NAME_IT}") from wrong
    except UnicodeDecodeError as wrong:
        raise SubscriptionError(
            f"{path} is not UTF-8 ({wrong.reason} at byte {wrong.start}): save it as that"
        ) from wrong


def book_of(text: str, plant: Plant, place: Place | None = None) -> Book:
    """The book in a text, checked; with a place, its sinks open, too. Raises SubscriptionError that names the line."""
    book = parse(text)
    try:
        check_book(book, book.subscriptions, plant)
        if place is not None:
            for name, table in book.sinks.items():
                open_sink(name, table, place)  # connects to nothing until it sends
    except (SubscriptionError, SinkError) as wrong:
        raise SubscriptionError(located(text, str(wrong))) from wrong
    return book


def check_book(book: Book, subscriptions: Mapping[str, Subscription], plant: Plant) -> None:
    """Raise SubscriptionError or SinkError for what is wrong with a book's sinks, or subscriptions to them."""
    for name, table in book.sinks.items():
        config_of(name, table)
    check(subscriptions, book.sinks, by_case(book.sinks))
    check_calendar(subscriptions, plant)
