"""Plans, what came of them, demand and suggestions, folded to the last of everything, and who hears of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from models.records import SuggestionAnswer, SuggestionState, Verdict
from pipelines.console.energy import (
    ANSWERS,
    CLOSED,
    CLOSED_US,
    DEMANDS,
    FORGET_AT,
    PLANS,
    RESULTS,
    STATIONS,
    TRIALS,
    WISHES,
)
from pipelines.console.feed import Kind
from pipelines.console.standing import Standing
from tests.kit.followed import PLANT, came
from tests.kit.planned import HOURS, demand, effect, plan, refused, result, said_of, suggestion, trial, tuned
from tests.kit.warned import HOUR_US, at

PLAN = plan()


@pytest.fixture
def standing() -> Standing:
    return Standing(PLANT)


def take(standing: Standing, *records) -> list:
    return list(standing.take(came(*records)))


def answer(id_: str = "s-1", said: Verdict = Verdict.ACCEPTED, **more) -> SuggestionAnswer:
    whole = {"plant": "north", "suggestion": id_, "answer": said, "by": "kim", "time_us": at(2), "why": "tried before"}
    return SuggestionAnswer(**whole | more)


def test_a_plan_is_news_once_and_its_event_has_no_figure_and_no_machine(standing):
    (told,) = take(standing, PLAN)
    assert (told.kind, told.site, told.data) == (Kind.PLAN, None, {"id": PLAN.id, "revision": 0})
    assert take(standing, PLAN) == []
    assert take(standing, replace(PLAN, revision=1, moved=3)) and standing.energy.plans[PLAN.id].moved == 3


def test_the_last_plans_are_kept(standing):
    made = [replace(PLAN, id=f"p-{at_}", made_us=at(at_)) for at_ in range(PLANS + 3)]
    take(standing, *made)
    assert [one.id for one in standing.energy.made()] == [one.id for one in reversed(made[3:])]
    assert take(standing, made[0]) == [], "an old one that comes again is no news"


def test_the_last_results_are_kept_and_a_repeat_is_no_news(standing):
    assert [one.kind for one in take(standing, result(1), result(1))] == [Kind.PLAN]
    take(standing, *(result(day) for day in range(RESULTS + 2)))
    found = standing.energy.results()
    assert (len(found), found[0].end_us) == (RESULTS, at(0))


def test_open_demand_warnings_are_kept_before_closed_ones(standing):
    (told,) = take(standing, demand(at(-1)))
    assert (told.kind, told.site) == (Kind.DEMAND, None)
    take(standing, *(demand(at(0.25 * one), is_open=False) for one in range(DEMANDS)))
    found = standing.energy.demands()
    assert (len(found), found[-1].is_open, sum(one.is_open for one in found)) == (DEMANDS, True, 1)
    take(standing, demand(at(-1), revision=1, is_open=False))
    assert not any(one.is_open for one in standing.energy.demands())


def test_a_suggestion_is_told_at_the_site_of_its_machine(standing):
    told = take(standing, suggestion(), suggestion("fan-01", "s-2"), suggestion("gone", "s-3"))
    assert [(one.kind, one.site, one.data.id) for one in told] == [
        (Kind.SUGGESTION, "quay", "s-1"), (Kind.SUGGESTION, "mill", "s-2"), (Kind.SUGGESTION, "", "s-3"),
    ]  # fmt: skip


@pytest.mark.parametrize("said", [Verdict.ACCEPTED, Verdict.REJECTED])
def test_an_answer_is_the_suggestions_state_with_who_and_why(standing, said):
    told = take(standing, suggestion(), answer(said=said))[-1].data
    assert (told.state, told.by, told.answer_why, told.answered_us) == (str(said), "kim", "tried before", at(2))


def test_the_first_answer_counts_and_one_to_nothing_known_changes_nothing(standing):
    assert take(standing, answer("never")) == []
    assert len(take(standing, suggestion(), answer(), answer(said=Verdict.REJECTED, by="lee"))) == 2
    assert standing.energy.suggestion(PLANT, "s-1").state is SuggestionState.ACCEPTED


def test_an_answer_holds_over_a_later_revision_that_is_open_and_not_over_one_that_is_withdrawn(standing):
    take(standing, suggestion(), answer(), suggestion(revision=1))
    assert standing.energy.suggestion(PLANT, "s-1").state is SuggestionState.ACCEPTED
    take(standing, suggestion(revision=2, state=SuggestionState.WITHDRAWN))
    assert standing.energy.suggestion(PLANT, "s-1").state is SuggestionState.WITHDRAWN


def test_open_suggestions_are_first_and_closed_ones_are_forgotten_in_time(standing):
    old = suggestion(id_="old", made_us=at(0) - CLOSED_US - 1, state=SuggestionState.EXPIRED)
    closed = [
        suggestion(id_=f"c-{one}", made_us=at(-one / 60), state=SuggestionState.EXPIRED)
        for one in range(CLOSED + FORGET_AT)
    ]
    take(standing, suggestion(), old, *closed)
    found = standing.energy.suggested(PLANT, lambda _: True)
    assert (found[0].id, found[1].id) == ("s-1", "c-0") and "old" not in standing.energy.suggestions
    assert len(found) <= 1 + CLOSED + FORGET_AT


def now(standing: Standing, id_: str = "t-1"):
    return standing.energy.suggestion(PLANT, id_)


def test_other_values_mean_nothing_to_a_suggestion_that_no_rails_judge(standing):
    assert len(take(standing, suggestion(), said_of("s-1", Verdict.MODIFIED, values={"oil_temp_degc": 55.0}))) == 1
    assert (now(standing, "s-1").state, now(standing, "s-1").answers) == (SuggestionState.OPEN, ())


def test_answers_to_a_process_suggestion_are_listed_and_decide_nothing_until_its_maker_does(standing):
    told = take(
        standing, tuned(), said_of("t-1", Verdict.ACCEPTED, "kim"), said_of("t-1", Verdict.ACCEPTED, "kim"),
        said_of("t-1", Verdict.REJECTED, "lee", 2, why="a trial runs"),
    )  # fmt: skip
    assert len(told) == 3, "a repeat is no news"
    found = told[-1].data
    assert (found.state, found.by, found.answered_us) == (SuggestionState.OPEN, "", None)
    assert [(one.by, one.answer, one.why) for one in found.answers] == [
        ("kim", Verdict.ACCEPTED, ""), ("lee", Verdict.REJECTED, "a trial runs"),
    ]  # fmt: skip
    (moved,) = take(standing, tuned(revision=1, state=SuggestionState.REJECTED, moved_us=at(2)))
    assert (moved.data.state, moved.data.by, moved.data.answer_why) == ("rejected", "lee", "a trial runs")
    assert take(standing, said_of("t-1", Verdict.ACCEPTED, "ada", 3)) == []


def test_who_approved_of_other_values_did_not_approve_of_these(standing):
    values = {"current_ka": 9.1, "force_kn": 2.9}
    take(standing, tuned(), said_of("t-1", Verdict.ACCEPTED, "kim"))
    take(standing, said_of("t-1", Verdict.MODIFIED, "lee", 2, values=values))
    assert (now(standing).approved, now(standing).proposed) == (("kim",), 9.2), "nobody judged the wish yet"
    take(standing, tuned(revision=1, proposed=9.1))
    assert now(standing).approved == ("lee",)
    take(standing, said_of("t-1", Verdict.ACCEPTED, "ada", 3), said_of("t-1", Verdict.ACCEPTED, "kim", 4))
    assert now(standing).approved == ("lee", "ada", "kim")
    take(standing, said_of("t-1", Verdict.ACCEPTED, "ada", 4.5))
    take(standing, tuned(revision=2, proposed=9.1, state=SuggestionState.ACCEPTED, moved_us=at(5)))
    decided = now(standing)
    assert (decided.by, decided.answered_us, decided.values) == ("ada", at(3), {}), "the second of two, when first said"


def test_values_that_were_agreed_to_are_told(standing):
    take(standing, tuned(approvals=1), said_of("t-1", Verdict.MODIFIED, "lee", values={"current_ka": 9.1}))
    take(standing, tuned(revision=1, approvals=1, proposed=9.1, state=SuggestionState.ACCEPTED))
    assert (now(standing).by, now(standing).values) == ("lee", {"current_ka": 9.1})


@pytest.mark.parametrize("state", [SuggestionState.EXPIRED, SuggestionState.WITHDRAWN])
def test_what_ended_by_itself_was_decided_by_nobody(standing, state):
    take(standing, tuned(), said_of("t-1", Verdict.ACCEPTED), tuned(revision=1, state=state, ended="stopped"))
    assert (now(standing).state, now(standing).by, now(standing).ended) == (state, "", "stopped")


def test_the_newest_effect_is_told_with_its_suggestion(standing):
    assert take(standing, effect()) == [], "of one that is not known"
    take(standing, tuned())
    (told,) = take(standing, effect(hours=20), effect(hours=20), effect(hours=10))
    assert (told.kind, told.site, told.data.effect) == (Kind.SUGGESTION, "quay", effect(hours=20))
    take(standing, effect(hours=20, is_final=True), effect(hours=20))
    assert now(standing).effect.is_final


def test_wishes_that_were_refused_are_told_with_their_suggestion_and_the_last_are_kept(standing):
    take(standing, tuned())
    assert len(take(standing, refused(id_="t-1"), refused(id_="t-1"))) == 1
    take(standing, *(refused(id_="t-1", hours=one) for one in range(2, WISHES + 3)))
    assert [one.time_us for one in now(standing).refused] == [at(one) for one in range(3, WISHES + 3)]


def test_the_last_answers_are_kept(standing):
    take(standing, tuned(), *(said_of("t-1", Verdict.MODIFIED, "kim", one) for one in range(ANSWERS + 5)))
    assert [one.time_us for one in now(standing).answers] == [at(one) for one in range(5, ANSWERS + 5)]


def test_trials_are_news_at_their_site_and_the_last_are_kept(standing):
    (told,) = take(standing, trial(), trial())
    assert (told.kind, told.site, told.data) == (Kind.SUGGESTION, "quay", {"asset": "pump-01"})
    take(standing, *(trial(id_=f"m-{one}", made_us=at(one)) for one in range(2, TRIALS + 3)))
    found = standing.energy.trials(lambda _: True)
    assert (len(found), found[0].id) == (TRIALS, f"m-{TRIALS + 2}")
    assert standing.energy.trials(lambda asset: asset == "fan-01") == []


def test_the_newest_refusal_of_each_station_is_kept(standing):
    told = take(standing, refused(), refused("fan-01", hours=3), refused(hours=2), refused(hours=1))
    assert [(one.site, one.data["asset"]) for one in told] == [
        ("quay", "pump-01"), ("mill", "fan-01"), ("quay", "pump-01"),
    ]  # fmt: skip
    found = standing.energy.refused(lambda _: True)
    assert [(one.asset, one.time_us) for one in found] == [("fan-01", at(3)), ("pump-01", at(2))]
    take(standing, *(refused(f"a-{one}", hours=4 + one / 100) for one in range(STATIONS)))
    assert len(standing.energy.refused(lambda _: True)) == STATIONS


def test_what_is_said_of_a_suggestion_goes_with_it(standing):
    old = at(0) - CLOSED_US - 2 * HOUR_US
    of = {"id_": "old", "made_us": old, "moved_us": old, "valid_until_us": old}
    take(standing, tuned(**of), effect(id_="old"), refused(id_="old"))
    take(standing, said_of("old", Verdict.ACCEPTED, hours=-CLOSED_US / HOUR_US - 1))
    take(standing, tuned(**of | {"revision": 1, "state": SuggestionState.ACCEPTED}))
    take(standing, *(suggestion(id_=f"c-{one}", state=SuggestionState.EXPIRED) for one in range(CLOSED + FORGET_AT)))
    energy = standing.energy
    assert not any("old" in of for of in (energy.suggestions, energy.answers, energy._effects, energy._wishes))


def test_the_plan_of_tests_is_whole(standing):
    """Lanes have no hole and no overlap, and figures are those of its quarters."""
    for asset in {one.asset for one in PLAN.power}:
        lane = [one for one in PLAN.power if one.asset == asset]
        assert (lane[0].begin_us, lane[-1].end_us) == (at(0), at(HOURS))
        assert all(one.end_us == after.begin_us for one, after in pairwise(lane))
    taken = sum(one.kw * (one.end_us - one.begin_us) / HOUR_US for one in PLAN.power)
    assert PLAN.figures.kwh == pytest.approx(taken + 40.0 * HOURS)
    assert PLAN.saving.kwh > 0 and PLAN.saving.cost > 0 and PLAN.figures.late_orders == 1
