"""Stand-ins for what delivery needs from the outside, shipped because trial runs and tests use them.

They pass the same conformance suites as Kafka. Each serves one event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from models.delivery.outcomes import Delivered, Outcome
from models.delivery.state import Entry
from models.records import Action, Alert, Notification, Redelivery, Subscribed, encode
from pipelines.deliver.board import key_of
from pipelines.deliver.ports import Came, Kept, Pair, Position
from pipelines.ports import Fenced


@dataclass(slots=True)
class DeliveryShelf:
    """What all roles of an installation share: the log, the position, whose turn it is, wishes and warnings."""

    entries: dict[str, Entry] = field(default_factory=dict)
    position: dict[int, int] = field(default_factory=dict)
    turn: int = 0
    pairs: list[Pair] = field(default_factory=list)
    """The topic of subscriptions."""
    alerts: dict[int, list[Alert]] = field(default_factory=dict)
    """The topic of warnings by partition."""

    def wish(self, *records: Subscribed | Redelivery) -> None:
        """Put records on the topic of subscriptions."""
        self.pairs += [(key_of(one), encode(one)) for one in records]

    def warn(self, alerts: Iterable[Alert], partition: int = 0) -> None:
        """Put warnings on their topic."""
        self.alerts.setdefault(partition, []).extend(alerts)


class MemoryDeliveryLog:
    """A `pipelines.deliver.ports.DeliveryLog`. After `crash_after` keeps it raises, once, having kept nothing."""

    def __init__(self, shelf: DeliveryShelf, plant: str, crash_after: int | None = None) -> None:
        self._shelf, self._plant, self.crash_after, self._turn = shelf, plant, crash_after, -1

    async def open(self) -> Kept:
        """Take it over."""
        self._shelf.turn += 1
        self._turn = self._shelf.turn
        return Kept(tuple(self._shelf.entries.values()), dict(self._shelf.position))

    async def keep(self, entries: Mapping[str, Entry | None], position: Position, granted: Sequence[str] = ()) -> None:
        """Keep all. Raises Fenced, and ConnectionError when its time to crash has come."""
        if self._turn != self._shelf.turn:
            raise Fenced("another role took the log of deliveries over")
        if self.crash_after == 0:
            self.crash_after = None
            raise ConnectionError("the log in memory was told to crash here")
        if self.crash_after is not None:
            self.crash_after -= 1
        for key, entry in entries.items():
            if entry is None:
                self._shelf.entries.pop(key, None)
            else:
                self._shelf.entries[key] = entry
        self._shelf.position |= position
        self._shelf.pairs += [(f"{self._plant}/redelivery/{one}".encode(), None) for one in granted]

    async def close(self) -> None:
        """Give it up."""
        self._turn = -1


class MemoryAlerts:
    """A `pipelines.deliver.ports.Alerts`, read some at a time."""

    def __init__(self, shelf: DeliveryShelf, most: int = 1000) -> None:
        self._shelf, self._most, self._position = shelf, most, dict[int, int]()
        self._ends: dict[int, int] = {}

    async def open(self, position: Position) -> None:
        """Begin there."""
        self._position = {p: position.get(p, 0) for p in self._shelf.alerts}
        self._ends = {p: len(its) for p, its in self._shelf.alerts.items()}

    async def more(self, patience_s: float) -> Came:  # noqa: ARG002 - nothing comes by waiting here
        """What is there; lets others run first."""
        await asyncio.sleep(0)
        found: list[Alert] = []
        for partition, its in self._shelf.alerts.items():
            at = self._position.get(partition, 0)
            found += its[at : at + self._most]
            self._position[partition] = min(at + self._most, len(its))
        is_caught_up = all(self._position[p] >= end for p, end in self._ends.items())
        return Came(tuple(found), dict(self._position), is_caught_up)

    async def close(self) -> None:
        """Nothing is open."""


class MemoryWishes:
    """A `pipelines.deliver.ports.Wishes`: what is on the topic, then what comes."""

    def __init__(self, shelf: DeliveryShelf) -> None:
        self._shelf, self._read = shelf, 0

    async def known(self) -> list[Pair]:
        """All that is on it, the last value of each key."""
        self._read = len(self._shelf.pairs)
        return list(dict(self._shelf.pairs).items())

    async def more(self) -> AsyncIterator[Pair]:
        """What comes."""
        while True:
            while self._read < len(self._shelf.pairs):
                self._read += 1
                yield self._shelf.pairs[self._read - 1]
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class MemorySink:
    """A `pipelines.deliver.ports.Sink` that keeps what it is sent; it says what `outcomes` has, then takes all.

    While it `hangs`, a send never returns.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    hangs: bool = False
    sent: list[Notification] = field(default_factory=list)

    async def send(self, notification: Notification) -> Outcome:
        """Keep it."""
        self.sent.append(notification)
        if self.hangs:
            await asyncio.Event().wait()
        return self.outcomes.pop(0) if self.outcomes else Delivered()

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class MemoryActions:
    """A `pipelines.deliver.ports.Actions`."""

    taken: list[Action] = field(default_factory=list)

    async def take(self, actions: Sequence[Action]) -> None:
        """Keep them."""
        self.taken += actions
