"""One machine's visits in an order, each at its best time: exact, by dynamic programming over the steps of the plan.

Costs are over the machine's floor. A visit's own cost by the step it begins at is given ([steps + 1], inf where it must
not begin); gaps between visits are idle or off, whichever is cheaper, setups are paid as they fall. Any prices do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from models.energy.planning.problem import NOTHING, Machine, Problem


@dataclass(frozen=True, eq=False)
class Visit:
    """Work that a machine is to do: steps, what it must be set up for, and its cost by the step it begins at."""

    work: int
    steps: int
    family: int
    cost: np.ndarray
    is_care: bool = False


class Reached(NamedTuple):
    """The least cost of having ended at each step, ready to be gone on from: idle since, or off since; [steps + 1]."""

    ended: np.ndarray
    idle: np.ndarray | None
    off: np.ndarray | None
    family: int


class Price(NamedTuple):
    """What a machine's gaps cost: by step, [steps + 1]; `start` is a start's that ends at the step."""

    idle: np.ndarray
    start: np.ndarray
    start_steps: int
    may_be_off: bool
    setup_kw: float
    worth: np.ndarray


def price_of(problem: Problem, one: Machine) -> Price:
    """What gaps cost on a machine."""
    worth, steps = problem.worth, one.start_steps
    start = np.full(len(worth), np.inf)
    start[steps:] = (one.start_kw - one.floor_kw) * (worth[steps:] - worth[: len(worth) - steps])
    return Price((one.idle_kw - one.floor_kw) * worth, start, steps, one.may_be_off, one.setup_kw - one.floor_kw, worth)


@dataclass(eq=False)
class Line:
    """A machine and its visits in order; what was reckoned is kept until they change."""

    problem: Problem
    machine: int
    visits: list[Visit]
    price: Price
    _ahead: list[Reached] = field(default_factory=list)
    _behind: dict[tuple[int, int], tuple[np.ndarray, np.ndarray | None]] = field(default_factory=dict)
    _rest: dict[int, np.ndarray] = field(default_factory=dict)

    def with_visits(self, visits: list[Visit]) -> Line:
        """Another line of the machine."""
        return Line(self.problem, self.machine, visits, self.price)

    def cost(self) -> float:
        """The least that all visits cost."""
        if not self.visits:
            return 0.0
        ended = self._reached(len(self.visits)).ended
        return float(ended.min())

    def begins(self) -> list[int]:
        """The steps that the visits begin at, at that cost; the earliest of equals, from the last to the first."""
        out: list[int] = []
        limit: np.ndarray | None = None
        for at in range(len(self.visits) - 1, -1, -1):
            ended = self._reached(at + 1).ended
            total = ended if limit is None else ended + limit
            end = int(total.argmin())
            begin = end - self.visits[at].steps
            out.append(begin)
            limit = self._to(at, begin)
        return out[::-1]

    def inserted(self, at: int, visit: Visit) -> float:
        """What all cost with one more visit before the one at a place."""
        ended = self._step(self._reached(at), visit)
        if at == len(self.visits):
            return float(ended.min())
        return float((ended + self._onward(at, visit)).min())

    def _reached(self, visits: int) -> Reached:
        """After so many of the visits."""
        if not self._ahead:
            self._ahead.append(self._begun())
        while len(self._ahead) <= visits:
            visit = self.visits[len(self._ahead) - 1]
            ended = self._step(self._ahead[-1], visit)
            self._ahead.append(self._ready(ended, visit.family, is_on=not visit.is_care))
        return self._ahead[visits]

    def _begun(self) -> Reached:
        one = self.problem.machines[self.machine]
        ended = np.full(self.problem.steps + 1, np.inf)
        ended[one.free_from] = 0.0
        return self._ready(ended, one.family, is_on=one.is_on)

    def _ready(self, ended: np.ndarray, family: int, *, is_on: bool) -> Reached:
        price = self.price
        stands = is_on or not price.may_be_off
        idle = np.minimum.accumulate(ended - price.idle) if stands else None
        off = np.minimum.accumulate(ended)
        return Reached(ended, idle, off, family)

    def _step(self, before: Reached, visit: Visit) -> np.ndarray:
        """The least cost of having ended at each step with one more visit."""
        price, steps = self.price, self.problem.steps
        ended = np.full(steps + 1, np.inf)
        if visit.is_care:
            assert before.off is not None
            ended[visit.steps :] = (before.off + visit.cost)[: steps + 1 - visit.steps]
            return ended
        setup = self.problem.setup_of(visit.family, before.family)
        ready = self._made_ready(before)
        last = steps + 1 - visit.steps
        if setup + visit.steps > steps:
            return ended
        gap = ready[: last - setup] + visit.cost[setup:last]
        if setup:
            gap += price.setup_kw * (price.worth[setup:last] - price.worth[: last - setup])
        ended[setup + visit.steps :] = gap
        return ended

    def _made_ready(self, before: Reached) -> np.ndarray:
        """The least cost of having the machine ready at each step."""
        price = self.price
        idle = None if before.idle is None else before.idle + price.idle
        if not price.may_be_off:
            assert idle is not None
            return idle
        assert before.off is not None
        off, st = price.start.copy(), price.start_steps
        off[st:] += before.off[: len(off) - st]
        return off if idle is None else np.minimum(idle, off, out=off)

    def _from(self, at: int) -> np.ndarray:
        """The least cost of the visits from one on, by the step that it begins at, without the gap before it."""
        if (found := self._rest.get(at)) is None:
            visit, last = self.visits[at], self.problem.steps + 1 - self.visits[at].steps
            found = visit.cost.copy()
            found[last:] = np.inf
            if at + 1 < len(self.visits):
                found[:last] += self._onward(at + 1, visit)[visit.steps :]
            self._rest[at] = found
        return found

    def _onward(self, at: int, before: Visit) -> np.ndarray:
        """The least cost of the visits from one on with the gap before it, by the step that `before` ended at."""
        price, to = self.price, self.visits[at]
        if to.is_care:
            return self._suffix(at, 0)[0]
        family = NOTHING if before.is_care else before.family
        idle, off = self._suffix(at, self.problem.setup_of(to.family, family))
        if before.is_care and price.may_be_off:
            assert off is not None
            return off
        stood = idle - price.idle
        return stood if off is None else np.minimum(stood, off, out=stood)

    def _suffix(self, at: int, setup: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Least costs from a step on: idle until then (the idle cost of the end to be taken off), and off."""
        if (found := self._behind.get((at, setup))) is None:
            found = self._behind[at, setup] = self._new_suffix(at, setup)
        return found

    def _new_suffix(self, at: int, setup: int) -> tuple[np.ndarray, np.ndarray | None]:
        price, rest = self.price, self._from(at)
        if self.visits[at].is_care:
            return np.minimum.accumulate(rest[::-1])[::-1], None
        ready = np.full(len(rest), np.inf)
        ready[: len(rest) - setup] = rest[setup:]
        if setup:
            ready[:-setup] += price.setup_kw * (price.worth[setup:] - price.worth[:-setup])
        idle = np.minimum.accumulate((ready + price.idle)[::-1])[::-1]
        if not price.may_be_off:
            return idle, None
        started, st = ready + price.start, price.start_steps
        off = np.full(len(rest), np.inf)
        off[: len(rest) - st] = started[st:]
        return idle, np.minimum.accumulate(off[::-1])[::-1]

    def _to(self, at: int, begin: int) -> np.ndarray:
        """What the gap before a visit that begins then costs, by the step that what is before it ended at."""
        visit, price = self.visits[at], self.price
        out = np.full(self.problem.steps + 1, np.inf)
        if at == 0:
            return out
        if visit.is_care:
            out[: begin + 1] = 0.0
            return out
        before = self.visits[at - 1]
        family = NOTHING if before.is_care else before.family
        ready = begin - self.problem.setup_of(visit.family, family)
        if not (before.is_care and price.may_be_off):
            out[: ready + 1] = price.idle[ready] - price.idle[: ready + 1]
        if price.may_be_off and ready >= price.start_steps:
            head = out[: ready - price.start_steps + 1]
            np.minimum(head, price.start[ready], out=head)
        return out


def best_place(line: Line, visit: Visit, places: Sequence[int]) -> tuple[float, int]:
    """The least that one more visit adds to a line, and before which visit; inf where it finds no room."""
    base = line.cost()
    costs = [(line.inserted(at, visit) - base, at) for at in places]
    return min(costs, default=(np.inf, 0))
