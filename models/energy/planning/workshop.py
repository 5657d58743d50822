"""A schedule under change: operations are taken out and put back where they cost least, and machines timed anew.

What each machine has is in `line`; here is what ties machines together: the order of a job's operations, and the site's
power. Where neither does, a machine's line stays good until its own visits change.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from models.energy.planning.line import Line, Visit, price_of
from models.energy.planning.problem import NOTHING, Problem, Schedule


class State(NamedTuple):
    """What can be gone back to: visits of each machine in order, options and begins; maintenance is -1 - its number."""

    orders: tuple[tuple[int, ...], ...]
    option: tuple[int, ...]
    begin: tuple[int, ...]
    care: tuple[int, ...]
    lines: Mapping[int, Line]


class Bounds(NamedTuple):
    """From which step to which an operation may begin, and steps that what comes after it in its job still needs."""

    first: int
    last: int
    rest: int


class Workshop:
    """A schedule that is changed. Jobs are to take no more than `cap_kw` in any step, with the site's other load.

    `low_kw` is the same for what is put back. What others are timed by is the load at the last `refresh`, so that who
    goes on from a schedule looks whether it keeps below.
    """

    def __init__(self, problem: Problem, schedule: Schedule, cap_kw: float) -> None:
        self.problem, self.cap_kw = problem, cap_kw
        self._prices = [price_of(problem, one) for one in problem.machines]
        self.low_kw = cap_kw
        self._site_kw = problem.site.base_kw + sum(one.floor_kw for one in problem.machines)
        self._is_capped = bool(np.isfinite(cap_kw))
        self._job = [problem.jobs[one.job] for one in problem.operations]
        self._least = [min(option.steps for option in one.options) for one in problem.operations]
        self._plain: dict[tuple[int, int], Visit] = {}
        self._kept: dict[tuple[int, int], tuple[Bounds, Visit]] = {}
        self._care_visits = [self._care_visit(number) for number in range(len(problem.cares))]
        self.take(schedule)

    def take(self, schedule: Schedule) -> None:
        """Go over to a schedule."""
        problem = self.problem
        begins: list[list[tuple[int, int]]] = [[] for _ in problem.machines]
        for at in range(len(problem.operations)):
            if (machine := schedule.machine_of(problem, at)) != NOTHING:
                begins[machine].append((schedule.begin[at], at))
        for number, care in enumerate(problem.cares):
            begins[care.machine].append((schedule.care[number], -1 - number))
        orders = tuple(tuple(work for _, work in sorted(each)) for each in begins)
        self.restore(State(orders, schedule.option, schedule.begin, schedule.care, {}))

    def state(self) -> State:
        """What is now."""
        return State(
            tuple(map(tuple, self._orders)),
            tuple(self._option),
            tuple(self._begin),
            tuple(self._care),
            dict(self._lines),
        )

    def restore(self, state: State) -> None:
        """Go back to what was."""
        self._orders = [list(each) for each in state.orders]
        self._option, self._begin, self._care = list(state.option), list(state.begin), list(state.care)
        self._lines, self._old = dict(state.lines), dict(state.lines)
        self._new: set[int] = set()
        self._count_all()

    def refresh(self) -> None:
        """Hold what is timed from now on against the load as it is."""
        if self._is_capped:
            self._lines.clear()
            self._old.clear()

    @property
    def schedule(self) -> Schedule:
        """What is now, as a schedule."""
        return Schedule(tuple(self._option), tuple(self._begin), tuple(self._care))

    def take_out(self, operations: list[int]) -> None:
        """Have operations planned no more, for the time being."""
        for at in operations:
            machine = self.problem.operations[at].options[self._option[at]].machine
            self._tell([at])
            self._orders[machine].remove(at)
            self._count(at, -1)
            self._option[at] = NOTHING
            self._look_anew(machine)

    def put_back(self, at: int, chooser: random.Random, noise: float) -> bool:
        """Put an operation where it adds least, give or take a share of noise; False where it finds no room."""
        best, place = np.inf, (0, 0, 0)
        for number, option in enumerate(self.problem.operations[at].options):
            if option.steps > self.problem.steps:
                continue
            line, visit = self.line(option.machine), self._visit(at, number)
            places, base = self._places(option.machine, at), line.cost()
            for before, cost in zip(places, line.inserted(visit, slice(places.start, places.stop)), strict=True):
                more = (float(cost) - base) * (1.0 + noise * chooser.random())
                if more < best:
                    best, place = more, (number, option.machine, before)
        if not np.isfinite(best):
            return False
        number, machine, before = place
        line, visit = self.line(machine), self._visit(at, number)
        self._option[at] = number
        self._orders[machine].insert(before, at)
        self._lines[machine] = line.with_visits([*line.visits[:before], visit, *line.visits[before:]])
        self._new.add(at)
        self._count(at, 1)
        self.settle(machine)
        return True

    def _look_anew(self, machine: int) -> None:
        """Have a machine's line made anew when it is asked for, of what still holds of the old one."""
        if (line := self._lines.pop(machine, None)) is not None:
            self._old[machine] = line

    def settle(self, machine: int) -> None:
        """Time a machine's visits anew, at their best."""
        line = self.line(machine)
        if not np.isfinite(line.cost()):
            return  # what stays on it cannot be done as it stands: it is left so, and nothing is moved
        begins = line.begins()
        self._tell([
            work for work, begin in zip(self._orders[machine], begins, strict=True) if self._move(work, begin)
        ])  # fmt: skip

    def _move(self, work: int, begin: int) -> bool:
        """Have work begin at a step; whether it did not already."""
        if work < 0:
            moved, self._care[-1 - work] = self._care[-1 - work] != begin, begin
            return moved
        if self._begin[work] == begin and work not in self._new:
            return False
        self._new.discard(work)
        self._count(work, -1)
        self._begin[work] = begin
        self._count(work, 1)
        return True

    def _tell(self, moved: list[int]) -> None:
        """Machines of the same jobs' other operations are to be looked at anew."""
        for work in moved:
            for at in self._job[work].operations if work >= 0 else ():
                if at != work and self._option[at] != NOTHING:
                    self._look_anew(self.problem.operations[at].options[self._option[at]].machine)

    def _end_of(self, at: int) -> int:
        return self._begin[at] + self.problem.operations[at].options[self._option[at]].steps

    def settle_all(self) -> None:
        """Time all machines anew, one after another."""
        for machine in range(len(self.problem.machines)):
            self.settle(machine)

    def cost(self) -> float:
        """What all machines cost over their floors if each were timed anew by itself; peaks are not in it."""
        return sum(self.line(machine).cost() for machine in range(len(self._orders)))

    def line(self, machine: int) -> Line:
        """A machine's visits as they are."""
        if (found := self._lines.get(machine)) is None:
            visits = [self._visit(work, self._option[work]) if work >= 0 else self._care_visits[-1 - work]
                      for work in self._orders[machine]]  # fmt: skip
            old = self._old.get(machine)
            found = (
                Line(self.problem, machine, visits, self._prices[machine]) if old is None else old.with_visits(visits)
            )
            self._lines[machine] = found
        return found

    def _places(self, machine: int, at: int) -> range:
        """Before which visits of a machine an operation may come: after what its job has there before it."""
        order = self._orders[machine]
        job = self._job[at].operations
        if len(job) == 1:
            return range(len(order) + 1)
        place = job.index(at)
        first = max((order.index(one) + 1 for one in job[:place] if one in order), default=0)
        last = min((order.index(one) for one in job[place + 1 :] if one in order), default=len(order))
        return range(first, last + 1)

    def _visit(self, at: int, number: int) -> Visit:
        """An option of an operation as a visit, within what its job and the site's power leave it."""
        plain = self.plain_visit(at, number)
        bounds = self._bounds(at, plain.steps)
        if not self._is_capped:
            if len(self._job[at].operations) == 1:
                return plain
            if (kept := self._kept.get((at, number))) is not None and kept[0] == bounds:
                return kept[1]
        visit = Visit(at, plain.steps, plain.family, self._within(bounds, at, plain))
        if self._is_capped:
            self._keep_below(at, number, visit.cost)
        self._kept[at, number] = bounds, visit
        return visit

    def plain_visit(self, at: int, number: int) -> Visit:
        """An option of an operation as a visit that has the plant to itself."""
        if (found := self._plain.get((at, number))) is None:
            found = self._plain[at, number] = self._new_visit(at, number)
        return found

    def _new_visit(self, at: int, number: int) -> Visit:
        """What an option costs by the step it begins at: energy, delay, moving; inf where it cannot be done."""
        problem, operation = self.problem, self.problem.operations[at]
        option, job = operation.options[number], problem.jobs[operation.job]
        one, length = problem.machines[option.machine], problem.steps + 1
        cost = np.full(length, np.inf)
        last = length - option.steps
        cost[:last] = (option.kw - one.floor_kw) * (problem.worth[option.steps :] - problem.worth[:last])
        if at == job.operations[-1]:
            cost[:last] += job.late * np.maximum(0, np.arange(last) + option.steps - job.due)
        if (before := problem.before.get(at)) is not None:
            cost += problem.move
            if before.option == number:
                cost[before.begin] -= problem.move
        if (fixed := problem.fixed.get(at)) is not None:  # whatever working time and release say
            there = cost[fixed.begin] if fixed.option == number else np.inf
            cost[:] = np.inf
            cost[fixed.begin] = there
            return Visit(at, option.steps, operation.family, cost)
        busy = np.concatenate(([0], np.cumsum(~one.is_open)))
        cost[:last][busy[option.steps :] != busy[:last]] = np.inf
        cost[: job.release] = np.inf
        return Visit(at, option.steps, operation.family, cost)

    def _care_visit(self, number: int) -> Visit:
        care, one = self.problem.cares[number], self.problem.machines[self.problem.cares[number].machine]
        cost = np.full(self.problem.steps + 1, np.inf)
        begins = slice(care.earliest, care.latest + 1)
        worth = self.problem.worth
        saved = one.floor_kw * (worth[care.earliest + care.steps : care.latest + care.steps + 1] - worth[begins])
        cost[begins] = care.risk[begins] - saved
        return Visit(-1 - number, care.steps, NOTHING, cost, is_care=True)

    def _bounds(self, at: int, steps: int) -> Bounds:
        """Within what its job's other operations leave it."""
        operations = self._job[at].operations
        place = operations.index(at)
        first, last, rest = 0, self.problem.steps - steps, 0
        if place and self._option[operations[place - 1]] != NOTHING:
            first = self._end_of(operations[place - 1])
        if place + 1 < len(operations):
            if self._option[operations[place + 1]] != NOTHING:
                last = self._begin[operations[place + 1]] - steps
            else:
                rest = sum(self._least[one] for one in operations[place + 1 :])
                last -= rest
        return Bounds(first, last, rest)

    def _within(self, bounds: Bounds, at: int, plain: Visit) -> np.ndarray:
        """What it costs by the step it begins at, what comes next in its job with it: that will be late too."""
        cost, job = np.full(len(plain.cost), np.inf), self._job[at]
        begins = slice(bounds.first, max(bounds.first, bounds.last + 1))
        cost[begins] = plain.cost[begins]
        if bounds.rest:
            cost += job.late * np.maximum(0, np.arange(len(cost)) + plain.steps + bounds.rest - job.due)
        return cost

    def _keep_below(self, at: int, number: int, cost: np.ndarray) -> None:
        """Not while the others on other machines leave it too little power."""
        option = self.problem.operations[at].options[number]
        more = option.kw - self.problem.machines[option.machine].floor_kw
        is_over = self._kw - self._kws[option.machine] + more > (
            self.low_kw if self._option[at] == NOTHING else self.cap_kw
        )
        over = np.concatenate(([0], np.cumsum(is_over)))
        last = len(cost) - option.steps
        cost[:last][over[option.steps :] != over[:last]] = np.inf

    def _count_all(self) -> None:
        """What each machine's jobs take over its floor, [machines, steps], and all with the site's other load."""
        self._kws = np.zeros((len(self.problem.machines), self.problem.steps))
        self._kw = self._site_kw.copy()
        for at, option in enumerate(self._option):
            if option != NOTHING:
                self._count(at, 1)

    def _count(self, at: int, sign: int) -> None:
        """Have an operation counted in its machine's load and the site's, or no more."""
        if not self._is_capped:
            return
        option = self.problem.operations[at].options[self._option[at]]
        more = sign * (option.kw - self.problem.machines[option.machine].floor_kw)
        steps = slice(self._begin[at], self._begin[at] + option.steps)
        self._kws[option.machine, steps] += more
        self._kw[steps] += more
