"""The closed loop on the simulated weld cell, short: suggestions are made, taken and measured within all rails."""

from __future__ import annotations

from itertools import pairwise

import pytest

from models.physics import weld
from models.records import Suggestion, SuggestionState
from tests.kit.weld_loop import BLOCK, run, station

PARTS, EVIDENCE, STEP_US = 6000, 600, 60_000_000
"""A part a minute: what may change in a day is then not used up in hours."""


@pytest.fixture(scope="module")
def ended():
    return run(1, weld.Scenario("steady"), PARTS, STEP_US, evidence=EVIDENCE)


def opened(ended):
    return [
        one
        for seen in ended.seen
        for one in seen.said
        if isinstance(one, Suggestion) and one.state is SuggestionState.OPEN
    ]


def test_it_ends_with_fewer_true_defects_than_it_began_with(ended):
    assert ended.moves and ended.true < weld.true_rate(weld.START, weld.Scenario("steady"), 0)


def test_no_rail_is_broken_on_the_way(ended):
    limits = station(EVIDENCE).parameters
    for before, after in pairwise(ended.seen):
        for name, of in limits.items():
            was, now = getattr(before.settings, name), getattr(after.settings, name)
            assert of.low <= now <= of.high and of.qualified[0] <= now <= of.qualified[1]
            assert abs(now - was) <= of.step + 1e-9
    for name, of in limits.items():
        for begin in ended.seen:
            day = [one for one in ended.seen if 0 <= one.parts - begin.parts < 24 * 60]
            path = [getattr(one.settings, name) for one in day]
            assert sum(abs(b - a) for a, b in pairwise(path)) <= of.rate + 1e-9


def test_each_suggestion_rests_on_enough_parts_and_one_is_open_at_a_time(ended):
    changes = [after.parts for before, after in pairwise(ended.seen) if before.settings != after.settings]
    rests = [later - earlier for earlier, later in pairwise([0, *changes])]
    assert all(rest >= EVIDENCE for rest in rests)
    assert len(opened(ended)) <= PARTS // EVIDENCE and BLOCK < EVIDENCE
