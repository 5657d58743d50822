"""A part of a schedule as a model of CP-SAT: some operations may move, the others stay, and the best is asked for.

The only importer of OR-tools. The objective is the cost of `timeline` over the machines' floors, in whole units; of the
peak it counts what jobs and the site's other load take. Who asks holds the answer to the exact figures.
Long, since it is one model whose parts share its variables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from ortools.sat.python import cp_model

from models.energy.planning.problem import NOTHING, Machine, Option, Problem, Schedule

WORTH = 10_000
"""Whole units of a currency a kW in the objective's tables. Our choice: a part of 0.01 % of a step's price."""
KW = 10
"""Units of a kW: meters of machines are no better than 0.1 kW (class 1 of IEC 62053-21)."""


class Limits(NamedTuple):
    """How long is searched, with how many workers, under which seed; none: until it is proven."""

    seconds: float | None
    workers: int = 2
    seed: int = 1


class Answer(NamedTuple):
    """The best that was found, None where nothing was; the bound is on the cost, of whole problems alone."""

    schedule: Schedule | None
    bound: float | None
    is_proven: bool


class Node(NamedTuple):
    """A visit of a machine that is to be put in an order: its times as variables or numbers, and if it is there."""

    begin: Any
    end: Any
    is_there: Any
    family: int
    is_care: bool
    earliest: int
    latest_end: int

    @property
    def stays(self) -> bool:
        """Whether it does not move."""
        return isinstance(self.begin, int)

    @property
    def is_still(self) -> bool:
        """Whether it has no options: it stays, or is maintenance."""
        return self.stays or self.is_care


class Part:
    """The model. `free` operations and `cares` may move, all else of the schedule stays."""

    def __init__(
        self, problem: Problem, schedule: Schedule, free: Collection[int], cares: Collection[int] = ()
    ) -> None:
        self._problem, self._schedule = problem, schedule
        self._free, self._cares = sorted(free), sorted(cares)
        self._model, self._cost = cp_model.CpModel(), []  # type: tuple[Any, list[Any]]
        self._worth = np.round(problem.worth * WORTH).astype(np.int64)
        self._tables: dict[tuple[int, int], Any] = {}
        self._begin: dict[int, Any] = {}
        self._end: dict[int, Any] = {}
        self._has: dict[tuple[int, int], Any] = {}
        self._care: dict[int, Any] = {}
        self._care_end: dict[int, Any] = {}
        for at in self._free:
            self._add_operation(at)
        for number in self._cares:
            self._add_care(number)
        for job in {problem.operations[at].job for at in self._free}:
            self._add_job(job)
        for machine in self._machines():
            self._add_machine(machine)
        self._add_power()
        self._add_makespan()
        self._model.minimize(sum(self._cost))

    def solve(self, limits: Limits) -> Answer:
        """The best within the limits, the schedule as a hint."""
        solver = cp_model.CpSolver()
        solver.parameters.num_workers, solver.parameters.random_seed = limits.workers, limits.seed
        if limits.seconds is not None:
            solver.parameters.max_time_in_seconds = limits.seconds
        status = solver.solve(self._model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Answer(None, None, False)
        return Answer(self._answer(solver), solver.best_objective_bound / WORTH / KW, status == cp_model.OPTIMAL)

    def _answer(self, solver: cp_model.CpSolver) -> Schedule:
        option, begin, care = (list(one) for one in self._schedule)
        for at in self._free:
            begin[at] = solver.value(self._begin[at])
            option[at] = next(n for n, _ in enumerate(self._options(at)) if solver.value(self._has[at, n]))
        for number in self._cares:
            care[number] = solver.value(self._care[number])
        return Schedule(tuple(option), tuple(begin), tuple(care))

    def _options(self, at: int) -> Sequence[Any]:
        return self._problem.operations[at].options

    def _add_operation(self, at: int) -> None:
        model, problem = self._model, self._problem
        options, job = self._options(at), problem.jobs[problem.operations[at].job]
        begin = model.new_int_var(job.release, problem.steps, f"begin{at}")
        end = model.new_int_var(job.release, problem.steps, f"end{at}")
        self._begin[at], self._end[at] = begin, end
        for number, option in enumerate(options):
            has = model.new_bool_var(f"has{at}.{number}")
            self._has[at, number] = has
            model.add(end == begin + option.steps).only_enforce_if(has)
            model.add_linear_expression_in_domain(begin, self._starts(option.machine, option.steps)).only_enforce_if(
                has
            )
            self._pay(at, option, has)
            model.add_hint(has, self._schedule.option[at] == number)
        model.add_exactly_one(self._has[at, number] for number in range(len(options)))
        model.add_hint(begin, self._schedule.begin[at])
        self._add_move(at)

    def _pay(self, at: int, option: Option, has: Any) -> None:
        """The energy of an option, where it is taken."""
        extra = round((option.kw - self._problem.machines[option.machine].floor_kw) * KW)
        if self._problem.is_flat:
            self._cost.append(extra * option.steps * int(self._worth[1]) * has)
            return
        cost = extra * (self._at(self._end[at]) - self._at(self._begin[at]))
        most = int(np.abs(np.diff(self._worth)).sum()) * abs(extra)
        paid = self._model.new_int_var(-most, most, "")
        self._model.add(paid == cost).only_enforce_if(has)
        self._model.add(paid == 0).only_enforce_if(~has)
        self._cost.append(paid)

    def _starts(self, machine: int, steps: int) -> cp_model.Domain:
        """Steps from which a machine works for so long without a break."""
        busy = np.concatenate(([0], np.cumsum(~self._problem.machines[machine].is_open)))
        starts = np.flatnonzero(busy[steps:] == busy[:-steps])
        runs = np.split(starts, np.flatnonzero(np.diff(starts) > 1) + 1)
        return cp_model.Domain.from_intervals([[int(run[0]), int(run[-1])] for run in runs if len(run)])

    def _at(self, time: Any, before: int = 0) -> Any:
        """The worth of 1 kW until a time, or from `before` steps earlier until then."""
        worth, steps = self._worth, self._problem.steps
        if isinstance(time, int):
            return int(worth[time] - worth[time - before]) if before else int(worth[time])
        if self._problem.is_flat:
            each = int(worth[1])
            return each * before if before else each * time
        if (found := self._tables.get((time.index, before))) is None:
            table = worth - worth[np.maximum(0, np.arange(steps + 1) - before)] if before else worth
            found = self._model.new_int_var(int(table.min()), int(table.max()), "")
            self._model.add_element(time, [int(one) for one in table], found)
            self._tables[time.index, before] = found
        return found

    def _add_move(self, at: int) -> None:
        before = self._problem.before.get(at)
        if before is None or not self._problem.move:
            return
        stays = self._model.new_bool_var("")
        self._model.add(self._begin[at] == before.begin).only_enforce_if(stays)
        self._model.add_implication(stays, self._has[at, before.option])
        self._cost.append(round(self._problem.move * WORTH * KW) * (1 - stays))

    def _add_care(self, number: int) -> None:
        care, model = self._problem.cares[number], self._model
        begin = model.new_int_var(care.earliest, care.latest, f"care{number}")
        risk = np.round(care.risk[: care.latest + 1] * WORTH * KW).astype(np.int64)
        cost = model.new_int_var(int(risk.min()), int(risk.max()), "")
        model.add_element(begin, [int(one) for one in risk], cost)
        model.add_hint(begin, self._schedule.care[number])
        end = model.new_int_var(care.earliest + care.steps, care.latest + care.steps, "")
        model.add(end == begin + care.steps)
        self._care[number], self._care_end[number] = begin, end
        self._cost.append(cost)

    def _add_job(self, number: int) -> None:
        """Operations in their order, and what the delay costs."""
        problem, job = self._problem, self._problem.jobs[number]
        times = [self._times(at) for at in job.operations]
        for ((_, end), (begin, _)), pair in zip(pairwise(times), pairwise(job.operations), strict=True):
            if any(at in self._begin for at in pair):
                self._model.add(end <= begin)
        last = times[-1][1]
        if not isinstance(last, int) and job.late > 0:
            late = self._model.new_int_var(0, problem.steps, "")
            self._model.add(late >= last - job.due)
            self._cost.append(round(job.late * WORTH * KW) * late)

    def _times(self, at: int) -> tuple[Any, Any]:
        if at in self._begin:
            return self._begin[at], self._end[at]
        return self._schedule.begin[at], self._schedule.end_of(self._problem, at)

    def _machines(self) -> list[int]:
        found = {option.machine for at in self._free for option in self._options(at)}
        return sorted(found | {self._problem.cares[number].machine for number in self._cares})

    def _nodes(self, machine: int) -> list[Node]:
        """All that may visit a machine; what stays comes first, in its order."""
        of_jobs = [self._node(at, machine) for at in range(len(self._problem.operations))]
        of_care = [self._care_node(n) for n, care in enumerate(self._problem.cares) if care.machine == machine]
        all_nodes = [node for node in (*of_jobs, *of_care) if node is not None]
        stay = sorted((node for node in all_nodes if node.stays), key=lambda node: node.earliest)
        return stay + [node for node in all_nodes if not node.stays]

    def _node(self, at: int, machine: int) -> Node | None:
        problem, operation = self._problem, self._problem.operations[at]
        if at not in self._begin:
            if self._schedule.machine_of(problem, at) != machine:
                return None
            begin, end = self._times(at)
            return Node(begin, end, True, operation.family, False, begin, end)
        here = [self._has[at, n] for n, option in enumerate(operation.options) if option.machine == machine]
        if not here:
            return None
        is_there = here[0] if len(here) == 1 else self._any(here)
        release = problem.jobs[operation.job].release
        return Node(self._begin[at], self._end[at], is_there, operation.family, False, release, problem.steps)

    def _care_node(self, number: int) -> Node:
        care = self._problem.cares[number]
        if number in self._care:
            latest = care.latest + care.steps
            return Node(self._care[number], self._care_end[number], True, NOTHING, True, care.earliest, latest)
        begin = self._schedule.care[number]
        return Node(begin, begin + care.steps, True, NOTHING, True, begin, begin + care.steps)

    def _any(self, here: list[Any]) -> Any:
        one = self._model.new_bool_var("")
        self._model.add(sum(here) == one)
        return one

    def _add_machine(self, machine: int) -> None:
        """No two visits at once; and where gaps or setups cost, their order, as a circuit through the plan's begin."""
        nodes, one = self._nodes(machine), self._problem.machines[machine]
        self._model.add_no_overlap([*self._runs(machine), *(self._interval(node) for node in nodes if node.is_still)])
        if self._is_free_of_gaps(one):
            for node in nodes:
                if not node.stays:
                    self._model.add(node.begin >= one.free_from)
            return
        self._model.add_circuit([(0, 0, self._model.new_bool_var("")), *self._arcs(one, nodes)])

    def _is_free_of_gaps(self, one: Machine) -> bool:
        """Whether it is all the same in which order and how close together a machine's visits are."""
        floor = one.floor_kw
        is_ready = one.start_steps == 0 or not one.may_be_off
        return not self._problem.setup.any() and one.idle_kw == floor and one.start_kw == floor and is_ready

    def _runs(self, machine: int) -> Iterator[Any]:
        """What may run on a machine, each option as an interval of its own length: tighter than one of all lengths."""
        for (at, number), has in self._has.items():
            option = self._options(at)[number]
            if option.machine == machine:
                yield self._model.new_optional_fixed_size_interval_var(self._begin[at], option.steps, has, "")

    def _interval(self, node: Node) -> Any:
        model = self._model
        if node.stays:
            return model.new_fixed_size_interval_var(node.begin, node.end - node.begin, "")
        return model.new_interval_var(node.begin, model.new_int_var(0, self._problem.steps, ""), node.end, "")

    def _arcs(self, one: Machine, nodes: list[Node]) -> Iterator[tuple[int, int, Any]]:
        """All that may follow on one another; of what stays, only in its order."""
        stays = sum(node.stays for node in nodes)
        is_on = one.is_on or not one.may_be_off
        for to, node in enumerate(nodes):
            gap = self._gap(one, node)
            if node.is_there is not True:
                yield to + 1, to + 1, ~node.is_there
            if not node.stays or to == stays - 1:
                yield to + 1, 0, self._model.new_bool_var("")
            if not node.stays or to == 0:
                yield 0, to + 1, self._arc(one, one.free_from, one.family, is_on, node, gap)
            for begin, before in enumerate(nodes):
                both_stay = before.stays and node.stays
                if begin == to or (both_stay and to != begin + 1) or before.earliest >= node.latest_end:
                    continue
                follows_on = not before.is_care or not one.may_be_off
                yield begin + 1, to + 1, self._arc(one, before.end, before.family, follows_on, node, gap)

    def _gap(self, one: Machine, node: Node) -> Any:
        """What the time before a visit costs over the machine's floor, and if it is off then; none of maintenance."""
        if node.is_care:
            return None
        kw = round((max(one.idle_kw, one.setup_kw, one.start_kw) - one.floor_kw) * KW) + 1
        most = kw * int(np.abs(np.diff(self._worth)).sum())
        gap, off = self._model.new_int_var(-most, most, ""), self._model.new_bool_var("")
        self._cost.append(gap)
        if node.is_there is not True:
            self._model.add(gap == 0).only_enforce_if(~node.is_there)
        return gap, off

    def _arc(self, one: Machine, end: Any, family: int, is_on: bool, node: Node, gap: Any) -> Any:
        """Whether a visit follows on what ended then; with what that asks of times and of the gap's cost."""
        model, arc = self._model, self._model.new_bool_var("")
        if node.is_care:
            model.add(node.begin >= end).only_enforce_if(arc)
            return arc
        cost, off = gap
        steps = self._problem.setup_of(node.family, family)
        setup = self._shifted(node.begin, steps)
        model.add(node.begin - steps >= end).only_enforce_if(arc)
        set_up = round((one.setup_kw - one.floor_kw) * KW) * self._at(node.begin, steps) if steps else 0
        if is_on:
            idle = round((one.idle_kw - one.floor_kw) * KW) * (self._at(setup) - self._at(end))
            model.add(cost >= idle + set_up).only_enforce_if(arc, ~off)
        else:
            model.add_implication(arc, off)
        if one.may_be_off:
            start = round((one.start_kw - one.floor_kw) * KW) * self._at(setup, one.start_steps)
            model.add(cost >= start + set_up).only_enforce_if(arc, off)
            model.add(node.begin - steps - one.start_steps >= end).only_enforce_if(arc, off)
        else:
            model.add_implication(arc, ~off)
        return arc

    def _shifted(self, time: Any, steps: int) -> Any:
        """A time so many steps before another, 0 at least; a variable of its own where tables are asked by it."""
        if isinstance(time, int) or not steps or self._problem.is_flat:
            return time - steps
        key = (-1 - time.index, steps)
        if (found := self._tables.get(key)) is None:
            found = self._model.new_int_var(0, self._problem.steps, "")
            self._model.add_max_equality(found, [time - steps, 0])  # it binds, whether its arc is taken or not
            self._tables[key] = found
        return found

    def _add_power(self) -> None:
        """Jobs and the site's other load together, under the limit and the peak that is paid for."""
        site, problem = self._problem.site, self._problem
        if not (site.demand_price or np.isfinite(site.limit_kw)):
            return
        most = int(min(site.limit_kw * KW, 1e9))
        peak = self._model.new_int_var(0, most, "peak")
        intervals, kws = self._stay()
        for (at, number), has in self._has.items():
            option = problem.operations[at].options[number]
            intervals.append(
                self._model.new_optional_interval_var(self._begin[at], option.steps, self._end[at], has, "")
            )
            kws.append(max(0, round((option.kw - problem.machines[option.machine].floor_kw) * KW)))
        self._model.add_cumulative(intervals, kws, peak)
        if site.demand_price:
            over = self._model.new_int_var(0, most, "")
            self._model.add(over >= peak - round(site.paid_kw * KW))
            self._cost.append(round(site.demand_price * WORTH) * over)

    def _add_makespan(self) -> None:
        if not self._problem.makespan:
            return
        last = self._model.new_int_var(0, self._problem.steps, "")
        for job in self._problem.jobs:
            if self._schedule.option[job.operations[-1]] != NOTHING:
                self._model.add(last >= self._times(job.operations[-1])[1])
        for machine in self._machines():  # follows from the rest, but tells the solver's bound what a machine can do
            work = [self._options(at)[n].steps * has for (at, n), has in self._has.items()
                    if self._options(at)[n].machine == machine]  # fmt: skip
            self._model.add(sum(work) <= last)
        self._cost.append(round(self._problem.makespan * WORTH * KW) * last)

    def _stay(self) -> tuple[list[Any], list[int]]:
        """The load that stays, as intervals of one power each."""
        problem, schedule = self._problem, self._schedule
        kw = problem.site.base_kw + sum(one.floor_kw for one in problem.machines)
        for at, number in enumerate(schedule.option):
            if at not in self._begin and number != NOTHING:
                option = self._options(at)[number]
                kw[schedule.begin[at] : schedule.begin[at] + option.steps] += (
                    option.kw - problem.machines[option.machine].floor_kw
                )
        whole = np.maximum(0, np.round(kw * KW)).astype(int)
        edges = np.concatenate(([0], np.flatnonzero(np.diff(whole)) + 1, [len(whole)]))
        new = self._model.new_fixed_size_interval_var
        intervals = [new(int(begin), int(end - begin), "") for begin, end in pairwise(edges)]
        return intervals, [int(whole[begin]) for begin in edges[:-1]]
