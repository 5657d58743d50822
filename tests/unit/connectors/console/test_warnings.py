"""Which warnings are told: those that hold or wait, closed ones, all; of one machine; as many as were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient

from connectors.console.keys import Role
from models.records import AlertReason
from tests.kit.followed import came
from tests.kit.warned import alert, moved
from tests.kit.whole_api import QUAY, WholeApi

OTHER = alert("pump-02", opened_h=3)
CLOSED = moved(alert("pump-02", opened_h=1), AlertReason.CLOSED)


@pytest.fixture(scope="module")
def api(tmp_path_factory) -> WholeApi:
    made = WholeApi(tmp_path_factory.mktemp("api"))
    list(made.follower.standing.take(came(OTHER, CLOSED)))
    return made


@pytest.fixture(scope="module")
def told(api) -> Iterator[Callable[[str], dict]]:
    with TestClient(api.app, headers=api.headers(Role.VIEWER, "quay")) as client:
        yield lambda query: client.get(f"/api/v1/alerts?{query}").json()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [OTHER, QUAY]),
        ("state=closed", [CLOSED]),
        ("state=all", [OTHER, CLOSED, QUAY]),
        ("state=all&asset=pump-02", [OTHER, CLOSED]),
        ("asset=nobody", []),
    ],
)
def test_warnings_are_told_by_state_and_machine_the_last_opened_first(told, query, found):
    assert told(query)["more"] is False
    assert [one["id"] for one in told(query)["alerts"]] == [one.id for one in found]


def test_of_many_warnings_those_alone_are_made_ready_that_are_told(api, told, monkeypatch):
    standing, made = api.follower.standing, []
    of = standing.warning
    monkeypatch.setattr(standing, "warning", lambda one: made.append(one) or of(one))
    answer = told("state=all&limit=1")
    assert ([one["id"] for one in answer["alerts"]], answer["more"], len(made)) == ([OTHER.id], True, 1)
