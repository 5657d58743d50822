"""What the API says of plans, demand and suggestions: to whom, and what people may answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from connectors.console.energy import NO_DEMAND, NO_PLANS, NO_RESULTS, NO_SUGGESTIONS, OF_ALL, OF_OTHERS
from connectors.console.keys import Role
from models.records import SuggestionAnswer, SuggestionState, Verdict
from pipelines.console.standing import Standing
from tests.kit.followed import PLANT, came
from tests.kit.planned import EASED, MOVED, plan, refused, said_of, suggestion, tuned
from tests.kit.warned import at
from tests.kit.whole_api import MILL_SETTING, PLANNED, QUAY_SETTING, QUAY_TUNED, WholeApi


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


def one_told(client, api, id_: str) -> dict:
    (found,) = [one for one in told(client, api, "suggestions")["suggestions"] if one["id"] == id_]
    return found


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
    assert {one["id"] for one in told(client, api, "suggestions")["suggestions"]} == {"s-1", "s-2", "t-1"}
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
    assert api.desk.answered == [("s-1", Verdict.REJECTED, "operator-quay", "a trial runs", {})]
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
    assert one_told(client, api, "s-1")["by"] == "kim"


@pytest.mark.parametrize("said", [{"valid_until_us": at(0.5)}, {"state": SuggestionState.WITHDRAWN}])
def test_a_suggestion_that_holds_no_more_is_not_answered(client, api, said):
    list(api.follower.standing.take(came(suggestion(id_="s-3", **said))))
    assert answered(client, api, "s-3", {"answer": "accept"}).status_code == 409
    assert api.desk.answered == []


def test_a_suggestion_of_another_site_is_not_there(client, api):
    assert answered(client, api, QUAY_SETTING.id, {"answer": "accept"}, "mill", Role.ADMIN).status_code == 404


def hear(api, *records) -> None:
    list(api.follower.standing.take(came(*records)))


def test_a_suggestion_of_a_process_is_told_with_all_that_is_to_change_and_what_came_of_it(client, api):
    one = one_told(client, api, "t-1")
    assert [each["parameter"] for each in one["also"]] == [EASED.parameter]
    assert (one["product"], one["model"], one["approvals"], one["approved"]) == ("bracket", "weld-defects@3", 2, [])
    assert (one["effect"]["verdict"], one["effect"]["after"]["defects"]) == ("delivers", 13)
    assert [(each["by"], each["rail"]) for each in one["refused"]] == [("lee", "forbidden-combination")]
    assert one["revalidate"] and (one["ended"], one["failed"], one["values"]) == ("", False, {})


def test_trials_and_what_rails_refused_are_of_the_callers_sites(client, api):
    whole, mill = told(client, api, "suggestions"), told(client, api, "suggestions", "mill")
    assert [one["id"] for one in whole["trials"]] == ["m-1"] and (mill["trials"], mill["refused"]) == ([], [])
    assert [(one["asset"], one["suggestion"]) for one in whole["refused"]] == [("pump-01", "")]


def test_a_process_suggestion_is_open_until_its_maker_moves_it(client, api):
    hear(api, said_of("t-1", Verdict.ACCEPTED, "kim"))
    one = one_told(client, api, "t-1")
    assert (one["state"], one["by"], one["approved"]) == ("open", "", ["kim"])
    assert [(each["by"], each["answer"], each["time_us"]) for each in one["answers"]] == [("kim", "accepted", at(1))]
    assert answered(client, api, "t-1", {"answer": "accept"}).status_code == 202
    hear(api, tuned(revision=1, state=SuggestionState.ACCEPTED, moved_us=at(2)))
    found = answered(client, api, "t-1", {"answer": "accept"})
    assert (found.status_code, "it is accepted by kim" in found.json()["detail"]) == (409, True)


def test_one_that_failed_says_why_it_is_answered_no_more(client, api):
    hear(api, tuned(revision=2, state=SuggestionState.WITHDRAWN, failed=True, ended="it made it worse"))
    found = answered(client, api, "t-1", {"answer": "accept"})
    assert found.status_code == 409 and "it is withdrawn, it made it worse" in found.json()["detail"]


def test_nobody_approves_of_the_same_twice(client, api):
    hear(api, said_of("t-1", Verdict.ACCEPTED, "operator-all"))
    found = answered(client, api, "t-1", {"answer": "accept"})
    assert (found.status_code, found.json()["detail"]) == (
        409, "you approved of it already: another person must, too",
    )  # fmt: skip
    assert answered(client, api, "t-1", {"answer": "accept"}, "quay").status_code == 202
    assert answered(client, api, "t-1", {"answer": "reject", "why": "I was wrong"}).status_code == 202


def test_who_approved_before_it_was_changed_may_approve_again(client, api):
    hear(api, said_of("t-1", Verdict.ACCEPTED, "operator-all"))
    hear(api, said_of("t-1", Verdict.MODIFIED, "kim", 2, values={"current_ka": 9.1, "force_kn": 2.9}))
    hear(api, tuned(revision=1, proposed=9.1))
    assert one_told(client, api, "t-1")["approved"] == ["kim"]
    assert answered(client, api, "t-1", {"answer": "accept"}).status_code == 202


def test_to_modify_puts_all_values_on_the_log_those_that_are_not_named_as_proposed(client, api):
    body = {"answer": "modify", "values": {"current_ka": 9.1}, "why": "less is enough"}
    assert answered(client, api, "t-1", body, "quay").status_code == 202
    assert api.desk.answered == [
        ("t-1", Verdict.MODIFIED, "operator-quay", "less is enough", {"current_ka": 9.1, EASED.parameter: 2.9})
    ]


@pytest.mark.parametrize(("body", "said"), [
    ({"answer": "modify"}, "accept it, or give other values"),
    ({"answer": "modify", "values": {"current_ka": MOVED.proposed}}, "accept it, or give other values"),
    ({"answer": "modify", "values": {"weld_ms": 300}}, "weld_ms: it is about current_ka, force_kn alone"),
    ({"answer": "accept", "values": {"current_ka": 9.1}}, "values are of the answer modify"),
    ({"answer": "reject", "values": {"current_ka": 9.1}, "why": "no"}, "values are of the answer modify"),
])  # fmt: skip
def test_values_that_are_not_those_of_the_move_are_refused_with_words(client, api, body, said):
    found = answered(client, api, "t-1", body)
    assert (found.status_code, said in found.json()["detail"]) == (422, True)
    assert api.desk.answered == []


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "null", "true", '"9.1"', "[9.1]"])
def test_a_value_is_a_finite_number(client, api, value):
    body = f'{{"answer": "modify", "values": {{"current_ka": {value}}}}}'
    headers = api.headers(Role.OPERATOR) | {"content-type": "application/json"}
    found = client.post("/api/v1/suggestions/t-1/answer", content=body, headers=headers)
    assert found.status_code == 422 and api.desk.answered == []


def test_other_values_are_for_process_settings_alone(client, api):
    found = answered(client, api, "s-1", {"answer": "modify", "values": {"oil_temp_degc": 55.0}})
    assert (found.status_code, found.json()["detail"]) == (422, OF_OTHERS)


def test_the_same_wish_is_heard_once_until_it_is_refused(client, api):
    values = {"current_ka": 9.8, "force_kn": 2.9}
    hear(api, said_of("t-1", Verdict.MODIFIED, "operator-all", 2, values=values))
    again = {"answer": "modify", "values": {"current_ka": 9.8}}
    assert answered(client, api, "t-1", again).status_code == 409
    hear(api, refused(id_="t-1", by="operator-all", hours=2))
    assert answered(client, api, "t-1", again).status_code == 202, "conditions may be others by now"


def test_one_of_another_site_is_not_modified(client, api):
    body = {"answer": "modify", "values": {"current_ka": 9.1}}
    assert answered(client, api, QUAY_TUNED.id, body, "mill", Role.ADMIN).status_code == 404
    assert answered(client, api, QUAY_TUNED.id, body, "all", Role.VIEWER).status_code == 403


def test_one_persons_answer_is_no_other_persons(client, api):
    values = {"current_ka": 9.1, "force_kn": 2.9}
    hear(api, said_of("t-1", Verdict.MODIFIED, "kim", 2, values=values), said_of("t-1", Verdict.REJECTED, "lee", 3))
    assert answered(client, api, "t-1", {"answer": "modify", "values": values}).status_code == 202
    assert answered(client, api, "t-1", {"answer": "reject", "why": "a trial runs"}).status_code == 202


def test_nobody_rejects_the_same_twice(client, api):
    hear(api, said_of("t-1", Verdict.REJECTED, "operator-all", 3))
    found = answered(client, api, "t-1", {"answer": "reject", "why": "a trial runs"})
    assert (found.status_code, "you rejected it already" in found.json()["detail"]) == (409, True)
