"""Plants and orders that plans of production are measured on: made by seed, and frozen before anything was measured.

A test holds a hash of what is made here, so that nobody tunes the instances to the planner. Powers are shares of what a
machine draws while it works, the middle where a source has a range. Grade A: read at the source; B: told of it; R: a
rule of thumb.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from models.energy.planning.problem import Job, Machine, Operation, Option, Problem, Site

STEP_S = 900
DAY = 96
SHIFTS = (24, 56, 88)
"""Steps of the day that two shifts begin and end at: 6:00, 14:00, 22:00. Our choice."""
SEEDS = tuple(range(4101, 4113))
"""Of the frozen plants; what is tuned is tuned on others."""
STANDBY = 0.175
"""What a machine draws that is switched off: standby, 10-25 % (placeholders until measured; no source has a table)."""
IDLE = 0.525
"""Ready, 35-70 % (the same). Base load of older hydraulic moulding is 75 % (R. Kent, 2016, A)."""
HOLDING = 0.275
"""A furnace that is held warm, 15-40 % of its full load (the same, grade R)."""
SETUP = IDLE
"""A machine is set up while it is ready: no figure was found."""
WARM_UP_STEPS = 2
"""15-45 min (the same, grade R)."""
HEATING = 0.925
"""A resistance furnace's ramp draws 85-100 % (gridpulsr, grade B): so a moulding machine's barrel while it starts."""
STARTING = (IDLE + 1.0) / 2
"""A machining centre that warms up: midway between ready and working. Our choice, no figure was found."""
SPREAD = 0.1
"""Machines of a group differ by so much at most, up or down."""
SLOWER = 0.85
"""The one slower speed: what is drawn when ready stays, the rest falls with speed (Gutowski 2006, grade A)."""
FAMILIES = 4
FURNACE = FAMILIES
"""The family of all that is heat-treated: a furnace is never set up."""
SETUP_STEPS = (1, 4)
"""From 15 min to an hour, by pair of families. Our choice."""
BACKLOG = 0.2
"""Of orders that are there when the plan begins. Our choice."""
TREATED = 0.5
"""Of machined orders that are heat-treated after. Our choice."""
LATE = 100.0
"""kWh that a step of delay counts as: 400 kWh an hour, so that energy is hardly ever bought with delay. Our choice."""


class Group(NamedTuple):
    """Machines of a kind: how many, mean kW at work, kW shares of a start, least and most steps of an order."""

    machines: int
    kw: float
    start: float
    steps: tuple[int, int]


class Shape(NamedTuple):
    """A plant: moulding, machining and furnaces, days of the plan, and the share of the time that machines work."""

    moulding: Group
    machining: Group
    furnace: Group
    days: int
    busy: float
    nights: bool = False


WEEK = Shape(
    moulding=Group(4, 40.0, HEATING, (8, 24)),
    machining=Group(3, 20.0, STARTING, (6, 18)),
    furnace=Group(1, 30.0, HEATING, (4, 8)),
    days=5,
    busy=0.6,
)
"""Five days of two shifts, with setups about 65-70 % busy. Powers and lengths: our choice."""
LARGE = Shape(
    moulding=Group(10, 40.0, HEATING, (10, 28)),
    machining=Group(8, 20.0, STARTING, (10, 28)),
    furnace=Group(2, 30.0, HEATING, (4, 8)),
    days=3,
    busy=0.6,
    nights=True,
)
"""72 hours of 20 machines around the clock; it gets LARGE_JOBS orders."""
LARGE_JOBS = 200


def week(seed: int) -> Problem:
    """A plant's week in which each kWh counts 1."""
    return _Maker(seed, WEEK).made()


def large(seed: int) -> Problem:
    """200 orders, 20 machines, 72 hours, with prices of a made-up day-ahead market (a currency a kWh)."""
    problem = _Maker(seed, LARGE, LARGE_JOBS).made()
    price = day_ahead(seed, LARGE.days)
    jobs = tuple(job._replace(late=25.0) for job in problem.jobs)
    return replace(problem, jobs=jobs, site=replace(problem.site, price=price))


def small(seed: int, jobs: int) -> Problem:
    """Two days of a plant with three machines for so many orders: for solvers side by side."""
    shape = WEEK._replace(
        moulding=WEEK.moulding._replace(machines=2),
        machining=WEEK.machining._replace(machines=1),
        days=2,
        busy=0.5,
    )
    return _Maker(seed, shape, jobs).made()


def day_ahead(seed: int, days: int) -> np.ndarray:
    """Prices by step: dear in the morning and the evening, cheap at noon and at night. Our choice, in EUR a kWh."""
    rng = np.random.default_rng(seed)
    hours = np.arange(days * 24) % 24
    shape = 0.09 + 0.03 * np.exp(-((hours - 8) ** 2) / 8) + 0.05 * np.exp(-((hours - 19) ** 2) / 8)
    shape -= 0.04 * np.exp(-((hours - 13) ** 2) / 10)
    return np.repeat(np.round(shape + rng.normal(0, 0.01, len(hours)), 5), 4)


def with_nights(problem: Problem) -> Problem:
    """The same where machines may work at any time."""
    machines = tuple(replace(one, is_open=np.ones(problem.steps, bool)) for one in problem.machines)
    return replace(problem, machines=machines)


def switched_off(problem: Problem) -> Problem:
    """The same where a machine that is off draws nothing, not what standby draws."""
    return replace(problem, machines=tuple(replace(one, off_kw=0.0) for one in problem.machines))


def fingerprint(problem: Problem) -> str:
    """A hash of all its numbers, to nine digits."""
    machines = [
        (m.name, *(round(kw, 9) for kw in (m.off_kw, m.idle_kw, m.setup_kw, m.start_kw)), m.start_steps, m.may_be_off)
        for m in problem.machines
    ]
    options = [[(o.machine, o.steps, round(o.kw, 9)) for o in one.options] for one in problem.operations]
    families = [one.family for one in problem.operations]
    jobs = [tuple(job) for job in problem.jobs]
    is_open = [m.is_open.astype(int).tolist() for m in problem.machines]
    prices = [round(float(one), 9) for one in problem.site.price]
    text = repr((machines, options, families, jobs, is_open, prices, problem.setup.tolist()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class _Maker:
    def __init__(self, seed: int, shape: Shape, jobs: int | None = None) -> None:
        self._rng, self._shape = np.random.default_rng(seed), shape
        self._steps = shape.days * DAY
        self._machines: list[Machine] = []
        self._kw: list[float] = []
        groups = (("moulding", shape.moulding), ("machining", shape.machining), ("furnace", shape.furnace))
        self._of = {name: self._add(name, group) for name, group in groups}
        self._operations: list[Operation] = []
        self._jobs: list[Job] = []
        moulded, machined = (self._orders(group) for group in (shape.moulding, shape.machining))
        if jobs is not None:
            moulded, machined = jobs - jobs * machined // (moulded + machined), jobs * machined // (moulded + machined)
        for number in range(moulded + machined):
            self._order(number, "moulding" if number < moulded else "machining")

    def made(self) -> Problem:
        count = FAMILIES + 1
        setup = self._rng.integers(SETUP_STEPS[0], SETUP_STEPS[1] + 1, (count, count)) * (1 - np.eye(count, dtype=int))
        zeros = np.zeros(self._steps)
        return Problem(
            step_s=STEP_S,
            machines=tuple(self._machines),
            operations=tuple(self._operations),
            jobs=tuple(self._jobs),
            setup=setup,
            site=Site(price=zeros + 1.0, co2=zeros, base_kw=zeros),
        )

    def _add(self, name: str, group: Group) -> list[int]:
        """Machines of a group, each better or worse than its mean by up to SPREAD."""
        first, is_furnace = len(self._machines), name == "furnace"
        for number in range(group.machines):
            kw = group.kw * float(self._rng.uniform(1 - SPREAD, 1 + SPREAD))
            idle = kw * (HOLDING if is_furnace else IDLE)
            self._kw.append(kw)
            self._machines.append(
                Machine(
                    name=f"{name}-{number + 1}",
                    off_kw=kw * STANDBY,
                    idle_kw=idle,
                    setup_kw=idle if is_furnace else kw * SETUP,
                    start_kw=kw * group.start,
                    start_steps=WARM_UP_STEPS,
                    is_open=self._open(),
                    may_be_off=not is_furnace,
                )
            )
        return list(range(first, len(self._machines)))

    def _open(self) -> np.ndarray:
        day = np.arange(self._steps) % DAY
        return np.ones(self._steps, bool) if self._shape.nights else (day >= SHIFTS[0]) & (day < SHIFTS[2])

    def _orders(self, group: Group) -> int:
        """Orders that keep a group busy for its share of the time."""
        mean = (group.steps[0] + group.steps[1]) / 2
        return math.floor(group.machines * int(self._open().sum()) * self._shape.busy / mean)

    def _order(self, number: int, group: str) -> None:
        """An order that comes at the begin of a shift and is due at the end of the next day or the one after."""
        rng, shape = self._rng, self._shape
        day, is_second = int(rng.integers(0, shape.days - 1)), int(rng.integers(0, 2))
        if rng.random() < BACKLOG:
            day, is_second = 0, 0
        release = day * DAY + SHIFTS[is_second] if day or is_second else 0
        due = min(day + int(rng.integers(1, 3)), shape.days - 1) * DAY + SHIFTS[2]
        first, family = len(self._operations), int(rng.integers(0, FAMILIES))
        self._operation(number, group, family, self._length(group))
        if group == "machining" and rng.random() < TREATED:
            self._operation(number, "furnace", FURNACE, self._length("furnace"))
        operations = tuple(range(first, len(self._operations)))
        self._jobs.append(Job(f"order-{number + 1}", operations, release, due, LATE))

    def _length(self, group: str) -> int:
        least, most = getattr(self._shape, group).steps
        return int(self._rng.integers(least, most + 1))

    def _operation(self, job: int, group: str, family: int, steps: int) -> None:
        """It can be done on each machine of its group, at full speed or slower."""
        options = []
        for machine in self._of[group]:
            kw = self._kw[machine]
            options.append(Option(machine, steps, kw))
            if group != "furnace":
                options.append(_slower(machine, steps, kw, self._machines[machine].idle_kw))
        self._operations.append(Operation(job, family, tuple(options)))


def _slower(machine: int, steps: int, kw: float, idle: float) -> Option:
    """The same at the slower speed; what is left of its last step the machine is idle."""
    exact = steps / SLOWER
    whole = math.ceil(exact - 1e-9)
    slow = idle + (kw - idle) * SLOWER
    return Option(machine, whole, (slow * exact + idle * (whole - exact)) / whole)
