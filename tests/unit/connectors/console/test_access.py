"""Who a call is by is known from the door alone."""

from __future__ import annotations

from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from connectors.console.access import Door, allowed, whole
from connectors.console.keys import Caller, Role
from connectors.console.rates import Limits, Rates

Some = Annotated[Caller, Depends(allowed(Role.OPERATOR))]
OfWhole = Annotated[Caller, Depends(whole(Role.OPERATOR))]
KIM = {"Authorization": "Bearer kim"}


class Known:
    def __init__(self, caller: Caller) -> None:
        self.caller_of_all, self.asked = caller, 0

    async def caller(self, credential: str) -> Caller | None:
        self.asked += 1
        return self.caller_of_all if credential == "kim" else None


def client(known: Known | None) -> TestClient:
    app = FastAPI()

    @app.get("/api/some")
    def some(caller: Some):
        return {"name": caller.name}

    @app.get("/api/whole")
    def of_whole(caller: OfWhole):
        return {"name": caller.name}

    if known is not None:
        app.add_middleware(Door, callers=known, rates=Rates(Limits()), within="/api/", open_to=("/api/some/open",))
    return TestClient(app)


def test_a_caller_is_looked_up_once_a_call():
    known = Known(Caller("kim", Role.ADMIN))
    assert client(known).get("/api/some", headers=KIM).json() == {"name": "kim"}
    assert known.asked == 1


def test_where_no_door_was_passed_nobody_is_known():
    for path in ("/api/some", "/api/whole", "/api/some?caller=kim&role=admin"):
        found = client(None).get(path, headers=KIM)
        assert found.status_code == 401 and found.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("caller", "some", "of_whole"),
    [
        (Caller("kim", Role.VIEWER), 403, 403),
        (Caller("kim", Role.OPERATOR), 200, 200),
        (Caller("kim", Role.VIEWER, frozenset({"north"})), 403, 403),
        (Caller("kim", Role.ADMIN, frozenset({"north"})), 200, 403),
        (Caller("kim", Role.ADMIN, frozenset()), 200, 403),
    ],
)
def test_what_is_of_the_whole_plant_is_for_callers_of_all_sites(caller, some, of_whole):
    asked = client(Known(caller))
    assert asked.get("/api/some", headers=KIM).status_code == some
    assert asked.get("/api/whole", headers=KIM).status_code == of_whole


@pytest.mark.parametrize("given", ["bearer kim", "BEARER kim", "Bearer  kim"])
def test_a_scheme_is_read_as_http_has_it(given):
    found = client(Known(Caller("kim", Role.ADMIN))).get("/api/some", headers={"Authorization": given})
    assert found.status_code == 200


@pytest.mark.parametrize("given", ["", "kim", "Basic kim", "Bearer", "Bearer ", "Bearer kim2", "Bearer Bearer kim"])
def test_whoever_gives_nothing_that_is_known_is_turned_away(given):
    found = client(Known(Caller("kim", Role.ADMIN))).get("/api/some", headers={"Authorization": given})
    assert (found.status_code, found.headers["www-authenticate"]) == (401, "Bearer")
