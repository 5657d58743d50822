"""What changes, as server-sent events: one ring of encoded events that all subscribers read, each at its own pace.

Nobody is waited for: who falls behind by more than the ring holds, or comes with the number of another run, is told to
load everything again. So memory is bounded however many listen and however large events are, and what is sent is
encoded once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

KEPT = 4096
"""Events; a browser that was away for as long as these took to come loads everything again. Our choice."""
KEPT_BYTES = 64 * 1024 * 1024
"""An event may tell of all machines of a site: 4,096 of those about 2,000 machines were gigabytes. Our choice."""


class Kind(StrEnum):
    """What an event is about; data in the words of `pipelines.console.shown`."""

    WARNING = "warning"
    ASSETS = "assets"
    NOTICE = "notice"
    LEDGER = "ledger"
    MODELS = "models"
    PLAN = "plan"
    DEMAND = "demand"
    SUGGESTION = "suggestion"
    LOG = "log"
    RESET = "reset"


NOWHERE = ""
"""The site of what is of no site that is known, or of the whole plant: callers of all sites see it, and no others."""


class Change(NamedTuple):
    """What changed; `site` is where, empty for nobody knows, None for what is of no site and for all to see."""

    kind: Kind
    site: str | None
    data: Any


class Event(NamedTuple):
    """A change as it goes out."""

    number: int
    site: str | None
    sent: bytes


Sees = Callable[[str | None], bool]


class Feed:
    """The ring. Belongs to one event loop."""

    def __init__(self, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        self._run, self._last = secrets.token_hex(4), 0
        self._kept, self._kept_bytes = kept, kept_bytes
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self.has_ended = False

    def end(self) -> None:
        """Let all who listen go: nothing comes any more."""
        self.has_ended = True
        self._news.set()

    @property
    def token(self) -> str:
        """Of the last event: what comes is after it."""
        return f"{self._run}-{self._last}"

    def put(self, changes: Iterator[Change] | list[Change]) -> None:
        """Tell all who listen."""
        before = self._last
        for kind, site, data in changes:
            self._last += 1
            self._add(Event(self._last, site, self._encoded(kind, data, self._last)))
        if self._last != before:
            news, self._news = self._news, asyncio.Event()
            news.set()

    def number_of(self, token: str) -> int | None:
        """Where to go on behind a token; None where what came since is not known any more."""
        run, _, number = token.rpartition("-")
        if run != self._run or not (number.isascii() and number.isdigit()) or len(number) > 18:
            return None
        return int(number) if self._begins <= int(number) <= self._last else None

    def reset(self) -> tuple[int, bytes]:
        """Where to begin anew, and what says so."""
        return self._last, self._encoded(Kind.RESET, {}, self._last)

    async def after(self, number: int, sees: Sees, patience_s: float) -> tuple[int, bytes]:
        """The number of the last event there is, and what of those behind `number` is for whoever `sees` it.

        Waits for one; empty after a while without, and at the end.
        """
        if self._last <= number and not self.has_ended:
            news = self._news
            try:
                async with asyncio.timeout(patience_s):
                    await news.wait()
            except TimeoutError:
                return number, b""
        if number < self._begins:
            return self.reset()
        fresh = list(self._since(number))
        return self._last, b"".join(one.sent for one in fresh if one.site is None or sees(one.site))

    def _add(self, event: Event) -> None:
        """Keep it, and drop the oldest that are too many or too much."""
        self._events.append(event)
        self._bytes += len(event.sent)
        while len(self._events) > self._kept or (self._bytes > self._kept_bytes and len(self._events) > 1):
            self._bytes -= len(self._events.popleft().sent)

    @property
    def _begins(self) -> int:
        """The number behind which all events are kept."""
        return self._last - len(self._events)

    def _since(self, number: int) -> Iterator[Event]:
        """From the end, since few are new."""
        fresh = []
        for one in reversed(self._events):
            if one.number <= number:
                break
            fresh.append(one)
        return reversed(fresh)

    def _encoded(self, kind: Kind, data: Any, number: int) -> bytes:
        """JSON has no line break, so one line of data is all of it."""
        return b"id: %s-%d\nevent: %s\ndata: %s\n\n" % (
            self._run.encode(), number, kind.encode(), msgspec.json.encode(data),
        )  # fmt: skip
