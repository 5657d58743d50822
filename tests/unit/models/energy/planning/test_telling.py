"""The record of a plan says what the schedule does, and what that saves."""

from __future__ import annotations

from itertools import pairwise

import pytest

from models.energy.planning import search
from models.energy.planning.posing import pose
from models.energy.planning.telling import Made, told
from models.energy.planning.timeline import all_spans
from models.records import NotPlanned, PlanReason, PowerState, decode, encode
from tests.kit.energy_check import walk
from tests.kit.production import MONDAY_US, order, situation, tariff, warning

MADE = Made(PlanReason.FIRST, MONDAY_US, "test", 1.0, 0.02, 0)
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
