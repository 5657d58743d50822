"""Subscriptions and deliveries over HTTP: who may ask what, and what is wrong is told."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from connectors.console.app import application
from connectors.console.keys import Role, new_key
from tests.kit.api_parts import Subscriptions, gate


class Api:
    def __init__(self) -> None:
        self.desk = Subscriptions()
        made = {role: new_key(f"a {role}", role) for role in Role}
        self._keys = {role: key for role, (key, _) in made.items()}
        app = application(gate(told for _, told in made.values()), None, self.desk)  # type: ignore[arg-type]
        self._client = TestClient(app, raise_server_exceptions=False)

    def ask(self, method: str, path: str, role: Role | None = Role.OPERATOR, **more: Any):
        headers = {"Authorization": f"Bearer {self._keys[role]}"} if role else {}
        return self._client.request(method, f"/api/v1/{path}", headers=headers, **more)


@pytest.fixture
def api() -> Api:
    return Api()


GOOD = {"sink": "desk", "match": {"severity": 500}}


def test_a_subscription_is_put_in_the_name_of_the_key_and_listed_and_removed(api):
    assert api.ask("PUT", "subscriptions/mine", json=GOOD).json() == {"done": ["on the topic: mine"]}
    assert api.desk.on_topic["mine"][1] == "a operator"
    assert api.ask("GET", "subscriptions", Role.VIEWER).json()[0]["name"] == "mine"
    assert api.ask("DELETE", "subscriptions/mine").json() == {"done": ["off the topic: mine"]}
    assert api.ask("DELETE", "subscriptions/mine").status_code == 422


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"sink": "desk", "match": {"severty": 1}}, "match.severty"),
        ({"match": {}}, "sink"),
        ({"sink": "http://127.0.0.1/"}, "but sinks are desk"),
        ({"sink": "desk", "repeat": 4}, "repeat"),
    ],
)
def test_what_is_wrong_with_one_is_told_with_its_place(api, content, said):
    answer = api.ask("PUT", "subscriptions/mine", json=content)
    assert answer.status_code == 422 and said in answer.json()["detail"]
    assert api.desk.on_topic == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "subscriptions/mine"), ("DELETE", "subscriptions/mine"), ("POST", "deliveries/n1/retry")],
)
def test_a_viewer_changes_nothing(api, method, path):
    more = {"json": GOOD} if method == "PUT" else {}
    assert api.ask(method, path, Role.VIEWER, **more).status_code == 403
    assert api.ask(method, path, None, **more).status_code == 401
    assert api.desk.on_topic == {} and api.desk.retried == []


def test_a_warning_is_tried_out(api):
    answer = api.ask("POST", "subscriptions/test", Role.VIEWER, json={"asset": "pump-01", "advice": "act-now"})
    assert answer.json() == [{"subscription": "mine", "asset": "pump-01", "severity": 500, "advice": "act-now"}]
    assert api.ask("POST", "subscriptions/test", json={"asset": "pump-01", "severity": 2000}).status_code == 422


def test_deliveries_are_listed_and_sent_again(api):
    assert api.ask("GET", "deliveries?every=true", Role.VIEWER).json()["deliveries"] == [{"id": "n1", "every": True}]
    assert api.ask("POST", "deliveries/n1/retry").status_code == 200
    assert api.desk.retried == [("n1", "a operator")]
