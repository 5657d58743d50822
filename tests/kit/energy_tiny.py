"""Problems small enough to try all schedules of, and that trying."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from models.energy.planning.problem import NOTHING, Job, Machine, Operation, Option, Problem, Schedule, Site


def machine(steps: int, *, closed: Sequence[int] = (), **changed: object) -> Machine:
    """Off 0, idle 4, setup 5 and start 6 kW, a start of one step."""
    is_open = np.ones(steps, bool)
    is_open[list(closed)] = False
    values = {"name": "machine", "off_kw": 0.0, "idle_kw": 4.0, "setup_kw": 5.0, "start_kw": 6.0, "start_steps": 1}
    return Machine(is_open=is_open, **(values | changed))  # type: ignore[arg-type]


def problem(
    machines: Sequence[Machine],
    jobs: Sequence[tuple[int, int, Sequence[tuple[int, Sequence[Option]]]]],
    price: Sequence[float],
    setup: Sequence[Sequence[int]] = ((0, 1), (1, 0)),
    late: float = 100.0,
) -> Problem:
    """Jobs are release, due, and operations as family and options; steps are hours, so a kW for a step is a kWh."""
    operations, made = list[Operation](), list[Job]()
    for number, (release, due, each) in enumerate(jobs):
        first = len(operations)
        operations += [Operation(number, family, tuple(options)) for family, options in each]
        made.append(Job(f"job-{number}", tuple(range(first, len(operations))), release, due, late))
    zeros = np.zeros(len(price))
    return Problem(
        step_s=3600, machines=tuple(machines), operations=tuple(operations), jobs=tuple(made),
        setup=np.array(setup), site=Site(price=np.array(price, float), co2=zeros, base_kw=zeros),
    )  # fmt: skip


def schedules(problem: Problem) -> Iterator[Schedule]:
    """All that can be carried out, but for starts of machines that begin off: who asks looks at those."""
    ways = [
        [(number, begin) for number, option in enumerate(one.options)
         for begin in range(problem.jobs[one.job].release, problem.steps + 1 - option.steps)
         if problem.machines[option.machine].is_open[begin : begin + option.steps].all()]
        for one in problem.operations
    ]  # fmt: skip
    for each in itertools.product(*ways):
        schedule = Schedule(tuple(option for option, _ in each), tuple(begin for _, begin in each), ())
        if _fits(problem, schedule):
            yield schedule


def _fits(problem: Problem, schedule: Schedule) -> bool:
    for job in problem.jobs:
        if any(schedule.end_of(problem, a) > schedule.begin[b] for a, b in itertools.pairwise(job.operations)):
            return False
    for number, one in enumerate(problem.machines):
        at, family, is_on = one.free_from, one.family, one.is_on or not one.may_be_off
        here = [at for at in range(len(problem.operations)) if schedule.machine_of(problem, at) == number]
        for work in sorted(here, key=lambda each: schedule.begin[each]):
            needs = problem.operations[work].family
            setup = 0 if family == NOTHING else int(problem.setup[family, needs])
            if schedule.begin[work] - setup - (0 if is_on else one.start_steps) < at:
                return False
            at, family, is_on = schedule.end_of(problem, work), needs, True
    return True
