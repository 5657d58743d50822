"""What answers make of a suggestion: who may, what counts, and that a wish passes the rails or is refused once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from models.plant.tuning import Combination
from models.records import Suggestion, SuggestionRefused, SuggestionState, Verdict
from models.tuning.tuner import Beside, Served
from tests.kit.tuned import (
    BESIDE,
    COOLER,
    NOW_US,
    PRODUCT,
    SECOND_US,
    answer,
    heard,
    heat,
    load,
    ready,
    states,
    suggested,
)  # fmt: skip

TWO = {"parameters": {"heat": heat(two_above=5.0), "load": load()}}
ACCEPTED, REJECTED, MODIFIED = Verdict.ACCEPTED, Verdict.REJECTED, Verdict.MODIFIED
OPEN = SuggestionState.OPEN


def wish(one, heat_degc, by="anna", **more):
    return answer(one, MODIFIED, by, values={"heat": heat_degc}, **more)


@pytest.fixture
def of():
    return ready()


@pytest.fixture
def two():
    return ready(**TWO)


def test_who_accepts_it_has_it_accepted(of):
    one = suggested(of)
    assert states(heard(of, answer(one))) == [SuggestionState.ACCEPTED]


def test_who_rejects_it_ends_it_with_why(of):
    one = suggested(of)
    [said] = heard(of, answer(one, REJECTED, why="the oil smokes"))
    assert (said.state, said.ended, said.revision) == (SuggestionState.REJECTED, "the oil smokes", 1)


def test_the_first_answer_counts(of):
    one = suggested(of)
    assert states(heard(of, answer(one, REJECTED), answer(one, by="bert"))) == [SuggestionState.REJECTED]
    assert of.step(NOW_US, BESIDE) == []


@pytest.mark.parametrize("late_us", [0, SECOND_US])
def test_an_answer_after_it_lapsed_counts_for_nothing(of, late_us):
    one = suggested(of)
    late = answer(one, time_us=one.valid_until_us + late_us)
    assert states(heard(of, late, now_us=one.valid_until_us))[0] is SuggestionState.EXPIRED


def test_an_answer_in_time_counts_though_it_is_heard_late(of):
    one = suggested(of)
    said = heard(of, answer(one, time_us=one.valid_until_us - 1), now_us=one.valid_until_us + SECOND_US)
    assert states(said) == [SuggestionState.ACCEPTED]


def test_an_answer_from_before_it_was_made_counts_for_nothing(of):
    one = suggested(of)
    assert heard(of, answer(one, time_us=one.made_us - 1)) == []


def test_a_large_change_needs_two_persons(two):
    one = suggested(two)
    assert one.approvals == 2
    assert heard(two, answer(one)) == []
    assert states(heard(two, answer(one, by="bert"))) == [SuggestionState.ACCEPTED]


def test_the_same_person_twice_is_one(two):
    one = suggested(two)
    assert heard(two, answer(one), answer(one, time_us=NOW_US + 9)) == []


def test_one_of_two_who_rejects_it_ends_it(two):
    one = suggested(two)
    assert states(heard(two, answer(one), answer(one, REJECTED, "bert"))) == [SuggestionState.REJECTED]


def test_who_approved_before_a_change_does_not_count_after_it(two):
    one = suggested(two)
    [now] = heard(two, answer(one), wish(one, 143.0, "bert"))
    assert (now.state, now.proposed, now.revision) == (OPEN, 143.0, 1)
    assert heard(two, answer(one, by="bert", time_us=NOW_US + 9)) == []
    assert states(heard(two, answer(one, time_us=NOW_US + 9))) == [SuggestionState.ACCEPTED]


def test_who_wishes_the_same_approves_of_it(two):
    one = suggested(two)
    heard(two, wish(one, 143.0))
    assert states(heard(two, wish(one, 143.0, "bert"))) == [SuggestionState.ACCEPTED]


def test_a_wish_that_was_refused_takes_nobodys_approval(two):
    one = suggested(two)
    heard(two, wish(one, 143.0))
    assert isinstance(heard(two, wish(one, 90.0, "carl"))[0], SuggestionRefused)
    assert states(heard(two, wish(one, 143.0, "bert"))) == [SuggestionState.ACCEPTED]


def test_who_wished_it_before_another_wish_does_not_count(two):
    one = suggested(two)
    heard(two, wish(one, 143.0), wish(one, 144.0, "bert"))
    assert states(heard(two, wish(one, 143.0, "carl"))) == [OPEN]


def test_a_smaller_change_needs_no_second_person(two):
    one = suggested(two)
    [now] = heard(two, wish(one, 146.0))
    assert (now.state, now.proposed, now.approvals) == (SuggestionState.ACCEPTED, 146.0, 1)
    assert "changed by anna" in now.assumed[-1]


def test_a_larger_change_needs_a_second_person():
    of = ready(**TWO)
    small = Served("press-defects@1", lambda rows: COOLER.ask((rows + 0.0).clip(145.9, None)), COOLER.inputs)
    one = suggested(of, beside=Beside(model=small))
    assert one.approvals == 1
    [now] = heard(of, wish(one, 143.0))
    assert (now.state, now.approvals) == (OPEN, 2)


@pytest.mark.parametrize(
    ("heat_degc", "rail"), [(99.0, "bounds"), (130.0, "step"), (1e300, "bounds"), (150.5, "no-change-left")]
)
def test_a_wish_past_a_rail_is_refused_by_its_name(of, heat_degc, rail):
    [said] = heard(of, wish(suggested(of), heat_degc))
    assert (said.rail, said.by, said.suggestion) == (rail, "anna", of.open.id)
    assert said.settings[0].proposed == heat_degc


def test_a_refusal_of_a_wish_is_told_once(of):
    one = suggested(of)
    heard(of, wish(one, 99.0))
    assert of.step(NOW_US + SECOND_US, BESIDE) == []


def test_after_a_refusal_it_may_be_accepted_as_it_is(of):
    one = suggested(of)
    said = heard(of, wish(one, 99.0), answer(one, time_us=NOW_US + 9))
    assert isinstance(said[0], SuggestionRefused) and said[1].proposed == one.proposed
    assert said[1].state is SuggestionState.ACCEPTED


def test_another_wish_of_the_same_person_is_judged_by_itself(of):
    one = suggested(of)
    heard(of, wish(one, 99.0))
    assert states(heard(of, wish(one, 145.0, time_us=NOW_US + 9))) == [SuggestionState.ACCEPTED]


def test_the_same_wish_of_two_persons_at_one_time_is_refused_to_each(of):
    one = suggested(of)
    said = heard(of, wish(one, 99.0), wish(one, 99.0, "bert"))
    assert [each.by for each in said] == ["anna", "bert"]


def test_a_whole_step_as_people_write_it_is_a_whole_step():
    of = ready(parameters={"heat": heat(step=0.3, least_step=0.1, low=140.0), "load": load(step=0.1, least_step=0.01)})
    steep = Served("press-defects@1", lambda rows: COOLER.ask(150 + 30 * (rows - 150)), COOLER.inputs)
    one = suggested(of, beside=Beside(model=steep))
    assert states(heard(of, wish(one, 149.7))) == [SuggestionState.ACCEPTED]
    assert abs(of.suggestions[one.id].proposed - 150.0) <= 0.3


def test_a_parameter_that_it_is_not_about_is_refused_rather_than_forgotten(of):
    one = suggested(of)
    [said] = heard(of, answer(one, MODIFIED, values={"heat": 146.0, "load": 4.0}))
    assert (said.rail, said.detail) == ("not-one-move", "load: none of this suggestion")


def test_a_wish_into_a_forbidden_combination_is_refused():
    of = ready(forbidden=(Combination(name="cold", ranges={"heat": (145.0, 147.0)}),))
    [said] = heard(of, wish(suggested(of), 146.0))
    assert (said.rail, said.detail) == ("forbidden-combination", "heat: cold")


def test_a_wish_that_would_need_a_trial_is_refused():
    of = ready(parameters={"heat": heat(trial_above=5.0), "load": load()})
    of.take(of.step(NOW_US, BESIDE)[0])  # asked for as a trial; from now on small ones alone
    one = suggested(of, NOW_US + 3600 * SECOND_US)
    [said] = heard(of, wish(one, 143.0), now_us=NOW_US + 3600 * SECOND_US)
    assert said.rail == "management-of-change"


def test_a_wish_while_all_is_stopped_is_not_taken(of):
    one = suggested(of)
    said = heard(of, wish(one, 146.0), answer(one), beside=Beside(model=COOLER, is_stopped=True))
    assert states(said) == [SuggestionState.WITHDRAWN]


def test_what_a_changed_suggestion_says_else_stays(of):
    one = suggested(of)
    [now] = heard(of, wish(one, 146.0))
    assert replace(
        now, proposed=one.proposed, state=one.state, revision=0, assumed=one.assumed, ended="", moved_us=one.moved_us
    ) == one  # fmt: skip
    assert isinstance(now, Suggestion) and now.product == PRODUCT
