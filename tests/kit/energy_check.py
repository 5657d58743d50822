"""A second opinion on schedules, step by step and by no code of the planner's: what machines draw, and what is broken.

It walks each machine through time with a state of its own, knows nothing of gaps or tables, and adds up what it sees.
"""

from __future__ import annotations

from typing import NamedTuple

from models.energy.planning.problem import NOTHING, Problem, Schedule
from models.energy.planning.timeline import Span
from models.records import PowerState


class Seen(NamedTuple):
    """What was added up, and what is wrong, in words."""

    kwh: float
    cost: float
    peak_kw: float
    wrong: list[str]


def walk(problem: Problem, schedule: Schedule, of: list[list[Span]]) -> Seen:
    """Follow what each machine is said to do, step by step."""
    wrong: list[str] = []
    kw = problem.site.base_kw.copy()
    for machine, spans in enumerate(of):
        state, since = None, 0
        doing = [next((s for s in spans if s.begin <= step < s.end), None) for step in range(problem.steps)]
        for step, span in enumerate(doing):
            if span is None:
                wrong.append(f"{machine}: nothing is said of step {step}")
                continue
            kw[step] += _draws(problem, schedule, machine, span, step, wrong)
            if span is not state:
                wrong += _passes(problem, machine, state, span, step - since)
                state, since = span, step
    wrong += _jobs(problem, schedule) + _overlaps(problem, schedule) + _calendars(problem, schedule)
    if (kw > problem.site.limit_kw + 1e-6).any():
        wrong.append(f"{kw.max()} kW is over the limit of {problem.site.limit_kw}")
    hours = problem.step_s / 3600
    each = max(1, 900 // problem.step_s)
    means = [kw[at : at + each].mean() for at in range(0, problem.steps, each)]
    price = problem.site.price + problem.site.co2_price * problem.site.co2
    return Seen(sum(kw) * hours, sum(kw * price) * hours, max(means), wrong)


def _draws(problem: Problem, schedule: Schedule, machine: int, span: Span, step: int, wrong: list[str]) -> float:
    one = problem.machines[machine]
    here = [at for at in range(len(problem.operations)) if schedule.machine_of(problem, at) == machine]
    running = [at for at in here if schedule.begin[at] <= step < schedule.end_of(problem, at)]
    in_care = any(
        c.machine == machine and b <= step < b + c.steps for c, b in zip(problem.cares, schedule.care, strict=True)
    )
    if (span.state is PowerState.MAINTENANCE) != in_care:
        wrong.append(f"{machine}: maintenance at {step} is {in_care}, said {span.state}")
    if step < one.free_from:
        return 0.0
    if bool(running) != (span.state is PowerState.RUN):
        wrong.append(f"{machine}: runs {running} at {step}, said {span.state}")
    if running:
        return problem.operations[running[0]].options[schedule.option[running[0]]].kw
    return {
        PowerState.OFF: one.off_kw, PowerState.IDLE: one.idle_kw, PowerState.SETUP: one.setup_kw,
        PowerState.START: one.start_kw, PowerState.MAINTENANCE: 0.0, PowerState.RUN: 0.0,
    }[span.state]  # fmt: skip


def _passes(problem: Problem, machine: int, before: Span | None, after: Span, lasted: int) -> list[str]:
    """What one state may follow another, and how long a start and a setup take."""
    one, works = problem.machines[machine], (PowerState.RUN, PowerState.SETUP, PowerState.IDLE)
    was_off = before is None and not one.is_on and one.free_from == 0 and one.may_be_off
    off = (PowerState.OFF, PowerState.MAINTENANCE)
    was_off = was_off or (before is not None and before.state in off)
    if after.state in works and one.may_be_off and one.start_steps and was_off:
        return [f"{machine}: {after.state} at {after.begin} without a start"]
    if before is not None and before.state is PowerState.START and lasted != one.start_steps:
        return [f"{machine}: a start of {lasted} steps at {before.begin}, not {one.start_steps}"]
    if after.state is PowerState.OFF and not one.may_be_off:
        return [f"{machine}: is off at {after.begin} and must not be"]
    return []


def _jobs(problem: Problem, schedule: Schedule) -> list[str]:
    wrong = []
    for job in problem.jobs:
        there = [schedule.option[at] != NOTHING for at in job.operations]
        if any(there) != all(there):
            wrong.append(f"{job.name} is planned in part")
        if not all(there):
            continue
        ready = job.release
        for at in job.operations:
            if at not in problem.fixed and schedule.begin[at] < ready:
                wrong.append(f"{job.name}: operation {at} begins at {schedule.begin[at]}, before {ready}")
            ready = schedule.end_of(problem, at)
    for at, place in problem.fixed.items():
        if (schedule.option[at], schedule.begin[at]) != place:
            wrong.append(f"operation {at} was to stay at {place}")
    return wrong


def _overlaps(problem: Problem, schedule: Schedule) -> list[str]:
    """Visits of a machine with their setups, one after another."""
    wrong = []
    for machine, one in enumerate(problem.machines):
        here = [(schedule.begin[at], schedule.end_of(problem, at), problem.operations[at].family)
                for at in range(len(problem.operations)) if schedule.machine_of(problem, at) == machine]  # fmt: skip
        here += [
            (b, b + c.steps, None) for c, b in zip(problem.cares, schedule.care, strict=True) if c.machine == machine
        ]
        end, family = one.free_from, one.family
        for begin, until, needs in sorted(here, key=lambda one: one[:2]):
            setup = int(problem.setup[family, needs]) if needs is not None and family != NOTHING else 0
            if begin - setup < end:
                wrong.append(f"{machine}: what begins at {begin} with {setup} steps of setup, while busy until {end}")
            end, family = until, NOTHING if needs is None else needs
    return wrong


def _calendars(problem: Problem, schedule: Schedule) -> list[str]:
    wrong = []
    for at in range(len(problem.operations)):
        machine = schedule.machine_of(problem, at)
        if machine == NOTHING or at in problem.fixed:
            continue
        begin, end = schedule.begin[at], schedule.end_of(problem, at)
        if end > problem.steps or not problem.machines[machine].is_open[begin:end].all():
            wrong.append(f"operation {at} runs from {begin} to {end} on {machine} outside its working time")
    for care, begin in zip(problem.cares, schedule.care, strict=True):
        if not care.earliest <= begin <= care.latest:
            wrong.append(f"maintenance begins at {begin}, not from {care.earliest} to {care.latest}")
    return wrong
