"""Baselines of a partition: what opens one, what speaks against it, who replaces it, and what a rebuild does to it."""

from __future__ import annotations

import asyncio

import pytest

from models.plant import parse
from models.records import (
    Alert,
    Confidence,
    DeadLetter,
    Doubt,
    HealthyBaseline,
    MaintenanceAction,
    Origin,
    Reject,
    Tick,
    decode,
)
from pipelines.told import MAINTENANCE, maintenance_of
from pipelines.topics import Topic
from tests.kit import grounds
from tests.kit.changes import change
from tests.kit.grounds import HOUR_US, START_US, STEP_US, approved, rows, work
from tests.kit.late import World, held_back

A = "filler-1"
CALIBRATED, REPLACED, REPAIRED = (
    MaintenanceAction.RECALIBRATED, MaintenanceAction.SENSOR_REPLACED, MaintenanceAction.REPAIRED,
)  # fmt: skip
DAY = 144
"""Rows of a day."""
NEXT_H = 160 / 6
"""Where 160 rows end."""


def told(*records, restores: bool = False) -> tuple[list[HealthyBaseline], list[Alert]]:
    out, _ = grounds.taken(records, lambda raw: [[each] for each in raw] if restores else [raw], restores=restores)
    return grounds.said(out), grounds.said(out, Topic.ALERTS)


def of(rule: str, baselines: list[HealthyBaseline]) -> list[HealthyBaseline]:
    return [baseline for baseline in baselines if baseline.rule == rule]


def letters(*records) -> list[DeadLetter]:
    out, _ = grounds.taken(records, grounds.at_once)
    return grounds.said(out, Topic.DEAD_LETTERS)


def test_the_first_day_of_running_that_forewarn_sees_is_a_recent_quiet_time_of_low_confidence():
    (one,) = of("temp moves", told(*rows(A, [60.0, 61.0] * 100))[0])
    assert (one.number, one.origin, one.confidence) == (1, Origin.RECENT, Confidence.LOW)
    assert (one.mean, one.spread, one.minutes, one.doubts) == (
        pytest.approx(60.5, abs=0.01),
        pytest.approx(0.5, abs=0.01),
        145,
        (),
    )
    assert (one.from_us, one.to_us) == (START_US, START_US + 24 * HOUR_US + 60_000_000)


def test_after_a_repair_that_is_known_confidence_is_medium():
    (one,) = of("temp moves", told(work(A, 0, REPAIRED), *rows(A, [60.0, 61.0] * 100))[0])
    assert (one.origin, one.confidence) == (Origin.FIRST_DAY, Confidence.MEDIUM)


def test_a_repair_opens_another_with_the_next_number():
    days = [*rows(A, [60.0] * 160), work(A, 26.6, REPAIRED), *rows(A, [70.0] * 160, begin_h=NEXT_H)]
    first, second = of("temp moves", told(*days)[0])
    assert (second.number, second.mean, second.origin) == (2, 70.0, Origin.FIRST_DAY)
    assert first.id != second.id


@pytest.mark.parametrize(
    ("temps", "doubt"),
    [
        ([60.0 + at * 0.05 for at in range(200)], Doubt.DRIFT),
        ([60.0] * 40 + [90.0] * 9 + [60.0] * 151, Doubt.LEVEL_HELD),
    ],
)
def test_a_day_that_was_not_healthy_is_kept_with_its_doubt_and_of_low_confidence(temps, doubt):
    (one,) = of("temp moves", told(work(A, 0, REPAIRED), *rows(A, temps))[0])
    assert (one.doubts, one.confidence) == ((doubt,), Confidence.LOW)


def test_a_day_of_few_samples_says_so():
    days = rows(A, [60.0, 61.0] * 100, ["beer"] * 4 + ["cola"])
    assert of("vib moves [cola]", told(*days)[0])[0].doubts == (Doubt.FEW_MINUTES,)


def test_each_product_has_its_own_baseline_and_a_change_of_product_is_none_of_the_machine():
    days = rows(A, [60.0] * 400, ["beer"] * 60 + ["cola"] * 60)
    baselines, alerts = told(*days)
    means = {one.product: one.mean for one in baselines if one.signals == ("vib",)}
    assert means == {"beer": pytest.approx(1.1, abs=0.01), "cola": pytest.approx(4.1, abs=0.01)}
    assert alerts == []


def test_without_products_told_apart_the_same_rows_would_bring_a_warning():
    text = grounds.TOML.replace('per = "product"\n', "")
    world = World(plant=parse(text)).take(rows(A, [60.0] * 400, ["beer"] * 150 + ["cola"] * 60))
    assert world.of(Alert)


@pytest.mark.parametrize("action", [CALIBRATED, REPLACED])
def test_a_new_sensor_opens_another_of_its_signal_alone_after_a_day_of_grace(action):
    days = [*rows(A, [60.0] * 160), work(A, 26.6, action, "temp"), *rows(A, [70.0] * 160, begin_h=NEXT_H)]
    baselines, alerts = told(*days)
    _, second = of("temp moves", baselines)
    assert (second.origin, second.confidence, second.mean) == (Origin.RECALIBRATED, Confidence.LOW, 70.0)
    assert (second.from_us, second.to_us) == (START_US + 160 * STEP_US, START_US + (160 + DAY) * STEP_US + 60_000_000)
    assert len(of("vib moves [beer]", baselines)) == 1
    assert alerts == []


def test_where_no_signal_is_named_all_of_them_begin_anew():
    baselines, _ = told(*rows(A, [60.0] * 160), work(A, 26.6, CALIBRATED), *rows(A, [60.0] * 160, begin_h=NEXT_H))
    assert [len(of(rule, baselines)) for rule in ("temp moves", "vib moves [beer]")] == [2, 2]


def test_a_recalibration_takes_the_ground_from_what_held_and_closes_nothing_else():
    hot = [*rows(A, [60.0] * 160), *rows(A, [85.0] * 24, begin_h=NEXT_H)]
    _, before = told(*hot)
    _, after = told(*hot, work(A, 30.6, CALIBRATED, "temp"), *rows(A, [85.0] * 10, begin_h=184 / 6))
    assert {each.name for each in before[-1].evidence} == {"temp moves", "limit of temp"}
    assert {each.name for each in after[-1].evidence} == {"limit of temp"}
    assert after[-1].state == "unacknowledged"


def test_one_told_days_later_counts_from_where_nothing_can_change_any_more():
    late = [*rows(A, [60.0] * 300), work(A, 26.6, CALIBRATED, "temp"), *rows(A, [70.0] * 160, begin_h=50)]
    _, second = of("temp moves", told(*late)[0])
    assert second.mean == pytest.approx(70, abs=0.1)


def test_evidence_of_a_change_says_whose_healthy_time_it_is_held_against():
    known = told(work(A, 0, REPAIRED), *rows(A, [60.0, 61.0] * 80 + [70.0] * 20))[1][-1].evidence[0]
    recent = told(*rows(A, [60.0, 61.0] * 80 + [70.0] * 20))[1][-1].evidence[0]
    assert (known.confidence, recent.confidence) == (Confidence.MEDIUM, Confidence.LOW)
    assert known.basis == "the plant's rule; change from its own first day after repair"
    assert recent.basis == "the plant's rule; change from recent quiet time, no healthy start known"


def test_an_approved_one_takes_the_place_of_the_machines_own_from_there_on():
    days = [*rows(A, [60.0] * 160), approved(A, mean=50.0), *rows(A, [60.0] * 20, begin_h=NEXT_H)]
    baselines, alerts = told(*days)
    _, one = of("temp moves", baselines)
    assert (one.number, one.approved_by, one.origin, one.confidence) == (2, "Ann", Origin.CHOSEN, Confidence.HIGH)
    (evidence,) = alerts[-1].evidence
    assert (evidence.value, evidence.confidence) == (10.0, Confidence.HIGH)
    assert evidence.basis.endswith("change from a healthy time that the plant approved")


def test_that_of_a_fleet_is_of_low_confidence():
    (one,) = told(approved(A, origin=Origin.FLEET))[0]
    assert one.confidence is Confidence.LOW


def test_a_machine_that_was_never_heard_of_is_held_against_what_was_approved():
    _, alerts = told(approved(A, mean=50.0), *rows(A, [60.0] * 20))
    assert alerts[-1].evidence[0].name == "temp moves"


def test_a_repair_ends_what_was_approved():
    days = [approved(A, mean=50.0), *rows(A, [60.0] * 21), work(A, 3.5, REPAIRED), *rows(A, [60.0] * 160, begin_h=3.5)]
    assert [one.origin for one in of("temp moves", told(*days)[0])] == [Origin.CHOSEN, Origin.FIRST_DAY]


@pytest.mark.parametrize(
    ("record", "reason", "said"),
    [
        (approved("nobody"), Reject.UNKNOWN_ASSET, "not in the plant"),
        (approved(A, "no rule"), Reject.UNFIT_BASELINE, "'temp moves', 'vib moves [beer]'"),
        (approved(A, "limit of temp"), Reject.UNFIT_BASELINE, "no rule of"),
        (approved(A, approved_by=""), Reject.UNFIT_BASELINE, "approved by somebody"),
        (approved(A, origin=Origin.RECENT), Reject.UNFIT_BASELINE, "chosen, fleet"),
        (approved(A, spread=1e200), Reject.UNFIT_BASELINE, "mean or spread"),
        (work(A, 0, CALIBRATED, "tmep"), Reject.UNKNOWN_SIGNAL, "'tmep'"),
    ],
)
def test_what_fits_no_rule_or_nobody_approved_is_refused(record, reason, said):
    (letter,) = letters(record)
    assert letter.reason is reason
    assert said in letter.detail


def test_sensors_that_are_recalibrated_at_one_moment_are_stored_and_come_back():
    both = [work(A, 0, CALIBRATED, "temp"), work(A, 0, CALIBRATED, "vib")]
    world = World(plant=grounds.plant()).take(both)
    found = maintenance_of(asyncio.run(world.store.read(MAINTENANCE, 0, START_US + 1, [A])), "tiny")
    assert sorted(found, key=lambda each: each.mode) == both


def test_a_snapshot_between_any_two_records_changes_nothing():
    days = [
        *rows(A, [60.0] * 150),
        work(A, 26, CALIBRATED, "temp"),
        approved(A, "vib moves [beer]"),
        *rows(A, [61.0] * 150, begin_h=NEXT_H),
    ]
    assert told(*days) == told(*days, restores=True)


def late_world(delay: int | None, *more) -> World:
    """Four days of a machine whose gateway is away for some hours of the third."""
    records = [*rows(A, [60.0, 61.0] * 288), Tick(plant="tiny", time_us=START_US + 97 * HOUR_US)]
    away = held_back(
        records,
        A,
        START_US + 60 * HOUR_US,
        START_US + 66 * HOUR_US,
        lambda r: getattr(r, "time_us", 0) or r.times_us[0],
    )
    return World(delay=delay, batch=4, plant=grounds.plant()).take([*away[:400], *more, *away[400:]])


def test_a_rebuild_publishes_no_baseline_again_and_what_was_approved_stays():
    plain, chosen = late_world(2), late_world(2, approved(A, mean=50.0))
    assert plain.lives and chosen.lives
    assert [(one.rule, one.number) for one in plain.of(HealthyBaseline)] == [("temp moves", 1), ("vib moves [beer]", 1)]
    assert [one.origin for one in of("temp moves", chosen.of(HealthyBaseline))] == [Origin.RECENT, Origin.CHOSEN]
    marks = chosen.partition.state.blocks["filler"].marks
    assert marks.base_about[0, 0] == 50.0
    assert [alert.reason for alert in chosen.of(Alert)] == ["opened"]


def test_rows_of_the_first_day_that_come_too_late_make_another_version():
    every = [*rows(A, [60.0] * 60 + [66.0] * 60 + [60.0] * 168), Tick(plant="tiny", time_us=START_US + 49 * HOUR_US)]
    away = [r for r in every[120:240] if not isinstance(r, Tick)]
    there = [r for r in every if r not in away]
    world = World(delay=2, batch=4, plant=grounds.plant()).take([*there[:420], *away, *there[420:]])
    first, second = of("temp moves", world.of(HealthyBaseline))
    assert (first.mean, second.number) == (60.0, 2)
    assert second.mean > 62


def test_a_baseline_goes_on_over_a_change_of_its_rules_levels():
    world = World(plant=grounds.plant()).take(rows(A, [60.0] * 160))
    world.take([change(parse(grounds.TOML.replace("warning_high = 3", "warning_high = 4")))])
    world.take(rows(A, [60.0] * 10, begin_h=NEXT_H))
    assert [one.number for one in of("temp moves", world.of(HealthyBaseline))] == [1]


def test_numbers_count_on_where_a_rule_of_one_name_looks_otherwise():
    world = World(plant=grounds.plant()).take(rows(A, [60.0] * 160))
    world.take([change(parse(grounds.TOML.replace('for = "30min"', 'for = "40min"', 1)))])
    world.take(rows(A, [60.0] * 160, begin_h=NEXT_H))
    first, second = of("temp moves", world.of(HealthyBaseline))
    assert (second.number, first.id != second.id) == (2, True)


def test_a_rule_that_comes_in_the_midst_of_a_life_has_no_healthy_start():
    text = grounds.TOML.replace('name = "temp moves"', 'name = "temp creeps"')
    world = World(plant=grounds.plant()).take([work(A, 0, REPAIRED), *rows(A, [60.0] * 160)])
    world.take([change(parse(text))]).take(rows(A, [60.0] * 160, begin_h=NEXT_H))
    (one,) = of("temp creeps", world.of(HealthyBaseline))
    assert (one.origin, one.confidence) == (Origin.RECENT, Confidence.LOW)
    assert one.to_us - one.from_us > 23 * HOUR_US


def test_what_is_on_the_topic_can_be_read_back():
    out, _ = grounds.taken(rows(A, [60.0] * 160), grounds.at_once)
    (first, *_) = [output for output in out if output.topic is Topic.BASELINES]
    assert isinstance(decode(first.value), HealthyBaseline)
    assert first.key == f"tiny/{A}".encode()
