"""A simulated plant carries a plan out: work takes longer or shorter, machines draw more or less, what is late shifts.

Nothing begins before its planned time. A machine that was to be off stays on where too little time is left for a start,
and waits idle for what is late. Time is continuous here, in steps of the plan; the planner's own code reckons nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from models.energy.planning.problem import NOTHING, Problem, Schedule
from models.energy.planning.timeline import Span
from models.records import PowerState

NOISE = 0.05
"""Share that times and powers are off by at most. Our choice."""


class Carried(NamedTuple):
    """What was drawn, and steps of delay."""

    kwh: float
    late_steps: float


class Noise(NamedTuple):
    """Factors of operations' times and powers, [operations], and of machines' powers, [machines]."""

    steps: np.ndarray
    kw: np.ndarray
    machine: np.ndarray


def noise_of(problem: Problem, seed: int, run: int) -> Noise:
    """Machines are off by the same in all runs of a seed, work by other factors in each."""
    machine = np.random.default_rng((seed, 0)).uniform(1 - NOISE, 1 + NOISE, len(problem.machines))
    each = np.random.default_rng((seed, 1 + run)).uniform(1 - NOISE, 1 + NOISE, (2, len(problem.operations)))
    return Noise(each[0], each[1], machine)


def carry_out(problem: Problem, schedule: Schedule, of: list[list[Span]], noise: Noise) -> Carried:
    """Follow a schedule and what its machines were to do between."""
    machines = [_Machine(problem, number, spans, noise) for number, spans in enumerate(of)]
    ended = np.zeros(len(problem.operations))
    for at in sorted(range(len(problem.operations)), key=lambda at: (schedule.begin[at], at)):
        if schedule.option[at] == NOTHING:
            continue
        job = problem.jobs[problem.operations[at].job].operations
        place = job.index(at)
        ready = float(ended[job[place - 1]]) if place else 0.0
        ended[at] = machines[schedule.machine_of(problem, at)].work(schedule, at, ready)
    kwh = sum(machine.closed() for machine in machines)
    late = sum(max(0.0, float(ended[job.operations[-1]]) - job.due) for job in problem.jobs)
    return Carried(kwh * problem.step_h, late)


class _Machine:
    """One machine: `free` is until when it has worked; its energy is in kW times steps."""

    def __init__(self, problem: Problem, number: int, spans: list[Span], noise: Noise) -> None:
        self._problem, self._one, self._spans = problem, problem.machines[number], spans
        self._noise, self._factor = noise, float(noise.machine[number])
        self._free, self._family, self._drawn = 0.0, self._one.family, 0.0
        self._has_worked = False

    def work(self, schedule: Schedule, at: int, ready: float) -> float:
        """Do an operation when it and the machine are ready, not before its time; when it ended."""
        operation = self._problem.operations[at]
        option = operation.options[schedule.option[at]]
        setup = self._problem.setup_of(operation.family, self._family)
        planned = schedule.begin[at] - setup
        begin = max(planned, self._free, ready - setup)
        self._gap(begin, planned)
        lasts = option.steps * float(self._noise.steps[at])
        self._drawn += setup * self._one.setup_kw + lasts * option.kw * float(self._noise.kw[at])
        self._free, self._family, self._has_worked = begin + setup + lasts, operation.family, True
        return self._free

    def closed(self) -> float:
        """All that was drawn until the plan's end."""
        self._drawn += max(0.0, self._problem.steps - self._free) * self._one.floor_kw
        return self._drawn * self._factor

    def _gap(self, until: float, planned: float) -> None:
        """What it draws from when it came free until its next work, by what was planned; idle beyond that."""
        at, is_off = self._free, not self._has_worked and self._one.may_be_off
        for span in self._spans:
            if span.end <= at or span.begin >= planned or span.state not in _BETWEEN:
                continue
            begin, end = max(at, span.begin), min(span.end, until)
            if span.begin > at:  # work was done before its time: it is off at once where that comes next
                kw = self._one.off_kw if span.state is PowerState.OFF else self._one.idle_kw
                self._drawn += (span.begin - at) * kw
            if span.state is PowerState.START and begin > span.begin and not is_off:
                self._drawn += (end - begin) * self._one.idle_kw  # too late to have been off
            else:
                self._drawn += (end - begin) * span.kw
            at, is_off = end, span.state is PowerState.OFF
        self._drawn += max(0.0, until - at) * self._one.idle_kw


_BETWEEN = (PowerState.OFF, PowerState.START, PowerState.IDLE)
