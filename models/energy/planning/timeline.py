"""What a schedule has machines do, and what that takes: spans of power states, then energy, cost, peak and delays.

One way of reading schedules, for the usual rule, for searches and for plans that are published.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

import numpy as np

from models.energy.planning.problem import NOTHING, QUARTER_S, Machine, Problem, Schedule
from models.records import PowerState


class Habit(Enum):
    """What is done with a machine between two jobs."""

    CHEAPEST = "cheapest"
    """It is switched off where that costs less than to stand idle and start anew."""
    LEFT_ON = "left-on"
    """It stands idle, and is off where its working time is over."""


class Span(NamedTuple):
    """A machine in a power state over steps; `work` is the operation that it runs, or NOTHING."""

    state: PowerState
    begin: int
    end: int
    kw: float
    work: int = NOTHING


class Figures(NamedTuple):
    """What a schedule takes. `cost` is all of it that a plan is chosen by."""

    kwh: float
    energy_cost: float
    demand_cost: float
    co2_kg: float
    peak_kw: float
    highest_kw: float
    late_steps: int
    late_jobs: int
    late_cost: float
    risk_cost: float
    move_cost: float
    makespan_cost: float

    @property
    def cost(self) -> float:
        """All that costs; CO2 is in the energy's."""
        return sum(
            (self.energy_cost, self.demand_cost, self.late_cost, self.risk_cost, self.move_cost, self.makespan_cost)
        )


class Visit(NamedTuple):
    """An operation or maintenance as it stands on a machine."""

    begin: int
    end: int
    kw: float
    family: int
    work: int


CARE = -2
"""`work` of a visit that is maintenance."""


def visits(problem: Problem, schedule: Schedule) -> list[list[Visit]]:
    """Each machine's operations and maintenance in the order of time."""
    of: list[list[Visit]] = [[] for _ in problem.machines]
    for at, operation in enumerate(problem.operations):
        if schedule.option[at] != NOTHING:
            option, begin = operation.options[schedule.option[at]], schedule.begin[at]
            of[option.machine].append(Visit(begin, begin + option.steps, option.kw, operation.family, at))
    for care, begin in zip(problem.cares, schedule.care, strict=True):
        of[care.machine].append(Visit(begin, begin + care.steps, 0.0, NOTHING, CARE))
    return [sorted(one) for one in of]


def spans(problem: Problem, machine: int, stays: list[Visit], habit: Habit = Habit.CHEAPEST) -> list[Span]:
    """What a machine does from the plan's begin to its end, without a hole."""
    one, out = problem.machines[machine], []
    at, family, is_on = one.free_from, one.family, one.is_on or not one.may_be_off
    if at:
        out.append(Span(PowerState.RUN, 0, at, 0.0))  # what runs already is in the site's base load
    for visit in stays:
        if visit.work == CARE:
            out += _rest(one, at, visit.begin)
            out.append(Span(PowerState.MAINTENANCE, visit.begin, visit.end, 0.0))
            at, family, is_on = visit.end, NOTHING, not one.may_be_off
            continue
        setup = visit.begin - problem.setup_of(visit.family, family)
        out += _gap(problem, one, at, setup, is_on, habit)
        if setup < visit.begin:
            out.append(Span(PowerState.SETUP, setup, visit.begin, one.setup_kw))
        out.append(Span(PowerState.RUN, visit.begin, visit.end, visit.kw, visit.work))
        at, family, is_on = visit.end, visit.family, True
    out += _rest(one, at, problem.steps)
    return [span for span in out if span.begin < span.end]


def _gap(problem: Problem, one: Machine, begin: int, end: int, is_on: bool, habit: Habit) -> list[Span]:
    """Between two jobs: idle, or off and started anew."""
    start = end - one.start_steps
    if is_on and (habit is Habit.LEFT_ON or not one.may_be_off):
        if not one.may_be_off or one.is_open[begin:end].all():
            return [Span(PowerState.IDLE, begin, end, one.idle_kw)]
        return _over_night(one, begin, end)
    if is_on and (start < begin or _idle_cost(problem, one, begin, end) <= _off_cost(problem, one, begin, end)):
        return [Span(PowerState.IDLE, begin, end, one.idle_kw)]
    return [
        Span(PowerState.OFF, begin, start, one.off_kw),
        Span(PowerState.START, max(begin, start), end, one.start_kw),
    ]


def _over_night(one: Machine, begin: int, end: int) -> list[Span]:
    """Idle while it may work, off while it may not, where a start fits in before the next working time."""
    out, at = [], begin
    edges = np.diff(np.concatenate(([True], one.is_open[begin:end], [True])).astype(int))
    for closed, opened in zip(np.flatnonzero(edges < 0) + begin, np.flatnonzero(edges > 0) + begin, strict=True):
        if (start := int(opened) - one.start_steps) < closed:
            continue
        out += [
            Span(PowerState.IDLE, at, int(closed), one.idle_kw),
            Span(PowerState.OFF, int(closed), start, one.off_kw),
            Span(PowerState.START, start, int(opened), one.start_kw),
        ]
        at = int(opened)
    return [*out, Span(PowerState.IDLE, at, end, one.idle_kw)]


def _rest(one: Machine, begin: int, end: int) -> list[Span]:
    """Before maintenance and after the last job: off, or idle where it must not be."""
    if not one.may_be_off:
        return [Span(PowerState.IDLE, begin, end, one.idle_kw)]
    return [Span(PowerState.OFF, begin, end, one.off_kw)]


def _idle_cost(problem: Problem, one: Machine, begin: int, end: int) -> float:
    return float(one.idle_kw * (problem.worth[end] - problem.worth[begin]))


def _off_cost(problem: Problem, one: Machine, begin: int, end: int) -> float:
    start = end - one.start_steps
    worth = problem.worth
    return float(one.off_kw * (worth[start] - worth[begin]) + one.start_kw * (worth[end] - worth[start]))


def all_spans(problem: Problem, schedule: Schedule, habit: Habit = Habit.CHEAPEST) -> list[list[Span]]:
    """What each machine does."""
    return [spans(problem, machine, stays, habit) for machine, stays in enumerate(visits(problem, schedule))]


def load_kw(problem: Problem, of: list[list[Span]]) -> np.ndarray:
    """The site's mean power by step, [steps]."""
    edges = np.zeros(problem.steps + 1)
    for span in _each(of):
        edges[span.begin] += span.kw
        edges[span.end] -= span.kw
    return problem.site.base_kw + np.cumsum(edges[:-1])


def _each(of: list[list[Span]]) -> Iterator[Span]:
    return (span for spans in of for span in spans)


def quarters(problem: Problem, kw: np.ndarray) -> np.ndarray:
    """Means by quarter-hour, [quarters]; steps longer than that are quarters themselves."""
    each = max(1, QUARTER_S // problem.step_s)
    whole = len(kw) // each * each
    means = kw[:whole].reshape(-1, each).mean(axis=1)
    return means if whole == len(kw) else np.append(means, kw[whole:].mean())


def figures(problem: Problem, schedule: Schedule, habit: Habit = Habit.CHEAPEST) -> Figures:
    """What a schedule takes and costs."""
    return figures_of(problem, schedule, load_kw(problem, all_spans(problem, schedule, habit)))


def figures_of(problem: Problem, schedule: Schedule, kw: np.ndarray) -> Figures:
    """The same of a load that is known already."""
    site, kwh = problem.site, kw * problem.step_h
    peak = float(quarters(problem, kw).max())
    late = [(job, _late(problem, schedule, job.operations[-1], job.due)) for job in problem.jobs]
    return Figures(
        kwh=float(kwh.sum()),
        energy_cost=float(kw @ np.diff(problem.worth)),
        demand_cost=site.demand_price * max(0.0, peak - site.paid_kw),
        co2_kg=float(kwh @ site.co2),
        peak_kw=peak,
        highest_kw=float(kw.max()),
        late_steps=sum(steps for _, steps in late),
        late_jobs=sum(steps > 0 for _, steps in late),
        late_cost=float(sum(job.late * steps for job, steps in late)),
        risk_cost=float(sum(care.risk[at] for care, at in zip(problem.cares, schedule.care, strict=True))),
        move_cost=problem.move * moved(problem, schedule),
        makespan_cost=problem.makespan * _makespan(problem, schedule) if problem.makespan else 0.0,
    )


def _late(problem: Problem, schedule: Schedule, last: int, due: int) -> int:
    """Steps of delay; a job that is not planned has none, it is told of by itself."""
    return 0 if schedule.option[last] == NOTHING else max(0, schedule.end_of(problem, last) - due)


def _makespan(problem: Problem, schedule: Schedule) -> int:
    planned = [job.operations[-1] for job in problem.jobs if schedule.option[job.operations[-1]] != NOTHING]
    return max((schedule.end_of(problem, last) for last in planned), default=0)


def moved(problem: Problem, schedule: Schedule) -> int:
    """Operations that leave the place that the running plan has for them."""
    return sum((schedule.option[at], schedule.begin[at]) != place for at, place in problem.before.items())
