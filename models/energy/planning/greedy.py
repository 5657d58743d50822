"""Schedules made in one pass: the plant's usual rule, and one that looks at energy.

Both place jobs by due date, each operation after all that its machine has; they differ in what they choose among.
What finds no room in the horizon is not planned, whole jobs at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from models.energy.planning.problem import NOTHING, Care, Job, Machine, Operation, Option, Place, Problem, Schedule

Choice = Callable[["Shop", int, Option, int], float]
"""What an option of an operation costs that would begin at a step: the least is taken, the first of equals."""


class Stand(NamedTuple):
    """How far a machine is planned: the step that it is free from, what it is set up for, whether it is on."""

    free: int
    family: int
    is_on: bool


class Shop:
    """A schedule that grows. `taken_kw` is held against the site's limit, less what is kept `spare_kw` [steps]."""

    def __init__(self, problem: Problem, spare_kw: np.ndarray | None = None) -> None:
        self.problem = problem
        self.stands = [Stand(one.free_from, one.family, one.is_on or not one.may_be_off) for one in problem.machines]
        self.option = [NOTHING] * len(problem.operations)
        self.begin = [0] * len(problem.operations)
        self._is_free = np.array([one.is_open for one in problem.machines]).reshape(
            len(problem.machines), problem.steps
        )
        self.taken_kw = problem.site.base_kw + sum(one.floor_kw for one in problem.machines)
        if spare_kw is not None:
            self.taken_kw = self.taken_kw + spare_kw
        self.mean_price = float(np.abs(np.diff(problem.worth)).mean())
        self.makers = [frozenset(option.machine for option in one.options) for one in problem.operations]
        self._opens = [_next_true(is_free) for is_free in self._is_free]

    def opens(self, machines: Iterable[int], ready: int) -> int:
        """The first step from which one of the machines is free and may work."""
        return min(int(self._opens[one][max(ready, self.stands[one].free)]) for one in machines)

    def care(self, care: Care) -> int:
        """Place maintenance at its first free time, and a start after it; at its latest where there is none."""
        for begin in range(care.earliest, care.latest + 1):
            if self._is_free[care.machine, begin : begin + care.steps].all():
                break
        started = begin + care.steps + self.problem.machines[care.machine].start_steps
        self._is_free[care.machine, begin:started] = False
        return begin

    def earliest(self, at: int, option: Option, ready: int) -> int | None:
        """The first step from which an option can be done after all that its machine has."""
        problem, one, stand = self.problem, self.problem.machines[option.machine], self.stands[option.machine]
        setup = problem.setup_of(problem.operations[at].family, stand.family)
        start = 0 if stand.is_on else one.start_steps
        first, length = max(stand.free + setup + start, ready), setup + option.steps
        fits = self._windows(option.machine, length)[max(0, first - setup) :]
        if first - setup + length > problem.steps or not len(fits):
            return None
        fits = fits & self._below(option, setup)[max(0, first - setup) :]
        found = int(fits.argmax())
        return first + found if fits[found] else None

    def _windows(self, machine: int, length: int) -> np.ndarray:
        """Whether a machine is free for so many steps from each step on."""
        busy = np.concatenate(([0], np.cumsum(~self._is_free[machine])))
        return np.asarray(busy[length:] == busy[:-length])

    def _below(self, option: Option, setup: int) -> np.ndarray:
        """Whether a run of an option after its setup stays under the site's limit, by the step the setup begins at."""
        length, limit = setup + option.steps, self.problem.site.limit_kw
        if not np.isfinite(limit):
            return np.ones(self.problem.steps - length + 1, bool)
        more = option.kw - self.problem.machines[option.machine].floor_kw
        over = np.concatenate(([0], np.cumsum(self.taken_kw + more > limit)))
        return np.asarray((over[length:] - over[:-length]) == 0)

    def place(self, at: int, place: Place) -> None:
        """Put an operation where it is to be."""
        operation = self.problem.operations[at]
        option = operation.options[place.option]
        end = place.begin + option.steps
        self.option[at], self.begin[at] = place
        self.taken_kw[place.begin : end] += option.kw - self.problem.machines[option.machine].floor_kw
        self._is_free[option.machine, place.begin : end] = False
        self.stands[option.machine] = Stand(end, operation.family, is_on=True)

    def schedule(self, cares: list[int]) -> Schedule:
        """What was placed."""
        return Schedule(tuple(self.option), tuple(self.begin), tuple(cares))


def _next_true(each: np.ndarray) -> np.ndarray:
    """The first step from each on where it holds, their number where it does not any more; [steps + 1]."""
    at = np.append(np.where(each, np.arange(len(each)), len(each)), len(each))
    return np.asarray(np.minimum.accumulate(at[::-1])[::-1])


def usual(_shop: Shop, _at: int, _option: Option, begin: int) -> float:
    """The machine that is free first, at the speed that is named first."""
    return float(begin)


def thrifty(shop: Shop, at: int, option: Option, begin: int) -> float:
    """What an option adds to the bill: its energy, its setup, the gap before it, and the delay that it causes."""
    problem = shop.problem
    one, stand, operation = problem.machines[option.machine], shop.stands[option.machine], problem.operations[at]
    job, worth, end = problem.jobs[operation.job], problem.worth, begin + option.steps
    setup = begin - problem.setup_of(operation.family, stand.family)
    energy = (option.kw - one.floor_kw) * (worth[end] - worth[begin])
    energy += (one.setup_kw - one.floor_kw) * (worth[begin] - worth[setup])
    late = job.late * max(0, end + _rest(problem, job, at) - job.due)
    return float(energy + _gap(problem, one, stand, setup) + late)


def patient(share: float) -> Choice:
    """The thrifty one for whom a step of waiting costs a share of what the machine draws: it keeps machines for others.

    None of it fills the cheapest machine until others are late; all of it hardly waits.
    """

    def choice(shop: Shop, at: int, option: Option, begin: int) -> float:
        waited = begin - shop.problem.jobs[shop.problem.operations[at].job].release
        return thrifty(shop, at, option, begin) + share * option.kw * shop.mean_price * waited

    return choice


def _rest(problem: Problem, job: Job, at: int) -> int:
    """Steps that the job's later operations take at least."""
    later = job.operations[job.operations.index(at) + 1 :]
    return sum(min(option.steps for option in problem.operations[one].options) for one in later)


def _gap(problem: Problem, one: Machine, stand: Stand, end: int) -> float:
    """What it costs over its floor to have a machine ready at a step."""
    worth, start = problem.worth, max(0, end - one.start_steps)
    started = (one.start_kw - one.floor_kw) * (worth[end] - worth[start])
    idle = (one.idle_kw - one.floor_kw) * (worth[end] - worth[stand.free])
    if not stand.is_on:
        return float(started)
    return float(idle if start < stand.free or not one.may_be_off else min(idle, started))


def build(problem: Problem, choice: Choice, spare_kw: np.ndarray | None = None) -> Schedule:
    """A schedule in one pass: what is fixed, maintenance, then jobs as machines come free, by due date."""
    shop = Shop(problem, spare_kw)
    for at, place in sorted(problem.fixed.items(), key=lambda item: item[1].begin):
        shop.place(at, place)
    cares = [shop.care(care) for care in problem.cares]
    waiting = sorted(problem.jobs, key=lambda job: (job.due, job.release))
    while waiting:
        _plan_job(shop, waiting.pop(_next(shop, waiting)), choice)
    return shop.schedule(cares)


def _next(shop: Shop, waiting: Sequence[Job]) -> int:
    """Of the jobs that can begin first, the one that is due first: no machine is kept for one that is not there yet."""
    known: dict[tuple[frozenset[int], int], int] = {}
    begins = []
    for job in waiting:
        key = shop.makers[job.operations[0]], job.release
        if key not in known:
            known[key] = shop.opens(*key)
        begins.append(known[key])
    return begins.index(min(begins))


def _plan_job(shop: Shop, job: Job, choice: Choice) -> None:
    """Place all operations of a job, or none."""
    ready, placed = job.release, list[int]()
    before = list(shop.stands), shop.taken_kw.copy(), shop._is_free.copy()
    for at in job.operations:
        if shop.option[at] == NOTHING:
            best = _best(shop, at, shop.problem.operations[at], ready, choice)
            if best is None:
                shop.stands, shop.taken_kw, shop._is_free = before
                for one in placed:
                    shop.option[one] = NOTHING
                return
            shop.place(at, best)
            placed.append(at)
        ready = shop.begin[at] + shop.problem.operations[at].options[shop.option[at]].steps


def _best(shop: Shop, at: int, operation: Operation, ready: int, choice: Choice) -> Place | None:
    found: list[tuple[float, int, int]] = []
    for number, option in enumerate(operation.options):
        begin = shop.earliest(at, option, ready)
        if begin is not None:
            found.append((choice(shop, at, option, begin), number, begin))
    return Place(*min(found)[1:]) if found else None
