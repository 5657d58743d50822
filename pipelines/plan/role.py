"""The role as it runs: one task follows the log, one plans where there is a reason, others look at what rows say.

The search is in a thread of its own; while it goes on the log is followed, and what comes meanwhile is the next reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

import structlog

from models.energy.planning import search
from models.energy.planning.continuing import continued
from models.energy.planning.posing import Situation, pose
from models.energy.planning.telling import Made, told
from models.plant import Plant
from models.records import Plan, PlanReason, Record, encode, key_of
from pipelines.console.ports import PlantLog
from pipelines.meters import Doings
from pipelines.plan.board import Board
from pipelines.ports import Clock, Output, Publisher, StoreDown
from pipelines.topics import MAX_MESSAGE_BYTES, Topic

_log = structlog.get_logger()

ROLL_US = 3600 * 1_000_000
"""A plan is made anew at the latest after so long, since its horizon goes on. Our choice."""
GATHER_S = 1.0
"""What comes within so long is one reason. Our choice."""
PATIENCE_S = 1.0
AGAIN_S = 2.0

Sender = Callable[[Topic, Sequence[tuple[bytes, Record]]], Coroutine[Any, Any, None]]


class Look(NamedTuple):
    """What is looked at again and again beside plans: how often, and one look at a time of the plant's."""

    name: str
    every_s: float
    once: Callable[[int], Coroutine[Any, Any, None]]


class Solving(NamedTuple):
    """How long is searched, with how many of the solver's workers."""

    seconds: float = 20.0
    workers: int = 2
    seed: int = 1


class Planner:
    """Of one plant. `run` it once; belongs to one event loop."""

    def __init__(
        self,
        board: Board,
        log: PlantLog,
        publisher: Publisher,
        clock: Clock,
        partition_of: Callable[[bytes], int],
        solving: Solving,
        away: tuple[type[BaseException], ...] = (),
    ) -> None:
        self.board = board
        self._log, self._publisher, self._clock, self._partition_of = log, publisher, clock, partition_of
        self._solving = solving
        self._away: tuple[type[BaseException], ...] = (OSError, TimeoutError, StoreDown, *away)
        self._reasons: set[PlanReason] = set()
        self._stirred = asyncio.Event()
        self._caught_up = asyncio.Event()
        self.doings = Doings()

    def change_plant(self, plant: Plant) -> None:
        """Go over to an edited plant file."""
        self.stir(self.board.change_plant(plant))

    def stir(self, why: PlanReason | None) -> None:
        """Have production planned anew, for a reason."""
        if why is not None:
            self._reasons.add(why)
            self._stirred.set()

    @property
    def now_us(self) -> int:
        """The plant's time."""
        return self.board.now_us(self._clock.now_us())

    async def run(self, looks: Sequence[Look] = ()) -> None:
        """Follow and plan until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_for_ever())
            await self._caught_up.wait()
            group.create_task(self._plan_for_ever())
            for one in looks:
                group.create_task(self._look_for_ever(one))

    async def once(self) -> Plan | None:
        """Read what there is, plan, publish and return the plan; None where there is nothing to make."""
        try:
            while not (news := await self._log.more(PATIENCE_S)).is_caught_up:
                self.board.take(news.records)
            self.board.take(news.records)
            return await self.plan(PlanReason.FIRST) if self.board.has_orders else None
        finally:
            await self._log.close()

    async def plan(self, why: PlanReason) -> Plan:
        """Make a plan of how things stand, and publish it. Raises ValueError where it cannot be made or is too long."""
        now_us = self.now_us
        made = await asyncio.to_thread(make, self.board.situation(now_us), why, now_us, self._solving, self._clock)
        if (size := len(encode(made))) > MAX_MESSAGE_BYTES:
            raise ValueError(
                f"the plan has {size} bytes, over the {MAX_MESSAGE_BYTES} of a message: shorten production.horizon, or "
                "say of orders that are made that they are done"
            )
        await self.send(Topic.PLANS, [(key_of(made.plant, "plan"), made)])
        self.board.plan = made
        self.doings.done += 1
        _log.info(
            "planned", why=str(why), jobs=len(made.jobs), unplanned=len(made.unplanned), late=made.figures.late_orders,
            kwh=made.figures.kwh, saving_kwh=made.saving.kwh, saving=made.saving.cost, moved=made.moved, gap=made.gap,
        )  # fmt: skip
        return made

    async def send(self, topic: Topic, records: Sequence[tuple[bytes, Record]]) -> None:
        """Publish records, by key."""
        for key, record in records:
            await self._publisher.publish(self._partition_of(key), [Output(topic, key, encode(record))])

    async def _plan_for_ever(self) -> None:
        if not self.board.has_orders:
            _log.info("no-open-orders", doing="waits for some, as by `forewarn orders put orders.csv`")
        self.stir(PlanReason.FIRST if self.board.has_orders and self.board.plan is None else None)
        while True:
            await self._wait()
            why = min(self._reasons, key=tuple(PlanReason).index, default=PlanReason.ROLLED)
            self._reasons.clear()
            self._stirred.clear()
            if not self.board.has_orders:
                continue
            try:
                await self.plan(why)
            except self._away as fault:
                self.doings.failed += 1
                _log.warning("not-published", why=str(why), error=repr(fault), doing="plans anew and tries again")
                self.stir(why)
                await asyncio.sleep(AGAIN_S)
            except ValueError as wrong:
                self.doings.failed += 1
                _log.error("no-plan", error=str(wrong), doing="waits for something else to plan by")
            except Exception:  # a fault of ours by one odd record must not end the role: it would come at each start
                self.doings.failed += 1
                _log.exception("no-plan", doing="keeps the plan; waits for something else to plan by")

    async def _look_for_ever(self, look: Look) -> None:
        while True:
            try:
                await look.once(self.now_us)
            except self._away as fault:
                _log.warning("not-looked", at=look.name, error=repr(fault), doing="looks again; the rest goes on")
            except Exception:  # a fault of one look must not end plans; it is told whole, each time
                _log.exception("not-looked", at=look.name, doing="looks again; the rest goes on")
            await asyncio.sleep(look.every_s)

    async def _wait(self) -> None:
        """Until there is a reason, or the plan has become old by the plant's time."""
        while not self._stirred.is_set():
            made = self.board.plan
            if made is not None and self.now_us >= made.made_us + ROLL_US:
                return
            try:
                async with asyncio.timeout(AGAIN_S):
                    await self._stirred.wait()
            except TimeoutError:
                continue
        await asyncio.sleep(GATHER_S)

    async def _follow_for_ever(self) -> None:
        try:
            while True:
                try:
                    await self._follow()
                except self._away as fault:
                    _log.warning("log-away", error=repr(fault), doing="asks again; the plan stays as it is")
                    await asyncio.sleep(AGAIN_S)
        finally:
            await self._log.close()

    async def _follow(self) -> None:
        while True:
            news = await self._log.more(PATIENCE_S)
            self.doings.looked_s = self._clock.monotonic_s()
            odd = self.board.odd
            for why in self.board.take(news.records):
                self.stir(why)
            if self.board.odd.bit_length() != odd.bit_length():
                _log.error("cannot-read", records=self.board.odd, doing="plans by what it can read")
            if news.is_caught_up:
                self._caught_up.set()


def make(at: Situation, why: PlanReason, made_us: int, solving: Solving, clock: Clock) -> Plan:
    """The best plan that is found within the time. Raises ValueError for a plant file without production."""
    posed = pose(at)
    limits = search.Limits(solving.seconds, solving.seed, solving.workers)
    found = search.search(posed.problem, limits, clock.monotonic_s, start=continued(posed.problem))
    solver = f"reinsertion with exact timing, {found.parts} rounds"
    if search.is_small(posed.problem, found.schedule):
        solver += ", then CP-SAT on all of it"
    return told(at, posed, found.schedule, Made(why, made_us, solver, found.seconds, round(found.gap, 4), 0))
