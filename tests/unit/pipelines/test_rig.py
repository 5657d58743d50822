"""A real rig that ran to failure: rules and health warn of the bearings that broke, and do not flood before."""

from __future__ import annotations

from collections import Counter

import pytest

from models.records import AlertReason, Rung
from tests.bench.rig import BROKEN, Judged, of_health, of_rules
from tests.kit import rig
from tests.kit.public import why_not
from tests.kit.rig import Said

pytestmark = pytest.mark.skipif(not rig.DATA.exists(), reason=why_not(rig.DATA))

DAYS = "days 2 to 10"
LEAST_LEAD_H = 1.0
"""Shorter than this nobody can act."""
ROW_US = 600_000_000
"""The minute of the row before is still open when health comes into use, and ends under it."""


@pytest.fixture(scope="module")
def said() -> Said:
    return rig.run(DAYS)


@pytest.fixture(scope="module")
def rules(said) -> dict[str, Judged]:
    return {one.choice: one for one in of_rules(said)}


@pytest.mark.parametrize("choice", ["quarter", "proportion"])
def test_rules_of_vibration_warn_of_both_bearings_that_broke_before_the_end(rules, choice):
    founded = {span.asset: span.lead_h for span in rules[choice].founded}
    assert set(founded) == set(BROKEN)
    assert min(founded.values()) >= LEAST_LEAD_H


def test_a_rule_that_needs_no_baseline_warns_of_a_bearing_that_broke_before_the_end(rules):
    assert [span.asset for span in rules["neighbours"].found] == ["bearing-3"]
    assert rules["neighbours"].lead_h >= LEAST_LEAD_H


def test_health_of_the_rig_warns_before_the_end_and_names_the_bearings_that_broke_alone(said):
    _, whole = of_health(said, DAYS, Rung.HEALTH)
    assert whole.lead_h >= LEAST_LEAD_H
    assert set(whole.leads_h) == set(BROKEN)
    assert min(whole.leads_h.values()) >= LEAST_LEAD_H


def test_health_of_the_bearings_warns_before_the_end(said):
    bearings, _ = of_health(said, DAYS, Rung.HEALTH)
    assert {span.asset for span in bearings.founded} == set(BROKEN)
    assert min(span.lead_h for span in bearings.founded) >= LEAST_LEAD_H


def test_nothing_is_said_of_health_before_the_days_that_it_was_learned_on_are_over(said):
    end_us = rig.us(rig.record().day(rig.DAYS[DAYS][1]))
    assert min(one.window_end_us for one in said.healths) >= end_us - ROW_US


def test_there_is_no_flood(said, rules):
    assert len(rules["all of them"].early) <= 1
    opened = Counter(one.asset for one in said.alerts if one.reason is AlertReason.OPENED)
    assert max(opened.values()) == 1


def test_a_case_goes_on_while_more_rungs_speak_of_its_bearing(said):
    for bearing in BROKEN:
        told = [one for one in said.alerts if one.asset == bearing]
        assert len({one.id for one in told}) == 1
        assert {each.rung for one in told for each in one.evidence} == {Rung.RULES, Rung.HEALTH, Rung.TREND}
