"""The search for a better schedule: parts of it are planned anew, again and again, for as long as there is time.

A small problem is one part. What is found is judged by `timeline`, exactly, and by nothing else; a part's model may
round. A bound of a whole problem is the solver's, or what no schedule can do without.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from models.energy.planning import cpsat, greedy
from models.energy.planning.bound import constant, floor, least, planned
from models.energy.planning.problem import NOTHING, Job, Problem, Schedule
from models.energy.planning.timeline import Figures, all_spans, figures, load_kw
from models.energy.planning.workshop import Workshop

Better = Callable[[Schedule, Figures], None]
"""Is told of each schedule that is better than all before."""
WHOLE = 24
"""Operations up to which the solver is asked for a problem whole. Our choice, by `make bench ONLY=scheduling`."""
WHOLE_SHARE = 0.5
"""Of the time, for that. Our choice."""
MOST_OUT = 6
"""Jobs that are taken out at once. Our choice: of 3, 6 and 10 it costs least on plants that are not the frozen ones."""
NOISE = 0.1
"""Share by which a place's cost is seen worse than it is, at most: not always the best one is taken. Our choice."""
WARMTH = 0.05
"""Of the mean that a job costs over the bound: how much worse a schedule may be that is gone on from. Our choice."""
PEAK_SHARE = 0.3
"""Of rounds that are about the highest quarter-hour, where it costs. Our choice."""
PEAK_LOWER = 0.1
"""Share by which those ask for less power, at most, and others may take more. Our choice."""
RAISE_SHARE = 0.05
"""Of rounds in which more power may be taken, where the peak costs. Our choice."""
CAPS = 8
"""Peaks that the first schedule is tried under. Our choice."""
BOUND_SHARE = 0.1
"""Of the time, at most, for the bound of a problem that is not the solver's. Our choice."""
LEAST_S = 0.05
"""Seconds below which no part is begun. Our choice."""
PATIENCE = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares that waiting costs the first schedules: the best of them is gone on from. Our choice."""
FORGOTTEN_SHARE = 0.5
"""Of rounds in which a job that found no room is tried again. Our choice."""
TRIES = 8
"""Greedy schedules until one stays under the limit. Our choice."""
OVER_KW = 1e-6
"""Over the limit by less is none: sums of floats differ by it."""
WORSE = 1e-9
"""A cost lower by less than this share is no better: sums of floats differ by it."""


class Found(NamedTuple):
    """The best schedule that was found, what it takes, and the cost that none can be below."""

    schedule: Schedule
    figures: Figures
    bound: float
    parts: int
    seconds: float

    @property
    def gap(self) -> float:
        """How much of the cost may at most be left to gain, 0 to 1."""
        cost = self.figures.cost
        return min(1.0, max(0.0, (cost - self.bound) / abs(cost))) if cost else 0.0


class Limits(NamedTuple):
    """Seconds of a search, its seed, and workers of the solver."""

    seconds: float = 20.0
    seed: int = 1
    workers: int = 2


def search(
    problem: Problem,
    limits: Limits,
    now_s: Callable[[], float],
    start: Schedule | None = None,
    better: Better = lambda *_: None,
) -> Found:
    """The best within the time, told as it gets `better`; from a greedy one, or from `start` where that costs less."""
    began_s = now_s()
    best = min((one for one in (first(problem), start) if one is not None), key=lambda one: _rank(problem, one))
    found = Found(best, figures(problem, best), floor(problem, best), 0, 0.0)
    better(best, found.figures)
    is_whole = is_small(problem, best)
    until_s = began_s + limits.seconds * (1.0 - WHOLE_SHARE * is_whole)
    if not is_plain(problem):
        bound_s = now_s() + limits.seconds * BOUND_SHARE
        found = _bounded(problem, found, lambda: now_s() < min(bound_s, until_s))
        found = _mended(problem, found, limits.seed, lambda: now_s() < until_s, better)
    if is_whole:
        found = _proven(problem, found, limits, began_s + limits.seconds - now_s(), better)
    return found._replace(seconds=now_s() - began_s)


def mended(problem: Problem, seed: int, rounds: int) -> Found:
    """What so many rounds make of the first schedule: the same on every machine."""
    best = first(problem)
    left = iter(range(rounds))
    found = _bounded(problem, Found(best, figures(problem, best), floor(problem, best), 0, 0.0), lambda: True)
    return _mended(problem, found, seed, lambda: next(left, None) is not None, lambda *_: None)


def is_plain(problem: Problem) -> bool:
    """Whether nothing but times counts: no machine's gaps, starts or setups cost."""
    return not problem.setup.any() and all(
        one.idle_kw == one.floor_kw == one.start_kw and (one.start_steps == 0 or not one.may_be_off)
        for one in problem.machines
    )


def is_small(problem: Problem, schedule: Schedule) -> bool:
    """Whether the solver is asked for all of it at once."""
    return is_plain(problem) or 0 < len(planned(schedule)) <= WHOLE


def _proven(problem: Problem, found: Found, limits: Limits, left_s: float, better: Better) -> Found:
    """What the solver makes of all of it, and its bound."""
    free = [at for at in planned(found.schedule) if at not in problem.fixed]
    part = cpsat.Part(problem, found.schedule, free, range(len(problem.cares)))
    answer = part.solve(cpsat.Limits(max(left_s, LEAST_S), limits.workers, limits.seed))
    bound = found.bound if answer.bound is None else max(found.bound, answer.bound + constant(problem))
    if answer.schedule is not None and _is_better(problem, answer.schedule, found.figures):
        found = found._replace(schedule=answer.schedule, figures=figures(problem, answer.schedule))
        better(found.schedule, found.figures)
    return found._replace(bound=min(bound, found.figures.cost))


def _bounded(problem: Problem, found: Found, goes_on: Callable[[], bool]) -> Found:
    """With a higher bound, where there is one."""
    bound = least(problem, found.schedule, found.figures.cost, goes_on)
    return found._replace(bound=min(max(found.bound, bound), found.figures.cost))


def _mended(problem: Problem, found: Found, seed: int, goes_on: Callable[[], bool], better: Better) -> Found:
    """Jobs taken out and put back, for as long as there is time; a worse schedule is gone on from at times."""
    chooser = random.Random(seed)
    workshop = Workshop(problem, found.schedule, _cap(problem, found.figures))
    at, rounds, left = found.figures, 0, forgotten(problem, found.schedule)
    warmth = WARMTH * abs(at.cost - found.bound) / max(1, len(problem.jobs))
    can = bool(left) or any(_may_move(problem, found.schedule, job) for job in problem.jobs)
    while goes_on() and (can or not rounds):
        rounds += 1
        before, workshop.cap_kw = workshop.state(), _cap(problem, at)
        is_over = _over(problem, at) > 0
        schedule = _shaken(workshop, chooser, left, is_over=is_over) if rounds > 1 else _timed(workshop)
        took = None if schedule is None else figures(problem, schedule)
        still = left if schedule is None or not left else forgotten(problem, schedule)
        gain = _gain(problem, (left, at), (still, took or at))
        if schedule is None or took is None or gain < 0 or (
            gain == 0 and took.cost >= at.cost + warmth * chooser.expovariate(1.0)
        ):  # fmt: skip
            workshop.restore(before)
            continue
        workshop.refresh()
        if gain > 0 or took.cost < found.figures.cost - WORSE * abs(found.figures.cost):
            bound = floor(problem, schedule) if len(still) < len(left) else found.bound
            found = found._replace(schedule=schedule, figures=took, bound=bound)
            better(schedule, took)
        at, left = took, still
    return found._replace(parts=rounds)


def _timed(workshop: Workshop) -> Schedule:
    """All machines timed anew in the order that they have: of maintenance alone there is nothing else to do."""
    workshop.settle_all()
    return workshop.schedule


def _gain(problem: Problem, was: tuple[list[int], Figures], now: tuple[list[int], Figures]) -> int:
    """Whether more is planned or the limit is passed by less, whatever that costs: 1; by more is never good: -1."""
    over, before = _over(problem, now[1]), _over(problem, was[1])
    if over > before + OVER_KW:
        return -1
    return int(len(now[0]) < len(was[0]) or over < before - OVER_KW)


def _over(problem: Problem, took: Figures) -> float:
    """By how many kW the limit is passed."""
    return max(0.0, took.highest_kw - problem.site.limit_kw - OVER_KW)


def _shaken(workshop: Workshop, chooser: random.Random, left: list[int], *, is_over: bool) -> Schedule | None:
    """Some jobs near each other taken out and put back, at times with one that is left; None where one has no room."""
    problem = workshop.problem
    workshop.low_kw = workshop.cap_kw
    if problem.site.demand_price and chooser.random() < RAISE_SHARE:
        workshop.low_kw = workshop.cap_kw = min(problem.site.limit_kw, workshop.cap_kw * (1.0 + PEAK_LOWER))
    more = [chooser.choice(left)] if left and chooser.random() < FORGOTTEN_SHARE else []
    if is_over or (problem.site.demand_price and chooser.random() < PEAK_SHARE):
        workshop.low_kw *= 1.0 - PEAK_LOWER * chooser.random()
        jobs = _highest(problem, workshop.schedule, chooser)
    else:
        jobs = _near(problem, workshop.schedule, chooser, more)
    workshop.take_out([at for job in jobs for at in problem.jobs[job].operations])
    chooser.shuffle(jobs)
    for job in (*more, *jobs):
        for at in problem.jobs[job].operations:
            if not workshop.put_back(at, chooser, NOISE):
                return None
    return workshop.schedule


def _near(problem: Problem, schedule: Schedule, chooser: random.Random, left: list[int]) -> list[int]:
    """Jobs that are done about the same time, or on the same machines, as one of them, or as the one that is left."""
    movable = [n for n, job in enumerate(problem.jobs) if _may_move(problem, schedule, job)]
    if not movable:
        return []
    one = left[0] if left else chooser.choice(movable)
    job = problem.jobs[one]
    machines = {schedule.machine_of(problem, at) for at in job.operations}
    rivals = {option.machine for at in job.operations for option in problem.operations[at].options}
    begin = schedule.begin[job.operations[0]]
    if left:
        begin = chooser.randint(job.release, max(job.release, min(job.due, problem.steps)))
    wanted = machines if not left and chooser.random() < 0.5 else rivals

    def far(other: int) -> tuple[bool, float]:
        at = problem.jobs[other].operations[0]
        is_elsewhere = not wanted & {schedule.machine_of(problem, each) for each in problem.jobs[other].operations}
        return is_elsewhere, abs(schedule.begin[at] - begin) * chooser.uniform(0.5, 1.5)

    return sorted(movable, key=far)[: chooser.randint(1, MOST_OUT)]


def _highest(problem: Problem, schedule: Schedule, chooser: random.Random) -> list[int]:
    """Jobs that run while the site takes most."""
    step = int(load_kw(problem, all_spans(problem, schedule)).argmax())
    jobs = {problem.operations[at].job for at in planned(schedule)
            if schedule.begin[at] <= step < schedule.end_of(problem, at)}  # fmt: skip
    movable = sorted(one for one in jobs if _may_move(problem, schedule, problem.jobs[one]))
    return chooser.sample(movable, min(len(movable), chooser.randint(1, MOST_OUT)))


def _may_move(problem: Problem, schedule: Schedule, job: Job) -> bool:
    is_planned = schedule.option[job.operations[0]] != NOTHING
    return is_planned and not any(at in problem.fixed for at in job.operations)


def forgotten(problem: Problem, schedule: Schedule) -> list[int]:
    """Jobs that found no room."""
    return [
        number for number, job in enumerate(problem.jobs)
        if schedule.option[job.operations[0]] == NOTHING and not any(at in problem.fixed for at in job.operations)
    ]  # fmt: skip


def _cap(problem: Problem, took: Figures) -> float:
    """What jobs' power is held under: the limit, and where the peak costs, the highest that there is."""
    if problem.site.demand_price:
        return min(problem.site.limit_kw, max(took.highest_kw, problem.site.paid_kw))
    return problem.site.limit_kw


def first(problem: Problem) -> Schedule:
    """The best of energy-aware greedy ones and the usual one; where peaks cost, of some under lower and lower ones."""
    choices = (*map(greedy.patient, PATIENCE), greedy.usual)
    made = [(_under(problem, problem.site.limit_kw, choice), choice) for choice in choices]
    best, choice = min(made, key=lambda each: _rank(problem, each[0]))
    if not problem.site.demand_price:
        return best
    took = figures(problem, best)
    lowest = max(problem.site.paid_kw, took.kwh / (problem.steps * problem.step_h))
    caps = np.linspace(took.highest_kw, min(lowest, took.highest_kw), CAPS + 1)[1:]
    return min((best, *(_under(problem, cap, choice) for cap in caps)), key=lambda one: _rank(problem, one))


def _under(problem: Problem, cap_kw: float, choice: greedy.Choice) -> Schedule:
    """A greedy one under a power; anew with less room for jobs where starts and idle machines pass it."""
    site = dataclasses.replace(problem.site, limit_kw=cap_kw)
    capped, spare = dataclasses.replace(problem, site=site), np.zeros(problem.steps)
    tried = list[Schedule]()
    for _ in range(TRIES):
        tried.append(greedy.build(capped, choice, spare))
        over = load_kw(problem, all_spans(problem, tried[-1])) - cap_kw
        if (over <= OVER_KW).all():
            break
        spare += np.maximum(0.0, over)
    return min(tried, key=lambda one: _rank(capped, one))


def _is_better(problem: Problem, schedule: Schedule, took: Figures) -> bool:
    found = figures(problem, schedule)
    return found.highest_kw <= problem.site.limit_kw + OVER_KW and found.cost < took.cost - WORSE * abs(took.cost)


def _rank(problem: Problem, schedule: Schedule) -> tuple[int, float, float]:
    """More jobs first, then less over the limit, then the cost."""
    found = figures(problem, schedule)
    return -len(planned(schedule)), _over(problem, found), found.cost
