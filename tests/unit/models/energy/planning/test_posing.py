"""How things stand becomes a problem: what is left out has its reason, and what is assumed is said."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from models.energy.planning import search
from models.energy.planning.posing import pose
from models.energy.planning.problem import Place
from models.energy.planning.telling import Made, told
from models.energy.planning.timeline import all_spans
from models.energy.planning.warned import chance_by
from models.records import (
    EnergyProfile,
    Learned,
    NotPlanned,
    PlannedCare,
    PlannedJob,
    PlannedPower,
    PlanReason,
    PowerState,
    ProductEnergy,
)
from tests.kit.energy_check import walk
from tests.kit.production import DAY_US, HOUR_US, MONDAY_US, order, plant, situation, tariff, warning


def machine(posed, name):
    return next(one for one in posed.problem.machines if one.name == name)


def why(posed):
    return {one.order: one.why for one in posed.unplanned}


def test_an_order_is_a_job_with_an_operation_for_each_step_of_its_route():
    posed = pose(situation(order("a", "cover", 90)))
    first, second = posed.problem.operations
    assert {posed.problem.machines[option.machine].name for option in first.options} == {
        "press-1",
        "press-2",
        "press-3",
    }
    assert {posed.problem.machines[option.machine].name for option in second.options} == {"trim-1", "trim-2"}


def test_a_run_takes_as_many_steps_as_its_units_take_rounded_up():
    posed = pose(situation(order("a", "cover", 91)))
    press_1 = [option for option in posed.problem.operations[0].options if option.machine == 0]
    assert press_1[0].steps == 13  # 91 units at 90 an hour in steps of 5 min


def test_the_energy_of_a_run_is_that_of_its_units_and_of_the_rest_of_its_last_step():
    posed = pose(situation(order("a", "cover", 90)))
    option = posed.problem.operations[0].options[0]
    assert option.kw * option.steps * posed.problem.step_h == pytest.approx(90 * 0.38)


def test_a_slower_speed_takes_longer_at_less_power_and_more_energy():
    posed = pose(situation(order("a", "cover", 360)))
    full, slow = posed.problem.operations[0].options[:2]
    assert slow.steps > full.steps
    assert slow.kw < full.kw
    assert slow.kw * slow.steps > full.kw * full.steps


def test_an_unknown_product_is_named():
    posed = pose(situation(order("a", "lid"), order("b")))
    assert why(posed) == {"a": NotPlanned.UNKNOWN_PRODUCT}
    assert [job.name for job in posed.problem.jobs] == ["b"]


def test_an_order_whose_machines_are_broken_is_named():
    posed = pose(situation(order("a", "seal"), down=frozenset({"oven"})))
    assert why(posed) == {"a": NotPlanned.NO_MACHINE}
    assert posed.problem.operations == ()


def test_an_order_that_takes_longer_than_any_working_time_is_named():
    posed = pose(situation(order("a", "cover", 9000)))
    assert why(posed) == {"a": NotPlanned.TOO_LONG}


def test_machines_work_in_their_shifts():
    is_open = machine(pose(situation(order("a"))), "press-1").is_open
    assert is_open[: 16 * 12].all()  # Monday 06:00 to 22:00
    assert not is_open[16 * 12 : 24 * 12].any()
    assert is_open[24 * 12]


def test_prices_are_by_the_hour_and_the_day_before_stands_in():
    price = [0.1 + 0.01 * hour for hour in range(24)]
    posed = pose(situation(order("a"), tariffs=(tariff(price),)))
    assert posed.problem.site.price[[0, 12, 24 * 12]] == pytest.approx([0.1, 0.11, 0.1])
    assert any("those of the day before" in word for word in posed.assumed)


def test_the_newest_tariff_holds():
    early = tariff([0.1] * 72)
    late = msgspec.structs.replace(tariff([0.3] * 72), time_us=MONDAY_US + 1)
    posed = pose(situation(order("a"), tariffs=(late, early)))
    assert posed.problem.site.price[0] == 0.3


def test_without_a_tariff_the_plant_files_price_holds_and_is_said():
    posed = pose(situation(order("a")))
    assert (posed.problem.site.price == 0.11).all()
    assert any("0.11 at any time" in word for word in posed.assumed)


def test_the_ratchet_is_billed_whatever_is_planned():
    assert pose(situation(order("a"))).problem.site.paid_kw == pytest.approx(0.8 * 260)


def test_a_warning_becomes_maintenance_before_its_deadline():
    (care,) = pose(situation(order("a"), warnings=(warning("press-1"),))).problem.cares
    assert care.steps == 24  # two hours
    assert care.latest == 48 * 12
    assert (np.diff(care.risk) >= 0).all()


def test_a_warning_of_a_machine_that_is_not_planned_asks_for_nothing():
    assert pose(situation(order("a"), warnings=(warning("site"),))).problem.cares == ()


def test_the_risk_of_waiting_is_the_chance_times_what_a_failure_costs():
    (care,) = pose(situation(order("a"), warnings=(warning("press-1"),))).problem.cares
    assert care.risk[24 * 12] == pytest.approx(0.1 * 8 * 180)


def test_without_chances_the_risk_grows_evenly_until_the_deadline():
    one = warning(chances=())
    assert chance_by(one, np.array([MONDAY_US, MONDAY_US + DAY_US, MONDAY_US + 3 * DAY_US])).tolist() == [0.0, 0.5, 1.0]


def learned(value, minutes=600):
    return Learned(value=value, error=value * 0.01, minutes=minutes)


def profile(minutes=600):
    return EnergyProfile(
        plant="moulding", asset="press-1", time_us=MONDAY_US, states_kw={"idle": learned(12.0, minutes)},
        start_kwh=learned(9.0), start_min=learned(30.0), running_kw=learned(15.0),
        products=(ProductEnergy(product="cover", kwh_per_unit=learned(0.2, minutes), units_per_h=learned(100.0)),),
    )  # fmt: skip


def test_what_was_learned_of_a_machine_takes_the_place_of_the_plant_files_word():
    posed = pose(situation(order("a", "cover", 100), profiles={"press-1": profile()}))
    one, option = machine(posed, "press-1"), posed.problem.operations[0].options[0]
    assert (one.idle_kw, one.start_kw, one.start_steps) == (12.0, 18.0, 6)
    assert (option.kw, option.steps) == (pytest.approx(15.0 + 0.2 * 100), 12)
    assert posed.errors[0] < posed.errors[1]


def test_what_was_learned_of_too_little_data_does_not():
    posed = pose(situation(order("a"), profiles={"press-1": profile(minutes=10)}))
    assert machine(posed, "press-1").idle_kw == 17


def running(begin_h, end_h, setup_h=None, **said):
    """A plan that has one job of order `a` on press-1."""

    def us(hours):
        return MONDAY_US + round(hours * HOUR_US)

    setup_us = us(begin_h if setup_h is None else setup_h)
    job = PlannedJob(
        order="a", product="cover", units=90, step=0, asset="press-1", setup_us=setup_us,
        begin_us=us(begin_h), end_us=us(end_h), kwh=34.0, due_us=MONDAY_US + DAY_US,
    )  # fmt: skip
    here = situation(order("a"))
    posed = pose(here)
    plan = told(here, posed, search.first(posed.problem), Made(PlanReason.FIRST, MONDAY_US, "test", 1.0, None, 0))
    return msgspec.structs.replace(plan, jobs=(job,), **({"power": (), "care": ()} | said))


def test_a_job_that_began_is_made_as_planned_and_its_machine_free_after_it():
    posed = pose(situation(order("a"), running=running(-0.5, 0.5)))
    assert machine(posed, "press-1").free_from == 6
    assert machine(posed, "press-1").is_on
    assert [step.step for step in posed.steps] == [1]
    assert posed.problem.jobs[0].release == 6


def test_a_job_that_begins_soon_stays_where_it_is():
    posed = pose(situation(order("a"), running=running(0.5, 1.5)))
    assert posed.problem.fixed == {0: Place(0, 6)}


def test_a_job_that_begins_later_may_move_at_a_cost():
    posed = pose(situation(order("a"), running=running(5.0, 6.0)))
    assert posed.problem.fixed == {}
    assert posed.problem.before == {0: Place(0, 60)}
    assert posed.problem.move == 0.5


def test_an_order_over_the_power_limit_is_named():
    base = plant()
    tight = msgspec.structs.replace(base.production.demand, limit_kw=20.0)
    strict = msgspec.structs.replace(base, production=msgspec.structs.replace(base.production, demand=tight))
    posed = pose(situation(order("a"), plant=strict))
    assert why(posed) == {"a": NotPlanned.POWER}


def span(state, begin_h, end_h):
    begin_us, end_us = (MONDAY_US + round(at * HOUR_US) for at in (begin_h, end_h))
    return PlannedPower(asset="press-1", state=state, begin_us=begin_us, end_us=end_us, kw=1.0)


def test_a_machine_that_is_being_started_is_on():
    plan = running(0.25, 1.25, power=(span(PowerState.START, -0.1, 0.25),))
    one = machine(pose(situation(order("a"), running=plan)), "press-1")
    assert (one.is_on, one.free_from) == (True, 0)


def test_a_machine_that_is_being_set_up_is_set_up():
    plan = running(0.25, 1.25, setup_h=-0.1, power=(span(PowerState.SETUP, -0.1, 0.25),))
    posed = pose(situation(order("a"), running=plan))
    assert machine(posed, "press-1").family == posed.problem.operations[0].family


def test_maintenance_that_goes_on_is_not_planned_again_and_its_machine_free_after_it():
    begin_us, end_us = MONDAY_US - HOUR_US, MONDAY_US + HOUR_US
    care = PlannedCare(asset="press-1", alert="warning-press-1", mode="", begin_us=begin_us, end_us=end_us,
                       deadline_us=end_us, chance=0.1, cost=1.0)  # fmt: skip
    posed = pose(situation(order("a"), running=running(5, 6, care=(care,)), warnings=(warning("press-1"),)))
    assert posed.problem.cares == ()
    assert (machine(posed, "press-1").free_from, machine(posed, "press-1").is_on) == (12, False)


def test_a_job_that_a_broken_machine_was_to_finish_is_planned_anew():
    posed = pose(situation(order("a"), running=running(-0.5, 0.5), down=frozenset({"press-1"})))
    assert [step.step for step in posed.steps] == [0, 1]


def test_an_order_that_is_done_leaves_its_machine_free():
    posed = pose(situation(order("b"), running=running(-0.5, 0.5)))
    assert machine(posed, "press-1").free_from == 0


def test_a_product_that_the_plant_file_lost_meanwhile_is_no_fault_of_the_rest():
    at = situation(order("a", "seal", 60), order("b", "cover", 60))
    posed = pose(at)
    plan = told(at, posed, search.mended(posed.problem, 1, 5).schedule, Made(PlanReason.FIRST, MONDAY_US, "", 0, 0, 0))
    production = at.plant.production
    machines = {
        name: msgspec.structs.replace(one, makes={p: m for p, m in one.makes.items() if p != "seal"})
        for name, one in production.machines.items()
    }
    products = {name: one for name, one in production.products.items() if name != "seal"}
    edited = msgspec.structs.replace(
        at.plant, production=msgspec.structs.replace(production, products=products, machines=machines)
    )
    later = situation(*at.orders.values(), plant=edited, running=plan, begin_us=MONDAY_US + DAY_US // 2)
    assert why(pose(later)) == {"a": NotPlanned.UNKNOWN_PRODUCT}


def test_hours_without_any_price_count_the_mean_of_those_known_and_it_is_said():
    at = situation(order("a"), tariffs=(tariff([0.1, 0.3], begin_us=MONDAY_US + 30 * HOUR_US),))
    bare = msgspec.structs.replace(at.plant.production, price_per_kwh=0.0)
    posed = pose(
        situation(*at.orders.values(), tariffs=at.tariffs, plant=msgspec.structs.replace(at.plant, production=bare))
    )
    assert posed.problem.site.price[0] == pytest.approx(0.2)
    assert any(word.startswith("prices of 68 h are the mean of those known") for word in posed.assumed)
    posed = pose(at)
    assert posed.problem.site.price[0] == pytest.approx(0.11)
    assert any(word.startswith("prices of 68 h are 0.11 a kWh") for word in posed.assumed)


def test_a_job_stays_only_where_there_is_still_time_for_the_setup_before_it():
    at = situation(*(order(f"o{n}", name, 60, 6.0) for n, name in enumerate(["cover", "housing", "seal"] * 2)))
    posed = pose(at)
    plan = told(at, posed, search.mended(posed.problem, 1, 20).schedule, Made(PlanReason.FIRST, MONDAY_US, "", 0, 0, 0))
    setups = {"white>black": "120min", "black>white": "120min"}
    edited = msgspec.structs.replace(at.plant.production, setups=setups, frozen="8h")
    later = situation(*at.orders.values(), plant=msgspec.structs.replace(at.plant, production=edited), running=plan)
    posed = pose(later)
    schedule = search.mended(posed.problem, 1, 20).schedule
    assert posed.problem.fixed
    assert walk(posed.problem, schedule, all_spans(posed.problem, schedule)).wrong == []
