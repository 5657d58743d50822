"""A warning made again from its bundle: what matches, what does not, and what is not known."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from models.alerting.explained import Check, explained
from models.plant import Plant, parse
from models.records import Alert, AlertReason
from tests.kit import changes, tiny
from tests.unit.pipelines.test_evidence import OWN, hot_lathe
from tests.unit.pipelines.test_plant_change import Log
from tests.unit.pipelines.test_says import LEVELS, MODES, RISING, opening

HAZARD = tiny.hazard(0.1, modes=MODES, interval=LEVELS)


@pytest.fixture(scope="module")
def by_hazard() -> Alert:
    return opening(HAZARD, *RISING)[0]


@pytest.fixture(scope="module")
def by_rule() -> Alert:
    log = hot_lathe(Log(models=tiny.models(limit=0.99)), 0, 30)
    return next(one for one in log.said if isinstance(one, Alert))


def by_name(alert: Alert, plant: Plant | None = None, hazard=HAZARD) -> dict[str, Check]:
    return {one.what: one for one in explained(alert, plant or changes.plant(), hazard)}


def test_all_that_a_hazard_says_comes_again_from_its_row(by_hazard):
    found = by_name(by_hazard)
    assert {one.matches for one in found.values()} == {True}
    assert found.keys() >= {"id", "forecast", "model", "chances", "failure modes", "time to failure", "completeness"}


def test_another_row_does_not_match(by_hazard):
    row = np.frombuffer(by_hazard.bundle.features, np.float32) * np.float32(0.5)
    other = replace(by_hazard, bundle=replace(by_hazard.bundle, features=row.tobytes()))
    assert by_name(other)["chances"].matches is False
    short = replace(by_hazard, bundle=replace(by_hazard.bundle, features=row[:2].tobytes()))
    assert by_name(short)["row"].matches is False


def test_what_cannot_be_had_is_not_known_and_does_not_count_as_matching(by_hazard):
    assert by_name(by_hazard, hazard=None)["chances"].matches is None
    without = replace(by_hazard, bundle=replace(by_hazard.bundle, features=b""))
    assert by_name(without)["chances"].matches is None
    assert by_name(replace(by_hazard, historical=True))["id"].matches is None


def test_limits_come_again_from_the_same_plant_file_and_are_not_known_from_another(by_rule):
    assert by_rule.reason is AlertReason.OPENED
    found = by_name(by_rule, hazard=None)
    assert {one.matches for one in found.values()} == {True} and "warning of limit of temp_degc" in found
    moved = parse(tiny.PLANT_TOML.replace(OWN, 'signal = "temp_degc"\nwarning_high = 69\n'))
    assert by_name(by_rule, moved)["version of the plant file"].matches is None
    forged = replace(by_rule, evidence=(replace(by_rule.evidence[0], limit=50.0),))
    assert by_name(forged)["warning of limit of temp_degc"].matches is False
