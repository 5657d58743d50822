"""Public flexible job shops (Kacem, Brandimarte) as problems in which nothing counts but when all is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from models.energy.planning import greedy
from models.energy.planning.problem import Job, Machine, Operation, Option, Problem, Site
from models.energy.planning.timeline import figures
from tests.kit.public import public

NAMES = ("k1", "k2", "k3", "k4", "mk01", "mk02", "mk03", "mk04", "mk05")


class Known(NamedTuple):
    """An instance and the best makespan that `instances.json` has of it, which is the least where `is_proven`."""

    name: str
    problem: Problem
    best: int
    is_proven: bool


def index() -> Path:
    """The file that lists instances, which may not be there."""
    return public("fjsp", "instances.json")


def instances() -> list[Known]:
    """Kacem's four, and Brandimarte's first five."""
    listed = {one["name"]: one for one in json.loads(index().read_text())}
    out = []
    for name in NAMES:
        one = listed[name]
        best = one["optimum"] or one["bounds"]["upper"]
        out.append(Known(name, read(index().parent / one["path"]), best, one["optimum"] is not None))
    return out


def read(path: Path) -> Problem:
    """A file: jobs and machines, then a line a job, of operations each with pairs of machine and time."""
    lines = [[int(one) for one in line.split()] for line in path.read_text().splitlines() if line.strip()]
    (_, machines), operations, jobs = lines[0], list[Operation](), list[Job]()
    for number, line in enumerate(lines[1:]):
        first, rest = len(operations), iter(line[1:])
        for _ in range(line[0]):
            options = tuple(Option(next(rest), next(rest), 0.0) for _ in range(next(rest)))
            operations.append(Operation(number, 0, options))
        jobs.append(Job(f"job-{number + 1}", tuple(range(first, len(operations))), 0, 0, 0.0))
    longest = sum(max(option.steps for option in one.options) for one in operations)
    whole = _problem(machines, operations, jobs, longest)
    return _problem(machines, operations, jobs, round(figures(whole, greedy.build(whole, greedy.usual)).makespan_cost))


def _problem(machines: int, operations: list[Operation], jobs: list[Job], steps: int) -> Problem:
    zeros, every = np.zeros(steps), np.ones(steps, bool)
    made = tuple(
        Machine(
            name=f"machine-{one}", off_kw=0.0, idle_kw=0.0, setup_kw=0.0, start_kw=0.0, start_steps=0, is_open=every
        )
        for one in range(machines)
    )
    site = Site(price=zeros, co2=zeros, base_kw=zeros)
    return Problem(
        step_s=60, machines=made, operations=tuple(operations), jobs=tuple(jobs), setup=np.zeros((1, 1), int),
        site=site, makespan=1.0,
    )  # fmt: skip
