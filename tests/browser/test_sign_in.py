"""People sign in at the plant's identity provider, a stub on loopback: there, back with a code, a token renewed."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.conftest import Opened, picture, shown
from tests.kit.consoled import Consoled
from tests.kit.issuer import AUDIENCE, Issuer

pytestmark = pytest.mark.servers
CLIENT = "forewarn-page"


class Provider(Issuer):
    """An issuer where whoever comes is kim, an operator of the site quay; `asked_for` are the tokens that it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_for: list[dict[str, str]] = []
        self.challenges: dict[str, str] = {}
        self.refuses = False
        self.said = {"authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token"}
        serves, provider = self.server.RequestHandlerClass, self

        class Handler(serves):
            def do_GET(self) -> None:  # noqa: N802 - the base's name
                place = urlsplit(self.path)
                if place.path == "/authorize":
                    provider.authorize(self, {key: of[0] for key, of in parse_qs(place.query).items()})
                else:
                    super().do_GET()

            def do_POST(self) -> None:  # noqa: N802 - the base's name
                body = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                provider.give(self, {key: of[0] for key, of in body.items()})

        self.server.RequestHandlerClass = Handler

    def authorize(self, handler: BaseHTTPRequestHandler, asked: dict[str, str]) -> None:
        assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
        code = f"code-{len(self.challenges)}"
        self.challenges[code] = asked["code_challenge"]
        said = "error=access_denied&error_description=Not+you" if self.refuses else f"code={code}"
        handler.send_response(302)
        handler.send_header("Location", f"{asked['redirect_uri']}?{said}&state={asked['state']}")
        handler.end_headers()

    def give(self, handler: BaseHTTPRequestHandler, asked: dict[str, str]) -> None:
        self.asked_for.append(asked)
        if asked["grant_type"] == "authorization_code":
            digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
            assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.challenges[asked["code"]]
        token = self.token(roles=["operator"], sites=["quay"], aud=AUDIENCE)
        handler.send_response(200)
        handler.send_header("Access-Control-Allow-Origin", "*")
        handler.end_headers()
        said = {"access_token": token, "refresh_token": f"again-{len(self.asked_for)}", "expires_in": 62}
        handler.wfile.write(json.dumps(said).encode())


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    Thread(target=made.server.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(scope="module")
def console(servers, provider, tmp_path_factory) -> Iterator[Consoled]:
    said = {"oidc_issuer": provider.url, "oidc_client": CLIENT, "oidc_audience": AUDIENCE}
    with Consoled(tmp_path_factory.mktemp("sign-in"), **said) as made:
        yield made


def test_people_sign_in_at_their_provider_see_their_sites_and_are_renewed(console, provider, opened: Opened):
    page = opened(None, "#/warnings")
    page.click("#sign-in-there")
    page.wait_for_selector(".signed-in")
    shown(page)
    assert page.inner_text("#who").startswith("kim operator")
    assert urlsplit(page.url)._replace(fragment="").geturl() == f"{console.url}/" and page.url.endswith("#/warnings")
    page.wait_for_selector("#worst [data-asset]")
    seen = {one.get_attribute("data-asset") for one in page.query_selector_all("#worst [data-asset]")}
    assert seen == {"pump-01", "pump-02"}
    page.wait_for_timeout(3500)
    assert [one["grant_type"] for one in provider.asked_for][:2] == ["authorization_code", "refresh_token"]
    page.reload()
    page.wait_for_selector(".signed-in")
    by = {one["by"] for one in console.ask("audit").json()["entries"]}
    assert "kim" in by


def test_whom_the_provider_turns_away_is_told_why(console, provider, opened: Opened):
    provider.refuses = True
    page = opened(None)
    page.click("#sign-in-there")
    page.wait_for_selector("text=Not you")
    picture(page, "sign-in-refused")
    assert page.query_selector("[data-asset]") is None
    provider.refuses = False


def test_a_provider_that_does_not_answer_is_told_and_a_key_opens_all_the_same(console, opened: Opened, provider):
    page = opened(None)
    page.route("**/api/v1/sign-in", lambda route: route.fulfill(status=503, json={"detail": "the issuer is away"}))
    page.reload()
    page.wait_for_selector("text=the issuer is away")
    assert page.query_selector("#sign-in-there") is None
    page.fill("#key", console.keys["viewer"])
    page.click("#sign-in")
    page.wait_for_selector(".signed-in")


def test_a_code_that_somebody_else_began_is_not_taken(console, opened: Opened):
    page = opened(None)
    page.goto(f"{console.url}/?code=stolen&state=mine")
    page.wait_for_selector("text=was not begun in this tab")
    assert "code" not in page.url
