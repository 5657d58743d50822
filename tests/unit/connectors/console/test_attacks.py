"""Requests that mean harm, byte by byte to a real server: each is refused, none is a fault of ours, all are told."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import uvicorn

from connectors.console.app import application
from connectors.console.audit_log import AuditLog
from connectors.console.headers import POLICY
from connectors.console.keys import Role, new_key
from connectors.memory_audit import MemoryAudit
from models.audit import verified
from tests.kit.api_parts import Subscriptions, gate
from tests.unit.connectors.console.test_subscriptions import GOOD


class Served:
    """The API on a port of its own, with a key of an admin."""

    def __init__(self) -> None:
        self.desk, self.place = Subscriptions(), MemoryAudit()
        self.key, told = new_key("an admin", Role.ADMIN)
        made = gate([told], hosts=frozenset({"localhost"}), audit=AuditLog(self.place, "tiny"))
        self.server = uvicorn.Server(
            uvicorn.Config(application(made, None, self.desk), port=0, log_level="critical")  # type: ignore[arg-type]
        )

    @property
    def port(self) -> int:
        port: int = self.server.servers[0].sockets[0].getsockname()[1]
        return port

    def raw(self, asked: bytes) -> tuple[int, bytes]:
        """The status and all of the answer; 0 where the connection was ended without one."""
        found = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as peer, suppress(OSError):
            peer.sendall(asked)
            while part := peer.recv(65_536):
                found += part
                peer.settimeout(0.3)  # a connection that is kept alive has no end
        return (int(found.split()[1]) if found else 0), found

    def ask(self, method: str, target: str, body: bytes = b"", host: str = "localhost", **headers: str):
        usual = {"Host": host, "Authorization": f"Bearer {self.key}", "Connection": "close"}
        if body:
            usual |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        said = usual | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items()), "", ""]
        return self.raw("\r\n".join(lines).encode("latin-1") + body)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    made = Served()
    thread = threading.Thread(target=made.server.run, daemon=True)
    thread.start()
    until_s = time.monotonic() + 20
    while not made.server.started:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    yield made
    made.server.should_exit = True
    thread.join(20)
    assert verified(made.place.entries) == ()
    assert all(text.isprintable() for one in made.place.entries for text in (one.path, one.method, one.address))


TARGETS = [
    "//evil.example/api/v1/subscriptions",
    "/api/v1/../../etc/passwd",
    "/api/v1/..%2f..%2fetc%2fpasswd",
    "/api/v1/%2e%2e/%2e%2e/etc/passwd",
    "/api/v1/subscriptions%2fmine",
    "/api/v1/subscriptions/..%5c..%5cboot.ini",
    "/api/v1/%00",
    "/api/v1/%ff%fe",
    "/api/v1/%0d%0aSet-Cookie:%20a=b",
    "/api/v1/audit?limit=%0d%0aX:1",
    "/api/v1/audit?limit=99999999999999999999",
    "/api/v1/audit?limit[]=1&limit=-1",
    "/api/v1/<script>alert(1)</script>",
    "/%61pi/v1/nothing",
    "/API/v1/audit",
    "http://evil.example/api/v1/nothing",
    "/api/v1/" + "a/" * 2_000,
]


@pytest.mark.parametrize("target", TARGETS)
def test_a_path_that_means_harm_is_no_path(served, target):
    status, answer = served.ask("GET", target)
    assert 400 <= status < 500
    head = answer.split(b"\r\n\r\n")[0].lower()
    assert b"set-cookie" not in head and b"\r\nx:" not in head and b"location" not in head
    assert POLICY.encode() in answer and b"root:" not in answer and b"<script>" not in answer


@pytest.mark.parametrize("target", ["/api/v1/audit/", "//api/v1/audit", "/api/v1//audit", "/%61pi/v1/audit"])
def test_no_spelling_of_a_path_goes_around_the_door(served, target):
    status, answer = served.raw(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert status in (401, 404) and b'"entries"' not in answer


@pytest.mark.parametrize("name", ["%0d%0aX:%201", "a%00b", "%3Cscript%3E", "%1b%5b2J", "a%E2%80%A8b", "'%20OR%201=1--"])
def test_a_name_is_only_a_name(served, name):
    status, answer = served.ask("PUT", f"/api/v1/subscriptions/{name}", json.dumps(GOOD).encode())
    assert status < 500
    assert b"\r\nx: 1" not in answer.lower()
    assert b"application/json" in answer and b"nosniff" in answer


@pytest.mark.parametrize(
    "head",
    [
        b"GET /api/v1/audit HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
        b"GET /api/v1/audit HTTP/1.1\r\n\r\n",
        b"GET /api/v1/audit HTTP/1.0\r\n\r\n",
        b"GET /api/v1/audit HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"GET /api/v1/audit HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 10_000 + b"\r\n",
        b"GET /api/v1/audit HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + b"a" * 30_000 + b"\r\n\r\n",
        b"GET /api/v1/audit HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
        b"GET /api/v1/audit HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\x00b\r\n\r\n",
        b"GET /api/v1/audit HTTP/1.1\r\nHost: localhost\r\nBad Name: a\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"G\x01T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /api/v1/subscriptions/test HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
)
def test_a_head_that_is_none_opens_nothing(served, head):
    status, answer = served.raw(head)
    assert status == 0 or 400 <= status < 500
    assert b'"entries"' not in answer


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.2", "localhost:x"])
def test_another_host_is_not_answered_for_and_is_not_said_again(served, host):
    status, answer = served.ask("GET", "/api/v1/audit", host=host)
    assert status == 400 and b"evil" not in answer


@pytest.mark.parametrize("name", ["X_Forwarded_Host", "X_Host", "Forwarded", "X_Original_URL", "X_Rewrite_URL"])
def test_no_header_stands_in_for_the_host_or_the_path(served, name):
    value = "host=evil.example" if name == "Forwarded" else "/api/v1/audit" if "URL" in name else "evil.example"
    status, answer = served.ask("GET", "/api/v1/nothing", **{name: value})
    assert status == 404 and b"evil" not in answer


@pytest.mark.parametrize("name", ["X_HTTP_Method_Override", "X_HTTP_Method", "X_Method_Override"])
def test_no_header_stands_in_for_the_method(served, name):
    served.desk.on_topic["kept"] = ("it", "somebody")
    assert served.ask("GET", "/api/v1/subscriptions/kept", **{name: "DELETE"})[0] == 405
    assert served.ask("POST", "/api/v1/subscriptions/kept?_method=DELETE", b"{}", **{name: "DELETE"})[0] == 405
    assert served.desk.on_topic.pop("kept")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
def test_a_page_of_others_changes_nothing(served, origin):
    status, answer = served.ask("PUT", "/api/v1/subscriptions/csrf", json.dumps(GOOD).encode(), Origin=origin)
    assert status == 403 and b"access-control-allow-origin" not in answer.lower()
    assert "csrf" not in served.desk.on_topic


@pytest.mark.parametrize("name", ["Cookie", "X_API_Key", "Proxy_Authorization"])
def test_a_key_is_taken_from_one_header_alone(served, name):
    head = f"GET /api/v1/audit HTTP/1.1\r\nHost: localhost\r\n{name.replace('_', '-')}: Bearer {served.key}\r\n\r\n"
    assert served.raw(head.encode())[0] == 401
    query = f"GET /api/v1/audit?key={served.key}&access_token={served.key} HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert served.raw(query.encode())[0] == 401


def test_bodies_that_are_nested_or_of_another_kind_are_refused(served):
    for body in (
        b"[" * 30_000,
        b"\xff\xfe",
        b'{"sink": ' * 5_000,
        b"<?xml version='1.0'?><!DOCTYPE a SYSTEM 'file:///x'>",
    ):
        assert 400 <= served.ask("PUT", "/api/v1/subscriptions/x", body)[0] < 500
