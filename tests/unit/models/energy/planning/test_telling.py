"""The record of a plan says what the schedule does, and what that saves."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from models.energy.planning import search
from models.energy.planning.posing import pose
from models.energy.planning.telling import Made, told
from models.energy.planning.timeline import all_spans
from models.records import NotPlanned, PlanReason, PowerState, decode, encode
from tests.kit.energy_check import walk
from tests.kit.production import HOUR_US, MONDAY_US, order, situation, tariff, warning

MADE = Made(PlanReason.FIRST, MONDAY_US, "test", 1.0, 0.02, 0)
QUARTER_US = 900 * 1_000_000
PRODUCTS = ("cover", "housing", "seal")
PRICES = [0.1 + 0.1 * (6 <= hour < 12) for hour in range(24)] * 3


def plan_of(at, rounds=40):
    posed = pose(at)
    found = search.mended(posed.problem, 1, rounds)
    return posed, found, told(at, posed, found.schedule, MADE)


@pytest.fixture(scope="module")
def some():
    at = situation(
        *(order(f"o-{n}", PRODUCTS[n % 3], 120 + 30 * n, due_h=20 + 5 * n) for n in range(9)),
        tariffs=(tariff(PRICES),), warnings=(warning("press-2"),),
    )  # fmt: skip
    return at, *plan_of(at)


def test_a_plan_reads_back_as_it_was_written(some):
    assert decode(encode(some[-1])) == some[-1]


def test_its_energy_is_what_a_walk_through_its_steps_adds_up_to(some):
    _, posed, found, plan = some
    seen = walk(posed.problem, found.schedule, all_spans(posed.problem, found.schedule))
    assert seen.wrong == []
    assert (plan.figures.kwh, plan.figures.peak_kw) == pytest.approx((seen.kwh, seen.peak_kw), abs=1e-3)


def test_each_step_of_each_order_is_a_job_of_it(some):
    at, _, _, plan = some
    assert sorted((job.order, job.step) for job in plan.jobs) == sorted((name, n) for name in at.orders for n in (0, 1))


def test_power_says_of_each_machine_what_it_does_from_begin_to_end(some):
    plan = some[-1]
    for asset in {one.asset for one in plan.power}:
        spans = [one for one in plan.power if one.asset == asset]
        assert spans[0].begin_us == plan.begin_us
        assert spans[-1].end_us == plan.end_us
        assert all(before.end_us == after.begin_us for before, after in pairwise(spans))


def test_the_oven_is_never_switched_off(some):
    states = {one.state for one in some[-1].power if one.asset == "oven"}
    assert states <= {PowerState.IDLE, PowerState.RUN, PowerState.SETUP}


def test_maintenance_is_placed_before_its_deadline_with_its_chance(some):
    (care,) = some[-1].care
    assert care.alert == "warning-press-2"
    assert care.end_us <= care.deadline_us + 2 * 3600 * 1_000_000
    assert 0 <= care.chance < 0.6


def test_a_plan_costs_no_more_than_the_usual_rule_and_its_saving_is_the_difference(some):
    plan = some[-1]
    cost, usual = (one.energy_cost + one.demand_cost for one in (plan.figures, plan.usual))
    assert cost < usual
    assert plan.saving.cost == pytest.approx(usual - cost, abs=1e-3)
    assert plan.saving.cost_low < plan.saving.cost < plan.saving.cost_high


def test_quarters_are_the_whole_horizon(some):
    quarters = some[-1].quarters
    assert len(quarters.price_per_kwh) == len(quarters.kw) == len(quarters.usual_kw) == 72 * 4


def test_orders_that_find_no_room_are_named():
    at = situation(*(order(f"o-{n}", "seal", 1500, due_h=60) for n in range(12)))
    _, _, plan = plan_of(at, rounds=0)
    assert {one.why for one in plan.unplanned} == {NotPlanned.NO_ROOM}
    assert len({job.order for job in plan.jobs}) + len(plan.unplanned) == 12


def test_what_is_saved_is_the_difference_of_costs_where_co2_has_a_price_too():
    co2 = [0.1 + 0.5 * (hour % 7 > 3) for hour in range(72)]
    at = situation(
        *(order(f"o-{n}", PRODUCTS[n % 3], 120, due_h=30) for n in range(4)),
        tariffs=(tariff(PRICES, co2_kg_per_kwh=co2),),
    )
    *_, plan = plan_of(at)
    assert plan.saving.co2_kg != 0
    costs = [one.energy_cost + one.demand_cost for one in (plan.usual, plan.figures)]
    assert plan.saving.cost == pytest.approx(costs[0] - costs[1], abs=1e-3)


def test_an_order_that_the_plan_leaves_out_is_not_counted_as_saved():
    at = situation(order("a", "cover", 90), order("b", "cover", 90))
    posed = pose(at)
    schedule = search.mended(posed.problem, 1, 5).schedule
    out = set(posed.problem.jobs[1].operations)
    less = schedule._replace(option=tuple(-1 if n in out else one for n, one in enumerate(schedule.option)))
    plan = told(at, posed, less, MADE)
    assert plan.usual.units == plan.figures.units == 90
    assert abs(plan.saving.kwh) < 20  # an order of 90 covers takes 38


def test_costs_of_a_plan_without_any_price_are_of_no_currency():
    plant = situation().plant
    bare = msgspec.structs.replace(plant.production, price_per_kwh=0.0)
    at = situation(order("a"), plant=msgspec.structs.replace(plant, production=bare))
    assert plan_of(at)[-1].currency == ""
    assert plan_of(situation(order("a")))[-1].currency == "EUR"


def test_an_order_that_is_released_after_the_plan_is_told_so():
    plan = plan_of(situation(order("a", due_h=900, release_us=MONDAY_US + 500 * HOUR_US)))[-1]
    assert "may begin only after" in plan.unplanned[0].detail


def test_a_step_that_ended_is_not_made_again_however_often_it_is_planned_anew():
    at = situation(order("a", due_h=60))
    _, _, first = plan_of(at)
    press = next(job for job in first.jobs if job.step == 0)
    later_us, plan = press.end_us // QUARTER_US * QUARTER_US + QUARTER_US, first
    for turn in range(3):
        here = situation(order("a", due_h=60), begin_us=later_us + turn * QUARTER_US, running=plan)
        _, _, plan = plan_of(here)
        assert plan.done == (press,)
        assert {job.step for job in plan.jobs} <= {1}


def test_steps_that_ended_are_known_though_the_plan_is_over():
    at = situation(order("a"))
    _, _, first = plan_of(at)
    _, _, later = plan_of(situation(order("a"), begin_us=first.end_us + QUARTER_US, running=first))
    assert later.jobs == ()
    assert {job.step for job in later.done} == {0, 1}
