"""A refusal ends the feed with what to do; what is away, or missing for a moment, is tried again."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from aiokafka import errors

from connectors.kafka.admission import refusal_in
from connectors.scada.feed import FeedError
from connectors.scada.feeds import kafka
from connectors.scada.feeds.kafka.messages import OneReading
from connectors.scada.feeds.kafka.refusals import check_admitted, check_topics, told


def config() -> kafka.Config:
    return kafka.Config(bootstrap="127.0.0.1:1", topics=(OneReading(topic="t"),))


@pytest.fixture(autouse=True)
def _let_in(monkeypatch) -> None:
    """A broker that takes us, in place of one to ask."""

    async def admitted(*_: object) -> None: ...

    monkeypatch.setattr(kafka, "check_admitted", admitted)


class Consumer:
    """Hears nothing, or fails at the start; `sees` are its topics, or what asking for them raises."""

    def __init__(self, *sees: set[str] | Exception, fails: Exception | None = None) -> None:
        self.sees, self.fails = list(sees), fails

    async def start(self) -> None:
        if self.fails:
            raise self.fails

    async def stop(self) -> None: ...

    async def topics(self) -> set[str]:
        if not self.sees:
            raise asyncio.CancelledError
        said = self.sees.pop(0)
        if isinstance(said, Exception):
            raise said
        return said

    async def getmany(self, **_):
        return {}


def run(monkeypatch, *consumers: Consumer) -> list[float]:
    """How long was waited between these, until one is cancelled."""
    waits: list[float] = []
    left = list(consumers)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if not left:
            raise asyncio.CancelledError

    feed = kafka.open_feed(config())
    monkeypatch.setattr(feed, "_consumer", lambda: left.pop(0))
    monkeypatch.setattr(kafka, "LOOK_S", -1.0)
    monkeypatch.setattr(kafka.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(feed.run(None))
    return waits


@pytest.mark.parametrize(
    "refusal",
    [
        errors.TopicAuthorizationFailedError("t"),
        errors.GroupAuthorizationFailedError("g"),
        errors.SaslAuthenticationFailed("no"),
        errors.UnsupportedSaslMechanismError("no"),
        ssl.SSLCertVerificationError("no"),
    ],
)
def test_a_refusal_ends_the_feed_though_aiokafka_wrapped_it(monkeypatch, refusal: Exception) -> None:
    wrapped = errors.KafkaError("Unexpected error during coordination")
    wrapped.__cause__ = refusal
    for fault in (refusal, wrapped):
        with pytest.raises(FeedError, match=r"127\.0\.0\.1:1 refuses us"):
            run(monkeypatch, Consumer(fails=fault))


@pytest.mark.parametrize("fault", [errors.KafkaConnectionError("x"), errors.CommitFailedError("x"), OSError("x")])
def test_what_is_no_refusal_is_tried_again(monkeypatch, fault: Exception) -> None:
    assert refusal_in(fault) is None
    assert run(monkeypatch, Consumer(fails=fault), Consumer(fails=fault)) == [1, 2]


def test_after_a_long_silence_a_broker_that_does_not_answer_is_away(monkeypatch) -> None:
    silent = Consumer({"t"}, {"t"}, errors.KafkaError("Unable to get cluster metadata"))
    assert run(monkeypatch, silent) == [1]


def test_a_topic_that_is_not_there_at_the_start_is_an_error(monkeypatch) -> None:
    with pytest.raises(FeedError, match="has no topic t "):
        run(monkeypatch, Consumer({"other"}))


def test_a_topic_that_was_there_may_be_missing_for_a_moment(monkeypatch) -> None:
    assert run(monkeypatch, Consumer({"t"}, errors.KafkaError("x")), Consumer({"other"}, errors.KafkaError("x"))) == [
        1,
        2,
    ]


def test_missing_topics_are_named_and_others_do_not_matter() -> None:
    check_topics("b", ["a"], {"a", "b"})
    with pytest.raises(FeedError, match="has no topic a, c that"):
        check_topics("b", ["c", "a"], {"b"})


def test_where_nobody_answers_nobody_refuses_and_each_address_is_told() -> None:
    with pytest.raises(OSError, match=r"127\.0\.0\.1:1: ConnectionRefused.*; 127\.0\.0\.1:2: ConnectionRefused"):
        asyncio.run(check_admitted("127.0.0.1:1,127.0.0.1:2", {}))


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (errors.TopicAuthorizationFailedError("t"), "Read and Describe on the topics"),
        (errors.GroupAuthorizationFailedError("g"), "Read on the group"),
        (errors.UnsupportedSaslMechanismError("m"), "sasl_mechanism"),
        (errors.SaslAuthenticationFailed("p"), "password_env"),
        (ssl.SSLCertVerificationError("c"), "ca_file"),
    ],
)
def test_each_refusal_says_what_to_do(refusal: Exception, says: str) -> None:
    assert says in str(told("b", refusal)).partition("Please")[2]
