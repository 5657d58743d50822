"""The search: what found no room is tried again, what cannot move is left, and small problems are proven."""

import time

import numpy as np
import pytest

from models.energy.planning import cpsat, search
from models.energy.planning.bound import constant, planned
from models.energy.planning.problem import NOTHING, Option, Place
from models.energy.planning.timeline import figures
from models.energy.planning.workshop import Workshop
from tests.kit.energy_tiny import machine, problem, schedules


def some(seed):
    """Three orders on two machines."""
    rng = np.random.default_rng(seed)
    machines = [machine(9, off_kw=0.5), machine(9, closed=[4], is_on=True)]
    jobs = [
        (int(rng.integers(0, 2)), int(rng.integers(4, 9)),
         [(int(rng.integers(0, 2)), [Option(m, int(rng.integers(1, 3)), float(rng.integers(5, 15))) for m in (0, 1)])])
        for _ in range(3)
    ]  # fmt: skip
    return problem(machines, jobs, rng.choice([0.1, 0.2, 0.3], 9), late=2.0)


@pytest.mark.parametrize("seed", range(6))
def test_the_solver_finds_the_best_of_all_schedules(seed):
    of = some(seed)
    first, best = search.first(of), min(figures(of, one).cost for one in schedules(of))
    answer = cpsat.Part(of, first, planned(first)).solve(cpsat.Limits(None, workers=1))
    assert answer.is_proven
    assert figures(of, answer.schedule).cost == pytest.approx(best, abs=1e-3)
    assert answer.bound + constant(of) == pytest.approx(best, abs=1e-2)


@pytest.mark.parametrize("seed", range(6))
def test_the_search_finds_it_too(seed):
    of = some(seed)
    best = min(figures(of, one).cost for one in schedules(of))
    assert search.mended(of, 1, 60).figures.cost == pytest.approx(best)


def test_an_order_that_found_no_room_is_tried_again():
    orders = [(0, due, [(family, [Option(0, 2, 9.0)])]) for due, family in ((3, 0), (4, 1), (7, 0))]
    of = problem([machine(7, start_steps=0)], orders, [1.0] * 7)  # by due dates two setups, one too many
    assert NOTHING in search.first(of).option
    assert NOTHING not in search.mended(of, 1, 60).schedule.option


def test_where_nothing_may_move_the_search_is_done():
    of = problem([machine(6, start_steps=0)], [(0, 6, [(0, [Option(0, 2, 9.0)])])], [1.0] * 6)
    fixed = type(of)(**{**of.__dict__, "fixed": {0: Place(0, 2)}})
    found = search.search(fixed, search.Limits(0.2), time.perf_counter)
    assert found.schedule.begin == (2,)


def test_an_option_that_is_longer_than_the_plan_is_not_taken():
    of = problem([machine(6, start_steps=0)], [(0, 6, [(0, [Option(0, 20, 1.0), Option(0, 2, 9.0)])])], [1.0] * 6)
    assert search.search(of, search.Limits(0.2), time.perf_counter).schedule.option == (1,)


def test_what_is_fixed_outside_working_time_is_paid_for_as_any_other():
    one = machine(6, start_steps=0, closed=(2, 3))
    of = problem([one], [(0, 6, [(0, [Option(0, 2, 9.0)])])], [1.0, 1.0, -1.0, -1.0, 1.0, 1.0])
    fixed = type(of)(**{**of.__dict__, "fixed": {0: Place(0, 2)}})
    workshop = Workshop(fixed, search.first(fixed), np.inf)
    assert workshop.cost() + constant(fixed) == figures(fixed, workshop.schedule).cost == -18.0
