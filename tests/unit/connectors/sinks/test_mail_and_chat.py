"""Services through apprise: mail to a server on the loopback, and what is said where a service does not take it."""

from __future__ import annotations

import asyncio

import pytest

from connectors.delivery import Place, SinkError
from connectors.sinks import open_sink
from models.delivery.outcomes import Delivered, Failed, Outcome
from tests.kit.hooked import Mailbox, Receiver
from tests.unit.connectors.sinks.test_webhook import notification


def send(url: str) -> Outcome:
    sink = open_sink("mail", {"kind": "apprise", "url_env": "URL"}, Place("north", environ={"URL": url}))
    return asyncio.run(sink.send(notification()))


def test_a_mail_has_title_text_and_the_id():
    with Mailbox() as box:
        assert send(f"mailto://127.0.0.1:{box.port}?from=plant@x.org&to=me@x.org&mode=insecure") == Delivered()
    (mail,) = box.mails
    text = mail.replace("=\r\n", "")
    assert "pump-01: opened, warning, plan a check" in text and notification().id in text
    assert "81 degC over 80 degC" in text


def test_a_service_that_does_not_take_it_is_a_failure_with_its_reason():
    with Receiver(lambda *_: (500, {})) as receiver:
        outcome = send(f"json://127.0.0.1:{receiver.port}/")
    assert isinstance(outcome, Failed) and "500" in outcome.why


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, "url_env or url_file is missing"),
        ({"url_env": "NONSENSE"}, "url is none that apprise knows"),
        ({"url_env": "TWO"}, "or several"),
        ({"url": "mailto://me:secret@x.org"}, "sinks.mail.url: .*use one of url_env, url_file"),
    ],
)
def test_a_url_that_cannot_work_is_told_and_not_shown(config, said):
    environ = {"NONSENSE": "no such thing", "TWO": "json://a/, json://b/"}
    with pytest.raises(SinkError, match=said) as raised:
        open_sink("mail", {"kind": "apprise", **config}, Place("north", environ=environ))
    assert "secret" not in str(raised.value)
