"""A week planned day by day, as prices become known: each midnight the next day's are, others are thought to repeat it.

What has begun stays where it is. What comes out is one schedule of the whole week, to be judged at the real prices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from models.energy.planning import search
from models.energy.planning.problem import NOTHING, Place, Problem, Schedule
from tests.kit.energy_plants import DAY


def by_day(problem: Problem, limits: search.Limits, now_s: Callable[[], float]) -> Schedule:
    """`limits` are each day's."""
    running: Schedule | None = None
    for begin in range(0, problem.steps, DAY):
        posed = problem if running is None else at_midnight(problem, running, begin)
        site = replace(problem.site, price=known(problem.site.price, begin))
        running = search.search(replace(posed, site=site), limits, now_s, running).schedule
    assert running is not None
    return running


def known(price: np.ndarray, begin: int) -> np.ndarray:
    """Prices as they are known at a midnight: the day's, which stand in for those after it."""
    end = begin + DAY
    return np.concatenate((price[:end], np.resize(price[begin:end], max(0, len(price) - end))))


def at_midnight(problem: Problem, running: Schedule, begin: int) -> Problem:
    """What is still to be planned then: what has begun is fixed, nothing else begins before."""
    fixed = {
        at: Place(option, running.begin[at])
        for at, option in enumerate(running.option)
        if option != NOTHING and running.begin[at] < begin
    }
    jobs = tuple(job._replace(release=max(job.release, begin)) for job in problem.jobs)
    return replace(problem, fixed=fixed, jobs=jobs)
