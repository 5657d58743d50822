"""Whoever needs the releases of some names: it follows their topic and keeps loaded what is appointed, or may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Protocol

import structlog

from pipelines.releases.board import Board, Odd
from pipelines.releases.shelf import Shelf

_log = structlog.get_logger()

LOOK_S = 0.1
"""Seconds between two looks at what is to be loaded or told: a promotion waits for no more. Our choice."""


class ReleaseLog(Protocol):
    """The topic of releases."""

    async def known(self) -> list[tuple[bytes, bytes | None]]:
        """All that is on it now, key and value."""
        ...

    async def stop(self) -> None:
        """Read no more."""
        ...

    def more(self) -> AsyncIterator[tuple[bytes, bytes | None]]:
        """What comes after that, for ever."""
        ...


class ReleaseFollower:
    """`names` gives the names of models that are wanted. Belongs to one event loop."""

    def __init__(self, board: Board, shelf: Shelf, log: ReleaseLog, names: Callable[[], Iterable[str]]) -> None:
        self.board, self.shelf = board, shelf
        self._log, self._names = log, names

    async def catch_up(self) -> None:
        """Read what there is and load it."""
        for key, value in await self._log.known():
            self._take(key, value)
        await self.shelf.keep(self.board.wanted(self._names()))

    async def follow(self) -> None:
        """Read and load for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read())
            group.create_task(self._load())

    async def stop(self) -> None:
        """Read no more."""
        await self._log.stop()

    async def _read(self) -> None:
        async for key, value in self._log.more():
            self._take(key, value)

    def _take(self, key: bytes, value: bytes | None) -> None:
        try:
            self.board.take(key, value)
        except Odd as odd:
            _log.warning("release-record-odd", why=str(odd)[:300], doing="left aside")

    async def _load(self) -> None:
        while True:
            await self.shelf.keep(self.board.wanted(self._names()))
            await asyncio.sleep(LOOK_S)
