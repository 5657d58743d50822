"""Texts to subscriptions, and errors with the line. What a sink's table means is the sink's own to say."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec
from msgspec import Raw, Struct

from models.delivery.errors import SubscriptionError
from models.delivery.subscriptions import Subscription
from models.misfits import Misfit, fit
from models.plant.lines import line_of
from models.records import Name


class Book(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subscriptions file: sinks and subscriptions by name. A sink's `kind` says which module reads its table."""

    sinks: dict[Name, dict[str, Any]] = {}
    subscriptions: dict[Name, Subscription] = {}


def parse(text: str) -> Book:
    """The book in a TOML text. Raises SubscriptionError naming the line, the place and what to do."""
    try:
        return fit(tomllib.loads(text), Book)
    except tomllib.TOMLDecodeError as wrong:
        raise SubscriptionError(f"the file is not TOML: {wrong}") from wrong
    except Misfit as wrong:
        raise SubscriptionError(located(text, f"{wrong.place or 'the file does not fit'}: {wrong.what}")) from wrong


def located(text: str, message: str) -> str:
    """A message that begins with a place, with the line of that."""
    line = line_of(text, message)
    return f"line {line}: {message}" if line else message


def decode(content: bytes | Raw) -> Subscription:
    """A subscription of a record. Raises SubscriptionError."""
    try:
        return msgspec.json.decode(content, type=Subscription)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise SubscriptionError(f"the content is no subscription: {wrong}") from wrong


def encode(subscription: Subscription) -> Raw:
    """The content of a record."""
    return Raw(msgspec.json.encode(subscription))
