"""A Kafka that refuses us ends the feed with what to do; one that is away is tried again. On a broker with guards."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from kafka import KafkaProducer
from kafka.admin import ResourceType

from connectors.scada.feed import FeedError, Read
from connectors.scada.feeds import kafka
from connectors.scada.feeds.kafka.messages import OneReading
from tests.conftest import KAFKA_PORT
from tests.kit.guarded_kafka import Guarded, guarded

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def servers() -> None:
    """In place of the session's, which these tests have no use for."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("guarded"), KAFKA_PORT + 20) as made:
        yield made


@pytest.fixture
def topic(broker: Guarded) -> str:
    """A topic that `reader` and `no-group` may read, `reader` in a group of the same name."""
    name = f"foreign-{uuid.uuid4().hex[:8]}"
    broker.create(name)
    for user in ("reader", "no-group"):
        broker.allow(user, ResourceType.TOPIC, name)
    broker.allow("reader", ResourceType.GROUP, name)
    return name


@pytest.fixture(autouse=True)
def _password(monkeypatch) -> None:
    monkeypatch.setenv("RIGHT", "secret")
    monkeypatch.setenv("WRONG", "other")


def feed(broker: Guarded, topic: str, user: str, password: str = "RIGHT", mechanism: str = "PLAIN") -> kafka.KafkaFeed:
    config = kafka.Config(
        bootstrap=broker.sasl,
        topics=(OneReading(topic=topic),),
        group=topic.removesuffix("-none"),
        security="SASL_PLAINTEXT",
        sasl_mechanism=mechanism,  # type: ignore[arg-type]
        username=user,
        password_env=password,
    )
    return kafka.open_feed(config)


async def _first(ours: kafka.KafkaFeed, patience_s: float = 30.0) -> Read:
    first: asyncio.Future[Read] = asyncio.get_running_loop().create_future()

    async def take(read: Read, *, settled: bool = False) -> None:
        first.done() or first.set_result(read)

    running = asyncio.ensure_future(ours.run(take))
    try:
        await asyncio.wait({running, first}, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        if not first.done():
            raise TimeoutError
        return first.result()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_who_may_read_reads(broker: Guarded, topic: str) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.plain)
    producer.send(topic, b'{"tag": "a", "value": 1, "time": 5}')
    producer.close()
    assert asyncio.run(_first(feed(broker, topic, "reader"))).readings[0].address == "a"


@pytest.mark.parametrize(
    ("user", "password", "mechanism", "says"),
    [
        ("reader", "WRONG", "PLAIN", "see `security`, `sasl_mechanism`, `username` and `password_env`"),
        ("stranger", "RIGHT", "PLAIN", "SaslAuthenticationFailed"),
        ("reader", "RIGHT", "SCRAM-SHA-256", "give a `sasl_mechanism` that the broker has"),
        ("no-group", "RIGHT", "PLAIN", "Read on the group"),
        ("nobody", "RIGHT", "PLAIN", "has no topic foreign-|Read on the group"),
    ],
)
def test_a_refusal_ends_the_feed_and_says_what_to_do(broker, topic, user, password, mechanism, says) -> None:
    with pytest.raises(FeedError, match=says):
        asyncio.run(_first(feed(broker, topic, user, password, mechanism)))


def test_a_topic_that_is_not_there_ends_the_feed_and_is_not_made(broker: Guarded, topic: str) -> None:
    with pytest.raises(FeedError, match=f"has no topic {topic}-none that this user may see"):
        asyncio.run(_first(feed(broker, f"{topic}-none", "reader")))


def test_a_broker_that_is_away_is_waited_for(broker: Guarded, topic: str) -> None:
    away = replace(broker, sasl="127.0.0.1:1")
    with pytest.raises(TimeoutError):
        asyncio.run(_first(feed(away, topic, "reader"), 3.0))
