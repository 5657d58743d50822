"""A cost that no schedule of the same jobs is below, by Lagrangian relaxation: machines' steps get a price.

Each operation takes its best place at those prices, as if it were alone, and the prices of all steps are taken off
again: that is below every schedule whatever the prices are. They rise where more than one operation wants a step. What
it leaves out is the order of a job's operations, setups, gaps and the peak.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models.energy.planning.line import Visit
from models.energy.planning.problem import Problem

ROUNDS = 300
"""Changes of the prices at most. Our choice."""
STEP = 1.0
"""Of Polyak's step, which would be 1 if the best cost were the least (Polyak 1969). Our choice, as is the next."""
SLACK = 10
"""Rounds without a better bound after which the step is halved."""


def dual(
    problem: Problem, ways: Sequence[Sequence[tuple[int, Visit]]], above: float, goes_on: Callable[[], bool]
) -> float:
    """What operations cost at the least over machines' floors, each with its ways: a machine and the visit.

    `above` is what they cost in a schedule. -inf for none.
    """
    if not ways:
        return 0.0
    flat = [way for each in ways for way in each]
    first = np.cumsum([0, *(len(each) for each in ways)])[:-1]
    machine, steps = np.array([one for one, _ in flat]), np.array([visit.steps for _, visit in flat])
    keys, row = np.unique(np.stack([machine, steps]), axis=1, return_inverse=True)
    cost, row = np.stack([visit.cost for _, visit in flat]), row.ravel()
    is_open = np.array([one.is_open & (np.arange(problem.steps) >= one.free_from) for one in problem.machines])
    price, best, step, since = np.zeros(is_open.shape), -np.inf, STEP, 0
    for _ in range(ROUNDS):
        windows = _windows(price, keys)
        total = cost + windows[row]
        begin = total.argmin(axis=1)
        least = total[np.arange(len(flat)), begin]
        taken = [int(lo + least[lo:hi].argmin()) for lo, hi in zip(first, [*first[1:], len(flat)], strict=True)]
        value = float(least[taken].sum() - price[is_open].sum())
        best, since = (value, 0) if value > best else (best, since + 1)
        if since > SLACK:
            step, since = step / 2, 0
        over = _used(machine[taken], begin[taken], steps[taken], price.shape) - is_open
        size = float((over[is_open & ((over > 0) | (price > 0))] ** 2).sum())
        if not size or value >= above or not goes_on():
            break
        price = np.where(is_open, np.maximum(0.0, price + step * (above - value) / size * over), 0.0)
    return best


def _windows(price: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """What so many steps of a machine cost from each step on, [keys, steps + 1]; 0 where the plan ends before."""
    until = np.concatenate((np.zeros((len(price), 1)), np.cumsum(price, axis=1)), axis=1)
    out = np.zeros((keys.shape[1], until.shape[1]))
    for at, (machine, steps) in enumerate(keys.T.tolist()):
        out[at, : until.shape[1] - steps] = until[machine, steps:] - until[machine, : until.shape[1] - steps]
    return out


def _used(machine: np.ndarray, begin: np.ndarray, steps: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """How many operations take each step of each machine."""
    edges = np.zeros((shape[0], shape[1] + 1))
    np.add.at(edges, (machine, begin), 1)
    np.add.at(edges, (machine, begin + steps), -1)
    return np.asarray(np.cumsum(edges, axis=1)[:, :-1])
