"""What delivery needs from the outside, as protocols, and the plain values that cross that edge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from models.delivery.outcomes import Outcome
from models.delivery.state import Entry
from models.records import Action, Alert, Notification

Position = Mapping[int, int]
"""The next offset of `alerts` to be read, by partition."""


class Sink(Protocol):
    """Where notifications go: one of a name in the subscriptions file."""

    async def send(self, notification: Notification) -> Outcome:
        """Send it once and say what came of it; in a time that the sink bounds itself.

        The same notification may come again, with the same id: whoever receives it can tell by that.
        """
        ...

    async def close(self) -> None:
        """Give back what was opened."""
        ...


class Came(NamedTuple):
    """Warnings that came, the position after them, and whether all that was there at the opening was read."""

    alerts: tuple[Alert, ...]
    position: Position
    is_caught_up: bool


class Alerts(Protocol):
    """The topic of warnings, read from a position."""

    async def open(self, position: Position) -> None:
        """Begin there, and on other partitions with the oldest that there is."""
        ...

    async def more(self, patience_s: float) -> Came:
        """What came, or nothing after so long."""
        ...

    async def close(self) -> None:
        """Read no more."""
        ...


class Kept(NamedTuple):
    """What the log of deliveries holds."""

    entries: tuple[Entry, ...]
    position: Position


class DeliveryLog(Protocol):
    """The log of deliveries of one plant, and who may write it. All may raise what its client raises."""

    async def open(self) -> Kept:
        """Take it over from whoever had it, and read it."""
        ...

    async def keep(self, entries: Mapping[str, Entry | None], position: Position, granted: Sequence[str] = ()) -> None:
        """Keep entries by key, forgetting those that are None, and the position: all or nothing.

        Wishes of redelivery that were `granted`, by id, are off their topic with it. Raises Fenced where somebody else
        took the log over.
        """
        ...

    async def close(self) -> None:
        """Give it up."""
        ...


Pair = tuple[bytes, bytes | None]


class Wishes(Protocol):
    """The topic of subscriptions and of wishes of redelivery."""

    async def known(self) -> list[Pair]:
        """All that is on it now, key and value."""
        ...

    def more(self) -> AsyncIterator[Pair]:
        """What comes after that, for ever."""
        ...

    async def stop(self) -> None:
        """Read no more."""
        ...


class Actions(Protocol):
    """Where what a sink learned, such as the number of an order, goes back to the log."""

    async def take(self, actions: Sequence[Action]) -> None:
        """Put them on the log; return when it has them."""
        ...


@runtime_checkable
class Watches(Protocol):
    """A sink that can say what became of what it was told, such as a maintenance system."""

    async def look(self, cases: Sequence[Alert]) -> Sequence[Action]:
        """What holds now of these warnings, in the same words each time; nothing where nothing is to be told.

        It bounds its time itself, and raises what keeps it from answering.
        """
        ...
