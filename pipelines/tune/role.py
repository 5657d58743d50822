"""The role as it runs: it follows parts, results and answers, and says what is to be said within a second or two.

What it says is kept until Kafka has it: a broker that is away delays a suggestion and loses none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import structlog

from models.plant import Plant
from models.records import Record, Suggestion, SuggestionEffect, SuggestionRefused, TrialRequest, encode, key_of
from models.tuning.tuner import Demoted, Out, Served
from pipelines.console.ports import PlantLog
from pipelines.meters import Doings
from pipelines.ports import Clock, Output, Publisher, StoreDown
from pipelines.topics import Topic
from pipelines.tune.board import Board
from pipelines.tune.frames import Frames

_log = structlog.get_logger()

PATIENCE_S = 0.25
"""How long news are waited for: what is said late is late by no more. Our choice."""
AGAIN_S = 2.0
FRAMES_S = 1.0
"""From one look at rows to the next: what they bring about is said within two. Our choice."""

Demote = Callable[[Demoted], Coroutine[Any, Any, None]]


class Models(Protocol):
    """Models in charge, by name."""

    async def catch_up(self) -> None:
        """Load what is released."""
        ...

    async def follow(self) -> None:
        """Go on loading for ever."""
        ...

    async def stop(self) -> None:
        """Load no more."""
        ...

    def of(self, name: str) -> Served | None:
        """The model that a name means now; None where it means none yet."""
        ...


class Tuning:
    """Of one plant. `run` it once; belongs to one event loop."""

    def __init__(
        self,
        board: Board,
        log: PlantLog,
        models: Models,
        publisher: Publisher,
        clock: Clock,
        partition_of: Callable[[bytes], int],
        demote: Demote,
        frames: Frames | None = None,
        away: tuple[type[BaseException], ...] = (),
    ) -> None:
        self.board = board
        self._log, self._models, self._publisher, self._clock = log, models, publisher, clock
        self._partition_of, self._demote, self._frames = partition_of, demote, frames
        self._away: tuple[type[BaseException], ...] = (OSError, TimeoutError, *away)
        self._unsent: deque[Out] = deque()
        self._caught_up = False
        self._frames_s = 0.0
        self.doings = Doings()

    def change_plant(self, plant: Plant) -> None:
        """Go over to an edited plant file."""
        self.board.change_plant(plant)

    async def run(self) -> None:
        """Follow and suggest until cancelled."""
        await self._models.catch_up()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._models.follow())
                group.create_task(self._follow_for_ever())
        finally:
            await self._models.stop()

    async def _follow_for_ever(self) -> None:
        try:
            while True:
                try:
                    await self._send()
                    await self._read_frames()
                    await self.look(await self._log.more(PATIENCE_S))
                except self._away as fault:
                    _log.warning("log-away", error=repr(fault), doing="asks again; what is to be said is kept")
                    await asyncio.sleep(AGAIN_S)
        finally:
            await self._log.close()

    async def _read_frames(self) -> None:
        """Rows of stations that send no part records, at most once a second."""
        if self._frames is None or not self._frames.are_read or self._clock.monotonic_s() < self._frames_s:
            return
        self._frames_s = self._clock.monotonic_s() + FRAMES_S
        try:
            await self._frames.look(self.board.now_us(self._clock.now_us()))
        except StoreDown as fault:
            _log.warning("rows-not-read", error=repr(fault), doing="reads them again; part records go on")

    async def look(self, news: Any) -> None:
        """Take what came; what follows from it is said, once all is read that was there at the start."""
        self.doings.looked_s = self._clock.monotonic_s()
        odd = self.board.odd
        self.board.take(news.records)
        if self.board.odd.bit_length() != odd.bit_length():
            _log.error("cannot-read", records=self.board.odd, doing="goes by what it can read")
        self._caught_up = self._caught_up or news.is_caught_up
        if not self._caught_up:
            return
        said = await asyncio.to_thread(self.board.step, self.board.now_us(self._clock.now_us()), self._models.of)
        faults, self.board.faults = self.board.faults, []
        self.doings.failed += len(faults)
        for asset, product, fault in faults:
            _log.error(
                "not-tuned", asset=asset, product=product, exc_info=fault, doing="goes on with what comes next",
            )  # fmt: skip
        await self._say(said)

    async def _say(self, said: list[Out]) -> None:
        for one in said:
            self._unsent.append(one)
            if not isinstance(one, Demoted):
                _tell(one)
        await self._send()

    async def _send(self) -> None:
        """What was said, in its order; a model is rolled back once it is known why."""
        while self._unsent:
            one = self._unsent[0]
            if isinstance(one, Demoted):
                _log.warning("model-demoted", version=one.version, why=one.why)
                await self._demote(one)
            else:
                key = key_of(one.plant, one.asset)  # type: ignore[attr-defined] # all that is said here has a plant and an asset
                await self._publisher.publish(self._partition_of(key), [Output(Topic.SUGGESTIONS, key, encode(one))])
            self._unsent.popleft()
            self.doings.done += 1


def _tell(one: Record) -> None:
    """What is said, for whoever runs the role."""
    match one:
        case Suggestion():
            _log.info(
                "suggestion", asset=one.asset, product=one.product, id=one.id, state=str(one.state),
                settings={each.parameter: each.proposed for each in one.settings}, rails=list(one.rails), why=one.ended,
            )  # fmt: skip
        case SuggestionEffect():
            _log.info(
                "effect", asset=one.asset, id=one.suggestion, verdict=str(one.verdict), before=one.before.rate,
                after=one.after.rate, parts=one.after.parts,
            )  # fmt: skip
        case SuggestionRefused():
            _log.info("refused", asset=one.asset, product=one.product, rail=one.rail, detail=one.detail)
        case TrialRequest():
            _log.info("trial-requested", asset=one.asset, product=one.product, id=one.id, parts=one.parts)
