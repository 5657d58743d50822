"""A cost that no schedule of the same jobs is below: each operation at its best place as if it were alone.

Lagrangian relaxation makes that higher: machines' steps get prices, that are taken off again, so it is below every
schedule whatever they are; they rise where more than one operation wants a step. What is left out: the order of a job's
operations, setups, gaps and the peak.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models.energy.planning.line import Visit
from models.energy.planning.problem import NOTHING, Care, Job, Machine, Problem, Schedule
from models.energy.planning.workshop import Workshop

ROUNDS = 300
"""Changes of the prices at most. Our choice."""
STEP = 1.0
"""Of Polyak's step, which would be 1 if the best cost were the least (Polyak 1969). Our choice, as is the next."""
SLACK = 10
"""Rounds without a better bound after which the step is halved."""


def planned(schedule: Schedule) -> list[int]:
    """Operations that are in a schedule."""
    return [at for at, option in enumerate(schedule.option) if option != NOTHING]


def constant(problem: Problem) -> float:
    """What is paid whatever is planned: the site's other load, and machines' floors."""
    floors = sum(one.floor_kw for one in problem.machines)
    return float((problem.site.base_kw + floors) @ np.diff(problem.worth)) - sum(
        float(one.floor_kw * problem.worth[one.free_from]) for one in problem.machines
    )


def floor(problem: Problem, schedule: Schedule) -> float:
    """A cost that no schedule of the same jobs is below: each operation at its cheapest time, on its cheapest machine.

    Nothing is between them, but where a machine is paid for it, and no job is done sooner than its steps take.
    """
    return _of_energy(problem, schedule) + sum(_least_late(problem, schedule, job) for job in problem.jobs)


def _least_late(problem: Problem, schedule: Schedule, job: Job) -> float:
    """What a job's delay costs that cannot be avoided; none of a job that is not planned."""
    if schedule.option[job.operations[0]] == NOTHING:
        return 0.0
    steps = sum(min(option.steps for option in problem.operations[at].options) for at in job.operations)
    return job.late * max(0, job.release + steps - job.due)


def _of_energy(problem: Problem, schedule: Schedule) -> float:
    """Of `floor`, what is not delay."""
    operations = sum(_cheapest(problem, at) for at in planned(schedule))
    cares = sum(_least_risk(problem, care) for care in problem.cares)
    between = sum(_least_between(problem, one) for one in problem.machines)
    return constant(problem) + operations + cares + between + _demand(problem, schedule)


def least(problem: Problem, schedule: Schedule, cost: float, goes_on: Callable[[], bool]) -> float:
    """The higher of `floor` and of what machines' prices say, for the jobs of a schedule that costs so much."""
    workshop, operations = Workshop(problem, schedule, np.inf), planned(schedule)
    ways = [
        [
            (option.machine, workshop.plain_visit(at, number))
            for number, option in enumerate(problem.operations[at].options)
            if option.steps <= problem.steps
        ]
        for at in operations
    ]
    lowest = floor(problem, schedule)
    beside = _of_energy(problem, schedule) - sum(_cheapest(problem, at) for at in operations)
    return max(lowest, beside + dual(problem, ways, cost - beside, goes_on))


def dual(
    problem: Problem, ways: Sequence[Sequence[tuple[int, Visit]]], above: float, goes_on: Callable[[], bool]
) -> float:
    """What operations cost at the least over machines' floors, each with its ways: a machine and the visit.

    `above` is what they cost in a schedule. -inf for none.
    """
    if not ways:
        return 0.0
    flat = [way for each in ways for way in each]
    first = np.cumsum([0, *(len(each) for each in ways)])[:-1]
    machine, steps = np.array([one for one, _ in flat]), np.array([visit.steps for _, visit in flat])
    keys, row = np.unique(np.stack([machine, steps]), axis=1, return_inverse=True)
    cost, row = np.stack([visit.cost for _, visit in flat]), row.ravel()
    is_open = np.array([one.is_open & (np.arange(problem.steps) >= one.free_from) for one in problem.machines])
    price, best, step, since = np.zeros(is_open.shape), -np.inf, STEP, 0
    for _ in range(ROUNDS):
        windows = _windows(price, keys)
        total = cost + windows[row]
        begin = total.argmin(axis=1)
        least = total[np.arange(len(flat)), begin]
        taken = [int(lo + least[lo:hi].argmin()) for lo, hi in zip(first, [*first[1:], len(flat)], strict=True)]
        value = float(least[taken].sum() - price[is_open].sum())
        best, since = (value, 0) if value > best else (best, since + 1)
        if since > SLACK:
            step, since = step / 2, 0
        over = _used(machine[taken], begin[taken], steps[taken], price.shape) - is_open
        size = float((over[is_open & ((over > 0) | (price > 0))] ** 2).sum())
        if not size or value >= above or not goes_on():
            break
        price = np.where(is_open, np.maximum(0.0, price + step * (above - value) / size * over), 0.0)
    return best


def _windows(price: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """What so many steps of a machine cost from each step on, [keys, steps + 1]; 0 where the plan ends before."""
    until = np.concatenate((np.zeros((len(price), 1)), np.cumsum(price, axis=1)), axis=1)
    out = np.zeros((keys.shape[1], until.shape[1]))
    for at, (machine, steps) in enumerate(keys.T.tolist()):
        out[at, : until.shape[1] - steps] = until[machine, steps:] - until[machine, : until.shape[1] - steps]
    return out


def _used(machine: np.ndarray, begin: np.ndarray, steps: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """How many operations take each step of each machine."""
    edges = np.zeros((shape[0], shape[1] + 1))
    np.add.at(edges, (machine, begin), 1)
    np.add.at(edges, (machine, begin + steps), -1)
    return np.asarray(np.cumsum(edges, axis=1)[:, :-1])


def _demand(problem: Problem, schedule: Schedule) -> float:
    """What the peak costs at the least: it is no lower than the mean of the least energy."""
    if not problem.site.demand_price:
        return 0.0
    kw_steps = float(problem.site.base_kw.sum()) + sum(
        one.floor_kw * (problem.steps - one.free_from)
        + min(0.0, *(kw - one.floor_kw for kw in (one.idle_kw, one.setup_kw, one.start_kw))) * problem.steps
        for one in problem.machines
    )
    kw_steps -= sum(problem.machines[care.machine].floor_kw * care.steps for care in problem.cares)
    for at in planned(schedule):
        each = problem.operations[at].options
        kw_steps += min((one.kw - problem.machines[one.machine].floor_kw) * one.steps for one in each)
    return problem.site.demand_price * max(0.0, kw_steps / problem.steps - problem.site.paid_kw)


def _least_between(problem: Problem, one: Machine) -> float:
    """What a machine's gaps cost over its floor at the least: below zero where it is paid to draw, or draws less."""
    kws = [kw - one.floor_kw for kw in (one.idle_kw, one.setup_kw, one.start_kw)]
    each = np.diff(problem.worth)
    return float(max(0.0, *kws) * np.minimum(0.0, each).sum() + min(0.0, *kws) * np.maximum(0.0, each).sum())


def _least_risk(problem: Problem, care: Care) -> float:
    """Of maintenance at the least, less what the machine's floor takes meanwhile."""
    begins, worth = slice(care.earliest, care.latest + 1), problem.worth
    ends = slice(care.earliest + care.steps, care.latest + care.steps + 1)
    return float((care.risk[begins] - problem.machines[care.machine].floor_kw * (worth[ends] - worth[begins])).min())


def _cheapest(problem: Problem, at: int) -> float:
    """An operation's energy over the floor of its machine, at the least; none where it finds no room at all."""
    operation, fixed = problem.operations[at], problem.fixed.get(at)
    release, costs = problem.jobs[operation.job].release, list[float]()
    for number, option in enumerate(operation.options):
        extra = option.kw - problem.machines[option.machine].floor_kw
        begins = np.arange(release, problem.steps + 1 - option.steps)
        if fixed is not None:
            begins = np.array([fixed.begin] if fixed.option == number else [], int)
        if len(begins):
            costs.append(float((extra * (problem.worth[begins + option.steps] - problem.worth[begins])).min()))
    return min(costs, default=0.0)
