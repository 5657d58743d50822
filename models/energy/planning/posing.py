"""How things stand, as a problem: orders, prices, warnings and what machines take, put into steps of time.

What cannot be planned is named with its reason, and what has to be assumed is said in words. Pure: times come in.
Long, since orders, machines and maintenance are put against one another; what they rest on is in modules of its own.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from models.energy.planning.calendar import open_steps
from models.energy.planning.machines import rates_of
from models.energy.planning.problem import NOTHING, Care, Job, Machine, Operation, Option, Place, Problem, Site
from models.energy.planning.running import Running
from models.energy.planning.warned import chance_by, cost_of_failure, deadline_of
from models.energy.planning.worth import prices
from models.plant import Plant, Producer, Production, seconds
from models.records import (
    Alert,
    EnergyProfile,
    LoadForecast,
    NotPlanned,
    Order,
    Plan,
    Tariff,
    Unplanned,
)

US = 1_000_000
HOUR_US = 3600 * US


@dataclass(frozen=True, kw_only=True)
class Situation:
    """How things stand at `begin_us`, the begin of a quarter-hour. `down` are machines that are broken."""

    plant: Plant
    begin_us: int
    orders: Mapping[str, Order] = field(default_factory=dict)
    tariffs: Sequence[Tariff] = ()
    profiles: Mapping[str, EnergyProfile] = field(default_factory=dict)
    warnings: Sequence[Alert] = ()
    load: LoadForecast | None = None
    running: Plan | None = None
    down: frozenset[str] = frozenset()


class Step(NamedTuple):
    """What an operation of the problem is: a step of an order."""

    order: Order
    step: int


class Grid(NamedTuple):
    """The plan's steps."""

    begin_us: int
    step_s: int
    steps: int

    def step_of(self, time_us: int) -> int:
        """The first step that begins at a time or after it, within the plan."""
        return min(self.steps, max(0, -((self.begin_us - time_us) // (self.step_s * US))))

    def time_of(self, step: int) -> int:
        """When a step begins, in microseconds."""
        return self.begin_us + step * self.step_s * US


class Posed(NamedTuple):
    """The problem and what its numbers mean: orders' steps by operation, warnings by maintenance, errors by machine."""

    problem: Problem
    steps: tuple[Step, ...]
    cares: tuple[Alert, ...]
    unplanned: tuple[Unplanned, ...]
    assumed: tuple[str, ...]
    errors: tuple[float, ...]
    grid: Grid


def production_of(plant: Plant) -> Production:
    """What the plant file says of production. Raises ValueError where it says nothing."""
    if plant.production is None:
        raise ValueError(f"plant '{plant.plant}' says nothing of production: add [production] to its file")
    return plant.production


def grid_of(production: Production, begin_us: int) -> Grid:
    """The steps of a plan from a time on."""
    step_s = seconds(production.step)
    return Grid(begin_us, step_s, seconds(production.horizon) // step_s)


def pose(at: Situation) -> Posed:
    """The problem of a situation. Raises ValueError for a plant file without production."""
    return _Poser(at).posed()


class _Poser:
    def __init__(self, at: Situation) -> None:
        self._at, self._production = at, production_of(at.plant)
        self._grid = grid_of(self._production, at.begin_us)
        self._names = list(self._production.machines)
        self._rates = {name: rates_of(one, at.profiles.get(name)) for name, one in self._production.machines.items()}
        self._families = sorted({self._production.family_of(name) for name in self._production.products})
        self._open = {name: self._open_of(one) for name, one in self._production.machines.items()}
        self._unplanned: list[Unplanned] = []
        self._steps: list[Step] = []
        self._operations: list[Operation] = []
        self._jobs: list[Job] = []
        self._fixed: dict[int, Place] = {}
        self._before: dict[int, Place] = {}
        self._running = Running(at.running, at.begin_us, at.orders, at.down)

    def posed(self) -> Posed:
        for order in sorted(self._at.orders.values(), key=lambda one: (one.due_us, one.order)):
            self._add(order)
        cost, co2, assumed = prices(self._at.tariffs, self._production, *self._grid)
        site, told = self._site(cost, co2)
        cares = [(alert, care) for alert in self._at.warnings if (care := self._care(alert)) is not None]
        problem = Problem(
            step_s=self._grid.step_s,
            machines=tuple(self._machine(name) for name in self._names),
            operations=tuple(self._operations),
            jobs=tuple(self._jobs),
            setup=self._setups(),
            site=site,
            cares=tuple(care for _, care in cares),
            fixed=self._fixed,
            before=self._before,
            move=self._production.move_cost,
        )
        problem = dataclasses.replace(problem, fixed=_kept(problem))
        words = (*assumed, *told, *self._learned(), *self._of_running(), *self._of_care([one for one, _ in cares]))
        return Posed(
            problem, tuple(self._steps), tuple(one for one, _ in cares), tuple(self._unplanned), words,
            tuple(self._rates[name].error for name in self._names), self._grid,
        )  # fmt: skip

    def _add(self, order: Order) -> None:
        """An order as a job with what is left of its steps, or why not."""
        product = self._production.products.get(order.product)
        if product is None:
            self._leave(order, NotPlanned.UNKNOWN_PRODUCT, f"[production.products.{order.product}] is not there")
            return
        first, operations, steps = len(self._operations), list[Operation](), list[Step]()
        release_us, fixed = order.release_us, {}
        for number, group in enumerate(product.route):
            was = self._running.steps.get((order.order, number))
            if was is not None and was.begin_us < self._at.begin_us:
                release_us = max(release_us, was.end_us)  # it is done, or is being made as planned
                continue
            options, why = self._options(order, group)
            if why is not None:
                self._leave(order, *why)
                return
            operation = first + len(operations)
            operations.append(Operation(len(self._jobs), self._family(order.product), tuple(one for _, one in options)))
            steps.append(Step(order, number))
            place = None if was is None else self._place(was.asset, was.begin_us, was.end_us, options)
            if place is not None and was is not None:
                fixed[operation] = place, was.begin_us
        if not operations:
            return
        self._keep(fixed, first, len(operations))
        late = self._production.late_per_h if order.late_per_h is None else order.late_per_h
        self._operations += operations
        self._steps += steps
        numbers = tuple(range(first, len(self._operations)))
        release, due = self._grid.step_of(release_us), self._due(order)
        self._jobs.append(Job(order.order, numbers, release, due, late * self._grid.step_s / 3600))

    def _due(self, order: Order) -> int:
        """The step that it is due by; before the plan's begin where it is late already."""
        return (order.due_us - self._grid.begin_us) // (self._grid.step_s * US)

    def _keep(self, places: Mapping[int, tuple[Place, int]], first: int, count: int) -> None:
        """Places that a job's operations had; those that begin soon stay, as long as all before them do."""
        until_us = self._at.begin_us + seconds(self._production.frozen) * US
        stay = True
        for operation in range(first, first + count):
            place, begin_us = places.get(operation, (None, until_us))
            if place is not None:
                self._before[operation] = place
            stay = stay and place is not None and begin_us < until_us
            if stay and place is not None:
                self._fixed[operation] = place

    def _leave(self, order: Order, why: NotPlanned, detail: str) -> None:
        self._unplanned.append(Unplanned(order=order.order, why=why, detail=detail))

    def _family(self, product: str) -> int:
        return self._families.index(self._production.family_of(product))

    def _options(self, order: Order, group: str) -> tuple[list[tuple[str, Option]], tuple[NotPlanned, str] | None]:
        """Ways to make it in a group by machine, or why there are none."""
        makers = [name for name in self._production.groups[group] if order.product in self._rates[name].makes]
        up = [name for name in makers if name not in self._at.down]
        if not up:
            broken = f"{', '.join(makers)} of group '{group}' are broken" if makers else f"no machine of '{group}'"
            return [], (NotPlanned.NO_MACHINE, broken)
        every = [(name, option) for name in up for option in self._ways(order, name)]
        fits = [(name, option) for name, option in every if _longest(self._open[name]) >= option.steps]
        if not fits:
            hours = min(option.steps for _, option in every) * self._grid.step_s / 3600
            return [], (NotPlanned.TOO_LONG, f"it takes {hours:.1f} h without a break: split the order")
        limit = self._production.demand.limit_kw
        within = [(name, option) for name, option in fits if limit is None or option.kw <= limit]
        if not within:
            return [], (
                NotPlanned.POWER,
                f"it takes {min(o.kw for _, o in fits):.0f} kW, over the limit of {limit:.0f}",
            )
        return within, None

    def _ways(self, order: Order, name: str) -> list[Option]:
        """At full speed, then at those that are slower: power falls less than speed does (Gutowski 2006)."""
        rates = self._rates[name]
        made, number = rates.makes[order.product], self._names.index(name)
        out = []
        for share in (1.0, *self._production.machines[name].slower):
            hours = order.units / (made.units_per_h * share)
            steps = max(1, math.ceil(hours * 3600 / self._grid.step_s - 1e-9))
            kw = made.base_kw + (made.kw - made.base_kw) * share
            rest_h = steps * self._grid.step_s / 3600 - hours
            out.append(
                Option(number, steps, (kw * hours + rates.idle_kw * max(0.0, rest_h)) / (hours + max(0.0, rest_h)))
            )
        return out

    def _place(self, asset: str, begin_us: int, end_us: int, options: Sequence[tuple[str, Option]]) -> Place | None:
        """Where the running plan has an operation, if that is still possible."""
        steps = (end_us - begin_us) // (self._grid.step_s * US)
        for number, (name, option) in enumerate(options):
            if name == asset and option.steps == steps:
                if (begin_us - self._grid.begin_us) % (self._grid.step_s * US):
                    return None  # the plant file's step is another now
                begin = self._grid.step_of(begin_us)
                is_open = begin + steps <= self._grid.steps and self._open[name][begin : begin + steps].all()
                return Place(number, begin) if is_open else None
        return None

    def _open_of(self, one: Producer) -> np.ndarray:
        shifts = self._production.shifts if one.shifts is None else one.shifts
        return open_steps(self._at.plant, shifts, *self._grid)

    def _machine(self, name: str) -> Machine:
        rates, one = self._rates[name], self._production.machines[name]
        now = self._running.machine(name)
        family = self._family(now.product) if now.product in self._production.products else NOTHING
        return Machine(
            name=name, off_kw=rates.off_kw, idle_kw=rates.idle_kw, setup_kw=rates.setup_kw, start_kw=rates.start_kw,
            start_steps=math.ceil(rates.start_s / self._grid.step_s), is_open=self._open[name],
            may_be_off=one.may_be_off, free_from=self._grid.step_of(now.free_us), family=family, is_on=now.is_on,
        )  # fmt: skip

    def _setups(self) -> np.ndarray:
        count = len(self._families)
        out = np.zeros((count, count), int)
        for at, before in enumerate(self._families):
            for to, after in enumerate(self._families):
                out[at, to] = math.ceil(self._production.setup_s(before, after) / self._grid.step_s)
        return out

    def _site(self, cost: np.ndarray, co2: np.ndarray) -> tuple[Site, list[str]]:
        demand, grid = self._production.demand, self._grid
        base, told = np.full(grid.steps, self._production.base_kw), []
        for job in self._running.going_on:
            base[: grid.step_of(job.end_us)] += job.kwh * HOUR_US / (job.end_us - job.begin_us)
        meter = self._production.meter
        if (load := self._at.load) is not None and meter is not None and not meter.whole:
            told.append(f"the load beside the machines is what {load.model} forecast at the median")
            steps = np.arange(grid.steps)
            at = ((grid.begin_us + steps * grid.step_s * US) - load.begin_us) // (load.step_min * 60 * US)
            base += np.asarray(load.q50_kw)[np.clip(at, 0, len(load.q50_kw) - 1)]
        return Site(
            price=cost, co2=co2, base_kw=base, co2_price=self._production.co2_per_t / 1000,
            demand_price=demand.price_per_kw, paid_kw=demand.billed_kw,
            limit_kw=np.inf if demand.limit_kw is None else demand.limit_kw,
        ), told  # fmt: skip

    def _care(self, alert: Alert) -> Care | None:
        """The work that a warning asks for: its cost grows with the chance that the machine fails before."""
        one = self._production.machines.get(alert.asset)
        if one is None or alert.asset in self._at.down or self._running.care(alert.asset) is not None:
            return None
        grid, number = self._grid, self._names.index(alert.asset)
        steps = max(1, math.ceil(seconds(one.maintenance) / grid.step_s))
        held = [place.begin + self._operations[at].options[place.option].steps for at, place in self._fixed.items()
                if self._operations[at].options[place.option].machine == number]  # fmt: skip
        earliest = max([grid.step_of(self._running.machine(alert.asset).free_us), *held])
        latest = min(grid.step_of(deadline_of(alert)), grid.steps - steps)
        if earliest > grid.steps - steps:
            return None
        times_us = grid.begin_us + np.arange(grid.steps) * grid.step_s * US
        risk = chance_by(alert, times_us) * cost_of_failure(self._at.plant, alert.asset)
        return Care(machine=number, steps=steps, earliest=earliest, latest=max(earliest, latest), risk=risk)

    def _learned(self) -> list[str]:
        told = sorted(name for name, rates in self._rates.items() if not rates.is_learned)
        if not told:
            return ["what machines take is learned"]
        return [f"of {', '.join(told)} power and rates are the plant file's: none are learned yet"]

    def _of_running(self) -> list[str]:
        return ["jobs of the running plan that began are made as planned"] if self._running.steps else []

    def _of_care(self, alerts: Sequence[Alert]) -> list[str]:
        unsaid = sorted({one.asset for one in alerts if self._at.plant.assets[one.asset].downtime_cost_per_h is None})
        if not unsaid:
            return []
        return [
            f"a failure of {', '.join(unsaid)} costs what a delay does: downtime_cost_per_h is not in the plant file"
        ]


def _kept(problem: Problem) -> dict[int, Place]:
    """What is fixed and can still be done one after another: setups may have become longer since it was planned."""
    out, ends = dict[int, Place](), {number: (one.free_from, one.family) for number, one in enumerate(problem.machines)}
    for at, place in sorted(problem.fixed.items(), key=lambda item: (item[1].begin, item[0])):
        operation = problem.operations[at]
        option = operation.options[place.option]
        end, family = ends[option.machine]
        earlier = problem.jobs[operation.job].operations
        is_first = all(one in out for one in earlier[: earlier.index(at)])
        if is_first and place.begin - problem.setup_of(operation.family, family) >= end:
            out[at], ends[option.machine] = place, (place.begin + option.steps, operation.family)
    return out


def _longest(is_open: np.ndarray) -> int:
    """Steps of the longest working time."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_open.astype(int), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))
