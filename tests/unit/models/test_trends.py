"""Which signals a warning's page shows, what they are held against, and what changed at the machine before."""

from __future__ import annotations

from msgspec.structs import replace

from models.alerting.lately import Changed, lately, settings_of
from models.alerting.trends import Line, signals_of, trends_of
from models.records import Confidence, Driver, HealthyBaseline, Origin, Rung, WorkOrder, WorkOrderKind
from tests.kit.paged import PLANT, case, shaking, trend
from tests.kit.runs import at, failed, repaired

PUMP = PLANT.types["pump"]


def baseline(rule="vibration drifts", mean=3.0, product=""):
    return HealthyBaseline(
        plant="waterworks", asset="pump-01", rule=rule, signals=("vibration_mm_s",), product=product, from_us=at(0),
        to_us=at(24), mean=mean, spread=0.1, minutes=900, origin=Origin.FIRST_DAY, confidence=Confidence.HIGH,
    )  # fmt: skip


def ruled(name: str, limit: float, signals=("vibration_mm_s",)):
    return case(rung=Rung.RULES, evidence=(replace(shaking(), name=name, limit=limit, signals=signals),))


def limit_of(one, baselines=()):
    return trends_of(one, PLANT, baselines)[0].limit


def test_signals_are_those_of_evidence_then_of_drivers_at_most_three_and_numbers_alone():
    drivers = tuple(Driver(signal=name, drop=0.1) for name in ("head_m", "power_kw", "flow_m3_h", "nothing_known"))
    evidence = replace(shaking(), signals=("run_state=service", "vibration_mm_s"))
    assert signals_of(case(evidence=(evidence,), drivers=drivers), PUMP) == ("vibration_mm_s", "head_m", "power_kw")
    assert signals_of(case(evidence=(replace(evidence, signals=("medium",)),)), PUMP) == ()


def test_the_limit_is_the_level_that_evidence_was_held_against():
    assert limit_of(ruled("limit of vibration_mm_s", 5.1)) == Line(
        level=5.1, says="warning of rule limit of vibration_mm_s"
    )


def test_a_change_is_held_against_its_healthy_mean_and_its_limit_is_so_far_from_it():
    found = limit_of(ruled("vibration drifts", 1.3), [baseline()])
    assert found is not None
    assert (found.level, found.says) == (4.3, "warning of rule vibration drifts, from its healthy mean")


def test_a_rate_is_no_level_so_the_limit_that_the_plant_agreed_upon_stands():
    one = ruled("bearing heats up", 10, ("bearing_temp_degc",))
    assert limit_of(one) == Line(level=82, says="warning high of the plant file")
    assert limit_of(ruled("energy of a cubic metre", 0.45, ("power_kw",))) is None


def test_usual_is_the_healthy_mean_of_all_products_before_that_of_one():
    both = [baseline("by product", 9.0, "slurry"), baseline()]
    (one,) = trends_of(ruled("limit of vibration_mm_s", 5.1), PLANT, both)
    assert one.usual == Line(level=3.0, says="healthy mean (first-day-after-repair)")
    (one,) = trends_of(ruled("limit of vibration_mm_s", 5.1), PLANT, both[:1])
    assert one.usual is not None
    assert one.usual.says == "healthy mean of slurry (first-day-after-repair)"
    (one,) = trends_of(ruled("limit of vibration_mm_s", 5.1), PLANT, [replace(baseline(), asset="pump-02")])
    assert one.usual is None


def test_the_first_and_the_last_day_of_a_trend_are_means_of_what_there_is():
    one = replace(trend(), points=((at(0), 1.0), (at(1), 3.0), (at(200), 8.0)))
    assert (one.first, one.last) == (2.0, 8.0)
    assert (replace(one, points=()).first, replace(one, points=()).last) == (None, None)


def order(finished_h: float, reported_h: float = -2000.0) -> WorkOrder:
    return WorkOrder(
        plant="p", asset="a", order="4711", kind=WorkOrderKind.CORRECTIVE, mode="seal", reported_us=at(reported_h),
        started_us=at(finished_h - 1), finished_us=at(finished_h),
    )  # fmt: skip


def test_work_is_told_by_when_it_was_finished_within_thirty_days():
    now_us = at(0)
    work = [order(-20), repaired("a", -719), failed("a", -721), order(5)]
    assert lately(work, {}, now_us) == (
        Changed(at(-20), "corrective order 4711 finished: seal"), Changed(at(-719), "repaired"),
    )  # fmt: skip


def test_a_setting_is_told_by_its_last_change_of_a_week_and_how_many_there_were():
    products = [(at(-300), "water"), (at(-100), "slurry"), (at(-50), "slurry"), (at(-10), "water")]
    assert lately([], {"medium": products}, at(0)) == (
        Changed(at(-10), "medium from slurry to water, the last of 2 changes in 7 days"),
    )
    assert lately([], {"setpoint_bar": [(at(-300), 5.0), (at(-90), 5.5)]}, at(0)) == (
        Changed(at(-90), "setpoint_bar from 5 to 5.5"),
    )


def test_the_first_value_that_is_known_and_a_change_of_over_a_week_ago_are_no_news():
    assert lately([], {"medium": [(at(-10), "water")]}, at(0)) == ()
    assert lately([], {"medium": [(at(-300), "water"), (at(-169), "slurry"), (at(-1), "slurry")]}, at(0)) == ()


def test_settings_are_states_and_setpoints():
    assert settings_of(PUMP) == ("run_state", "medium")
