"""Each call of the API is on the audit before its answer, or the answer is that it cannot be."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from connectors.console import audit as of_audit
from connectors.console.app import application
from connectors.console.audit_log import AuditLog
from connectors.console.keys import Role, new_key
from connectors.memory_audit import MemoryAudit
from models.audit import verified
from models.records import decode, encode
from tests.kit.api_parts import Subscriptions, gate
from tests.unit.connectors.console.test_subscriptions import GOOD


class Api:
    """The API with an audit in memory and keys of each role, one of them of a site."""

    def __init__(self, patience_s: float = 0.3, most_waiting: int = 100) -> None:
        self.place, self.desk = MemoryAudit(), Subscriptions()
        made = {role: new_key(f"a {role}", role) for role in Role} | {"north": new_key("kim", Role.ADMIN, ["north"])}
        self.keys = {whose: key for whose, (key, _) in made.items()}
        self.log = AuditLog(self.place, "tiny", patience_s=patience_s, most_waiting=most_waiting)
        self.app = application(gate((told for _, told in made.values()), audit=self.log), None, self.desk)  # type: ignore[arg-type]
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def ask(self, method: str, path: str, whose: str | None = Role.OPERATOR, **more):
        headers = {"Authorization": f"Bearer {self.keys[whose]}"} if whose else {}
        return self.client.request(method, path, headers=headers | more.pop("headers", {}), **more)

    def entries(self, count: int):
        until_s = time.monotonic() + 5
        while len(self.place.entries) < count and time.monotonic() < until_s:
            time.sleep(0.005)
        assert len(self.place.entries) == count
        return self.place.entries


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    with made.client:
        yield made


def test_what_was_changed_is_on_the_audit_with_who_what_and_the_status_once_it_is_answered(api):
    assert api.ask("PUT", "/api/v1/subscriptions/mine?x=1", json=GOOD).status_code == 200
    (one,) = api.place.entries
    assert (one.by, one.role, one.sites, one.method, one.status) == ("a operator", "operator", None, "PUT", 200)
    assert (one.path, one.route) == ("/api/v1/subscriptions/mine?x=1", "/api/v1/subscriptions/{name}")
    assert (one.plant, one.address, one.number, len(one.chain)) == ("tiny", "testclient", 0, 32)
    assert decode(encode(one)) == one


@pytest.mark.parametrize(
    ("method", "path", "whose", "more", "status"),
    [
        ("GET", "/api/v1/subscriptions", None, {}, 401),
        ("PUT", "/api/v1/subscriptions/mine", Role.VIEWER, {"json": GOOD}, 403),
        ("PUT", "/api/v1/subscriptions/mine", "north", {"json": GOOD}, 403),
        ("GET", "/api/v1/nothing", Role.VIEWER, {}, 404),
        ("PATCH", "/api/v1/subscriptions", Role.VIEWER, {}, 405),
        ("PUT", "/api/v1/subscriptions/mine", Role.OPERATOR, {"content": b" " * 70_000}, 413),
        ("POST", "/api/v1/subscriptions/test", Role.VIEWER, {"json": {}}, 422),
        ("GET", "/api/v1/subscriptions", Role.VIEWER, {"headers": {"Host": "evil"}}, 400),
        ("GET", "/api/v1/models/releases", Role.VIEWER, {}, 500),
    ],
)
def test_what_was_refused_or_failed_is_on_the_audit_too(api, method, path, whose, more, status):
    assert api.ask(method, path, whose, **more).status_code == status
    (one,) = api.entries(1)
    assert (one.status, one.method, one.path) == (status, method, path)


def test_a_caller_of_some_sites_is_told_with_them(api):
    api.ask("GET", "/api/v1/subscriptions", "north")
    assert api.entries(1)[0].sites == ("north",)


def test_a_call_that_was_too_many_is_on_the_audit_with_who_it_was_by(api):
    for _ in range(601):
        last = api.ask("GET", "/api/v1/nothing", Role.VIEWER)
    assert last.status_code == 429
    assert (api.entries(601)[-1].status, api.entries(601)[-1].by) == (429, "a viewer")


def test_calls_are_one_chain_in_their_order(api):
    for at in range(30):
        api.ask("GET", f"/api/v1/nothing/{at}", Role.VIEWER)
    entries = api.entries(30)
    assert [one.path for one in entries] == [f"/api/v1/nothing/{at}" for at in range(30)]
    assert len({one.chain for one in entries}) == 1 and verified(entries) == ()


def test_a_page_s_files_are_no_calls(api):
    assert api.client.get("/page/x.js").status_code == 404
    assert api.place.entries == []


def test_nothing_of_a_change_s_answer_goes_out_before_its_entry_is_kept(api):
    api.place.hangs = True
    found = api.ask("PUT", "/api/v1/subscriptions/mine", json=GOOD)
    assert found.status_code == 503 and "may have been done" in found.json()["detail"]
    assert "mine" in api.desk.on_topic
    api.place.hangs = False
    assert api.entries(1)[0].status == 200  # what came of it


def test_while_the_audit_cannot_be_written_nothing_is_done_and_nothing_is_read(api):
    api.place.away = True
    assert api.ask("GET", "/api/v1/subscriptions").status_code == 200  # its entry waits
    time.sleep(0.4)
    found = api.ask("PUT", "/api/v1/subscriptions/mine", json=GOOD)
    assert found.status_code == 503 and "nothing was done" in found.json()["detail"]
    assert api.desk.on_topic == {}
    assert api.ask("GET", "/api/v1/subscriptions").status_code == 503
    api.place.away = False
    entries = api.entries(3)
    assert [one.status for one in entries] == [200, 503, 503] and verified(entries) == ()
    assert api.ask("PUT", "/api/v1/subscriptions/mine", json=GOOD).status_code == 200


def test_while_too_many_entries_wait_nothing_is_read():
    api = Api(patience_s=60.0, most_waiting=3)
    with api.client:
        api.place.hangs = True
        found = [api.ask("GET", "/api/v1/subscriptions").status_code for _ in range(5)]
        api.place.hangs = False
        assert found == [200, 200, 503, 503, 503]
        assert [one.status for one in api.entries(3)] == [200, 200, 200]


def test_no_key_that_was_put_into_an_address_is_kept(api):
    api.ask("GET", f"/api/v1/nothing?key={api.keys[Role.ADMIN]}&token=eyJhbGciOi.eyJpc3MiOi.sig-nature", Role.VIEWER)
    assert api.entries(1)[0].path == "/api/v1/nothing?key=...&token=..."


def test_what_was_asked_is_one_line_and_not_long(api):
    api.ask("GET", "/api/v1/a%0d%0ab", Role.VIEWER)
    api.ask("GET", "/api/v1/" + "x" * 2_000, Role.VIEWER)
    assert [len(one.path) for one in api.entries(2)] == [len("/api/v1/a%0d%0ab"), 500]
    scope = {
        "path": "/api/v1/a\r\n\x1b[2J\u2028",
        "method": "G\nT",
        "query_string": b"\x9b",
        "client": ("\x00" * 99, 1),
    }
    call = of_audit._call(scope | {"state": {}}, 404, 0)
    assert call.path.startswith(r"/api/v1/a\r\n\x1b[2J") and call.method == r"G\nT"
    assert all(text.isprintable() for text in call if isinstance(text, str)) and len(call.address) <= 64


def test_the_last_calls_are_for_admins_of_the_whole_plant(api):
    for whose in (*Role, "north"):
        status = api.ask("GET", "/api/v1/audit?limit=2", whose).status_code
        assert status == (200 if whose is Role.ADMIN else 403)
    entries = list(api.entries(5))
    found = api.ask("GET", "/api/v1/audit?limit=2", Role.ADMIN).json()["entries"]
    assert [one["hash"] for one in found] == [entries[-1].hash, entries[-2].hash]
    assert found[0]["by"] == "kim" and found[0]["status"] == 403
