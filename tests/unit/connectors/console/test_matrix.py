"""Who may call what: each call of the API by each role, of all sites, of the machine's, and of another one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from fastapi.testclient import TestClient

from connectors.console.energy import Answer
from connectors.console.keys import Role
from connectors.console.warnings import MOVED_BY
from models.records import Move
from tests.kit.whole_api import MILL, PLANNED, QUAY, QUAY_SETTING, QUAY_TUNED, SITES, WholeApi

OPEN = {("GET", "/api/v1/sign-in")}
"""To whoever comes: where to sign in, which is no secret."""
ANY, MACHINE, WHOLE = "what is of the caller's sites", "of one machine", "of the whole plant"
V, O, E, A = Role  # noqa: E741 - as a table has them
CALLS: dict[tuple[str, str], tuple[Role, str]] = {
    ("GET", "/api/v1/me"): (V, ANY),
    ("GET", "/api/v1/overview"): (V, ANY),
    ("GET", "/api/v1/events"): (V, ANY),
    ("GET", "/api/v1/assets"): (V, ANY),
    ("GET", "/api/v1/assets/{asset}"): (V, MACHINE),
    ("GET", "/api/v1/assets/{asset}/history"): (V, MACHINE),
    ("GET", "/api/v1/assets/{asset}/signals"): (V, MACHINE),
    ("GET", "/api/v1/assets/{asset}/work"): (V, MACHINE),
    ("GET", "/api/v1/forecasts"): (V, ANY),
    ("GET", "/api/v1/alerts"): (V, ANY),
    ("GET", "/api/v1/alerts/{id}"): (V, MACHINE),
    ("GET", "/api/v1/alerts/{id}/page"): (V, MACHINE),
    ("POST", "/api/v1/alerts/{id}/actions"): (O, MACHINE),
    ("GET", "/api/v1/actions"): (V, ANY),
    ("GET", "/api/v1/kpis"): (V, ANY),
    ("GET", "/api/v1/value"): (V, ANY),
    ("GET", "/api/v1/value/export"): (V, ANY),
    ("GET", "/api/v1/notices"): (V, ANY),
    ("GET", "/api/v1/ledger"): (V, WHOLE),
    ("GET", "/api/v1/suggestions"): (V, ANY),
    ("POST", "/api/v1/suggestions/{suggestion}/answer"): (O, MACHINE),
    ("GET", "/api/v1/plans"): (V, ANY),
    ("GET", "/api/v1/plans/latest"): (V, ANY),
    ("GET", "/api/v1/plans/{plan}"): (V, ANY),
    ("GET", "/api/v1/plans/results"): (V, ANY),
    ("GET", "/api/v1/demand"): (V, ANY),
    ("GET", "/api/v1/audit"): (A, WHOLE),
    ("GET", "/api/v1/subscriptions"): (V, WHOLE),
    ("PUT", "/api/v1/subscriptions/{name}"): (O, WHOLE),
    ("DELETE", "/api/v1/subscriptions/{name}"): (O, WHOLE),
    ("POST", "/api/v1/subscriptions/test"): (V, WHOLE),
    ("GET", "/api/v1/deliveries"): (V, WHOLE),
    ("POST", "/api/v1/deliveries/{begin}/retry"): (O, WHOLE),
    ("GET", "/api/v1/models/releases"): (V, WHOLE),
    ("POST", "/api/v1/models/releases"): (E, WHOLE),
    ("GET", "/api/v1/models/releases/{version}"): (V, WHOLE),
    ("POST", "/api/v1/models/releases/{version}/withdraw"): (E, WHOLE),
    ("GET", "/api/v1/models/names/{name}/compare"): (V, WHOLE),
    ("POST", "/api/v1/models/promote"): (E, WHOLE),
    ("POST", "/api/v1/models/names/{name}/rollback"): (E, WHOLE),
    ("POST", "/api/v1/models/names/{name}/end-shadow"): (E, WHOLE),
    ("POST", "/api/v1/models/types/{asset_type}/pin"): (E, WHOLE),
    ("POST", "/api/v1/models/types/{asset_type}/freeze"): (E, WHOLE),
    ("POST", "/api/v1/models/types/{asset_type}/unpin"): (E, WHOLE),
}
BODY = {"move": "acknowledge", "version": "tiny@0", "why": "a test", "asset": "pump-01", "sink": "desk",
        "answer": "accept"}  # fmt: skip
PATH = {"asset": "pump-01", "id": QUAY.id, "suggestion": QUAY_SETTING.id, "plan": PLANNED.id}


class Called(NamedTuple):
    """A call by somebody, and whether it is answered: 401, 403, 404, or 0 for anything else."""

    method: str
    path: str
    role: Role
    place: str
    refused: int


def calls() -> Iterator[Called]:
    """All of them, with what the table makes of each. The machine is of the site quay."""
    for (method, path), (least, what) in CALLS.items():
        for role in Role:
            for place in ("all", "quay", "mill"):
                hidden = 404 if what == MACHINE and place == "mill" else 0
                elsewhere = 403 if what == WHOLE and place != "all" else 0
                too_low = 403 if not role.covers(least) else 0
                yield Called(method, path, role, place, hidden or too_low or elsewhere)


@pytest.fixture(scope="module")
def api(tmp_path_factory) -> WholeApi:
    return WholeApi(tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module")
def client(api) -> Iterator[TestClient]:
    with TestClient(api.app, raise_server_exceptions=False) as started:
        yield started


def asked(client: TestClient, call: Called, headers: dict[str, str]) -> int:
    path = call.path.format_map({**dict.fromkeys(("name", "begin", "version", "asset_type"), "tiny"), **PATH})
    body = {} if call.method in ("GET", "DELETE") else {"json": BODY}
    return client.request(call.method, path, headers=headers, **body).status_code


def test_the_table_has_every_call_of_the_document(client):
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert {(method.upper(), path) for path, of in paths.items() for method in of} == CALLS.keys() | OPEN


@pytest.mark.parametrize("call", [one for one in calls() if one.path != "/api/v1/events"], ids=str)
def test_a_call_is_answered_to_whom_the_table_says(client, api, call: Called):
    status = asked(client, call._replace(refused=0), api.headers(call.role, call.place))
    if call.refused:
        assert status == call.refused
    else:
        assert status not in (401, 403) and status < 500, status
        assert status != 404 or call.path.startswith("/api/v1/models/releases/"), status


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_nobody_without_a_key_is_answered(client, method, path):
    assert asked(client, Called(method, path, V, "all", 401), {}) == 401
    assert asked(client, Called(method, path, V, "all", 401), {"Authorization": "Bearer fw_wrong"}) == 401


@pytest.mark.parametrize("move", Move)
@pytest.mark.parametrize("role", Role)
def test_a_move_is_made_by_whom_it_is_for(client, api, role, move):
    answer = client.post(f"/api/v1/alerts/{QUAY.id}/actions", json={"move": move}, headers=api.headers(role))
    assert (answer.status_code == 403) == (not role.covers(MOVED_BY[move]))
    assert answer.status_code in (202, 403, 422)


@pytest.mark.parametrize("answer", Answer)
@pytest.mark.parametrize("role", Role)
def test_a_suggestion_of_a_process_is_answered_by_operators(client, api, role, answer):
    body = {"answer": answer, "why": "a test"} | ({"values": {"current_ka": 9.1}} if answer is Answer.MODIFY else {})
    found = client.post(f"/api/v1/suggestions/{QUAY_TUNED.id}/answer", json=body, headers=api.headers(role))
    assert found.status_code == (202 if role.covers(Role.OPERATOR) else 403)


def test_every_move_is_for_somebody():
    assert MOVED_BY.keys() == set(Move)


@pytest.mark.parametrize("path", ["overview", "assets", "forecasts", "alerts?state=all", "actions", "kpis", "value",
                                  "notices", "plans", "plans/latest", f"plans/{PLANNED.id}", "plans/results", "demand",
                                  "suggestions"])  # fmt: skip
def test_an_answer_to_a_site_names_no_machine_of_another(client, api, path):
    told = client.get(f"/api/v1/{path}", headers=api.headers(Role.ADMIN, "mill")).text
    assert "pump-01" not in told and "pump-02" not in told and QUAY.id not in told
    assert "pump-01" in client.get("/api/v1/overview", headers=api.headers(Role.VIEWER)).text


def test_the_document_says_which_role_a_call_needs_and_what_it_is(client):
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    for (method, path), (least, what) in CALLS.items():
        operation = paths[path][method.lower()]
        said = Role.VIEWER if path.endswith("/actions") and method == "POST" else least  # which move says which role
        assert operation["x-role"] == said + (" of all sites" if what == WHOLE else ""), path
        assert operation["summary"] == operation["description"].partition("\n")[0].rstrip(".")
        assert ("409" in operation["responses"]) == (method != "GET")


def test_the_books_are_for_callers_of_all_sites(client, api):
    told = {place: client.get("/api/v1/overview", headers=api.headers(Role.ADMIN, place)).json() for place in SITES}
    assert told["all"]["ledger"]["rows_read"] == 2 and told["quay"]["ledger"] is None


def test_how_long_nothing_came_is_told(client, api):
    api.follower.standing.heard_ms = round((time.time() - 90) * 1000)
    told = client.get("/api/v1/overview", headers=api.headers(Role.VIEWER)).json()
    assert 89 < told["silent_s"] < 120


def test_probes_need_no_key_and_say_whether_kafka_is_followed(client, api):
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 200)
    api.follower.is_following = False
    assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 503)
    api.follower.is_following = True


def test_what_is_asked_for_is_on_the_audit_with_who_asked(client, api):
    client.get(f"/api/v1/alerts/{MILL.id}", headers=api.headers(Role.OPERATOR, "quay"))
    client.post(f"/api/v1/alerts/{MILL.id}/actions", json={"move": "acknowledge"},
                headers=api.headers(Role.OPERATOR, "mill"))  # fmt: skip
    told = [(one.by, one.method, one.status) for one in api.audit.entries]
    assert ("operator-quay", "GET", 404) in told and ("operator-mill", "POST", 202) in told
