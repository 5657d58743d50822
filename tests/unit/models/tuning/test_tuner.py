"""A station's tuning from parts to effects: when something is suggested, what ends it, what comes of it, restarts."""

from __future__ import annotations

import random

import numpy as np
import pytest
from msgspec.structs import replace

from models.plant.tuning import Lock, Moves
from models.records import EffectVerdict, Suggestion, SuggestionEffect, SuggestionRefused, SuggestionState, Verdict
from models.tuning.search import RECENT
from models.tuning.tuner import AGAIN_US, Beside, Demoted, Served
from tests.kit.tuned import (
    BESIDE,
    COOLER,
    EVIDENCE,
    HOUR_US,
    INPUTS,
    NOW_US,
    START,
    answer,
    at_us,
    cooler,
    heard,
    heat,
    load,
    made,
    part,
    ready,
    result,
    states,
    station,
    suggested,
    tuner,
)  # fmt: skip

COOL = START | {"heat": 142.0}
MANY = 3000


def accepted(every=20, count=EVIDENCE + 4):
    """A tuner whose suggestion was just accepted."""
    of = tuner(*made(0, count, every=every))
    one = suggested(of, at_us(count))
    heard(of, answer(one), now_us=at_us(count))
    return of, one


def went(every_before, every_after, count=MANY):
    """What was said after so many parts at both settings, of which each so-and-so-many-th is a defect."""
    of, one = accepted(every_before, count)
    for record in made(count + 1, count, COOL, every_after):
        of.take(record)
    return of, one, of.step(at_us(2 * count + 2), BESIDE)


def test_nothing_is_suggested_before_there_is_enough_evidence():
    of = tuner(*made(0, EVIDENCE - 1))
    assert of.step(NOW_US, BESIDE) == []
    of.take(part(EVIDENCE))
    assert of.step(NOW_US, BESIDE) == []  # nothing was found of it yet
    of.take(result(EVIDENCE))
    assert states(of.step(NOW_US, BESIDE)) == [SuggestionState.OPEN]


def test_parts_at_other_settings_are_no_evidence_for_this_one():
    of = tuner(*made(0, EVIDENCE, COOL), *made(EVIDENCE, EVIDENCE - 1))
    assert of.step(NOW_US + HOUR_US, BESIDE) == []


@pytest.mark.parametrize(
    "beside", [Beside(), Beside(model=COOLER, is_stopped=True), Beside(model=COOLER, is_busy=True)]
)
def test_nothing_is_suggested_without_a_model_while_stopped_or_while_another_product_has_one_open(beside):
    assert ready().step(NOW_US, beside) == []


def test_one_alone_is_open():
    of = ready()
    suggested(of)
    assert of.step(NOW_US + 2 * AGAIN_US, Beside(model=Served("other@1", cooler))) == []


def test_parts_without_all_inputs_are_no_reason_to_suggest():
    of = tuner(*made(0, EVIDENCE + 4, measured=START))
    assert of.step(NOW_US, BESIDE) == []
    assert of.nothing == f"fewer than {RECENT} parts at this setting have all inputs measured"


def test_what_is_asked_is_of_parts_made_at_this_setting():
    asked = []

    def ask(rows):
        asked.append(rows[:RECENT, 0])
        return cooler(rows)

    of = tuner(*made(0, RECENT), *made(RECENT, EVIDENCE, COOL), *made(2 * RECENT, 1))
    of.step(at_us(3 * RECENT), Beside(model=Served("press-defects@1", ask)))
    assert np.all(asked[0] == 150.0)


def test_a_search_that_came_to_nothing_is_made_again_after_an_hour_or_with_another_model():
    asked = []

    def flat(rows):
        asked.append(len(rows))
        return np.full(len(rows), 0.1), np.full(len(rows), 0.001)

    of, beside = ready(), Beside(model=Served("flat@1", flat))
    for now_us, count in ((NOW_US, 1), (NOW_US + AGAIN_US - 1, 1), (NOW_US + AGAIN_US, 2)):
        assert of.step(now_us, beside) == []
        assert len(asked) == count
    assert states(of.step(NOW_US + AGAIN_US + 1, BESIDE)) == [SuggestionState.OPEN]


def test_a_model_of_other_inputs_is_not_asked():
    of = ready()
    wrong = Served("weld-defects@1", cooler, ("load", "heat", "room"))
    assert of.step(NOW_US, Beside(model=wrong)) == []
    assert "takes load, heat, room" in of.nothing


def test_settings_that_differ_by_rounding_are_one_setting_and_no_change():
    of = tuner(parameters={"heat": heat(cool_down="5h"), "load": load()})
    for number in range(EVIDENCE + 4):
        for one in made(number, 1, START | {"heat": 150.0 + 1e-9 * (number % 2)}):
            of.take(one)
    assert f"of {EVIDENCE + 4} parts inspected" in suggested(of).why


def test_after_a_change_no_more_is_suggested_than_its_rate_leaves():
    warm = START | {"heat": 154.0}
    of = tuner(*made(0, 4, warm), *made(4, EVIDENCE), parameters={"heat": heat(rate=8.5, rate_h=24.0), "load": load()})
    one = suggested(of)
    assert (one.proposed, one.rails) == (146.0, ())  # 4 of 8.5 are used; half a step is 4
    later = suggested(of, one.valid_until_us + 3 * HOUR_US)
    assert later.state is SuggestionState.EXPIRED


def test_it_lapses_when_nobody_takes_it_in_time():
    of = ready(valid="2h")
    one = suggested(of)
    assert of.step(NOW_US + 2 * HOUR_US - 1, BESIDE) == []
    assert of.step(NOW_US + 2 * HOUR_US, BESIDE)[0] == replace(
        one, state=SuggestionState.EXPIRED, revision=1, moved_us=NOW_US + 2 * HOUR_US, ended="not taken in time"
    )


def test_the_kill_switch_withdraws_it():
    of = ready()
    suggested(of)
    [gone] = of.step(NOW_US, Beside(model=COOLER, is_stopped=True))
    assert (gone.state, gone.ended, gone.failed) == (SuggestionState.WITHDRAWN, "suggestions are stopped", False)
    assert COOLER.version not in of.demoted


def test_what_was_accepted_while_all_is_stopped_is_withdrawn():
    of = ready()
    one = suggested(of)
    assert states(heard(of, answer(one), beside=Beside(model=COOLER, is_stopped=True))) == [SuggestionState.WITHDRAWN]


def test_it_is_withdrawn_where_somebody_changed_the_settings():
    of = ready()
    suggested(of)
    of.take(part(EVIDENCE + 5, START | {"heat": 151.0}))
    [gone] = of.step(NOW_US, BESIDE)
    assert (gone.state, gone.ended) == (SuggestionState.WITHDRAWN, "the settings are others by now")


@pytest.mark.parametrize(
    ("edited", "why"),
    [
        (heat(low=145.0), "not within 145"), (heat(qualified=(145.0, 160.0)), "qualified"),
        (heat(step=4.0), "heat: step"), (heat(trial_above=4.0), "needs a trial"),
        (heat(two_above=4.0), "more people must approve"),
    ],
)  # fmt: skip
def test_edited_limits_end_what_is_open_beyond_them_and_it_is_not_accepted(edited, why):
    of = ready()
    one = suggested(of)
    of.change_station(station(parameters={"heat": edited, "load": load()}))
    [gone, *_] = heard(of, answer(one))
    assert gone.state is SuggestionState.WITHDRAWN and why in gone.ended


def test_edited_limits_that_it_is_within_leave_it_open():
    of = ready()
    suggested(of)
    of.change_station(station(parameters={"heat": heat(low=120.0, cool_down="5h", rate=1.0), "load": load()}))
    assert of.step(NOW_US, BESIDE) == [] and of.open is not None


def test_edited_limits_hold_for_the_next_suggestion():
    of = ready()
    of.change_station(station(parameters={"heat": heat(low=147.0), "load": load()}))
    assert suggested(of).proposed == 147.0


def test_a_parameter_that_left_the_plant_file_is_not_moved_and_that_is_told():
    of = ready()
    suggested(of)
    of.change_station(station(parameters={"load": load()}))
    assert states(of.step(NOW_US, BESIDE)) == [SuggestionState.WITHDRAWN]
    assert "start the role anew" in of.nothing


def test_a_parameter_that_moves_an_input_nobody_reads_yet_is_not_moved():
    of = ready()
    of.change_station(station(parameters={"heat": heat(moves=Moves(input="oil")), "load": load()}))
    assert of.step(NOW_US, BESIDE) == [] and "oil" in of.nothing


def test_what_a_part_takes_may_be_edited():
    of, _ = accepted()
    of.change_station(station(takes={"energy": "kJ"}))
    for record in made(EVIDENCE + 5, EVIDENCE, COOL):
        of.take(record)
    assert isinstance(of.step(at_us(3 * EVIDENCE), BESIDE)[0], SuggestionEffect)


def test_a_figure_that_was_not_measured_at_first_is_held_to_when_it_was():
    of = tuner(*made(0, 50, COOL), takes={"energy": "kJ"})
    noise = np.random.default_rng(1).normal(0.0, 0.1, EVIDENCE)
    for number, by in enumerate(noise, start=50):
        of.take(part(number, measured={"heat": 150 + by, "load": 5.0, "room": 20.0, "energy": 10.0 + by}))
        of.take(result(number))
    assert suggested(of, at_us(EVIDENCE + 60)).expected[1].before == pytest.approx(10.0, rel=0.01)


def test_after_it_is_accepted_nothing_is_suggested_until_parts_show_it():
    of, _ = accepted()
    later = Beside(model=Served("press-defects@2", cooler))
    now_us = at_us(EVIDENCE + 4) + 2 * AGAIN_US
    assert of.step(now_us, later) == []
    assert states(of.step(now_us + 24 * HOUR_US, later)) == [SuggestionState.OPEN]  # nobody set it in all that time


def test_what_came_of_it_is_told_by_parts_at_both_settings():
    of, one = accepted()
    for record in made(EVIDENCE + 5, 50, COOL):
        of.take(record)
    [said] = of.step(at_us(3 * EVIDENCE), BESIDE)
    assert (said.suggestion, said.before.parts, said.after.parts) == (one.id, EVIDENCE + 4, 50)
    assert said.verdict is EffectVerdict.NOT_YET and not said.is_final


def test_it_is_not_told_again_by_a_few_parts_more():
    of, _ = accepted()
    for record in made(EVIDENCE + 5, 50, COOL):
        of.take(record)
    of.step(at_us(3 * EVIDENCE), BESIDE)
    for record in made(EVIDENCE + 56, 3, COOL):
        of.take(record)
    assert of.step(at_us(3 * EVIDENCE), BESIDE) == []


def test_one_that_delivers_is_told_once_for_all():
    of, _, said = went(20, 200)
    [effect] = [each for each in said if isinstance(each, SuggestionEffect)]
    assert (effect.verdict, effect.is_final) == (EffectVerdict.DELIVERS, True)
    assert not [each for each in of.step(at_us(2 * MANY + 9), BESIDE) if isinstance(each, SuggestionEffect)]


@pytest.mark.parametrize(
    ("before", "after", "verdict"), [(20, 10, EffectVerdict.HARMS), (20, 20, EffectVerdict.FUTILE)]
)
def test_one_that_harms_or_does_nothing_is_withdrawn_and_its_model_not_asked_again(before, after, verdict):
    of, one, said = went(before, after, 8000 if verdict is EffectVerdict.FUTILE else MANY)
    effect, gone, demoted = said
    assert (effect.verdict, gone.state, gone.failed) == (verdict, SuggestionState.WITHDRAWN, True)
    assert gone.id == one.id and one.revert in gone.ended
    assert isinstance(demoted, Demoted) and demoted.version == COOLER.version
    assert of.running is None and of.step(at_us(20_000) + 5 * AGAIN_US, BESIDE) == []
    other = Beside(model=Served("press-defects@2", cooler))
    still_us = gone.moved_us + 1_000_000
    assert of.step(still_us, other) == []  # people are to go back first
    for record in made(30_000, EVIDENCE):
        of.take(record)
    assert states(of.step(at_us(31_000) + 5 * AGAIN_US, other)) == [SuggestionState.OPEN]


def test_a_change_to_something_else_than_was_taken_is_not_waited_for():
    of, one = accepted()
    for record in made(EVIDENCE + 5, EVIDENCE, START | {"heat": 146.0}):
        of.take(record)
    said = of.step(one.moved_us + 10 * AGAIN_US, Beside(model=Served("press-defects@2", cooler)))
    assert SuggestionState.OPEN in states(said)


def test_what_a_machine_beside_shows_too_is_not_its_doing():
    of, _ = accepted(20, MANY)
    for record in made(MANY + 1, MANY, COOL, 200):
        of.take(record)
    beside = tuner(*made(0, MANY + 1, every=20), *made(MANY + 1, MANY, every=200))
    said = of.step(at_us(2 * MANY + 2), Beside(model=COOLER, pair=beside.journal.rows))
    assert said[0].verdict is not EffectVerdict.DELIVERS


class Told:
    """Runs a tuner and keeps all that was told to it and said by it, by topic."""

    def __init__(self, **said):
        self.of, self.said = tuner(**said), said
        self.quality, self.suggestions = [], []

    def parts(self, records):
        for one in records:
            self.quality.append(one)
            self.of.take(one)

    def step(self, now_us, *answers, beside=BESIDE):
        for one in answers:
            self.suggestions.append(one)
            self.of.take(one)
        out = self.of.step(now_us, beside)
        self.suggestions += [one for one in out if not isinstance(one, Demoted)]
        return out

    def again(self, order):
        """Another tuner that reads the topics from their beginning, one behind the other or mixed."""
        if order == "parts first":
            return tuner(*self.quality, *self.suggestions, **self.said)
        if order == "suggestions first":
            return tuner(*self.suggestions, *self.quality, **self.said)
        left, chance, out = [list(self.quality), list(self.suggestions)], random.Random(1), []
        while any(left):
            of = chance.choice([one for one in left if one])
            out.append(of.pop(0))
        return tuner(*out, **self.said)


ORDERS = ("parts first", "suggestions first", "mixed")


def whole_life():
    told, now_us = Told(), at_us(2 * MANY + 2)
    told.parts(made(0, MANY))
    [one] = told.step(at_us(MANY))
    told.step(at_us(MANY), answer(one, Verdict.MODIFIED, values={"heat": 99.0}))
    told.step(at_us(MANY), answer(one, Verdict.MODIFIED, "bert", values={"heat": 142.0}))
    told.parts(made(MANY + 1, 50, COOL))
    told.step(at_us(MANY + 52))
    return told, now_us


@pytest.mark.parametrize("order", ORDERS)
def test_a_restart_says_nothing_anew(order):
    told, _ = whole_life()
    assert [type(one) for one in told.suggestions if isinstance(one, SuggestionEffect | SuggestionRefused)]
    assert told.again(order).step(at_us(MANY + 52), BESIDE) == []


@pytest.mark.parametrize("order", ORDERS)
def test_after_a_restart_it_goes_on_as_if_there_had_been_none(order):
    told, now_us = whole_life()
    other = told.again(order)
    more = list(made(MANY + 60, MANY - 60, COOL, 200))
    told.parts(more)
    for one in more:
        other.take(one)
    assert other.step(now_us, BESIDE) == told.step(now_us) != []


@pytest.mark.parametrize("order", ORDERS)
def test_after_a_restart_a_failed_model_is_not_asked_again(order):
    told = Told()
    told.parts(made(0, MANY))
    [one] = told.step(at_us(MANY))
    told.step(at_us(MANY), answer(one))
    told.parts(made(MANY + 1, MANY, COOL, 5))
    assert any(isinstance(each, Demoted) for each in told.step(at_us(2 * MANY + 2)))
    again = told.again(order)
    assert again.step(at_us(2 * MANY + 2) + 5 * AGAIN_US, BESIDE) == []
    assert COOLER.version in again.demoted


@pytest.mark.parametrize("order", ORDERS)
def test_a_restart_does_not_tell_again_what_a_rail_refused(order):
    told = Told(interlocks=(Lock(name="guard", signal="guard", low=1.0, high=1.0),))
    told.parts(made(0, EVIDENCE + 4))
    assert [type(one) for one in told.step(NOW_US)] == [SuggestionRefused]
    assert told.again(order).step(NOW_US, BESIDE) == []


def test_a_repeat_of_any_record_changes_nothing():
    told, _ = whole_life()
    for one in [*told.quality, *told.suggestions]:
        told.of.take(one)
    assert told.of.step(at_us(MANY + 52), BESIDE) == []


def test_what_was_said_before_a_fault_is_said():
    of = ready()
    one = suggested(of)
    of.take(answer(one))
    of._measured = None  # not callable: a fault of ours
    saying = of.saying(NOW_US, BESIDE)
    assert next(saying).state is SuggestionState.ACCEPTED
    with pytest.raises(TypeError):
        next(saying)


def test_inputs_of_the_kit_are_those_of_its_model():
    assert COOLER.inputs == tuple(INPUTS) and isinstance(suggested(ready()), Suggestion)
