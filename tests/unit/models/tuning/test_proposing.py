"""What is said of what a search found: a suggestion with all that people need, a request for a trial, or a rail."""

from __future__ import annotations

import numpy as np
import pytest

from models.plant.tuning import Combination, Lock
from models.records import Suggestion, SuggestionRefused, SuggestionState, TrialRequest
from models.tuning.effect import least_parts
from models.tuning.tuner import AGAIN_US, Beside, Served
from tests.kit.tuned import (
    ASSET,
    BESIDE,
    EVIDENCE,
    HOUR_US,
    NOW_US,
    PLANT,
    PRODUCT,
    at_us,
    heat,
    load,
    made,
    part,
    ready,
    result,
    station,
    suggested,
    tuner,
)  # fmt: skip


def said(**of):
    return ready(**of).step(NOW_US, BESIDE)


def test_a_suggestion_says_what_why_what_is_expected_until_when_and_how_back():
    [one] = said(qualification="burst test", valid="2h")
    assert isinstance(one, Suggestion) and one.state is SuggestionState.OPEN
    assert (one.plant, one.asset, one.product, one.model) == (PLANT, ASSET, PRODUCT, "press-defects@1")
    assert (one.parameter, one.unit, one.now, one.proposed) == ("heat", "Cel", 150.0, 142.0)
    assert one.valid_until_us - one.made_us == 2 * HOUR_US
    assert one.revalidate == "burst test"
    assert one.revert.startswith("Set heat to 150 Cel. Not taken within 2h")
    assert f"5 of {EVIDENCE + 4} parts inspected at this setting are defective (5 crack)" in one.why
    assert "heat 142 Cel (now 150)" in one.why


def test_what_is_expected_is_of_the_values_that_are_suggested():
    [one] = said()
    rate = one.expected[0]
    assert (rate.before, rate.after) == pytest.approx((0.05, 0.05 * 2.718281828**-0.8), rel=0.15)
    assert rate.after_low < rate.after < rate.after_high and rate.before_low < rate.before < rate.before_high


def both(gain_of_load):
    """A model by which 8.95 is better, and less load by so much, of a press at 8.8: a step that is a bit too small."""

    def ask(rows):
        chances = 0.05 * np.exp(-1.0 * (rows[:, 0] > 8.9) * (rows[:, 0] < 9.0) - gain_of_load * (rows[:, 1] < 4.5))
        return chances, 0.001 * chances

    return Beside(model=Served("both@1", ask))


def at_the_edge():
    of = tuner(parameters={"heat": heat(low=8.0, high=10.0, step=0.3, least_step=0.15), "load": load()})
    for one in made(0, EVIDENCE + 4, {"heat": 8.8, "load": 5.0}):
        of.take(one)
    return of


def test_what_is_expected_is_of_what_rails_leave_of_a_move():
    assert 8.95 - 8.8 < 0.15
    one = suggested(at_the_edge(), beside=both(0.5))
    assert {each.parameter for each in one.settings} == {"load"}
    rate = one.expected[0]
    assert rate.after == pytest.approx(rate.before * np.exp(-0.5), rel=0.05)


def test_a_move_of_which_rails_leave_nothing_that_is_better_is_not_suggested():
    of = at_the_edge()
    assert [one for one in of.step(NOW_US, both(0.05)) if isinstance(one, Suggestion)] == []


def test_a_rate_limit_leaves_a_smaller_move():
    [whole], [one] = said(), said(parameters={"heat": heat(rate=4.0, rate_h=24.0), "load": load()})
    assert one.proposed == 146.0 and "heat 146 Cel (now 150)" in one.why
    assert one.expected[0].after > 1.2 * whole.expected[0].after


def test_the_largest_change_comes_first():
    of = ready(parameters={"load": load(), "heat": heat()})
    assert suggested(of).parameter == "heat"


def test_a_change_too_large_is_a_request_for_a_trial_of_enough_parts():
    [one] = said(parameters={"heat": heat(trial_above=5.0), "load": load()}, qualification="burst test")
    assert isinstance(one, TrialRequest)
    rate = one.expected[0]
    assert one.parts == least_parts(rate.before, rate.after) and "it needs a trial" in one.why
    assert one.revalidate == "burst test"


def test_after_a_request_for_a_trial_small_changes_are_suggested_and_no_other_trial():
    of = ready(parameters={"heat": heat(trial_above=5.0), "load": load()})
    of.step(NOW_US, BESIDE)
    [one] = of.step(NOW_US + AGAIN_US, BESIDE)
    assert isinstance(one, Suggestion) and abs(one.proposed - one.now) <= 5.0


def test_a_rail_that_refuses_is_told_by_its_name_and_once():
    locked = Lock(name="guard shut", signal="guard", low=1.0, high=1.0)
    of = ready(interlocks=(locked,))
    [one] = of.step(NOW_US, BESIDE)
    assert isinstance(one, SuggestionRefused)
    assert (one.rail, one.detail) == ("interlock", "heat: guard shut: guard is not known")
    assert of.step(NOW_US + AGAIN_US, BESIDE) == []


def test_another_rail_that_refuses_is_told_as_well():
    locked = Lock(name="guard shut", signal="guard", low=1.0, high=1.0)
    of = ready(interlocks=(locked,))
    of.step(NOW_US, BESIDE)
    of.change_station(station(forbidden=(Combination(name="cold", ranges={"heat": (0.0, 149.0)}),)))
    assert [one.rail for one in of.step(NOW_US + AGAIN_US, BESIDE)] == ["forbidden-combination"]


def test_conditions_are_those_of_the_part_made_last_whichever_comes_last():
    locked = Lock(name="guard shut", signal="guard", low=1.0, high=1.0)
    shut = {"heat": 150.0, "load": 5.0, "room": 20.0, "guard": 1.0}
    of = ready(interlocks=(locked,))
    of.take(part(EVIDENCE + 6, measured=shut))
    of.take(part(EVIDENCE + 5, measured=shut | {"guard": 0.0}))
    assert isinstance(of.step(NOW_US, BESIDE)[0], Suggestion)


def test_a_way_back_that_is_too_large_is_a_request_for_a_trial_of_as_many_parts_as_ever():
    """A model that expects the same everywhere, of a press that took less at first."""
    of = tuner(takes={"energy": "kJ"}, target=0.5, parameters={"heat": heat(trial_above=3.0), "load": load()})
    noise = np.random.default_rng(1).normal(0.0, 0.5, 3 * EVIDENCE)
    for number, by in enumerate(noise):
        hot = 142.0 if number < EVIDENCE else 150.0
        values = {"heat": hot + by, "load": 5.0, "room": 20.0, "energy": 10.0 + 0.1 * (hot + by - 142.0)}
        of.take(part(number, {"heat": hot, "load": 5.0}, measured=values))
        of.take(result(number))
    flat = Served("flat@1", lambda rows: (np.full(len(rows), 0.01), np.full(len(rows), 1e-5)))
    [one] = of.step(at_us(4 * EVIDENCE), Beside(model=flat))
    assert isinstance(one, TrialRequest)
    assert one.settings[0].proposed < 147.0 and one.parts == EVIDENCE
