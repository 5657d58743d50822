"""Drift of what a model says against what came: calibration, coverage, and what labels alone can tell."""

from __future__ import annotations

import numpy as np
import pytest

from models.failure.coverage import Outcome
from models.records import (
    DriftCause,
    DriftKind,
)
from onnx_export.drift import (
    BARS,
    Context,
    Shape,
    Verdict,
    excluded,
    told_apart,
)
from onnx_export.drift.labelled import by_chance, calibrated, covered
from onnx_export.history import DAY_US
from tests.unit.onnx_export.test_drift import (
    NAMES,
    causes,
    failing,
    finding,
    finding_of,
)


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


def test_labels_alone_say_that_failures_come_otherwise():
    (one,) = told_apart([finding(DriftKind.CALIBRATION)], Context(assets=NAMES))
    assert (one.cause, one.may_update) == (DriftCause.RELATION, True)
    assert causes(told_apart([finding(DriftKind.OUTPUT)], Context(assets=NAMES))) == [DriftCause.UNKNOWN]


def test_too_few_events_are_no_cause():
    assert told_apart([finding(DriftKind.CALIBRATION, Verdict.INSUFFICIENT)], Context(assets=NAMES)) == ()


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
