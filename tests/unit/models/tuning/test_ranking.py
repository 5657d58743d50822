"""How answers rank what is suggested later: by parameter and direction."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace

from models.records import SuggestionState, Verdict
from models.tuning.ranking import Answered, answered, told
from models.tuning.tuner import AGAIN_US, Beside, Served
from tests.kit.tuned import NOW_US, answer, heard, heat, load, ready, suggested

ONE = suggested(ready())
DOWN = ("heat", False)


def found(state, **said):
    return answered([replace(ONE, state=state, **said)])


def test_what_is_rejected_ranks_lower_each_time_and_is_never_excluded():
    ranks = [Answered(rejected=count).liked for count in range(4)]
    assert ranks == [1.0, 0.5, 1 / 3, 0.25]


def test_what_is_taken_ranks_higher_again():
    assert Answered(taken=1, rejected=1).liked > Answered(rejected=1).liked


def test_a_rejection_counts_for_its_parameter_and_direction_alone():
    assert found(SuggestionState.REJECTED) == {DOWN: Answered(0, 1)}


def test_one_that_is_open_lapsed_or_stopped_says_nothing():
    for state in (SuggestionState.OPEN, SuggestionState.EXPIRED, SuggestionState.WITHDRAWN):
        assert found(state) == {}


def test_one_that_failed_had_been_taken():
    assert found(SuggestionState.WITHDRAWN, failed=True) == {DOWN: Answered(1, 0)}


def test_one_that_two_approved_was_taken_once():
    of = ready(parameters={"heat": heat(two_above=1.0), "load": load()})
    one = suggested(of)
    heard(of, answer(one, by="anna"), answer(one, by="bert"))
    assert of.suggestions[one.id].state is SuggestionState.ACCEPTED
    assert of.liked[DOWN] == Answered(1, 0)


def test_it_is_told_what_answers_did_to_a_rank_and_nothing_where_nobody_rejected():
    ranks = {DOWN: Answered(1, 1), ("load", True): Answered(1, 0)}
    assert told(ranks, ranks) == "heat down was rejected 1 of 2 times and ranks by 0.67"
    assert told({}, [DOWN]) == ""


def test_a_suggestion_after_a_rejection_says_so_and_what_nobody_rejected_comes_first():
    of = ready()
    first = suggested(of)
    assert "rejected" not in first.why
    heard(of, answer(first, Verdict.REJECTED, why="the oil smokes"))
    later = suggested(of, NOW_US + AGAIN_US)
    assert "heat down was rejected 1 of 1 times and ranks by 0.50" in later.why


def test_of_two_that_are_as_good_the_one_that_was_not_rejected_is_suggested():
    def either(rows):
        chances = 0.05 * np.exp(-np.abs(rows[:, 0].astype(float) - 150.0) / 10.0)
        return chances, 0.01 * chances

    of, beside = ready(), Beside(model=Served("either@1", either))
    first = suggested(of, beside=beside)
    heard(of, answer(first, Verdict.REJECTED), beside=beside)
    later = suggested(of, NOW_US + AGAIN_US, beside)
    assert (later.proposed > later.now) is not (first.proposed > first.now)
