"""Where people sign in: as the issuer says, asked for seldom, and not where the page could not ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from connectors.console.app import application
from connectors.console.callers import IssuerAway
from connectors.console.headers import POLICY
from connectors.console.issuer import HELD_S
from connectors.console.sign_in import Provider, SignIn
from tests.kit.api_parts import gate
from tests.kit.issuer import Issuer, issuing


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        made.said = {"authorization_endpoint": f"{made.url}/authorize", "token_endpoint": f"{made.url}/token"}
        yield made


def asked(provider: Provider | None) -> TestClient:
    return TestClient(application(gate([], provider=provider), None), raise_server_exceptions=False)  # type: ignore[arg-type]


def test_it_is_told_to_whoever_comes_and_asked_for_once_in_minutes(issuer):
    now_s = [0.0]
    provider = Provider(issuer.url, "page", lambda: now_s[0])
    wanted = SignIn(
        issuer=issuer.url, authorize=f"{issuer.url}/authorize", token=f"{issuer.url}/token", client="page",
        scope="openid profile",
    )  # fmt: skip
    assert [provider.places() for _ in range(3)] == [wanted] * 3 and len(issuer.asked) == 1
    now_s[0] = HELD_S + 1
    provider.places()
    assert len(issuer.asked) == 2
    told = asked(provider).get("/api/v1/sign-in")
    assert (told.status_code, told.json()["client"]) == (200, "page")


def test_without_a_provider_there_is_a_key_alone():
    told = asked(None).get("/api/v1/sign-in")
    assert set(told.json().values()) == {""} and told.headers["content-security-policy"] == POLICY


def test_the_page_may_ask_the_provider_and_nobody_else(issuer):
    policy = asked(Provider(issuer.url, "page")).get("/").headers["content-security-policy"]
    assert policy == POLICY.replace("connect-src 'self'", f"connect-src 'self' {issuer.url}")


def test_a_token_endpoint_of_another_origin_is_not_offered(issuer):
    issuer.said["token_endpoint"] = "https://elsewhere.example/token"
    assert Provider(issuer.url, "page").places() == SignIn()


@pytest.mark.parametrize(
    "said", [{"token_endpoint": "http://plain.example/token"}, {"issuer": "https://other.example"}]
)
def test_an_issuer_that_says_nothing_usable_is_away(issuer, said):
    issuer.said |= said
    with pytest.raises(IssuerAway, match="does not say where to sign in"):
        Provider(issuer.url, "page").places()
    assert asked(Provider(issuer.url, "page")).get("/api/v1/sign-in").status_code == 503
