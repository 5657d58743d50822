"""Whatever is to be planned, what comes out can be done, and takes what it says."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.energy.planning import greedy, search
from models.energy.planning.problem import (
    NOTHING,
    Care,
    Job,
    Machine,
    Operation,
    Option,
    Place,
    Problem,
    Schedule,
    Site,
)
from models.energy.planning.timeline import Habit, all_spans, figures
from models.energy.planning.workshop import Workshop
from tests.kit.energy_check import walk

STEPS = 96


def problem_of(seed: int, most: int = 3) -> Problem:
    """Some plant for a day in quarter-hours: one in two with steps after steps, limits, prices below zero."""
    rng = np.random.default_rng(seed)
    machines = tuple(_machine(rng, n) for n in range(int(rng.integers(1, 5))))
    operations, jobs = [], []
    most = int(rng.integers(1, most + 1))
    for number in range(int(rng.integers(1, 13))):
        first = len(operations)
        for _ in range(int(rng.integers(1, most + 1))):
            can = rng.permutation(len(machines))[: int(rng.integers(1, len(machines) + 1))]
            steps = int(rng.integers(1, 8))
            options = [Option(int(m), steps, float(rng.uniform(5, 40))) for m in can]
            if rng.random() < 0.3:
                options.append(Option(int(can[0]), steps + 2, float(rng.uniform(3, 30))))
            operations.append(Operation(number, int(rng.integers(0, 3)), tuple(options)))
        release, due = sorted(int(one) for one in rng.integers(0, STEPS, 2))
        jobs.append(Job(f"job-{number}", tuple(range(first, len(operations))), release, due, float(rng.uniform(0, 3))))
    cares = tuple(_care(rng, machines) for _ in range(int(rng.integers(0, 2))))
    price = rng.uniform(-0.05, 0.3, STEPS) if rng.random() < 0.6 else np.full(STEPS, 0.2)
    site = Site(
        price=price,
        co2=rng.uniform(0, 0.4, STEPS),
        base_kw=rng.uniform(0, 10, STEPS),
        co2_price=float(rng.choice([0.0, 0.1])),
        demand_price=float(rng.choice([0.0, 2.0])),
        paid_kw=20.0,
        limit_kw=float(rng.choice([np.inf, 200.0])),
    )
    setup = rng.integers(0, 3, (3, 3)) * (1 - np.eye(3, dtype=int))
    return Problem(
        step_s=900,
        machines=machines,
        operations=tuple(operations),
        jobs=tuple(jobs),
        setup=setup,
        site=site,
        cares=cares,
    )


def _machine(rng: np.random.Generator, number: int) -> Machine:
    is_open = np.ones(STEPS, bool)
    if rng.random() < 0.5:
        begin = int(rng.integers(20, 60))
        is_open[begin : begin + int(rng.integers(1, 25))] = False
    off, idle = float(rng.choice([0.0, 1.0])), float(rng.uniform(1, 10))
    return Machine(
        name=f"machine-{number}", off_kw=off, idle_kw=idle, setup_kw=float(rng.uniform(1, 12)),
        start_kw=float(rng.uniform(2, 15)), start_steps=int(rng.integers(0, 4)), is_open=is_open,
        may_be_off=bool(rng.random() < 0.8), free_from=int(rng.choice([0, 0, 3])), family=int(rng.integers(-1, 3)),
        is_on=bool(rng.random() < 0.5),
    )  # fmt: skip


def _care(rng: np.random.Generator, machines: tuple[Machine, ...]) -> Care:
    machine = int(rng.integers(len(machines)))
    earliest = int(rng.integers(machines[machine].free_from, STEPS // 2))
    return Care(machine=machine, steps=int(rng.integers(1, 6)), earliest=earliest, latest=STEPS - 12,
                risk=np.linspace(0, float(rng.uniform(0, 20)), STEPS))  # fmt: skip


def check(problem: Problem, schedule: Schedule, habit: Habit = Habit.CHEAPEST) -> None:
    """That it can be done, and takes what it is said to."""
    took, seen = figures(problem, schedule, habit), walk(problem, schedule, all_spans(problem, schedule, habit))
    assert seen.wrong == []
    assert (took.kwh, took.energy_cost, took.peak_kw) == pytest.approx((seen.kwh, seen.cost, seen.peak_kw))


@given(st.integers(0, 10**9))
@settings(deadline=None, max_examples=60)
def test_a_schedule_of_one_pass_can_be_done_and_takes_what_it_says(seed):
    problem = problem_of(seed)
    for choice, habit in itertools.product((greedy.usual, greedy.thrifty), Habit):
        schedule = greedy.build(problem, choice)
        check(problem, schedule, habit)


@given(st.integers(0, 10**9))
@settings(deadline=None, max_examples=30)
def test_a_schedule_that_was_searched_can_be_done_costs_no_more_and_keeps_to_its_bound(seed):
    problem = problem_of(seed)
    first = search.first(problem)
    found = search.mended(problem, seed, rounds=15)
    check(problem, found.schedule)
    assert found.figures.cost <= figures(problem, first).cost + 1e-6
    assert search.floor(problem, found.schedule) <= found.figures.cost + 1e-6
    assert sum(option != NOTHING for option in found.schedule.option) >= sum(one != NOTHING for one in first.option)


@given(st.integers(0, 10**9))
@settings(deadline=None, max_examples=60)
def test_what_a_workshop_says_machines_cost_is_what_the_schedule_takes(seed):
    problem = problem_of(seed, most=1)
    schedule = search.first(problem)
    workshop = Workshop(problem, schedule, np.inf)
    workshop.settle_all()
    said = workshop.cost() + search.constant(problem)
    took = figures(problem, workshop.schedule)
    assert said == pytest.approx(took.energy_cost + took.late_cost + took.risk_cost, abs=1e-6)
    if np.isinf(problem.site.limit_kw):
        check(problem, workshop.schedule)


@given(st.integers(0, 10**9))
@settings(deadline=None, max_examples=10)
def test_what_is_fixed_stays_where_it_is_whoever_searches(seed):
    loose = problem_of(seed, most=1)
    first = search.first(loose)
    kept = [at for at, option in enumerate(first.option) if option != NOTHING][:2]
    problem = replace(loose, fixed={at: Place(first.option[at], first.begin[at]) for at in kept})
    found = search.search(problem, search.Limits(0.4, seed % 1000), time.monotonic)
    assert all((found.schedule.option[at], found.schedule.begin[at]) == place for at, place in problem.fixed.items())
