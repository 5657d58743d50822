"""Savings against a baseline, their intervals, CUSUM, EnPI and the limits of ASHRAE Guideline 14."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from models.energy.baseline import Baseline, Validity, expected, fit
from models.energy.performance import Calibration, Fitness, Steps, calibration, cusum, enpi, fitness, saving
from models.energy.realised import realised, result
from models.records import Plan, PlanFigures, PlanReason, PlanSaving, Quarters

DAY_US = 86_400_000_000


def rows(count: int, seed: int, memory: float = 0.0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    random = np.random.default_rng(seed)
    made, noise = random.uniform(100, 300, count), random.standard_normal(count)
    for at in range(1, count):
        noise[at] = memory * noise[at - 1] + np.sqrt(1 - memory**2) * noise[at]
    return 500 + 2.5 * made + 30 * noise, {"made": made}


def baseline(seed: int = 1, count: int = 60, memory: float = 0.0) -> Baseline:
    found = fit(*rows(count, seed, memory))
    assert isinstance(found, Baseline)
    return found


def test_a_tenth_less_energy_is_a_saving_of_a_tenth():
    energy, drivers = rows(30, 2)
    assert saving(baseline(), energy * 0.9, drivers, 0, DAY_US).share == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_four_in_five_intervals_hold_the_true_saving_also_of_periods_that_say_the_same_again(memory):
    held = []
    for seed in range(400):
        energy, drivers = rows(20, 10_000 + seed, memory)
        should = 500 + 2.5 * drivers["made"]
        found = saving(baseline(seed, 60, memory), energy - 0.1 * should, drivers, 0, DAY_US)
        true = 1.0 - (energy - 0.1 * should).sum() / energy.sum()
        held.append(found.low <= true <= found.high)
    print(f"memory {memory}: {np.mean(held):.3f} of intervals of 80 % hold the true saving")
    assert 0.74 <= np.mean(held) <= 0.88


def test_nothing_is_claimed_against_a_baseline_that_breaks_a_rule():
    energy, drivers = rows(30, 2)
    found = saving(replace(baseline(), broken=(Validity.R2,)), energy * 0.5, drivers, 0, DAY_US)
    assert (found.is_valid, found.share, found.why) == (False, 0.0, "the baseline breaks: r2")


def test_nothing_is_claimed_of_an_output_that_the_baseline_never_saw():
    found = saving(baseline(), np.full(5, 400.0), {"made": np.full(5, 900.0)}, 0, DAY_US)
    assert found.validity is Validity.OUT_OF_RANGE


def test_nothing_is_claimed_of_a_time_that_was_not_measured_whole():
    energy, drivers = rows(5, 2)
    energy[3] = np.nan
    assert not saving(baseline(), energy, drivers, 0, DAY_US).is_valid


def test_the_result_of_a_plan_has_both_savings_side_by_side():
    energy, drivers = rows(30, 2)
    found = realised("demo", "p1", 0.12, baseline(), energy * 0.9, drivers, 0, DAY_US)
    assert found.is_valid and found.predicted == 0.12 and found.realised == pytest.approx(0.1, abs=0.02)


def test_the_result_of_a_plan_says_why_it_claims_nothing():
    found = realised("demo", "p1", 0.12, baseline(), np.ones(2), {"made": np.full(2, 9e3)}, 0, DAY_US)
    assert not found.is_valid and found.why.startswith("mean made")


def plan(usual_kwh: float, saved_kwh: float) -> Plan:
    def figures(kwh: float) -> PlanFigures:
        return PlanFigures(
            kwh=kwh, energy_cost=0, demand_cost=0, co2_kg=None, peak_kw=0, late_h=0, late_orders=0, units=0
        )

    saves = PlanSaving(kwh=saved_kwh, kwh_low=0, kwh_high=saved_kwh, cost=0, cost_low=0, cost_high=0, co2_kg=None)
    return Plan(
        plant="demo", id="p1", revision=0, made_us=0, begin_us=DAY_US, end_us=2 * DAY_US, reason=PlanReason.FIRST,
        jobs=(), power=(), care=(), unplanned=(), figures=figures(usual_kwh - saved_kwh), usual=figures(usual_kwh),
        saving=saves, gap=None, solver="none", seconds=0.0, moved=0, assumed=(),
        quarters=Quarters(price_per_kwh=(), kw=(), usual_kw=()), currency="EUR",
    )  # fmt: skip


def test_a_plan_is_held_to_the_share_of_the_usual_plan_that_it_said_it_would_save():
    energy, drivers = rows(24, 2)
    found = result(plan(1000.0, 80.0), baseline(), energy, drivers)
    assert (found.plan, found.predicted, found.begin_us, found.end_us) == ("p1", 0.08, DAY_US, 2 * DAY_US)


def test_a_plan_of_nothing_predicts_no_saving():
    energy, drivers = rows(24, 2)
    assert result(plan(0.0, 0.0), baseline(), energy, drivers).predicted == 0.0


@given(st.integers(0, 1000), st.integers(6, 80))
def test_the_cusum_of_the_rows_it_was_made_of_ends_at_zero(seed, count):
    energy, drivers = rows(count, seed)
    found = fit(energy, drivers)
    assert cusum(energy, expected(found, drivers).kwh)[-1] == pytest.approx(0.0, abs=1e-8 * energy.sum())


def test_a_cusum_falls_by_what_is_saved_from_the_day_on_that_it_is():
    should = np.full(6, 100.0)
    assert cusum(np.array([100, 100, 100, 90, 90, 90]), should).tolist() == [0, 0, 0, -10, -20, -30]


def test_energy_for_a_unit_is_told_without_a_baseline():
    assert enpi(np.array([200.0, 100.0]), np.array([100, 50]), "unit").kwh_per == 2.0


def test_energy_for_a_unit_at_half_the_output_is_normalised_to_what_it_is_at_the_usual_one():
    made = np.full(10, 110.0)
    found = enpi(500 + 2.5 * made, made, "unit", baseline(), {"made": made}, {"made": np.full(10, 220.0)})
    assert found.ratio == pytest.approx(1.0, abs=0.03)
    assert found.normalised * 110 == pytest.approx(500 + 2.5 * 220, rel=0.04)


def test_an_indicator_is_not_normalised_by_a_baseline_that_may_not_be_used():
    made = np.full(10, 110.0)
    found = enpi(made, made, "Nm3", replace(baseline(), broken=(Validity.F_TEST,)), {"made": made})
    assert found.normalised is None and found.validity is Validity.F_TEST


def test_cv_rmse_and_nmbe_are_those_worked_out_by_hand():
    found = fitness(np.array([90.0, 110.0, 100.0, 100.0]), np.full(4, 95.0))
    assert found == pytest.approx((np.sqrt((25 + 225 + 25 + 25) / 4) / 100, 20 / 400))


@pytest.mark.parametrize(
    ("found", "steps", "said"),
    [
        (Fitness(0.14, 0.04), Steps.MONTHLY, Calibration.KEPT),
        (Fitness(0.16, 0.04), Steps.MONTHLY, Calibration.CV_RMSE),
        (Fitness(0.16, -0.11), Steps.HOURLY, Calibration.NMBE),
        (Fitness(float("nan"), 0.0), Steps.HOURLY, Calibration.NOTHING_MEASURED),
    ],
)
def test_limits_of_guideline_14_are_those_of_the_length_of_the_periods(found, steps, said):
    assert calibration(found, steps) is said
