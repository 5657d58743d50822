"""Follows the log, folds what comes and tells those who listen; where Kafka is away it says so and goes on later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from models.plant import Plant
from pipelines.console.feed import Change, Feed, Kind
from pipelines.console.ports import PlantLog
from pipelines.console.standing import Standing

_log = structlog.get_logger()

GATHER_S = 0.1
"""How long changes are gathered, so that a storm of forecasts is few events. Our choice: a blink."""
PATIENCE_S = 1.0
"""How long the log is asked for more before it says that nothing came."""
AGAIN_S = 1.0


class Follower:
    """Of one plant: `standing` is how it stands, `feed` what changes. Belongs to one event loop."""

    def __init__(self, log: PlantLog, standing: Standing, away: tuple[type[BaseException], ...]) -> None:
        """`away` are the log's faults after which it is asked again."""
        self.standing, self.feed = standing, Feed()
        self.is_following = False
        self._log = log
        self._away: tuple[type[BaseException], ...] = (OSError, TimeoutError, *away)
        self._caught_up = asyncio.Event()

    async def caught_up(self) -> None:
        """Return once all is folded that was there at the beginning."""
        await self._caught_up.wait()

    def change_plant(self, plant: Plant) -> None:
        """Go over to an edited plant file; all who listen load everything again."""
        self.standing.plant = plant
        self.feed.put([Change(Kind.RESET, None, {})])

    async def run(self, told: Callable[[int], None] = lambda _: None) -> None:
        """Follow until cancelled; `told` hears how many records were read until it caught up."""
        try:
            while True:
                try:
                    await self._follow(told)
                except self._away as fault:
                    _log.warning("log-away", error=repr(fault), doing="asks again; what is shown is as old as this")
                    self._say(is_following=False)
                    await asyncio.sleep(AGAIN_S)
        finally:
            await self._log.close()

    async def _follow(self, told: Callable[[int], None]) -> None:
        read = 0
        while True:
            records, is_caught_up = await self._log.more(PATIENCE_S)
            odd = self.standing.odd
            changes = list(self.standing.take(records))
            self._tell_odd(odd, self.standing.odd)
            if self._caught_up.is_set():
                self.feed.put(changes)
            else:
                read += len(records)
                told(read)
            if is_caught_up:
                self._caught_up.set()
                self._say(is_following=True)
            await asyncio.sleep(GATHER_S if self.is_following else 0)

    def _tell_odd(self, before: int, now: int) -> None:
        """At each power of two: where workers are newer than the console, all that comes may be so."""
        if before.bit_length() != now.bit_length():
            _log.error("cannot-read", records=now, doing="shows what it can read; is it older than the workers?")

    def _say(self, *, is_following: bool) -> None:
        if is_following is not self.is_following:
            self.is_following = is_following
            self.feed.put([Change(Kind.LOG, None, {"is_following": is_following})])
