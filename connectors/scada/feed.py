"""What every feed gives, whatever it speaks: readings by address, and what could not be read, with its reason.

A feed is two things in one module: a decoder, sans-IO, from messages to readings; and a thin asyncio shell around a
well-kept client library, which only ever reads. Nothing here writes to a machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from models.records import Quality, Reject, Sample

INSTALL = "run .venv/bin/pip install -e '.[scada]' in Forewarn's folder"
"""How the client libraries of feeds are had."""


class Reading(NamedTuple):
    """A value of an address at a time, in the feed's own unit. A bad one has no value."""

    address: str
    time_us: int
    value: Sample
    quality: Quality = Quality.GOOD


class Unread(NamedTuple):
    """What came and could not be used: why, in words, its beginning, and of which address it is where that is known."""

    reason: Reject
    detail: str
    payload: bytes = b""
    address: str = ""


class Read(NamedTuple):
    """What a message held."""

    readings: Sequence[Reading] = ()
    unread: Sequence[Unread] = ()


class Take(Protocol):
    """Where a feed puts what it read; waiting for it is the feed's back-pressure."""

    async def __call__(self, read: Read, *, settled: bool = False) -> int:
        """How much of it could not be used, once it is queued in memory; with `settled`, once Kafka or the disk has it.

        All that was taken before is then settled, too: with an empty `read` that is what it waits for.
        A feed that tells its source what it has taken (a commit, an acknowledgement) must ask for `settled`.
        """
        ...


class Feed(Protocol):
    """A source of readings that runs until it is cancelled, and reconnects by itself."""

    async def run(self, take: Take) -> None:
        """Read for ever. Raises FeedError where going on cannot help, such as wrong credentials."""
        ...


@runtime_checkable
class Counted(Protocol):
    """A feed that counts what it does, beside what all feeds have: polls, refusals, messages dropped."""

    @property
    def counts(self) -> Counter[str]:
        """By name, since the feed was opened; they only rise."""
        ...


def counts_of(feed: Feed) -> dict[str, int]:
    """What a feed counts itself, if it does; a copy, also for another thread."""
    return dict(feed.counts) if isinstance(feed, Counted) else {}


class FeedError(Exception):
    """The feed cannot work as it is configured; the message says what to do."""
