"""A chat endpoint on the loopback: what it is sent, and what is said where it does not answer as one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from connectors.explainer import ChatExplainer, ExplainerFailed
from pipelines.cli.page.prose import explainer_of, in_prose
from pipelines.settings import Settings
from tests.kit.paged import case, facts
from tests.kit.runs import at


def completion(text: str) -> bytes:
    """As OpenAI's API reference has it, with fields that nobody here reads."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps(
        {"id": "x", "object": "chat.completion", "choices": [choice], "usage": {"total_tokens": 9}}
    ).encode()


@contextmanager
def endpoint(reply: bytes, status: int = 200) -> Iterator[tuple[str, list[tuple[str, dict, dict]]]]:
    asked: list[tuple[str, dict, dict]] = []

    class Stub(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, dict(self.headers), body))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        server.server_close()


def prose(url: str, key: str = "") -> str:
    return asyncio.run(ChatExplainer(url, "small", key).prose("tell it", "facts"))


def test_it_is_asked_as_chat_endpoints_are_and_its_words_come_back():
    with endpoint(completion("It shakes.")) as (url, asked):
        assert prose(f"{url}/", "secret") == "It shakes."
    ((path, headers, body),) = asked
    assert (path, headers["Authorization"], body["model"]) == ("/v1/chat/completions", "Bearer secret", "small")
    assert [one["content"] for one in body["messages"]] == ["tell it", "facts"]


def test_without_a_key_none_is_sent():
    with endpoint(completion("It shakes.")) as (url, asked):
        prose(url)
    assert "Authorization" not in asked[0][1]


@pytest.mark.parametrize(
    ("reply", "status", "said"),
    [
        (b"overloaded", 503, "said 503: overloaded"),
        (b"", 302, "said 302"),
        (b"hello", 200, "answered what is no chat completion"),
        (b'{"choices": []}', 200, "answered nothing"),
        (completion("  "), 200, "answered nothing"),
    ],
)
def test_what_is_no_answer_is_told(reply, status, said):
    with endpoint(reply, status) as (url, _), pytest.raises(ExplainerFailed, match=said):
        prose(url)


def test_an_endpoint_that_is_not_there_is_told():
    with pytest.raises(ExplainerFailed, match=r"127.0.0.1:1/v1/chat/completions does not answer"):
        prose("http://127.0.0.1:1/v1")


def test_without_an_address_and_a_model_nothing_is_asked():
    with pytest.raises(ExplainerFailed, match="FOREWARN_EXPLAINER_URL"):
        explainer_of(Settings(explainer_url="http://127.0.0.1:1"))


def test_the_page_has_the_prose_and_says_who_wrote_it_and_nobodys_name_was_sent():
    with endpoint(completion("person 1 is to look at pump-01.")) as (url, asked):
        made = in_prose(facts(case(assigned="Kim Lee", moved_us=at(2))), ChatExplainer(url, "small"))
    assert made.lines[0] == "Kim Lee is to look at pump-01."
    assert made.lines[1].startswith("Written by small from the facts on this page")
    assert "Kim" not in json.dumps(asked[0][2])


def test_prose_that_cannot_stand_is_left_out_with_the_reason():
    with endpoint(completion("It will fail in 17 h.")) as (url, _):
        made = in_prose(facts(), ChatExplainer(url, "small"))
    assert made.lines == ("None: it has numbers that no fact has: 17.",)
    (away,) = in_prose(facts(), ChatExplainer("http://127.0.0.1:1/v1", "small")).lines
    assert "does not answer" in away
