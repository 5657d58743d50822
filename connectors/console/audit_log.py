"""The audit as the API writes it: one chain of entries, in the order of the calls, onto a place that keeps them.

Where it is not known whether the place has an entry, a new chain begins and has it again: rather twice than never.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, NamedTuple, Protocol

import structlog

from models.audit import after
from models.records import AuditEntry

MOST_WAITING = 10_000
"""Entries, some 10 MB. Our choice."""
MOST_AT_ONCE = 500
PATIENCE_S = 10.0
"""For so long nobody is told that the audit cannot be written. Our choice."""
RETRY_S = 1.0
CLOSE_S = 5.0
_log = structlog.get_logger()


class AuditDown(Exception):
    """An entry cannot be written now, or is not yet known to be."""


class Call(NamedTuple):
    """What an entry says of a call."""

    by: str
    role: str
    sites: tuple[str, ...] | None
    address: str
    method: str
    path: str
    route: str
    status: int
    left_out: int = 0


class AuditPlace(Protocol):
    """Keeps entries in order. All may raise what its client raises."""

    async def open(self) -> AuditEntry | None:
        """The last entry that it has, of any chain; what was under way before is given up."""
        ...

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Keep them; returns once they are kept for good. It may take for ever."""
        ...

    async def latest(self, most: int) -> list[AuditEntry]:
        """The last entries, the newest first."""
        ...

    async def stop(self) -> None:
        """Let go of connections."""
        ...


class Waiting(NamedTuple):
    """A call whose turn has not come; `kept` is done once it is written."""

    call: Call
    time_us: int
    kept: asyncio.Future[None]


class AuditLog:
    """Writes calls one after the other. Of one event loop, within `running`."""

    def __init__(
        self,
        place: AuditPlace,
        plant: str,
        clock: Callable[[], float] = time.monotonic,
        patience_s: float = PATIENCE_S,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._place, self._plant, self._clock = place, plant, clock
        self._patience_s, self._most = patience_s, most_waiting
        self._waiting: deque[Waiting] = deque()
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._chain, self._last = "", None  # type: tuple[str, AuditEntry | None]
        self._since_s: float | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_down(self) -> bool:
        """Whether entries could not be written for longer than our patience, or too many wait."""
        late = self._since_s is not None and self._clock() - self._since_s > self._patience_s
        has_died = self._task is not None and self._task.done()
        return late or has_died or len(self._waiting) >= self._most

    def keep(self, call: Call) -> asyncio.Future[None]:
        """Have it written when its turn comes; done then. Raises AuditDown where too many wait."""
        if len(self._waiting) >= self._most:
            raise AuditDown(f"{self._most} entries wait to be written")
        entry = Waiting(call, time.time_ns() // 1000, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._news.set()
        self._idle.clear()
        return entry.kept

    async def wait(self, kept: asyncio.Future[None]) -> None:
        """Until it is written. Raises AuditDown; then it is written later, if the process lives."""
        try:
            async with asyncio.timeout(0.0 if self.is_down else self._patience_s):
                await asyncio.shield(kept)
        except TimeoutError as late:
            raise AuditDown("it is not known to be written yet") from late

    async def latest(self, most: int) -> list[AuditEntry]:
        """The last entries, the newest first. Raises what the place's client raises."""
        return await self._place.latest(most)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Writes meanwhile; at the end what waits is written, as far as that takes no longer than some seconds."""
        task = self._task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._idle.wait()
            if self._waiting:
                _log.error("audit-lost", entries=len(self._waiting))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._place.stop()

    async def _run(self) -> None:
        while True:
            await self._news.wait()
            batch = [self._waiting[at] for at in range(min(len(self._waiting), MOST_AT_ONCE))]
            self._since_s = self._clock() if self._since_s is None else self._since_s
            try:
                await self._put(batch)
            except Exception as fault:  # whatever it is, entries are not to be lost, and calls are told
                _log.warning("audit-not-written", why=str(fault), entries=len(self._waiting))
                self._last = None
                await asyncio.sleep(RETRY_S)
                continue
            self._done(batch)

    async def _put(self, batch: Sequence[Waiting]) -> None:
        last = self._last
        if last is None:
            last, self._chain = await self._place.open(), secrets.token_hex(16)
        entries: list[AuditEntry] = []
        for one in batch:
            last = after(last, self._draft(one))
            entries.append(last)
        await self._place.append(entries)
        self._last = last

    def _draft(self, one: Waiting) -> AuditEntry:
        place: dict[str, Any] = {"plant": self._plant, "chain": self._chain, "number": 0, "before": "", "hash": ""}
        return AuditEntry(**place, time_us=one.time_us, **one.call._asdict())

    def _done(self, batch: Sequence[Waiting]) -> None:
        self._since_s = None
        for one in batch:
            self._waiting.popleft()
            if not one.kept.done():
                one.kept.set_result(None)
        if not self._waiting:
            self._news.clear()
            self._idle.set()
