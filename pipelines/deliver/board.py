"""What the topic of subscriptions says, folded: who wants what beside the file, and what is to be sent once more. Pure.

The topic is compacted: the last value of a key is all that counts.
"""

from __future__ import annotations

import msgspec

from models.delivery.errors import SubscriptionError
from models.delivery.reading import decode as decode_content
from models.delivery.subscriptions import Subscription
from models.records import Redelivery, Subscribed, decode

PARTITION = 0
"""Of both topics of delivery: all lie on one, so that there is one order."""


def key_of(record: Subscribed | Redelivery) -> bytes:
    """The key of a record on the topic."""
    said = f"subscription/{record.name}" if isinstance(record, Subscribed) else f"redelivery/{record.id}"
    return f"{record.plant}/{said}".encode()


class Odd(ValueError):
    """A record is none of this topic; the message says why."""


class Board:
    """Of one plant."""

    def __init__(self, plant: str) -> None:
        self.plant = plant
        self.subscribed: dict[str, Subscribed] = {}
        self.subscriptions: dict[str, Subscription] = {}
        """What those say, by name."""

    def take(self, key: bytes, value: bytes | None) -> Redelivery | None:
        """Take a record; the wish where it is one. Raises Odd for one that is not of the topic, and changes nothing."""
        if value is None:
            self._end(key)
            return None
        record = _read(value)
        if record.plant != self.plant:
            return None
        if key_of(record) != key:
            raise Odd(f"a {type(record).__name__} under the key {key[:100]!r}, not {key_of(record)!r}")
        if isinstance(record, Redelivery):
            return record
        try:
            self.subscriptions[record.name] = decode_content(record.content)
        except SubscriptionError as wrong:
            raise Odd(f"subscription '{record.name}' by {record.by}: {wrong}") from wrong
        self.subscribed[record.name] = record
        return None

    def _end(self, key: bytes) -> None:
        prefix = f"{self.plant}/subscription/".encode()
        if key.startswith(prefix):
            name = key[len(prefix) :].decode(errors="replace")
            self.subscribed.pop(name, None)
            self.subscriptions.pop(name, None)

    def with_file(self, of_file: dict[str, Subscription]) -> dict[str, Subscription]:
        """All subscriptions; where the file has one of the same name, the file's counts."""
        return self.subscriptions | of_file


def _read(value: bytes) -> Subscribed | Redelivery:
    try:
        record = decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Odd(f"no record: {wrong}") from wrong
    if not isinstance(record, Subscribed | Redelivery):
        raise Odd(f"a {type(record).__name__}, which is of another topic")
    return record
