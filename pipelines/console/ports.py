"""What the console needs from the outside: the topics as they go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from pipelines.topics import Topic


class Came(NamedTuple):
    """A record of a topic, and when it came there."""

    topic: Topic
    partition: int
    key: bytes
    value: bytes | None
    arrived_ms: int = 0


class News(NamedTuple):
    """What came, in order within each partition, and whether all is read that was there when reading began."""

    records: Sequence[Came]
    is_caught_up: bool


class PlantLog(Protocol):
    """The topics that say how a plant stands. It belongs to one event loop."""

    async def more(self, patience_s: float) -> News:
        """What came since, or nothing after a while; after a fault, what is behind what it gave. Raises KafkaError."""
        ...

    async def close(self) -> None:
        """Read no more."""
        ...
