"""A machine's visits in an order are timed at the least cost there is: held against trying all times."""

import numpy as np
import pytest

from models.energy.planning import search
from models.energy.planning.bound import constant, least
from models.energy.planning.line import Line, Visit, price_of
from models.energy.planning.problem import Option, Problem
from models.energy.planning.timeline import figures
from models.energy.planning.workshop import Workshop
from tests.kit.energy_tiny import machine, problem, schedules

STEPS = 11


def one_machine(seed: int, orders: int) -> Problem:
    """Some orders, some prices (below zero too), a break, a machine that may be on, off, or never off."""
    rng = np.random.default_rng(seed)
    one = machine(
        STEPS, closed=[int(rng.integers(3, 8))], start_steps=int(rng.integers(0, 3)), is_on=bool(rng.integers(2)),
        may_be_off=bool(rng.random() < 0.7), free_from=int(rng.integers(0, 2)), family=int(rng.integers(-1, 2)),
        setup_kw=float(rng.uniform(1, 8)), off_kw=float(rng.choice([0.0, 1.0])),
    )  # fmt: skip
    jobs = [
        (int(rng.integers(0, 3)), int(rng.integers(4, STEPS)),
         [(int(rng.integers(0, 2)), [Option(0, int(rng.integers(1, 3)), float(rng.uniform(5, 15)))])])
        for _ in range(orders)
    ]  # fmt: skip
    return problem([one], jobs, rng.uniform(-0.05, 0.3, STEPS), late=float(rng.uniform(0, 1)))


def in_order(of: Problem, order: list[int]) -> Line:
    workshop = Workshop(of, search.first(of)._replace(option=(-1,) * len(of.operations)), np.inf)
    visits = [workshop.plain_visit(at, 0) for at in order]
    return Line(of, 0, visits, price_of(of, of.machines[0]))


@pytest.mark.parametrize("seed", range(25))
def test_a_line_costs_what_the_cheapest_of_all_times_does(seed):
    of = one_machine(seed, 3)
    tried = [
        figures(of, one).cost for one in schedules(of) if np.argsort(one.begin, kind="stable").tolist() == [0, 1, 2]
    ]
    assert in_order(of, [0, 1, 2]).cost() + constant(of) == pytest.approx(min(tried, default=np.inf))


@pytest.mark.parametrize("seed", range(25))
def test_the_times_of_a_line_cost_what_it_says(seed):
    of = one_machine(seed, 3)
    line = in_order(of, [0, 1, 2])
    if np.isfinite(line.cost()):
        schedule = search.first(of)._replace(option=(0, 0, 0), begin=tuple(line.begins()))
        assert figures(of, schedule).cost == pytest.approx(line.cost() + constant(of))


@pytest.mark.parametrize("seed", range(25))
def test_what_one_more_visit_makes_a_line_cost_is_what_the_line_with_it_does(seed):
    of = one_machine(seed, 4)
    line, more = in_order(of, [0, 1, 2]), in_order(of, [3]).visits[0]
    said = line.inserted(more)
    for place in range(4):
        visits = [*line.visits[:place], more, *line.visits[place:]]
        assert said[place] == pytest.approx(Line(of, 0, visits, line.price).cost())


@pytest.mark.parametrize("seed", range(10))
def test_a_line_that_keeps_what_still_holds_costs_what_one_made_anew_does(seed):
    of = one_machine(seed, 4)
    line = in_order(of, [0, 1, 2, 3])
    line.inserted(line.visits[0])
    for visits in (line.visits[1:], line.visits[:2] + line.visits[3:], line.visits[:3], line.visits[::-1]):
        kept, anew = line.with_visits(visits), Line(of, 0, visits, line.price)
        assert kept.cost() == anew.cost()
        np.testing.assert_array_equal(kept.inserted(line.visits[0]), anew.inserted(line.visits[0]))


def test_maintenance_is_a_visit_that_the_machine_is_off_for():
    of = problem([machine(8)], [(0, 8, [(0, [Option(0, 2, 10.0)])]), (0, 8, [(0, [Option(0, 2, 10.0)])])], [1.0] * 8)
    line = in_order(of, [0, 1])
    cost = np.full(9, np.inf)
    cost[3] = 0.0
    with_care = line.with_visits([line.visits[0], Visit(-1, 2, -1, cost, is_care=True), line.visits[1]])
    assert with_care.begins() == [1, 3, 6]
    assert with_care.cost() == 6 + 20 + 6 + 20


@pytest.mark.parametrize("seed", range(12))
def test_no_schedule_is_below_the_bound(seed):
    rng = np.random.default_rng(seed)
    machines = [machine(8, off_kw=1.0), machine(8, closed=[4], may_be_off=False)]
    jobs = [
        (0, int(rng.integers(3, 8)),
         [(int(rng.integers(0, 2)), [Option(m, int(rng.integers(1, 4)), float(rng.uniform(5, 15))) for m in (0, 1)])])
        for _ in range(3)
    ]  # fmt: skip
    of = problem(machines, jobs, rng.uniform(-0.05, 0.3, 8))
    best = min(figures(of, one).cost for one in schedules(of))
    first = search.first(of)
    assert least(of, first, figures(of, first).cost, lambda: True) <= best + 1e-9
