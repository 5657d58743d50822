"""The audit's place in memory, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from models.records import AuditEntry


class MemoryAudit:
    """A `connectors.console.audit_log.AuditPlace`; it takes nothing while it is `away`, and hangs while it `hangs`."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.away = self.hangs = False

    async def open(self) -> AuditEntry | None:
        """The last entry."""
        await self._reached()
        return self.entries[-1] if self.entries else None

    async def append(self, entries: Sequence[AuditEntry]) -> None:
        """Keep them."""
        await self._reached()
        self.entries += entries

    async def latest(self, most: int) -> list[AuditEntry]:
        """The last entries, the newest first."""
        return self.entries[::-1][:most]

    async def stop(self) -> None:
        """Nothing is open."""

    async def _reached(self) -> None:
        while self.hangs:
            await asyncio.sleep(0.01)
        if self.away:
            raise ConnectionError("away")
