"""What the API says of plans, demand and suggestions: to whom, and what people may answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from connectors.console.energy import NO_DEMAND, NO_PLANS, NO_RESULTS, NO_SUGGESTIONS, OF_ALL
from connectors.console.keys import Role
from models.records import SuggestionAnswer, SuggestionState, Verdict
from pipelines.console.standing import Standing
from tests.kit.followed import PLANT, came
from tests.kit.planned import plan, suggestion
from tests.kit.warned import at
from tests.kit.whole_api import MILL_SETTING, PLANNED, QUAY_SETTING, WholeApi


@pytest.fixture
def api(tmp_path) -> WholeApi:
    return WholeApi(tmp_path)


@pytest.fixture
def client(api) -> Iterator[TestClient]:
    with TestClient(api.app, raise_server_exceptions=False) as started:
        yield started


def told(client, api, path: str, place: str = "all", role: Role = Role.VIEWER) -> dict:
    return client.get(f"/api/v1/{path}", headers=api.headers(role, place)).json()


def answered(client, api, id_: str, body: dict, place: str = "all", role: Role = Role.OPERATOR):
    return client.post(f"/api/v1/suggestions/{id_}/answer", json=body, headers=api.headers(role, place))


def test_plans_are_told_in_short_the_last_made_first(client, api):
    later = plan(begin_us=at(6))
    list(api.follower.standing.take(came(later)))
    found = told(client, api, "plans")
    assert ([one["id"] for one in found["plans"]], found["missing"]) == ([later.id, PLANNED.id], "")
    assert found["plans"][0]["saving"]["kwh"] == pytest.approx(later.saving.kwh) and "jobs" not in found["plans"][0]


def test_the_last_plan_and_one_by_its_id_are_told_whole(client, api):
    later = plan(begin_us=at(6))
    list(api.follower.standing.take(came(later)))
    assert told(client, api, "plans/latest")["id"] == later.id
    whole = told(client, api, f"plans/{PLANNED.id}")
    assert (len(whole["jobs"]), len(whole["care"]), len(whole["quarters"]["kw"])) == (10, 1, 288)
    assert (whole["is_whole"], len(whole["unplanned"]), len(whole["assumed"])) == (True, 2, 2)
    assert client.get("/api/v1/plans/none", headers=api.headers(Role.VIEWER)).status_code == 404


def test_a_caller_of_a_site_has_the_lanes_of_its_machines_and_no_figure_of_the_plant(client, api):
    whole = told(client, api, "plans/latest", "quay", Role.ADMIN)
    assert {one["asset"] for lane in ("jobs", "power", "care") for one in whole[lane]} == {"pump-01", "pump-02"}
    assert [whole[name] for name in ("figures", "usual", "saving", "gap", "is_whole")] == [None] * 4 + [False]
    assert (whole["quarters"]["kw"], whole["unplanned"], whole["assumed"]) == ([], [], [])
    assert len(whole["quarters"]["price_per_kwh"]) == 288
    assert told(client, api, "plans", "quay", Role.ADMIN)["plans"][0]["saving"] is None


def test_what_came_of_plans_is_for_callers_of_all_sites(client, api):
    assert len(told(client, api, "plans/results")["results"]) == 1
    assert told(client, api, "plans/results", "quay", Role.ADMIN) == {"results": [], "missing": OF_ALL}


def test_of_a_demand_warning_a_site_hears_of_its_machines_alone(client, api):
    (whole,) = told(client, api, "demand")["warnings"]
    (part,) = told(client, api, "demand", "quay")["warnings"]
    assert (whole["expected_kw"], part["expected_kw"], part["limit_kw"], part["why"]) == (271.0, None, None, "")
    assert ([one["asset"] for one in part["shed"]], [one["asset"] for one in part["kept"]]) == (
        ["pump-02"], ["pump-01"],
    )  # fmt: skip
    assert len(whole["kept"]) == 2 and part["is_open"]


def test_suggestions_are_of_the_callers_sites(client, api):
    assert {one["id"] for one in told(client, api, "suggestions")["suggestions"]} == {"s-1", "s-2"}
    assert [one["id"] for one in told(client, api, "suggestions", "mill")["suggestions"]] == [MILL_SETTING.id]


def test_where_nothing_was_published_it_is_said_so(client, api):
    api.follower.standing = Standing(PLANT)
    assert told(client, api, "plans") == {"plans": [], "missing": NO_PLANS}
    assert told(client, api, "plans/latest")["detail"] == NO_PLANS
    assert told(client, api, "plans/results")["missing"] == NO_RESULTS
    assert told(client, api, "demand")["missing"] == NO_DEMAND
    assert told(client, api, "suggestions")["missing"] == NO_SUGGESTIONS


def test_an_answer_goes_on_the_log_with_who_gave_it_and_on_the_audit(client, api):
    answer = answered(client, api, "s-1", {"answer": "reject", "why": " a trial runs "}, "quay")
    assert answer.status_code == 202
    assert api.desk.answered == [("s-1", Verdict.REJECTED, "operator-quay", "a trial runs")]
    assert ("operator-quay", "POST", 202) in [(one.by, one.method, one.status) for one in api.audit.entries]


def test_to_reject_needs_a_reason_and_to_accept_does_not(client, api):
    assert answered(client, api, "s-1", {"answer": "reject", "why": " "}).status_code == 422
    assert answered(client, api, "s-1", {"answer": "accept"}).status_code == 202
    assert answered(client, api, "s-1", {"answer": "perhaps"}).status_code == 422
    assert len(api.desk.answered) == 1


def test_the_first_answer_counts(client, api):
    said = SuggestionAnswer(plant="north", suggestion="s-1", answer=Verdict.ACCEPTED, by="kim", time_us=at(2))
    list(api.follower.standing.take(came(said)))
    refused = answered(client, api, "s-1", {"answer": "reject", "why": "no"})
    assert (refused.status_code, "accepted by kim" in refused.json()["detail"]) == (409, True)
    assert told(client, api, "suggestions")["suggestions"][1]["by"] == "kim"


@pytest.mark.parametrize("said", [{"valid_until_us": at(0.5)}, {"state": SuggestionState.WITHDRAWN}])
def test_a_suggestion_that_holds_no_more_is_not_answered(client, api, said):
    list(api.follower.standing.take(came(suggestion(id_="s-3", **said))))
    assert answered(client, api, "s-3", {"answer": "accept"}).status_code == 409
    assert api.desk.answered == []


def test_a_suggestion_of_another_site_is_not_there(client, api):
    assert answered(client, api, QUAY_SETTING.id, {"answer": "accept"}, "mill", Role.ADMIN).status_code == 404
