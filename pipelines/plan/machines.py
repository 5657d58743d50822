"""What machines say by their rows: which are broken, and what they take, learned again every few minutes."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from models.energy.advice import Asked
from models.energy.profiles import ProfileState, profile, take
from models.energy.standby import Idle, stand_down
from models.plant import Producer
from models.records import EnergyProfile, Learned, MaintenanceAction, Suggestion, key_of
from models.tuning.rails import Change, Context, Limits
from pipelines.plan.board import Board
from pipelines.plan.ports import Rows
from pipelines.plan.readings import MINUTE_US, idle_spells, minutes_of
from pipelines.plan.role import Look, Planner, Sender
from pipelines.told import MAINTENANCE, maintenance_of
from pipelines.topics import Topic

_log = structlog.get_logger()

LOOK_S = 10.0
LEARN_US = 3600 * 1_000_000
"""Profiles are published anew after so long. Our choice: they are fitted over hours."""
BACK_US = 28 * 86_400 * 1_000_000
"""How far back rows are read at the start: four weeks, of a half-life of six. Our choice."""
LAP_US = 3600 * 1_000_000
DAY_US = 86_400 * 1_000_000
BROKEN_US = 60 * DAY_US
"""A failure that nobody said was repaired for so long is held to be forgotten. Our choice."""
NEVER_MIN = 1440.0
"""Minutes after which a machine is held to be stood down where nobody says: never within a day."""
STANDBY = Limits(low=1.0, high=240.0, evidence=20, cool_down_h=168.0, longest_h=168.0, least_step=1.0)
"""Of the time until standby: bounds, idle times that it takes at least, a week between changes. Our choice."""


class Learner:
    """What is learned of each machine, and until when its rows were read."""

    def __init__(self) -> None:
        self._states: dict[str, ProfileState] = {}
        self._until: dict[str, int] = {}
        self.profiles: dict[str, EnergyProfile] = {}

    async def learn(self, board: Board, rows: Rows, now_us: int) -> list[EnergyProfile]:
        """Read what came of each machine, and say what is known now where that is more."""
        out = []
        for name, machine in board.producers.items():
            if machine.power is None:
                continue
            out += [one for one in [await self._learn(board, rows, name, machine, now_us)] if one is not None]
        return out

    async def _learn(self, board: Board, rows: Rows, name: str, machine: Producer, now_us: int) -> EnergyProfile | None:
        kind = board.plant.assets[name].type
        from_us = self._until.get(name, now_us - BACK_US) - LAP_US
        found = await rows.read(kind, from_us, now_us, [name])
        minutes = minutes_of(found, machine, board.plant.types[kind])
        minutes = minutes.of(minutes.minute < now_us // MINUTE_US)
        if not len(minutes.minute):
            return None
        self._until[name] = int(minutes.minute[-1]) * MINUTE_US
        state = self._states[name] = take(self._states.get(name, ProfileState.none()), minutes)
        made = profile(state, board.plant.plant, name, now_us)
        before = self.profiles.get(name)
        if before is not None and now_us < before.time_us + LEARN_US:
            return None
        self.profiles[name] = made
        return made


def broken(events: Mapping[str, MaintenanceAction]) -> frozenset[str]:
    """Machines whose last word is that they failed."""
    return frozenset(name for name, action in events.items() if action is MaintenanceAction.FAILED)


def looking(planner: Planner, rows: Rows) -> Look:
    """At machines, again and again."""
    learner, advised = Learner(), dict[str, int]()

    async def once(now_us: int) -> None:
        await look(planner, planner.board, planner.send, rows, now_us, learner, advised)

    return Look("machines", LOOK_S, once)


async def look(
    planner: Planner, board: Board, send: Sender, rows: Rows, now_us: int, learner: Learner, advised: dict[str, int]
) -> None:
    """One look: who is broken, what is learned, and once a day what is to be advised."""
    names = list(board.producers)
    last: dict[str, MaintenanceAction] = {}
    for event in maintenance_of(await rows.read(MAINTENANCE, now_us - BROKEN_US, now_us + 1, names), board.plant.plant):
        if event.action in (MaintenanceAction.FAILED, MaintenanceAction.REPAIRED):
            last[event.asset] = event.action
    planner.stir(board.change_down(broken(last)))
    for made in await learner.learn(board, rows, now_us):
        await send(Topic.ENERGY, [(key_of(made.plant, made.asset), made)])
        if now_us >= advised.get(made.asset, 0) + DAY_US:
            advised[made.asset] = now_us
            if (found := await _standby(board, rows, made, now_us)) is not None:
                await send(Topic.SUGGESTIONS, [(key_of(found.plant, found.asset), found)])


async def _standby(board: Board, rows: Rows, learned: EnergyProfile, now_us: int) -> Suggestion | None:
    """When a machine had better be stood down, by its idle times of the last weeks; None where there is nothing."""
    name, kind = learned.asset, board.plant.assets[learned.asset].type
    machine = board.producers[name]
    if not machine.may_be_off:
        return None
    found = await rows.read(kind, now_us - BACK_US, now_us, [name])
    minutes = minutes_of(found, machine, board.plant.types[kind])
    if not len(minutes.minute):
        return None
    days = (int(minutes.minute[-1]) - int(minutes.minute[0]) + 1) / 1440
    off = Learned(value=machine.off_kw, error=0.0, minutes=0)
    idle = Idle(idle_spells(minutes), days, NEVER_MIN, learned.states_kw.get("off", off))
    asked = Asked(learned.plant, name, now_us, now_us + 7 * DAY_US, STANDBY, _context(board, name, now_us))
    said = stand_down(learned, idle, asked)
    if isinstance(said, Suggestion):
        return said
    _log.info("no-advice", asset=name, about="standby", why=str(said[0]), detail=said.detail)
    return None


def _context(board: Board, name: str, now_us: int) -> Context:
    """What is known of a machine's suggestions: those that are open, and when one was accepted last."""
    open_, changes = board.suggested(name, now_us)
    return Context(changes=tuple(Change(time_us=at, before=0.0, after=0.0) for at in changes), open=open_)
