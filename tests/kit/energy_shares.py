"""What a plan's saving is made of: its energy by mechanism beside another's, and plans that may use some of them only.

Energy is over machines' floors, so that the parts of a difference add up to it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from models.energy.planning.problem import NOTHING, Option, Problem, Schedule
from models.energy.planning.timeline import Habit, all_spans
from models.energy.planning.workshop import Workshop
from models.records import PowerState


class Parts(NamedTuple):
    """kWh over machines' floors: of work at full speed, what other speeds add, setups, and gaps (idle and starts)."""

    work: float
    speeds: float
    setups: float
    gaps: float


NAMES = Parts("machine choice", "speeds", "batching (setups)", "idle and off")  # type: ignore[arg-type]


def parts_of(problem: Problem, schedule: Schedule, habit: Habit) -> Parts:
    """A schedule's energy by mechanism."""
    of = dict.fromkeys(PowerState, 0.0)
    for machine, spans in zip(problem.machines, all_spans(problem, schedule, habit), strict=True):
        for span in spans:
            of[span.state] += (span.kw - machine.floor_kw) * (span.end - span.begin) * problem.step_h
    full = sum(_full_kwh(problem, schedule, at) for at in range(len(problem.operations)))
    gaps = of[PowerState.IDLE] + of[PowerState.START] + of[PowerState.OFF]
    return Parts(full, of[PowerState.RUN] - full, of[PowerState.SETUP], gaps)


def _full_kwh(problem: Problem, schedule: Schedule, at: int) -> float:
    """An operation at full speed on the machine that it has: the machine's first option."""
    machine = schedule.machine_of(problem, at)
    if machine == NOTHING:
        return 0.0
    option = next(one for one in problem.operations[at].options if one.machine == machine)
    return (option.kw - problem.machines[machine].floor_kw) * option.steps * problem.step_h


def full_speed(problem: Problem) -> Problem:
    """The same without slower speeds."""
    return _with_options(problem, [_firsts(one.options) for one in problem.operations])


def same_machines(problem: Problem, schedule: Schedule) -> Problem:
    """The same at full speed, each operation on the machine that a schedule has it on."""
    kept = [
        tuple(option for option in _firsts(one.options) if option.machine == schedule.machine_of(problem, at))
        for at, one in enumerate(problem.operations)
    ]
    return _with_options(problem, kept)


def _firsts(options: tuple[Option, ...]) -> tuple[Option, ...]:
    """The first option of each machine: its full speed."""
    return tuple({option.machine: option for option in reversed(options)}.values())[::-1]


def _with_options(problem: Problem, options: list[tuple[Option, ...]]) -> Problem:
    operations = tuple(one._replace(options=each) for one, each in zip(problem.operations, options, strict=True))
    return replace(problem, operations=operations)


def moved_to(problem: Problem, schedule: Schedule, other: Problem) -> Schedule:
    """A schedule of a problem at full speed, in another one that has fewer options: all on the same machines."""
    option = [
        next(n for n, one in enumerate(other.operations[at].options) if one.machine == schedule.machine_of(problem, at))
        for at in range(len(problem.operations))
    ]
    return schedule._replace(option=tuple(option))


def timed(problem: Problem, schedule: Schedule, times: int = 3) -> Schedule:
    """The same orders on the same machines one after another, each at its best time."""
    workshop = Workshop(problem, schedule, np.inf)
    for _ in range(times):
        workshop.settle_all()
    return workshop.schedule
