"""The same problem as a time-indexed program for HiGHS: each machine is a flow through time from state to state.

To hold solvers side by side in a benchmark; it is not shipped. A machine is off or on, set up for a family or none; it
stays, starts, goes off, is set up, or works, which takes it steps ahead. One price of energy at any time or any other.
Maintenance and peaks are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import highspy
import numpy as np

from models.energy.planning.problem import NOTHING, Machine, Problem, Schedule
from models.energy.planning.search import constant
from models.energy.planning.workshop import Workshop


class Arc(NamedTuple):
    """A move of a machine from a step and state to another, what it costs over the floor; `way` is what it works on."""

    machine: int
    begin: int
    state: tuple[bool, int]
    end: int
    after: tuple[bool, int]
    cost: float
    way: tuple[int, int] | None = None


class Answer(NamedTuple):
    """The best cost found and the bound, None where there is none; columns of the program."""

    cost: float | None
    bound: float | None
    columns: int


def arcs(problem: Problem, schedule: Schedule) -> Iterator[Arc]:
    """All that machines may do."""
    workshop = Workshop(problem, schedule, np.inf)
    for number, one in enumerate(problem.machines):
        here = [
            (at, way) for at, operation in enumerate(problem.operations)
            for way, option in enumerate(operation.options) if option.machine == number
        ]  # fmt: skip
        families = {problem.operations[at].family for at, _ in here} | {one.family}
        yield from _between(problem, number, one, families)
        for at, way in here:
            visit = workshop.plain_visit(at, way)
            for begin in np.flatnonzero(np.isfinite(visit.cost)).tolist():
                state = (True, visit.family)
                cost = float(visit.cost[begin])
                yield Arc(number, begin, state, begin + visit.steps, state, cost, (at, way))


def _between(problem: Problem, number: int, one: Machine, families: set[int]) -> Iterator[Arc]:
    worth, steps = problem.worth, problem.steps
    idle_kw, setup_kw, start_kw = (kw - one.floor_kw for kw in (one.idle_kw, one.setup_kw, one.start_kw))
    for family in families:
        on, off = (True, family), (False, family)
        for step in range(one.free_from, steps + 1):
            if step < steps:
                yield Arc(number, step, on, step + 1, on, idle_kw * (worth[step + 1] - worth[step]))
            for other in families - {family, NOTHING}:
                end = step + problem.setup_of(other, family)
                if end <= steps:
                    yield Arc(number, step, on, end, (True, other), setup_kw * (worth[end] - worth[step]))
            if not one.may_be_off:
                continue
            yield Arc(number, step, on, step, off, 0.0)
            if step < steps:
                yield Arc(number, step, off, step + 1, off, 0.0)
            if (end := step + one.start_steps) <= steps:
                yield Arc(number, step, off, end, on, start_kw * (worth[end] - worth[step]))


def solve(problem: Problem, schedule: Schedule, seconds: float) -> Answer:
    """What HiGHS finds in the time; `schedule` only names what is planned."""
    every = list(arcs(problem, schedule))
    rows = _Rows()
    for column, arc in enumerate(every):
        rows.put(("flow", arc.machine, arc.begin, arc.state), column, 1.0)
        rows.put(("flow", arc.machine, arc.end, arc.after), column, -1.0)
        if arc.way is not None:
            _put_work(problem, rows, column, arc)
    ends = []
    for number, one in enumerate(problem.machines):  # what is left at the plan's end leaves the flow for nothing
        for kind, machine, step, state in [key for key in rows.index if key[0] == "flow" and key[1] == number]:
            if step == problem.steps:
                rows.put((kind, machine, step, state), len(every) + len(ends), 1.0)
                ends.append(0.0)
        begins = one.is_on or not one.may_be_off, one.family
        rows.index.setdefault(("flow", number, one.free_from, begins), len(rows.index))
    return _run(problem, every, ends, rows, seconds)


def _put_work(problem: Problem, rows: _Rows, column: int, arc: Arc) -> None:
    """Each operation once, and after the one before it in its job."""
    assert arc.way is not None
    at = arc.way[0]
    rows.put(("once", at), column, 1.0)
    job = problem.jobs[problem.operations[at].job].operations
    if at != job[0]:
        rows.put(("after", at), column, float(arc.begin))
    if at != job[-1]:
        rows.put(("after", at + 1), column, -float(arc.end))


class _Rows:
    """A matrix that grows by entries; rows are named."""

    def __init__(self) -> None:
        self.index: dict[Any, int] = {}
        self.entries: list[tuple[int, int, float]] = []

    def put(self, key: Any, column: int, value: float) -> None:
        self.entries.append((column, self.index.setdefault(key, len(self.index)), value))


def _bounds(problem: Problem, rows: _Rows) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.zeros(len(rows.index)), np.zeros(len(rows.index))
    for key, row in rows.index.items():
        if key[0] == "once":
            low[row] = high[row] = 1.0
        elif key[0] == "after":
            high[row] = highspy.kHighsInf
        else:
            one = problem.machines[key[1]]
            begins = key[2] == one.free_from and key[3] == (one.is_on or not one.may_be_off, one.family)
            low[row] = high[row] = float(begins)
    return low, high


def _run(problem: Problem, every: list[Arc], ends: list[float], rows: _Rows, seconds: float) -> Answer:
    columns = len(every) + len(ends)
    entries = sorted(rows.entries)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns, len(rows.index)
    lp.col_cost_ = np.array([arc.cost for arc in every] + ends)
    lp.col_lower_, lp.col_upper_ = np.zeros(columns), np.ones(columns)
    lp.row_lower_, lp.row_upper_ = _bounds(problem, rows)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.searchsorted([column for column, _, _ in entries], np.arange(columns + 1)).astype(np.int32)
    lp.a_matrix_.index_ = np.array([row for _, row, _ in entries], np.int32)
    lp.a_matrix_.value_ = np.array([value for _, _, value in entries])
    whole, any_value = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    lp.integrality_ = [any_value if arc.way is None else whole for arc in every] + [any_value] * len(ends)
    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("time_limit", seconds), ("threads", 2), ("mip_rel_gap", 1e-6)):
        solver.setOptionValue(option, value)
    solver.passModel(lp)
    solver.run()
    info, beside = solver.getInfo(), constant(problem)
    has = info.primal_solution_status == 2
    cost = info.objective_function_value + beside if has else None
    bound = info.mip_dual_bound + beside if np.isfinite(info.mip_dual_bound) else None
    return Answer(cost, bound, columns)
