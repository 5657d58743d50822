"""Plans, what came of them, demand and suggestions, folded to the last of everything, and who hears of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from models.records import SuggestionAnswer, SuggestionState, Verdict
from pipelines.console.energy import CLOSED, CLOSED_US, DEMANDS, FORGET_AT, PLANS, RESULTS
from pipelines.console.feed import Kind
from pipelines.console.standing import Standing
from tests.kit.followed import PLANT, came
from tests.kit.planned import HOURS, demand, plan, result, suggestion
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


@pytest.mark.parametrize("said", Verdict)
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


def test_the_plan_of_tests_is_whole(standing):
    """Lanes have no hole and no overlap, and figures are those of its quarters."""
    for asset in {one.asset for one in PLAN.power}:
        lane = [one for one in PLAN.power if one.asset == asset]
        assert (lane[0].begin_us, lane[-1].end_us) == (at(0), at(HOURS))
        assert all(one.end_us == after.begin_us for one, after in pairwise(lane))
    taken = sum(one.kw * (one.end_us - one.begin_us) / HOUR_US for one in PLAN.power)
    assert PLAN.figures.kwh == pytest.approx(taken + 40.0 * HOURS)
    assert PLAN.saving.kwh > 0 and PLAN.saving.cost > 0 and PLAN.figures.late_orders == 1
