"""What is to be planned: machines with power states, jobs of operations with options, maintenance, the site's prices.

A flexible job shop: each operation takes one of its options, and the next of its job begins when it is done. Nothing
here decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

QUARTER_S = 900
"""Of demand: metered by the quarter-hour (Regulation (EU) 2017/2195, article 53; the capacity tariff of Flanders)."""
NOTHING = -1
"""The family of a machine that is set up for nothing in particular, and the option of what is not planned."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine: kW by power state, steps of a start, and in which steps it may work, bool [steps].

    It is free from step `free_from` on, then set up for `family` and on or off. One that must not be off stays idle.
    """

    name: str
    off_kw: float
    idle_kw: float
    setup_kw: float
    start_kw: float
    start_steps: int
    is_open: np.ndarray
    may_be_off: bool = True
    free_from: int = 0
    family: int = NOTHING
    is_on: bool = False

    @property
    def floor_kw(self) -> float:
        """What it takes where nothing is asked of it."""
        return self.off_kw if self.may_be_off else self.idle_kw


class Option(NamedTuple):
    """A way of doing an operation: on a machine, in so many steps, at a mean power."""

    machine: int
    steps: int
    kw: float


class Operation(NamedTuple):
    """A step of a job; `family` is what a machine must be set up for."""

    job: int
    family: int
    options: tuple[Option, ...]


class Job(NamedTuple):
    """An order: its operations in order, not begun before `release`, done by `due`; a step of delay costs `late`."""

    name: str
    operations: tuple[int, ...]
    release: int
    due: int
    late: float


@dataclass(frozen=True, kw_only=True)
class Care:
    """Maintenance of a machine, which is off meanwhile; `risk` is what it costs to begin it at a step, [steps].

    It begins from `earliest` to `latest`.
    """

    machine: int
    steps: int
    earliest: int
    latest: int
    risk: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Site:
    """Price and CO2 a kWh and the load beside the machines by step, [steps]; what a kW of peak over `paid_kw` costs.

    `co2_price` is money a kg. The mean of no step may pass `limit_kw`.
    """

    price: np.ndarray
    co2: np.ndarray
    base_kw: np.ndarray
    co2_price: float = 0.0
    demand_price: float = 0.0
    paid_kw: float = 0.0
    limit_kw: float = np.inf


class Place(NamedTuple):
    """Where an operation is: which of its options, and the step it begins at."""

    option: int
    begin: int


@dataclass(frozen=True, kw_only=True)
class Problem:
    """All of it. `setup` are steps from family to family, [families, families]; `fixed` are places that must stay.

    `before` are places of the running plan, and `move` what it costs to leave one of them. A step until all is done
    costs `makespan`. After maintenance a machine is set up for whatever comes.
    """

    step_s: int
    machines: tuple[Machine, ...]
    operations: tuple[Operation, ...]
    jobs: tuple[Job, ...]
    setup: np.ndarray
    site: Site
    cares: tuple[Care, ...] = ()
    fixed: Mapping[int, Place] = field(default_factory=dict)
    before: Mapping[int, Place] = field(default_factory=dict)
    move: float = 0.0
    makespan: float = 0.0

    @property
    def steps(self) -> int:
        """Length of the plan."""
        return len(self.site.price)

    @property
    def step_h(self) -> float:
        """Length of a step in hours."""
        return self.step_s / 3600

    @cached_property
    def worth(self) -> np.ndarray:
        """What 1 kW costs from the begin until each step, CO2 too: [steps + 1], so a difference is a time's."""
        each = (self.site.price + self.site.co2_price * self.site.co2) * self.step_h
        return np.concatenate(([0.0], np.cumsum(each)))

    @property
    def is_flat(self) -> bool:
        """Whether a kWh costs the same at any time."""
        each = self.site.price + self.site.co2_price * self.site.co2
        return bool(np.ptp(each) <= 1e-12 * max(1.0, float(np.abs(each).max())))

    def setup_of(self, family: int, after: int) -> int:
        """Steps to set a machine up for a family after another."""
        return 0 if after == NOTHING else int(self.setup[after, family])


class Schedule(NamedTuple):
    """Options [operations] (NOTHING: not planned) and begins of operations, and begins of maintenance."""

    option: tuple[int, ...]
    begin: tuple[int, ...]
    care: tuple[int, ...]

    def machine_of(self, problem: Problem, at: int) -> int:
        """The machine of an operation, NOTHING where it is not planned."""
        option = self.option[at]
        return NOTHING if option == NOTHING else problem.operations[at].options[option].machine

    def end_of(self, problem: Problem, at: int) -> int:
        """The step after an operation's last."""
        return self.begin[at] + problem.operations[at].options[self.option[at]].steps
