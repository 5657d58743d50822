"""What is sent to the API: who may send it, how long it may be, and what is answered to rubbish."""

from __future__ import annotations

import asyncio

import pytest

from connectors.console.keys import Role

ROOT = "/api/v1/models"


def sent_to(api, path: str, key: str) -> tuple[int, int]:
    """The status of a request that goes on for ever, and how many bytes of it were asked for."""
    asked, status = 0, 0

    async def receive():
        nonlocal asked
        asked += 1_000
        return {"type": "http.request", "body": b" " * 1_000, "more_body": True}

    async def send(message):
        nonlocal status
        status = message.get("status", status)

    headers = [
        (b"authorization", f"Bearer {key}".encode()),
        (b"content-type", b"application/json"),
        (b"host", b"testserver"),
    ]
    scope = {
        "type": "http", "method": "POST", "path": f"{ROOT}/{path}", "raw_path": b"", "query_string": b"",
        "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("x", 1), "root_path": "",
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(api.app(scope, receive, send), 20.0))
    return status, asked


@pytest.mark.parametrize("path", ["releases", "promote"])
def test_of_whom_no_key_is_known_nothing_is_read(api, path):
    assert sent_to(api, path, "fw_none") == (401, 0)


def test_only_a_release_may_be_long(api):
    status, asked = sent_to(api, "promote", api.keys[Role.ENGINEER])
    assert status == 413 and asked < 100_000


@pytest.mark.parametrize("body", [b'{"version": NaN}', b'{"version": "\\ud800"}', b'{"version": 1e999}', b"["])
def test_what_is_no_answer_in_json_is_refused_as_the_askers_fault(api, body):
    headers = api.headers(Role.ENGINEER) | {"content-type": "application/json"}
    found = api.client.post(f"{ROOT}/promote", headers=headers, content=body)
    assert found.status_code == 422 and found.json()["detail"][0]["loc"][0] == "body"


@pytest.mark.parametrize("why", ["better\n'tiny' means evil", "\x1b[2J", "\x9b2J", "a\u2028b"])
def test_a_why_is_one_line_that_moves_no_cursor(api, why):
    assert api.post("promote", {"version": "tiny", "why": why}).status_code == 422
    assert not api.log.audited
