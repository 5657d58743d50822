"""Which settings are suggested: the best sure small move by the model, and none where it is not sure or costs more."""

from __future__ import annotations

import math

import numpy as np
import pytest

from models.plant.tuning import Moves
from models.tuning.costs import Cost
from models.tuning.search import (
    LEAST_GAIN,
    MOST_MOVED,
    RISE,
    Aim,
    Found,
    Nothing,
    Rate,
    Space,
    Tried,
    candidates,
    rate_of,
    search,
    seen_too,
    way_of,
)  # fmt: skip
from tests.kit.tuned import heat, load

NOW = (150.0, 5.0)
INPUTS = np.column_stack([np.random.default_rng(1).normal(150.0, 0.5, 40), np.full(40, 5.0), np.full(40, 20.0)])


def space(target=0.0, recipe=None, explores=False, **parameters):
    named = {"heat": heat(), "load": load()} | parameters
    return Space(tuple(named), named, ("heat", "load", "room"), recipe or {}, target, explores)


def bowl(heat_at, load_at, sd=0.01):
    """A model whose rate is least at a place, and as sure as told everywhere."""

    def ask(rows):
        logs = ((rows[:, 0] - heat_at) / 8.0) ** 2 + ((rows[:, 1] - load_at) / 2.0) ** 2
        chances = 0.01 * np.exp(np.minimum(logs.astype(float), 4.0))
        return chances, sd * chances

    return ask


def found(ask, of=None, liked=lambda name, by: 1.0, costs=(), seen=None, reach=None, may_rise=True, **said):
    return search(of or space(), Tried(NOW, INPUTS, costs, reach or {}, may_rise, seen or {}), ask, liked, **said)


@pytest.mark.parametrize(
    ("best", "settings"),
    [
        ((158.0, 5.0), {"heat": 158.0}),
        ((142.0, 5.0), {"heat": 142.0}),
        ((165.0, 5.0), {"heat": 158.0}),
        ((150.0, 7.0), {"load": 7.0}),
        ((158.0, 3.0), {"heat": 158.0, "load": 3.0}),
        ((146.0, 7.0), {"heat": 146.0, "load": 7.0}),
    ],
)
def test_it_finds_the_known_best_within_a_step_of_each(best, settings):
    move = found(bowl(*best))
    assert isinstance(move, Found) and move.settings == settings


def test_of_two_that_are_alike_it_takes_the_smaller():
    def ask(rows):
        chances = np.where(rows[:, 0] < 148.0, 0.01, 0.1)
        return chances, chances * 0.01

    assert found(ask).settings == {"heat": 146.0}


def test_what_people_reject_ranks_behind_what_is_as_good():
    def ask(rows):
        chances = 0.1 * np.exp(-np.abs(rows[:, 0] - INPUTS[:, 0].mean()).astype(float) / 8.0)
        return chances, chances * 0.01

    for up in (True, False):
        moved = found(ask, liked=lambda name, by, up=up: 0.3 if (by > 0) is up else 1.0).settings["heat"]
        assert (moved > 150.0) is not up


def test_it_is_not_sure_where_draws_do_not_agree_more_than_here():
    def ask(rows):
        far = np.abs(rows[:, 0] - 150.0) + np.abs(rows[:, 1] - 5.0)
        chances = np.where(far > 2.5, 0.07, 0.1)
        return chances, chances * np.where(far > 2.5, 5.0, 0.01)

    assert isinstance(found(ask), Nothing)


def test_a_gain_that_is_too_little_is_not_worth_a_change():
    def less(by):
        return lambda rows: (0.1 * np.exp(-by * (np.abs(rows[:, 0] - 150.0) > 3.0)), np.full(len(rows), 1e-6))

    assert isinstance(found(less(0.9 * LEAST_GAIN)), Nothing)
    assert isinstance(found(less(LEAST_GAIN + 0.1)), Found)


def test_what_takes_more_than_at_first_is_not_suggested():
    more_with_heat = Cost(np.array([0.05, 0.0, 0.0]), 10.0)
    assert isinstance(found(bowl(158.0, 5.0), costs=((more_with_heat, 10.0),)), Nothing)
    assert found(bowl(142.0, 5.0), costs=((more_with_heat, 10.0),)).takes == pytest.approx([10 * np.exp(-0.4)])
    assert isinstance(found(bowl(158.0, 5.0), costs=((more_with_heat, 20.0),)), Found)


def test_what_takes_more_already_may_take_as_much_and_no_more():
    more_with_heat = Cost(np.array([0.05, 0.0, 0.0]), 12.0)
    assert found(bowl(158.0, 7.0), costs=((more_with_heat, 10.0),)).settings == {"load": 7.0}


def test_a_rate_that_is_good_enough_is_left_alone():
    assert found(bowl(158.0, 5.0), space(target=0.5)).why == "the rate is good enough"


def test_where_the_rate_is_good_enough_a_move_leads_back_to_what_it_took_at_first():
    more_with_heat = Cost(np.array([0.05, 0.0, 0.0]), 12.0)
    move = found(bowl(150.0, 5.0), space(target=0.1), costs=((more_with_heat, 10.0),))
    assert move.aim is Aim.LESS and move.settings["heat"] < 150.0 and move.takes[0] < 12.0


def test_a_way_back_does_not_leave_what_is_good_enough():
    more_with_heat = Cost(np.array([0.05, 0.0, 0.0]), 12.0)

    def edge(rows):
        chances = np.where(rows[:, 0] < 148.5, 0.5, 0.01)
        return chances, chances * 0.01

    assert isinstance(found(edge, space(target=0.1), costs=((more_with_heat, 10.0),)), Nothing)


def test_nothing_goes_beyond_bounds_a_recipe_or_what_is_qualified():
    of = space(recipe={"heat": (120.0, 154.0)}, load=load(high=6.0, qualified=(2.0, 5.6)))
    moves = candidates(of, Tried(NOW, INPUTS)) + NOW
    assert (moves[:, 0].max(), moves[:, 1].max()) == pytest.approx((154.0, 5.6))


def test_no_parameter_goes_beyond_its_reach():
    assert found(bowl(158.0, 5.0)).settings == {"heat": 158.0}
    assert found(bowl(158.0, 5.0), reach={"heat": 5.0}).settings == {"heat": 154.0}
    assert isinstance(found(bowl(158.0, 5.0), reach={"heat": 0.0}), Nothing)


def unsure_there(rows):
    """A model that expects the same everywhere, and is less sure away from where parts were made."""
    far = np.abs(rows[:, 0] - 150.0) > 2.5
    return np.full(len(rows), 0.1), np.where(far, 0.05, 0.001)


def test_a_station_that_explores_is_told_a_move_to_learn_by_where_none_is_likely_better():
    assert isinstance(found(unsure_there), Nothing)
    move = found(unsure_there, space(explores=True))
    assert move.aim is Aim.LEARN and "heat" in move.settings


def test_a_move_that_is_likely_better_comes_before_one_to_learn_by():
    assert found(bowl(158.0, 5.0), space(explores=True)).aim is Aim.BETTER


def test_a_move_that_may_well_do_harm_is_not_made_to_learn_by():
    def wild(rows):
        chances, spreads = unsure_there(rows)
        return chances, np.where(spreads > 0.01, 0.5, spreads)

    assert isinstance(found(wild, space(explores=True)), Nothing)


def test_less_than_the_least_step_is_no_candidate():
    assert set(np.abs(candidates(space(heat=heat(least_step=5.0)), Tried(NOW, INPUTS))[:, 0])) == {0.0, 8.0}


def test_no_more_than_a_few_parameters_move_at_once():
    many = {f"p{at}": heat() for at in range(MOST_MOVED + 1)}
    of = Space(tuple(many), many, tuple(many), {})
    assert np.count_nonzero(candidates(of, Tried((150.0,) * len(many), INPUTS)), axis=1).max() == MOST_MOVED


def test_a_parameter_moves_the_input_that_it_is_said_to_by_a_condition():
    boost = heat(low=0.0, high=1.0, step=0.2, least_step=0.0, moves=Moves(input="heat", factor=-2.0, per="room"))
    of = Space(("boost",), {"boost": boost}, ("heat", "load", "room"), {})
    move = search(of, Tried((0.4,), INPUTS), bowl(142.0, 5.0), lambda name, by: 1.0)
    assert move.settings == {"boost": 0.6}  # 0.2 x -2 x 20 is 8 less


def test_one_move_alone_is_told_of_where_only_it_is_asked():
    only = found(bowl(158.0, 5.0), only={"heat": 155.0})
    assert only.settings == {"heat": 155.0}
    assert only.after.rate == pytest.approx(0.01 * np.exp((3 / 8) ** 2), rel=0.05)


def raising(rows):
    raise RuntimeError("it wants four inputs")


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda rows: (np.full(len(rows), np.nan), np.full(len(rows), 0.1)), "does not give numbers"),
        (lambda rows: (np.full(len(rows), 0.1), np.full(len(rows), np.inf)), "does not give numbers"),
        (lambda rows: (np.full(len(rows), 1.1), np.full(len(rows), 0.1)), "chances that are none"),
        (lambda rows: (np.full(len(rows), 0.1), np.full(len(rows), -0.1)), "negative spreads"),
        (lambda rows: (np.zeros(len(rows)), np.zeros(len(rows))), "no defects at all"),
        (lambda rows: (np.full(3, 0.1), np.full(3, 0.1)), "fails"),
        (raising, "it wants four inputs"),
    ],
)
def test_a_model_that_is_not_sound_suggests_nothing_and_it_is_told_why(ask, why):
    assert why in found(ask).why


def test_what_was_found_at_a_setting_corrects_a_model_that_is_wrong_there():
    ask = bowl(158.0, 5.0, sd=1.0)
    assert found(ask).settings["heat"] == 158.0
    wrong = found(ask, seen={(158.0, 5.0): (2000, 400)})
    assert isinstance(wrong, Nothing) or wrong.settings.get("heat") != 158.0


def test_many_parts_outweigh_what_a_model_expects_and_none_change_nothing():
    rate = Rate(0.01, 0.005, 0.02, 0.5)
    assert seen_too(rate, (0, 0)) is rate
    assert seen_too(rate, (100_000, 5000)).rate == pytest.approx(0.05, rel=0.01)
    assert seen_too(rate, (100_000, 5000)).log_sd < 0.05
    assert 0.01 < seen_too(rate, (100, 5)).rate < 0.05


def test_an_interval_of_a_rate_is_around_it_and_a_rate_that_is_none_has_none():
    rate = rate_of(np.full(5, 0.1), np.full(5, 0.02))
    assert (rate.rate, rate.log_sd) == pytest.approx((0.1, 0.2)) and rate.low < 0.1 < rate.high
    assert rate_of(np.zeros(5), np.zeros(5)).log_sd == np.inf


def test_a_way_is_as_sure_as_its_gain_is_large_beside_what_it_adds_to_what_is_not_known():
    here = Rate(0.1, 0.1, 0.1, 1.0)
    assert way_of(here, Rate(0.05, 0.05, 0.05, 1.0)).sure > 0.99
    assert way_of(here, Rate(0.05, 0.05, 0.05, 3.0)).sure < 0.7
    assert way_of(here, Rate(0.1, 0.1, 0.1, 1.0)).sure == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("may_rise", "share", "moves"), [(True, RISE - 0.01, True), (False, RISE - 0.01, False), (True, RISE + 0.01, False)]
)
def test_on_the_first_way_to_a_good_rate_alone_a_part_may_take_a_little_more(may_rise, share, moves):
    warmer = Cost(np.array([math.log1p(share) / 8.0, 0.0, 0.0]), 10.0)
    move = found(bowl(158.0, 5.0), of=space(load=load(step=0.0)), costs=((warmer, 10.0),), may_rise=may_rise)
    assert (isinstance(move, Found) and move.settings.get("heat") == 158.0) is moves
