"""One machine's visits in an order, each at its best time: exact, by dynamic programming over the steps of the plan.

Costs are over the machine's floor. A visit's own cost by the step it begins at is given ([steps + 1], inf where it must
not begin); gaps between visits are idle or off, whichever is cheaper, setups are paid as they fall. Any prices do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    """The least cost of having ended at each step, and of being ready for what comes next; [steps + 1]."""

    ended: np.ndarray
    ready: np.ndarray
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
    """A machine and its visits in order. What was reckoned is kept, and what still holds goes to the next `line`."""

    problem: Problem
    machine: int
    visits: list[Visit]
    price: Price
    _ahead: list[Reached] = field(default_factory=list)
    _rest: list[np.ndarray] = field(default_factory=list)
    """The least cost of visits from one on by the step that it begins at, no gap before it: the last one first."""
    _before: dict[int, np.ndarray] = field(default_factory=dict)
    _after: dict[int, np.ndarray] = field(default_factory=dict)

    def with_visits(self, visits: list[Visit]) -> Line:
        """Another line of the machine; what is reckoned of the first and the last visits that both have is kept."""
        same = [one is other for one, other in zip(self.visits, visits, strict=False)]
        head = same.index(False) if False in same else len(same)
        most = min(len(self.visits), len(visits)) - head
        ends = [self.visits[-1 - n] is visits[-1 - n] for n in range(most)]
        tail = ends.index(False) if False in ends else most
        return Line(self.problem, self.machine, visits, self.price, self._ahead[: head + 1], self._rest[:tail])

    def cost(self) -> float:
        """The least that all visits cost."""
        return float(self._reached(len(self.visits)).ended.min()) if self.visits else 0.0

    def begins(self) -> list[int]:
        """The steps that the visits begin at, at that cost; the earliest of equals, from the last to the first."""
        out: list[int] = []
        limit: np.ndarray | None = None
        for at in range(len(self.visits) - 1, -1, -1):
            ended = self._reached(at + 1).ended
            total = ended if limit is None else ended + limit
            begin = int(total.argmin()) - self.visits[at].steps
            out.append(begin)
            limit = self._to(at, begin)
        return out[::-1]

    def inserted(self, visit: Visit, places: slice = slice(None)) -> np.ndarray:
        """What all cost with one more visit, no maintenance, before each of the visits and after the last, [places]."""
        before, after = self._until(visit.family)[places], self._onward(visit.family)[places]
        last = self.problem.steps + 1 - visit.steps
        both = before[:, :last] + after[:, visit.steps :]
        both += visit.cost[:last]
        return np.asarray(both.min(axis=1))

    def _reached(self, visits: int) -> Reached:
        """After so many of the visits."""
        if not self._ahead:
            one = self.problem.machines[self.machine]
            ended = np.full(self.problem.steps + 1, np.inf)
            ended[one.free_from] = 0.0
            self._ahead.append(Reached(ended, self._made_ready(ended, is_on=one.is_on), one.family))
        while len(self._ahead) <= visits:
            visit = self.visits[len(self._ahead) - 1]
            ended = self._ended(self._ahead[-1], visit)
            family = NOTHING if visit.is_care else visit.family
            self._ahead.append(Reached(ended, self._made_ready(ended, is_on=not visit.is_care), family))
        return self._ahead[visits]

    def _made_ready(self, ended: np.ndarray, *, is_on: bool) -> np.ndarray:
        """The least cost of having the machine ready at each step."""
        price, st = self.price, self.price.start_steps
        if not price.may_be_off:
            return np.asarray(np.minimum.accumulate(ended - price.idle) + price.idle)
        off = price.start.copy()
        off[st:] += np.minimum.accumulate(ended)[: len(off) - st]
        if not is_on:
            return off
        return np.minimum(np.minimum.accumulate(ended - price.idle) + price.idle, off, out=off)

    def _ended(self, before: Reached, visit: Visit) -> np.ndarray:
        """The least cost of having ended at each step with one more visit."""
        if visit.is_care:
            begun = np.minimum.accumulate(before.ended)
        else:
            begun = self._set_up(before.ready, self.problem.setup_of(visit.family, before.family))
        ended = np.full(len(begun), np.inf)
        last = len(begun) - visit.steps
        np.add(begun[:last], visit.cost[:last], out=ended[visit.steps :])
        return ended

    def _set_up(self, ready: np.ndarray, setup: int) -> np.ndarray:
        """Least costs by the step that a setup ends at, by those of being ready for it; [..., steps + 1]."""
        if not setup:
            return ready
        worth, out = self.price.worth, np.full(ready.shape, np.inf)
        out[..., setup:] = ready[..., :-setup] + self.price.setup_kw * (worth[setup:] - worth[:-setup])
        return out

    def _until(self, family: int) -> np.ndarray:
        """The least cost of beginning a visit of a family at each step, [places, steps + 1]."""
        if (found := self._before.get(family)) is None:
            self._reached(len(self.visits))
            setups = [self.problem.setup_of(family, one.family) for one in self._ahead]
            ready = np.array([one.ready for one in self._ahead])
            found = self._before[family] = _by_setup(ready, setups, self._set_up)
        return found

    def _onward(self, family: int) -> np.ndarray:
        """The least cost of visits that follow one of a family, by the step that it ends at; [places, steps + 1]."""
        if (found := self._after.get(family)) is None:
            count = len(self.visits)
            found = self._after[family] = np.zeros((count + 1, self.problem.steps + 1))
            if count:
                self._from(0)
                rest, each = np.array(self._rest[::-1]), self.visits
                setups = [-1 if one.is_care else self.problem.setup_of(one.family, family) for one in each]
                found[:count] = _by_setup(rest, setups, self._gap)
        return found

    def _from(self, at: int) -> np.ndarray:
        """The least cost of the visits from one on, by the step that it begins at, without the gap before it."""
        count = len(self.visits)
        while len(self._rest) < count - at:
            number = count - 1 - len(self._rest)
            visit, last = self.visits[number], self.problem.steps + 1 - self.visits[number].steps
            found = visit.cost.copy()
            found[last:] = np.inf
            if number + 1 < count:
                to, family = self.visits[number + 1], NOTHING if visit.is_care else visit.family
                setup = -1 if to.is_care else self.problem.setup_of(to.family, family)
                found[:last] += self._gap(self._rest[-1], setup, is_on=not visit.is_care)[visit.steps :]
            self._rest.append(found)
        return self._rest[count - 1 - at]

    def _gap(self, rest: np.ndarray, setup: int, *, is_on: bool = True) -> np.ndarray:
        """Least costs by the step that a gap begins at, by those of the visit after it; [..., steps + 1].

        `setup` of maintenance is -1.
        """
        if setup < 0:
            return _least_from(rest)
        price, ready = self.price, rest
        if setup:
            ready = np.full(rest.shape, np.inf)
            ready[..., :-setup] = rest[..., setup:] + price.setup_kw * (price.worth[setup:] - price.worth[:-setup])
        stood = None
        if is_on or not price.may_be_off:
            stood = _least_from(ready + price.idle) - price.idle
        if not price.may_be_off:
            assert stood is not None
            return stood
        off, st = np.full(rest.shape, np.inf), price.start_steps
        off[..., : rest.shape[-1] - st] = (ready + price.start)[..., st:]
        off = _least_from(off)
        return off if stood is None else np.minimum(stood, off, out=stood)

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


def _least_from(costs: np.ndarray) -> np.ndarray:
    """The least from each step on."""
    return np.asarray(np.minimum.accumulate(costs[..., ::-1], axis=-1)[..., ::-1])


def _by_setup(rows: np.ndarray, setups: Sequence[int], of: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    """Rows changed by what their setups ask for, those of equal ones at once."""
    out, each = np.empty_like(rows), np.array(setups)
    for setup in set(setups):
        same = each == setup
        out[same] = of(rows[same], setup)
    return out
