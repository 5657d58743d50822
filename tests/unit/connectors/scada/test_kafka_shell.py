"""The feed only reads, fetches no more than it can hand on, and commits what is safe."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
from types import SimpleNamespace

import pytest

from connectors.scada.feed import FeedError, Read
from connectors.scada.feeds import kafka
from connectors.scada.feeds.kafka import avro, bounded, messages, refusals, registry
from tests.unit.connectors.scada.test_kafka_feed import GOOD, ONE


def config(**more) -> kafka.Config:
    return kafka.Config(bootstrap="127.0.0.1:1", topics=(ONE,), **more)


def test_a_password_that_is_not_set_is_an_error_that_names_the_variable() -> None:
    with pytest.raises(FeedError, match="'NO_SUCH_VARIABLE' is not"):
        kafka.open_feed(config(security="SASL_SSL", username="u", password_env="NO_SUCH_VARIABLE"))


def test_user_password_and_certificates_go_to_the_client(monkeypatch) -> None:
    monkeypatch.setenv("PLANT_PASSWORD", "secret")
    feed = kafka.open_feed(config(security="SASL_SSL", username="u", password_env="PLANT_PASSWORD"))
    assert feed._security["sasl_plain_password"] == "secret" and feed._security["ssl_context"]


def test_a_certificate_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FeedError, match="ca_file"):
        kafka.open_feed(config(security="SSL", ca_file="/no/such.pem"))


def test_a_topic_that_is_named_twice_is_an_error() -> None:
    with pytest.raises(FeedError, match="each once"):
        kafka.open_feed(kafka.Config(bootstrap="x", topics=(ONE, ONE)))


@pytest.fixture(autouse=True)
def _let_in(monkeypatch) -> None:
    """A broker that takes us, in place of one to ask."""

    async def admitted(*_: object) -> None: ...

    monkeypatch.setattr(kafka, "check_admitted", admitted)


class Consumer:
    """Stands for aiokafka's, which never sends: two messages, then an end."""

    def __init__(self, log: list) -> None:
        self.log, self.left = log, [0, 1]

    async def start(self) -> None:
        self.log.append("start")

    async def getmany(self, **_):
        if not self.left:
            raise asyncio.CancelledError
        offset = self.left.pop(0)
        record = SimpleNamespace(topic="t", key=None, value=json.dumps(GOOD).encode(), timestamp=1, offset=offset)
        return {"t-0": [record]}

    async def commit(self, offsets) -> None:
        self.log.append(offsets)

    async def topics(self) -> set[str]:
        return {"t"}

    async def stop(self) -> None:
        self.log.append("stop")


def test_offsets_are_committed_only_after_what_was_read_is_settled(monkeypatch) -> None:
    log: list = []
    feed = kafka.open_feed(config())
    monkeypatch.setattr(feed, "_consumer", lambda: Consumer(log))

    async def take(read: Read, *, settled: bool = False) -> None:
        log.append(("settled", settled))

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(feed.run(take))
    assert log == ["start", ("settled", True), {"t-0": 1}, ("settled", True), {"t-0": 2}, "stop"]


def test_of_a_flood_no_more_is_fetched_while_what_was_read_waits(monkeypatch) -> None:
    class Endless(Consumer):
        async def getmany(self, **limits):
            self.log.append(limits["max_records"])
            self.left = [0]
            return await super().getmany()

    log: list = []
    feed = kafka.open_feed(config())
    monkeypatch.setattr(feed, "_consumer", lambda: Endless(log))

    async def full(read: Read, *, settled: bool = False) -> None:
        await asyncio.Event().wait()

    async def test() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await feed.run(full)

    asyncio.run(test())
    assert log == ["start", kafka.MESSAGES_AT_ONCE, "stop"]


def test_a_broker_that_is_away_is_tried_again_ever_more_seldom(monkeypatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 7:
            raise asyncio.CancelledError

    class Away(Consumer):
        async def start(self) -> None:
            raise ConnectionError("away")

    feed = kafka.open_feed(config())
    monkeypatch.setattr(feed, "_consumer", lambda: Away([]))
    monkeypatch.setattr(kafka.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(feed.run(None))
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_the_feed_names_nothing_that_writes_to_kafka() -> None:
    trees = [ast.parse(inspect.getsource(module)) for module in (kafka, avro, bounded, messages, refusals, registry)]
    names = {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imports = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names |= {alias.name for node in imports for alias in node.names}
    words = ("produce", "send", "create_topic", "admin", "delete", "alter", "transaction")
    assert not [name for name in names if any(word in name.lower() for word in words)]
