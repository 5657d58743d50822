"""Drift by hand numbers, and each cause on eight made-up machines."""

from __future__ import annotations

import dataclasses
import math

import msgspec
import numpy as np
import pytest

from models.failure.coverage import Outcome
from models.features import Expected, Spec
from models.records import (
    Confidence,
    Drift,
    DriftCause,
    DriftKind,
    HealthyBaseline,
    Maintenance,
    MaintenanceAction,
    Origin,
    decode,
    encode,
)
from onnx_export.drift import (
    BARS,
    Context,
    Finding,
    Rows,
    Shape,
    Verdict,
    changes,
    excluded,
    looked,
    noticed,
    record_of,
    told_apart,
    watched,
)
from onnx_export.drift.labelled import by_chance, calibrated, covered
from onnx_export.drift.looked import are_together
from onnx_export.drift.rows import Role, daily
from onnx_export.drift.stability import LARGE, Sample, bar_of, psi
from onnx_export.drift.told_apart import MAY_UPDATE, REASONS, RULES, Told
from onnx_export.history import DAY_US

SPEC = Spec(
    ("speed", "pressure", "temp", "flow", "hall"),
    expected=(
        Expected("temp", 0.0, (("speed", 0.02), ("hall", 1.0))),
        Expected("flow", 0.0, (("speed", 0.1), ("pressure", -10.0))),
    ),
)
NAMES = tuple(f"m{at}" for at in range(8))
WATCH = watched(SPEC, ("hall",))
BEGIN, DAYS, RECENT, A_DAY = 20_000, 40, 14, 6
MIDDLE_US = (BEGIN + DAYS) * DAY_US


def plant(seed: int = 1) -> Rows:
    """Rows of steady machines, six a day, each signal about a level of the machine's own."""
    random, days = np.random.default_rng(seed), DAYS + RECENT
    count = days * A_DAY
    asset = np.repeat(np.arange(len(NAMES)), count)
    end_us = np.tile(BEGIN * DAY_US + (np.arange(count) + 1) * DAY_US // A_DAY, len(NAMES))
    features = np.full((len(asset), len(SPEC.names)), np.nan)
    levels = {"speed": (3000.0, 30.0), "pressure": (9.0, 0.1), "hall": (20.0, 1.0)}
    for name, (level, spread) in levels.items():
        own = level * (1 + random.normal(0, 0.02, len(NAMES)))[asset]
        features[:, SPEC.column(f"{name}.mean_1h")] = own + random.normal(0, spread, len(asset))
    for one in SPEC.expected:
        over = random.normal(0, 0.3, len(asset))
        features[:, SPEC.column(f"{one.target}.over_1h")] = over
        said = sum(share * features[:, SPEC.column(f"{name}.mean_1h")] for name, share in one.terms)
        features[:, SPEC.column(f"{one.target}.mean_1h")] = said + over
    nothing = np.full(len(asset), np.inf)
    chance = random.uniform(0.0, 0.02, len(asset))
    since_us = np.zeros(len(asset), np.int64)
    return Rows(
        features.astype(np.float32), asset, end_us, since_us, nothing, nothing.copy(), chance, np.ones(len(chance))
    )


def moved(rows: Rows, feature: str, by: float | np.ndarray, machines: tuple[int, ...]) -> Rows:
    """The same, with a feature moved on some machines since the middle."""
    features = rows.features.copy()
    where = np.isin(rows.asset, machines) & (rows.window_end_us > MIDDLE_US)
    features[where, SPEC.column(feature)] += by[where] if isinstance(by, np.ndarray) else by
    return rows._replace(features=features)


def days_after(rows: Rows) -> np.ndarray:
    return np.maximum(0.0, (rows.window_end_us - MIDDLE_US) / DAY_US)


def told(rows: Rows, **known: object) -> tuple[Told, ...]:
    end_us = int(rows.window_end_us.max())
    found = looked(rows.between(0, MIDDLE_US), rows.between(MIDDLE_US, end_us), NAMES, WATCH)
    return told_apart(found, Context(assets=NAMES, **known))


def recalibrated(machine: int, signal: str) -> Maintenance:
    return Maintenance(
        plant="p", asset=NAMES[machine], time_us=MIDDLE_US, action=MaintenanceAction.RECALIBRATED, mode=signal
    )


def causes(found: tuple[Told, ...]) -> list[DriftCause]:
    return [one.cause for one in found]


def test_psi_is_what_it_is_by_hand():
    recent = np.array([1.0] * 5 + [10.0] * 5)
    by_hand = 2 * (0.5 - 0.1) * math.log(5) + 8 * (0.001 - 0.1) * math.log(0.01)
    assert psi(np.arange(1.0, 11.0), recent) == pytest.approx(by_hand)


def test_psi_of_the_same_is_none_and_of_nothing_is_not_known():
    values = np.arange(100.0)
    assert psi(values, values) == 0.0
    assert math.isnan(psi(values, np.full(3, np.nan)))


def test_machines_that_differ_raise_the_bar_and_alike_ones_do_not():
    random, asset = np.random.default_rng(2), np.repeat(np.arange(8), 500)
    time_us = np.tile(np.arange(500) * DAY_US // 12, 8)
    alike = Sample(random.normal(size=len(asset)), asset, time_us)
    assert bar_of(alike, 14 * DAY_US, LARGE, 1.5) == LARGE
    assert bar_of(alike._replace(value=alike.value + 3 * asset), 14 * DAY_US, LARGE, 1.5) > 1.0


def test_a_steady_plant_has_no_cause():
    assert [causes(told(plant(seed))) for seed in range(5)] == [[]] * 5


def test_a_recorded_recalibration_is_told_by_its_record_and_may_be_learned():
    rows = moved(plant(), "temp.over_1h", 6.0, (1, 2))
    (one,) = told(rows, events=[recalibrated(1, "temp"), recalibrated(2, "temp")])
    assert (one.cause, one.assets, one.may_update) == (DriftCause.SENSOR_RECALIBRATED, ("m1", "m2"), True)
    assert abs(one.since_us - MIDDLE_US) <= DAY_US


def test_a_baseline_made_anew_tells_it_as_well():
    made = HealthyBaseline(
        plant="p", asset="m1", rule="r", signals=("temp",), from_us=MIDDLE_US, to_us=MIDDLE_US + DAY_US, mean=0.0,
        spread=1.0, minutes=10, origin=Origin.RECALIBRATED, confidence=Confidence.HIGH,
    )  # fmt: skip
    rows = moved(plant(), "temp.over_1h", 6.0, (1,))
    assert causes(told(rows, baselines=[made])) == [DriftCause.SENSOR_RECALIBRATED]
    recent = msgspec.structs.replace(made, origin=Origin.RECENT)
    assert causes(told(rows, baselines=[recent])) == [DriftCause.SENSOR_SUSPECTED]


def test_the_record_of_a_sensor_explains_what_is_expected_from_it():
    rows = moved(plant(), "flow.over_1h", 6.0, (3,))
    assert causes(told(rows, events=[recalibrated(3, "pressure")])) == [DriftCause.SENSOR_RECALIBRATED]
    assert causes(told(rows, events=[recalibrated(3, "hall")])) == [DriftCause.SENSOR_SUSPECTED]


def test_a_step_without_a_record_is_suspected_and_not_learned():
    (one,) = told(moved(plant(), "temp.over_1h", 6.0, (4,)))
    assert (one.cause, one.assets, one.may_update) == (DriftCause.SENSOR_SUSPECTED, ("m4",), False)
    assert "no record" in one.reason


def test_a_step_of_several_signals_of_one_machine_is_not_a_sensor():
    rows = moved(moved(plant(), "temp.over_1h", 6.0, (4,)), "flow.over_1h", 6.0, (4,))
    assert causes(told(rows)) == [DriftCause.UNKNOWN]


def test_a_new_product_moves_the_operating_point_and_no_residual():
    rows = moved(moved(plant(), "speed.mean_1h", 60.0, (0, 1, 2, 3)), "pressure.mean_1h", 0.3, (0, 1, 2, 3))
    (one,) = told(rows)
    assert (one.cause, one.assets, one.may_update) == (DriftCause.NEW_PRODUCT, ("m0", "m1", "m2", "m3"), True)


def test_weather_moves_all_machines_together():
    rows = plant()
    (one,) = told(moved(rows, "hall.mean_1h", 0.5 * days_after(rows), tuple(range(8))))
    assert (one.cause, one.assets, one.may_update) == (DriftCause.AMBIENT, NAMES, True)


def test_a_machine_that_degrades_never_allows_an_update_and_is_left_out():
    rows = plant()
    found = told(moved(rows, "temp.over_1h", 0.8 * days_after(rows), (5,)))
    assert [(one.cause, one.assets, one.may_update) for one in found] == [(DriftCause.DEGRADATION, ("m5",), False)]
    assert list(excluded(found)) == ["m5"]


def test_a_degrading_machine_beside_a_new_product_is_told_apart_from_it():
    rows = plant()
    rows = moved(moved(rows, "temp.over_1h", 0.8 * days_after(rows), (5,)), "speed.mean_1h", 60.0, (0, 1, 2, 3))
    assert causes(told(rows)) == [DriftCause.DEGRADATION, DriftCause.NEW_PRODUCT]


def test_a_repair_is_no_step():
    rows = moved(plant(), "temp.over_1h", 6.0, (4,))
    repaired = np.where((rows.asset == 4) & (rows.window_end_us > MIDDLE_US), MIDDLE_US, 0)
    assert causes(told(rows._replace(since_us=repaired))) == []


def test_a_step_of_a_machine_that_was_repaired_since_is_over_and_a_rise_is_not_learned():
    rows, repaired_us = plant(), MIDDLE_US + 10 * DAY_US
    since_us = np.where((rows.asset == 4) & (rows.window_end_us > repaired_us), repaired_us, 0)
    before = rows.window_end_us <= repaired_us
    step, rise = (
        moved(rows._replace(since_us=since_us), "temp.over_1h", by * before, (4,))
        for by in (6.0 * np.ones(len(before)), 0.8 * days_after(rows))
    )
    assert causes(told(step)) == []
    assert causes(told(step.where(before))) == [DriftCause.SENSOR_SUSPECTED]
    assert causes(told(rise)) == [DriftCause.DEGRADATION]


def failing(chance: float, failures: int) -> Rows:
    """One row a machine and failure, and as many that live on."""
    count = 2 * failures
    hours = np.where(np.arange(count) < failures, 10.0, np.inf)
    known_h = np.where(np.isfinite(hours), hours, 100.0)
    zero = np.zeros(count, np.int64)
    end_us = np.arange(count, dtype=np.int64) * DAY_US
    features = np.full((count, len(SPEC.names)), np.nan, np.float32)
    return Rows(features, zero, end_us, zero, hours, known_h, np.full(count, chance), np.ones(count))


@pytest.mark.parametrize(
    ("failures", "chance", "verdict"),
    [(19, 0.1, Verdict.INSUFFICIENT), (20, 0.1, Verdict.MOVED), (20, 0.5, Verdict.STAYS), (60, 0.9, Verdict.MOVED)],
)
def test_chances_are_held_to_failures_once_there_are_enough(failures: int, chance: float, verdict: Verdict):
    found = calibrated(failing(chance, failures), NAMES, BARS)
    assert (found.verdict, found.events) == (verdict, failures)
    assert found.value == pytest.approx(0.5 / chance)


def test_rows_of_a_sample_count_for_as_many_as_they_stand_for():
    rows = failing(0.1, 20)
    fails = (rows.hours > 0) & (rows.hours <= 72)
    kept = np.flatnonzero(fails | (np.arange(len(fails)) % 4 == 0))
    sample = rows._replace(weight=np.where(fails, 1.0, 4.0)).where(kept)
    assert calibrated(sample, NAMES, BARS).value == pytest.approx(calibrated(rows, NAMES, BARS).value, rel=0.02)


def test_rows_of_one_failure_count_as_one():
    rows = failing(0.1, 20)
    end_us = np.where(np.isfinite(rows.hours), -rows.hours * DAY_US / 24, rows.window_end_us).astype(np.int64)
    assert calibrated(rows._replace(window_end_us=end_us), NAMES, BARS).events == 1


def test_what_comes_after_a_time_is_not_known_at_it():
    rows = failing(0.1, 2).between(-1, 5 * DAY_US // 24)
    assert (rows.hours.tolist(), rows.known_h.tolist()) == ([np.inf], [5.0])


def test_the_interval_of_a_count_is_that_of_the_tables():
    low, high = by_chance(10, 1.96)  # exact: 4.795 and 18.39, of tables of the Poisson distribution
    assert (10 * low, 10 * high) == (pytest.approx(4.795, abs=0.01), pytest.approx(18.39, abs=0.01))


@pytest.mark.parametrize(
    ("held", "failed", "verdict"),
    [(10, 10, Verdict.INSUFFICIENT), (90, 100, Verdict.STAYS), (60, 100, Verdict.MOVED)],
)
def test_intervals_are_held_to_what_came(held: int, failed: int, verdict: Verdict):
    outcomes = [Outcome(held=at < held, failed=True) for at in range(failed)]
    assert covered(outcomes, 0).verdict is verdict


def finding(kind: DriftKind, verdict: Verdict = Verdict.MOVED) -> Finding:
    return Finding(kind=kind, what="chance within 72 h", verdict=verdict, since_us=0, value=2.0, bar=1.5)


def test_labels_alone_say_that_failures_come_otherwise():
    (one,) = told_apart([finding(DriftKind.CALIBRATION)], Context(assets=NAMES))
    assert (one.cause, one.may_update) == (DriftCause.RELATION, True)
    assert causes(told_apart([finding(DriftKind.OUTPUT)], Context(assets=NAMES))) == [DriftCause.UNKNOWN]


def test_residuals_of_a_few_machines_are_not_of_the_type():
    rows = plant()
    found = looked(
        moved(rows, "temp.over_1h", -0.05 * days_after(rows), (1, 2, 3)).between(0, MIDDLE_US),
        moved(rows, "temp.over_1h", 1.5 * np.sign(days_after(rows)), (1, 2, 3)).between(MIDDLE_US, 1 << 60),
        NAMES,
        WATCH,
    )
    assert (found[0].shape, found[0].verdict, found[0].assets) == (Shape.MIX, Verdict.STAYS, ("m1", "m2", "m3"))
    assert found[0].value > found[0].bar


def test_means_of_machines_must_lie_farther_apart_than_days_of_weather():
    random, rows = np.random.default_rng(5), plant()
    own = random.normal(0.35, 0.23, len(NAMES))[rows.asset]
    later = moved(rows, "temp.over_1h", own, tuple(range(8))).between(MIDDLE_US, 1 << 60)
    mix = next(one for one in looked(rows.between(0, MIDDLE_US), later, NAMES, WATCH) if one.what == "temp.over_1h")
    assert mix.value > mix.bar and BARS.shift < mix.shift < BARS.machines
    assert mix.verdict is Verdict.STAYS


def test_too_few_events_are_no_cause():
    assert told_apart([finding(DriftKind.CALIBRATION, Verdict.INSUFFICIENT)], Context(assets=NAMES)) == ()


def finding_of(shape: Shape, signal: str, machines: tuple[str, ...], role: Role = Role.RESIDUAL) -> Finding:
    terms = tuple(name for one in SPEC.expected if one.target == signal for name, _ in one.terms)
    return Finding(
        kind=DriftKind.INPUT, what=signal, shape=shape, verdict=Verdict.MOVED, assets=machines, since_us=MIDDLE_US,
        value=2.0, bar=1.0, signal=signal, role=role, terms=terms,
    )  # fmt: skip


def test_labels_stand_by_themselves_beside_a_degrading_machine():
    rise = finding_of(Shape.RISE, "temp", ("m1",))
    found = told_apart([rise, finding(DriftKind.CALIBRATION), finding(DriftKind.OUTPUT)], Context(assets=NAMES))
    assert [(one.cause, one.may_update) for one in found] == [
        (DriftCause.DEGRADATION, False), (DriftCause.RELATION, True),
    ]  # fmt: skip
    assert list(excluded(found)) == ["m1"]


def test_labels_are_off_for_what_the_model_sees_otherwise():
    step = finding_of(Shape.STEP, "temp", ("m1",))
    found = told_apart([step, finding(DriftKind.CALIBRATION)], Context(assets=NAMES))
    assert causes(found) == [DriftCause.SENSOR_SUSPECTED]


def test_a_rise_beside_a_recorded_recalibration_is_still_a_machine_that_degrades():
    found = told_apart(
        [finding_of(Shape.RISE, "temp", ("m1",))], Context(assets=NAMES, events=[recalibrated(1, "temp")])
    )
    assert causes(found) == [DriftCause.DEGRADATION]


def test_what_moves_with_a_suspected_sensor_is_no_product():
    found = [finding_of(Shape.STEP, "flow", ("m1", "m2")), finding_of(Shape.MIX, "pressure", ("m1",), Role.OPERATING)]
    assert causes(told_apart(found, Context(assets=NAMES))) == [DriftCause.SENSOR_SUSPECTED]


def test_an_operating_point_whose_residuals_moved_too_is_not_understood():
    found = [finding_of(Shape.MIX, "speed", NAMES, Role.OPERATING), finding_of(Shape.MIX, "temp", NAMES)]
    assert causes(told_apart(found, Context(assets=NAMES))) == [DriftCause.UNKNOWN]


def test_sensors_of_most_machines_at_once_are_not_the_machines():
    found = [finding_of(Shape.STEP, signal, NAMES) for signal in ("temp", "flow")]
    assert causes(told_apart(found, Context(assets=NAMES))) == [DriftCause.SENSOR_SUSPECTED]


def test_each_cause_has_a_reason_and_says_whether_it_may_be_learned():
    assert set(REASONS) == set(MAY_UPDATE) == set(DriftCause)
    assert {cause for cause, _ in RULES} | {DriftCause.RELATION} == set(DriftCause)


def test_a_step_has_its_day_and_a_curve_has_none():
    day = np.arange(20)
    at_ten = list(changes.steps(changes.Series(0, day, np.where(day >= 10, 5.0, 0.0))))
    assert changes.largest(at_ten)[0] == (0, 10, 5.0)
    curve = changes.Series(0, day, np.exp(day / 4.0))
    assert max(abs(one.size) for one in changes.steps(curve)) == 0.0
    over_days = changes.Series(0, day, np.clip(day - 8.0, 0.0, 5.0))
    assert max(abs(one.size) for one in changes.steps(over_days)) < 2.0


def test_a_rise_has_its_slope_and_a_step_has_none():
    day = np.arange(20)
    assert changes.largest(changes.rises(changes.Series(0, day, 2.0 * day)))[0].size == pytest.approx(2.0)
    step = changes.Series(0, day, np.where(day >= 10, 5.0, 0.0))
    assert max(abs(one.size) for one in changes.rises(step)) == 0.0


def test_a_return_level_is_that_of_the_law_it_is_laid_through():
    sizes = np.random.default_rng(4).gumbel(1.0, 0.5, 20_000).tolist()
    by_law = 1.0 + 0.5 * math.log(len(sizes) * 9)  # of Gumbel's law, passed once in as many: location + scale ln n
    assert changes.return_level(sizes, 9) == pytest.approx(by_law, rel=0.02)
    assert changes.return_level(sizes[:5], 9) == 0.0


@pytest.mark.parametrize(("shape", "name"), [(Shape.STEP, "step_days"), (Shape.RISE, "rise_days")])
def test_a_bar_is_what_a_reference_foresees_of_years_and_not_its_largest_alone(shape: Shape, name: str):
    rows, low = plant(), dataclasses.replace(BARS, sigmas=0.0, own_margin=1.0)
    times = rows.between(0, MIDDLE_US), rows.between(MIDDLE_US, 1 << 60)
    bars = []
    for days in (1.0, 365.0, 3650.0):
        found = looked(*times, NAMES, WATCH, bars=dataclasses.replace(low, **{name: days}))
        bars.append(next(one.bar for one in found if one.shape is shape))
    assert bars[0] < bars[1] < bars[2]


def test_adwin_sees_a_change_and_the_day_is_where_means_fit():
    day, random = np.arange(40), np.random.default_rng(3)
    value = random.normal(size=40)
    assert changes.changed_day(changes.Series(0, day, value), 1.0) is None
    assert changes.changed_day(changes.Series(0, day, value + 5.0 * (day >= 25)), 1.0) == 25


def test_days_of_two_lives_are_two():
    rows = plant()
    half = np.where(np.arange(len(rows.asset)) % A_DAY < A_DAY // 2, 0, 7)
    mine = rows._replace(since_us=half).where(rows.asset == 0)
    assert len(daily(mine, np.array([0])).day) == 2 * (DAYS + RECENT)


def test_a_cause_is_news_once_and_again_on_another_machine():
    first, second = (told(moved(plant(), "temp.over_1h", 6.0, (at,))) for at in (4, 5))
    standing, new = noticed({}, first, 0)
    assert new == first
    standing, new = noticed(standing, first, 7 * DAY_US)
    assert new == ()
    assert noticed(standing, second, 8 * DAY_US)[1] == second
    assert noticed(standing, first, 60 * DAY_US)[1] == first


def test_two_machines_that_step_weeks_apart_must_each_pass_the_bar_of_one_alone():
    days = {
        apart: [changes.Change(1, 100, 5.0), changes.Change(2, 100 + apart, 5.0)] for apart in (0, 3, 4, 12)
    }  # fmt: skip
    assert [are_together(days[apart], Shape.STEP) for apart in days] == [True, True, False, False]
    assert are_together(days[12], Shape.RISE)
    assert not are_together(days[0][:1], Shape.RISE)


def test_what_is_not_understood_is_no_news_of_machines_that_people_were_asked_to_look_at():
    suspected, unknown, wider, of_all = (
        Told(cause=cause, reason="", assets=assets, since_us=0, because=())
        for cause, assets in (
            (DriftCause.SENSOR_SUSPECTED, ("m1", "m2")), (DriftCause.UNKNOWN, ("m1",)),
            (DriftCause.UNKNOWN, ("m1", "m3")), (DriftCause.UNKNOWN, ()),
        )
    )  # fmt: skip
    standing, _ = noticed({}, [suspected], 0)
    assert noticed(standing, [unknown], 7 * DAY_US)[1] == ()
    assert [noticed(standing, [one], 7 * DAY_US)[1] for one in (wider, of_all)] == [(wider,), (of_all,)]
    assert noticed(standing, [unknown], 60 * DAY_US)[1] == (unknown,)


def test_what_is_told_becomes_a_record_that_is_read_again():
    (one,) = told(moved(plant(), "temp.over_1h", 6.0, (4,)))
    record = record_of(one, "p", "pump", "pump", "v1", MIDDLE_US)
    assert decode(encode(record)) == record
    assert isinstance(record, Drift)
    assert (record.kind, record.what, record.assets) == (DriftKind.INPUT, "temp.over_1h", ("m4",))
    assert record.value > record.bar


def test_findings_are_told_with_their_bars_whether_they_moved_or_not():
    rows = plant()
    found = looked(rows.between(0, MIDDLE_US), rows.between(MIDDLE_US, 1 << 60), NAMES, WATCH)
    assert {one.verdict for one in found} == {Verdict.STAYS, Verdict.INSUFFICIENT}
    assert {one.kind for one in found} == {DriftKind.INPUT, DriftKind.OUTPUT, DriftKind.CALIBRATION}


def test_without_rows_nothing_is_found():
    rows = plant()
    assert looked(rows.between(0, 1), rows, NAMES, WATCH) == ()


def test_weather_is_news_once_a_year_and_other_causes_when_they_were_gone_for_long():
    told = [
        Told(cause=cause, reason="", assets=(), since_us=0, because=())
        for cause in (DriftCause.AMBIENT, DriftCause.UNKNOWN)
    ]
    standing, first = noticed({}, told, 0)
    assert len(first) == 2
    assert [one.cause for one in noticed(standing, told, 100 * DAY_US)[1]] == [DriftCause.UNKNOWN]
    assert len(noticed(standing, told, 366 * DAY_US)[1]) == 2
