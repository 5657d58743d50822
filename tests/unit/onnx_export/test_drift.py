"""Drift by hand numbers, and each cause on eight made-up machines."""

from __future__ import annotations

import msgspec
import numpy as np

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
    excluded,
    looked,
    noticed,
    record_of,
    told_apart,
    watched,
)
from onnx_export.drift.rows import Role
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


def failing(chance: float, failures: int) -> Rows:
    """One row a machine and failure, and as many that live on."""
    count = 2 * failures
    hours = np.where(np.arange(count) < failures, 10.0, np.inf)
    known_h = np.where(np.isfinite(hours), hours, 100.0)
    zero = np.zeros(count, np.int64)
    end_us = np.arange(count, dtype=np.int64) * DAY_US
    features = np.full((count, len(SPEC.names)), np.nan, np.float32)
    return Rows(features, zero, end_us, zero, hours, known_h, np.full(count, chance), np.ones(count))


def finding(kind: DriftKind, verdict: Verdict = Verdict.MOVED) -> Finding:
    return Finding(kind=kind, what="chance within 72 h", verdict=verdict, since_us=0, value=2.0, bar=1.5)


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


def finding_of(shape: Shape, signal: str, machines: tuple[str, ...], role: Role = Role.RESIDUAL) -> Finding:
    terms = tuple(name for one in SPEC.expected if one.target == signal for name, _ in one.terms)
    return Finding(
        kind=DriftKind.INPUT, what=signal, shape=shape, verdict=Verdict.MOVED, assets=machines, since_us=MIDDLE_US,
        value=2.0, bar=1.0, signal=signal, role=role, terms=terms,
    )  # fmt: skip


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


def test_a_cause_is_news_once_and_again_on_another_machine():
    first, second = (told(moved(plant(), "temp.over_1h", 6.0, (at,))) for at in (4, 5))
    standing, new = noticed({}, first, 0)
    assert new == first
    standing, new = noticed(standing, first, 7 * DAY_US)
    assert new == ()
    assert noticed(standing, second, 8 * DAY_US)[1] == second
    assert noticed(standing, first, 60 * DAY_US)[1] == first


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
