"""Who gets to the application: hosts, origins, rates, headers, and tokens beside keys."""

from __future__ import annotations

import asyncio

import pytest
from fastapi import FastAPI
from fastapi.responses import Response, StreamingResponse
from fastapi.testclient import TestClient

from connectors.console.callers import IssuerAway, NoRole
from connectors.console.gate import Gate, WrongGate, guard, hosts_of, limits_of, origins_of
from connectors.console.headers import POLICY, host_of
from connectors.console.keys import Caller, Role

KIM, KEY = Caller("kim", Role.VIEWER), {"Authorization": "Bearer good"}


class Known:
    """Knows one credential, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def caller(self, credential: str) -> Caller | None:
        self.asked += 1
        if credential == "away":
            raise IssuerAway("the issuer is away")
        if credential == "none":
            raise NoRole("'kim' has no role here")
        return KIM if credential == "good" else None


def client(known: Known | None = None, host: str = "localhost", **more) -> TestClient:
    app = FastAPI(openapi_url="/api/v1/openapi.json")

    @app.api_route("/api/v1/x", methods=["GET", "POST"], include_in_schema=False)
    @app.api_route("/x", methods=["GET", "POST"], include_in_schema=False)
    def found():
        return {}

    @app.get("/api/v1/kept")
    def kept():
        return Response(headers={"Cache-Control": "max-age=60"})

    @app.get("/api/v1/fails")
    def fails():
        raise ZeroDivisionError("a secret of ours")

    guard(app, Gate(known or Known(), **more))
    return TestClient(app, f"http://{host}", raise_server_exceptions=False)


@pytest.mark.parametrize("path", ["/api/v1/x", "/api/v1/nothing", "/x", "/nothing", "/api/v1/fails"])
@pytest.mark.parametrize("headers", [{}, KEY, KEY | {"Host": "evil"}])
def test_every_answer_has_the_headers_that_browsers_go_by(path, headers):
    found = client().get(path, headers=headers)
    assert found.headers["content-security-policy"] == POLICY
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["referrer-policy"] == "no-referrer"
    assert found.headers["cross-origin-opener-policy"] == "same-origin"
    assert found.headers.get("cache-control") == ("no-store" if path.startswith("/api/") else None)


def test_the_policy_is_that_of_the_contract():
    assert POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def test_an_answer_that_says_itself_how_long_it_keeps_is_left_alone():
    assert client().get("/api/v1/kept", headers=KEY).headers["cache-control"] == "max-age=60"


def test_a_fault_of_ours_is_answered_in_our_form_and_shows_nothing():
    found = client().get("/api/v1/fails", headers=KEY)
    assert found.status_code == 500 and list(found.json()) == ["detail"] and "secret" not in found.text


def test_the_document_needs_no_key_and_all_else_of_the_api_does():
    assert client().get("/api/v1/openapi.json").status_code == 200
    for path in ("/api/v1/x", "/api/v1/nothing", "/api/v1/openapi.json/", "/api/"):
        assert client().get(path, follow_redirects=False).status_code == 401
    assert client().get("/x").status_code == 200


def test_whom_the_issuer_cannot_tell_now_is_not_told_that_he_is_unknown():
    found = client().get("/api/v1/x", headers={"Authorization": "Bearer away"})
    assert (found.status_code, found.json()["detail"]) == (503, "the issuer is away")


def test_whose_token_gives_no_role_is_told_so():
    found = client().get("/api/v1/x", headers={"Authorization": "Bearer none"})
    assert (found.status_code, found.json()["detail"]) == (403, "'kim' has no role here")


def test_a_stream_goes_through_bit_by_bit():
    sent: list[bytes] = []

    async def events():
        yield b"first"
        while b"first" not in sent:  # what is held back until the end would never end
            await asyncio.sleep(0.001)
        yield b"second"

    asked = client(origins=frozenset({"https://wall.example"}))
    asked.app.add_api_route("/api/v1/events", lambda: StreamingResponse(events()))

    async def send(message):
        sent.append(message.get("body", b""))

    head = [(b"host", b"localhost"), (b"authorization", b"Bearer good"), (b"origin", b"https://wall.example")]
    status_of(asked.app, head, path="/api/v1/events", send=send)
    assert sent[1:3] == [b"first", b"second"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost:8400", "127.0.0.1:1", "[::1]", "[::1]:8400"])
def test_own_names_are_answered_to(host):
    assert client().get("/x", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil", "localhost.evil", "evil:80", "localhost:evil", "localhost@evil", "[::1]evil", "::1", "a, localhost"],
)
def test_other_names_are_not(host):
    assert client().get("/x", headers={"Host": host}).status_code == 400


def test_two_hosts_or_none_are_refused():
    for headers in ([], [(b"host", b"localhost"), (b"host", b"evil")]):
        assert status_of(client().app, headers) == 400


def test_any_host_is_answered_to_where_the_setting_says_so():
    assert client(hosts=frozenset("*")).get("/x", headers={"Host": "evil"}).status_code == 200


def status_of(app, headers, method: str = "GET", path: str = "/x", peer: str = "10.0.0.1", send=None) -> int:
    """Of a request as a server would hand it over."""
    found = []

    asked = False

    async def receive():
        nonlocal asked
        if asked:
            await asyncio.Event().wait()
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def told(message):
        found.append(message.get("status"))
        if send is not None:
            await send(message)

    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("x", 1), "root_path": "",
        "client": (peer, 1),
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(app(scope, receive, told), 20.0))
    return found[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil"},
        {"Origin": "null"},
        {"Origin": "http://localhost:81"},
        {"Origin": "http://localhost.evil"},
        {"Origin": "http://[", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_change_that_a_page_of_others_asks_for_is_refused_and_a_read_is_left_to_the_browser(headers):
    assert client().post("/api/v1/x", headers=KEY | headers).status_code == 403
    assert client().get("/api/v1/x", headers=KEY | headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://localhost"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://wall.example", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_change_by_a_program_an_own_page_or_one_that_is_allowed_is_made(headers):
    allowed = client(origins=frozenset({"https://wall.example"}))
    assert allowed.post("/api/v1/x", headers=KEY | headers).status_code == 200


def test_pages_of_others_are_told_nothing_unless_their_origin_is_set():
    asked = {"Origin": "https://wall.example", "Access-Control-Request-Method": "POST"}
    closed, opened = client(), client(origins=frozenset({"https://wall.example"}))
    for found in (closed.options("/api/v1/x", headers=asked), closed.get("/api/v1/x", headers=KEY | asked)):
        assert not [name for name in found.headers if name.startswith("access-control")]
    preflight = opened.options("/api/v1/x", headers=asked)
    assert preflight.status_code == 200
    for found in (preflight, opened.get("/api/v1/x", headers=asked)):
        assert found.headers["access-control-allow-origin"] == "https://wall.example"
        assert "access-control-allow-credentials" not in found.headers
    other = opened.get("/api/v1/x", headers=KEY | {"Origin": "https://evil"})
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(("header", "name"), [("a:80", "a"), ("A", "a"), ("[::1]:80", "[::1]"), ("a:b", ""), ("", "")])
def test_a_host_is_a_name_without_its_port(header, name):
    assert host_of(header) == name


def test_hosts_are_the_address_served_on_and_this_machine_unless_they_are_set():
    assert hosts_of("", "10.0.0.5") == {"10.0.0.5", "localhost", "127.0.0.1", "[::1]"}
    assert hosts_of("", "::") == {"[::]", "localhost", "127.0.0.1", "[::1]"}
    assert hosts_of(" forewarn.plant , [::1]", "0.0.0.0") == {"forewarn.plant", "[::1]"}


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (origins_of, "*"),
        (origins_of, "wall.example"),
        (origins_of, "https://wall.example/page"),
        (origins_of, "https://a@wall.example"),
        (origins_of, "https://"),
        (origins_of, "null"),
        (lambda text: hosts_of(text, ""), "a:80"),
        (lambda text: hosts_of(text, ""), "http://a"),
        (lambda text: hosts_of(text, ""), "*.plant"),
        (lambda text: limits_of(text, "1/minute"), "often"),
        (lambda text: limits_of("1/minute", text), "0/never"),
    ],
)
def test_a_setting_that_cannot_be_read_is_told_by_its_name(read, text):
    with pytest.raises(WrongGate, match="FOREWARN_API_"):
        read(text)


def test_origins_are_parted_by_commas():
    assert origins_of("https://wall.example/, http://10.0.0.1:80") == {"https://wall.example", "http://10.0.0.1:80"}
    assert origins_of("") == frozenset()
