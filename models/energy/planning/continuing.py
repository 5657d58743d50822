"""The running plan as a schedule to go on from: what it has stays where it is, what is new comes after it."""

from __future__ import annotations

import dataclasses

from models.energy.planning import greedy
from models.energy.planning.problem import NOTHING, Problem, Schedule
from models.energy.planning.timeline import CARE, Visit, visits


def continued(problem: Problem) -> Schedule | None:
    """The running plan with new jobs after its own; None where there is none, or it can no longer be done."""
    if not problem.before:
        return None
    schedule = greedy.build(dataclasses.replace(problem, fixed={**problem.before, **problem.fixed}), greedy.thrifty)
    return schedule if _is_sound(problem, schedule) else None


def _is_sound(problem: Problem, schedule: Schedule) -> bool:
    """Whether visits of machines with their setups and starts, and operations of jobs, come one after another."""
    return all(
        _is_line_sound(problem, number, stays) for number, stays in enumerate(visits(problem, schedule))
    ) and all(_is_job_sound(problem, schedule, number) for number in range(len(problem.jobs)))


def _is_line_sound(problem: Problem, number: int, stays: list[Visit]) -> bool:
    one = problem.machines[number]
    end, family, is_on = one.free_from, one.family, one.is_on or not one.may_be_off
    for visit in stays:
        setup = 0 if visit.work == CARE else problem.setup_of(visit.family, family)
        start = 0 if is_on or visit.work == CARE else one.start_steps
        if visit.begin - setup - start < end:
            return False
        end, family, is_on = visit.end, visit.family, visit.work != CARE or not one.may_be_off
    return True


def _is_job_sound(problem: Problem, schedule: Schedule, number: int) -> bool:
    job = problem.jobs[number]
    if any(schedule.option[at] == NOTHING for at in job.operations):
        return all(schedule.option[at] == NOTHING for at in job.operations)
    ready = job.release
    for at in job.operations:
        if schedule.begin[at] < ready and at not in problem.fixed:
            return False
        ready = schedule.end_of(problem, at)
    return True
