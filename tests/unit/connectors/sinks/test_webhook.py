"""A webhook: what is posted, how it is signed, and what answers mean; the receiver is on the loopback."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json

import pytest

from connectors.delivery import Place, SinkError, secrets_in
from connectors.sinks import open_sink
from connectors.sinks.webhook import key_of, retry_after_s, signature
from models.delivery.outcomes import Delivered, Failed, Outcome, Refused
from models.records import Notification, decode
from tests.kit.hooked import Receiver
from tests.kit.warned import Timeline, alert

EACH = '[subscriptions.all]\nsink = "desk"\ngroup = { wait = "0s" }\n'


def notification() -> Notification:
    (made,) = Timeline(EACH, down=["desk"]).step(1.0, alert())
    return made


def post(url: str | None, times: int = 1, environ: dict[str, str] | None = None, **config: object) -> list[Outcome]:
    async def work() -> list[Outcome]:
        sink = open_sink(
            "hook",
            {"kind": "webhook", **({"url": url} if url else {}), **config},
            Place("north", environ=environ or {}),
        )
        try:
            return [await sink.send(notification()) for _ in range(times)]
        finally:
            await sink.close()

    return asyncio.run(work())


def test_a_notification_is_posted_as_a_cloud_event_whose_id_a_double_has_too():
    with Receiver() as receiver:
        assert post(receiver.url, times=2) == [Delivered(), Delivered()]
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == notification().id
    assert first.headers["Content-Type"].startswith("application/cloudevents+json")
    assert {name: first.event[name] for name in ("specversion", "id", "source", "type", "subject", "time")} == {
        "specversion": "1.0",
        "id": notification().id,
        "source": "/forewarn/north",
        "type": "forewarn.notification.v1",
        "subject": "all",
        "time": "2026-01-01T01:00:00Z",
    }
    assert decode(json.dumps(first.event["data"]).encode()) == notification()


def test_it_is_signed_over_id_time_and_body():
    with Receiver() as receiver:
        post(receiver.url, secret_env="HOOK", environ={"HOOK": "whsec_" + base64.b64encode(b"key").decode()})
    (request,) = receiver.requests
    signed = b".".join((notification().id.encode(), request.headers["Webhook-Timestamp"].encode(), request.body))
    wanted = base64.b64encode(hmac.new(b"key", signed, hashlib.sha256).digest()).decode()
    assert request.headers["Webhook-Signature"] == f"v1,{wanted}"
    assert request.headers["Webhook-Id"] == notification().id


def test_the_signature_is_that_of_the_example_of_standard_webhooks():
    # The example of the libraries of standardwebhooks.com, spec of 1.0.0, section "Signature scheme".
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_an_address_that_is_a_secret_comes_from_the_environment():
    with Receiver() as receiver:
        assert post(None, url_env="HOOK_URL", environ={"HOOK_URL": receiver.url + "/t0ken"}) == [Delivered()]
    assert receiver.requests[0].path == "/hook/t0ken"


def test_what_a_file_names_as_secrets_is_known_so_that_logs_can_hide_it(tmp_path):
    (tmp_path / "s").write_text("from a file\n")
    tables = [{"url_env": "A", "secret_file": str(tmp_path / "s")}, {"ca_file": "x", "password_env": "NOPE", "port": 1}]
    assert secrets_in(tables, {"A": "from the environment"}) == ["from the environment", "from a file"]


def test_a_token_and_headers_go_with_it():
    with Receiver() as receiver:
        post(receiver.url, bearer_env="TOKEN", environ={"TOKEN": "t0ken"}, headers={"X-Plant": "north"})
    assert receiver.requests[0].headers["Authorization"] == "Bearer t0ken"
    assert receiver.requests[0].headers["X-Plant"] == "north"


@pytest.mark.parametrize(
    ("status", "headers", "meant"),
    [
        (200, {}, Delivered()),
        (202, {}, Delivered()),
        (500, {}, Failed("it answered 500")),
        (503, {"Retry-After": "120"}, Failed("it answered 503", 120.0)),
        (429, {"Retry-After": "7"}, Failed("it answered 429", 7.0)),
        (408, {}, Failed("it answered 408")),
        (400, {}, Refused("it answered 400")),
        (410, {}, Refused("it answered 410")),
    ],
)
def test_what_an_answer_means(status, headers, meant):
    with Receiver(lambda *_: (status, headers)) as receiver:
        assert post(receiver.url) == [meant]


def test_a_redirect_is_refused_and_not_followed():
    with Receiver(lambda *_: (302, {"Location": "http://127.0.0.1:1/else"})) as receiver:
        (outcome,) = post(receiver.url)
    assert isinstance(outcome, Refused) and "http://127.0.0.1:1/else" in outcome.why
    assert len(receiver.requests) == 1


def test_a_receiver_that_does_not_answer_is_left_after_the_timeout():
    with Receiver(lambda *_: None) as receiver:
        assert post(receiver.url, timeout_s=0.1) == [Failed("no answer within 0.1 s")]


def test_a_receiver_that_is_down_is_a_failure():
    with Receiver() as receiver:
        url = receiver.url
    (outcome,) = post(url)
    assert isinstance(outcome, Failed) and "ConnectError" in outcome.why


def test_retry_after_is_seconds_or_a_date():
    assert retry_after_s("120", 0.0) == 120.0
    assert retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", 10.0) == 50.0
    assert retry_after_s("Thu, 01 Jan 1970 00:00:00 GMT", 10.0) == 0.0
    assert retry_after_s("soon", 0.0) is None and retry_after_s("", 0.0) is None


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"url": "ftp://x/"}, "url is 'ftp://x/': write http:// or https://"),
        ({"url": "http://me:pass@x/"}, "no place for secrets: use bearer_env"),
        ({}, "give url, or one of url_env"),
        ({"url": "http://x/", "url_env": "HOOK_URL"}, "give url, or one of url_env"),
        ({"url": "http://x/", "secret_env": "NOPE"}, "secret_env names NOPE, which is not in the environment"),
        ({"url": "http://x/", "secret_env": "A", "secret_file": "b"}, "both given"),
        ({"url": "http://x/", "secret_file": "/no/such"}, "secret_file '/no/such' cannot be read"),
        ({"url": "http://x/", "secret_env": "BAD"}, "no base64 follows"),
        ({"url": "https://x/", "ca_file": "/no/such.pem"}, "ca_file '/no/such.pem' cannot be used"),
        ({"url": "http://x/", "secrt": "x"}, "secrt: .*use one of url, url_env"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_sent(config, said):
    with pytest.raises(SinkError, match=f"^sinks.hook.*{said}"):
        open_sink(
            "hook", {"kind": "webhook", **config}, Place("north", environ={"BAD": "whsec_?", "HOOK_URL": "http://h/"})
        )
