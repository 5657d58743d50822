"""Schemas come from the registry once; one that is away is waited for, one that refuses us ends the feed."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace

import pytest

from connectors.scada.feed import FeedError, Read
from connectors.scada.feeds import kafka
from connectors.scada.feeds.kafka.messages import OneReading
from connectors.scada.feeds.kafka.registry import (
    UNKNOWN_AGAIN_S,
    UNKNOWN_KEPT,
    Registry,
    RegistryAway,
    RegistryConfig,
    meaning,
)
from models.records import Reject
from tests.kit.schema_registry import SchemaRegistry, written

SCHEMA = {"type": "record", "name": "R", "fields": [{"name": "value", "type": "int"}]}


def learn(registry: Registry, *ids: int) -> None:
    asyncio.run(registry.learn(ids))


def test_a_schema_is_asked_for_once() -> None:
    with SchemaRegistry() as server:
        server.schemas[7] = SCHEMA
        registry = Registry(server.config())
        learn(registry, 7, 7)
        learn(registry, 7)
    assert server.asked == [7]
    assert not registry.schemas[7].fault


def test_an_unknown_id_is_asked_for_again_after_a_while() -> None:
    now_s = [0.0]
    with SchemaRegistry() as server:
        registry = Registry(server.config(), lambda: now_s[0])
        learn(registry, 7)
        learn(registry, 7)
        assert (server.asked, registry.schemas[7].fault) == ([7], "the registry knows no such id")
        server.schemas[7], now_s[0] = SCHEMA, UNKNOWN_AGAIN_S
        learn(registry, 7)
    assert server.asked == [7, 7] and not registry.schemas[7].fault


def test_unknown_ids_of_rubbish_are_forgotten_where_they_are_many() -> None:
    with SchemaRegistry() as server:
        registry = Registry(server.config(), lambda: 0.0)
        registry._unknown_s = dict.fromkeys(range(UNKNOWN_KEPT + 1), 0.0)
        registry.schemas = dict.fromkeys(range(UNKNOWN_KEPT + 1))  # type: ignore[arg-type]
        learn(registry, 2**32 - 1)
    assert len(registry.schemas) == 1


def test_user_and_password_are_said_and_a_wrong_one_is_an_error(monkeypatch) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "secret")
    with SchemaRegistry("secret") as server:
        server.schemas[7] = SCHEMA
        learn(Registry(server.config(username="us", password_env="REGISTRY_PASSWORD")), 7)
        with pytest.raises(FeedError, match=r"refuses us \(401\)"):
            learn(Registry(server.config()), 7)


def test_nobody_at_the_address_is_a_registry_that_is_away() -> None:
    with pytest.raises(RegistryAway, match="schemas/ids/7"):
        learn(Registry(RegistryConfig(url="http://127.0.0.1:1")), 7)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 200])
def test_an_answer_that_says_nothing_is_waited_for(status: int) -> None:
    with pytest.raises(RegistryAway):
        meaning("u", status, b"<html>")


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 405])
def test_a_refusal_is_an_error(status: int) -> None:
    with pytest.raises(FeedError):
        meaning("u", status, b"{}")


@pytest.mark.parametrize("more", [{"schemaType": "PROTOBUF"}, {"references": [{"name": "x"}]}, {"schema": "{"}])
def test_a_schema_that_cannot_be_used_has_a_fault(more: dict) -> None:
    made = meaning("u", 200, json.dumps({"schema": json.dumps(SCHEMA)} | more).encode())
    assert made and made.fault


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "registry:8081"},
        {"url": "ftp://registry"},
        {"url": "http://r", "username": "u"},
        {"url": "http://r", "password_env": "NO_SUCH_VARIABLE"},
        {"url": "https://r", "ca_file": "/no/such.pem"},
    ],
)
def test_a_config_that_cannot_work_is_an_error(wrong: dict) -> None:
    with pytest.raises(FeedError):
        Registry(RegistryConfig(**wrong))


LAYOUT = OneReading(topic="t", encoding="avro", address="{topic}", time="")


def test_avro_without_a_registry_is_an_error() -> None:
    with pytest.raises(FeedError, match=r"\[registry\]"):
        kafka.open_feed(kafka.Config(bootstrap="127.0.0.1:1", topics=(LAYOUT,)))


class Consumer:
    """Gives a message until it is committed, as Kafka does a group that comes back."""

    def __init__(self, committed: list, value: bytes) -> None:
        self.committed, self.value = committed, value

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def topics(self) -> set[str]:
        return {"t"}

    async def getmany(self, **_):
        if self.committed:
            raise asyncio.CancelledError
        return {"t-0": [SimpleNamespace(topic="t", key=None, value=self.value, timestamp=5, offset=0)]}

    async def commit(self, offsets) -> None:
        self.committed.append(offsets)


def followed(monkeypatch, server: SchemaRegistry, number: int, after: int = 0) -> tuple[list[Read], list[float]]:
    """What is taken and how long was waited, of a registry that works from the wait number `after` on."""
    waits: list[float] = []
    reads: list[Read] = []
    committed: list = []

    async def sleep(seconds: float) -> None:
        assert not committed and not reads
        waits.append(seconds)
        server.status = 200 if len(waits) >= after else server.status

    async def admitted(*_: object) -> None: ...

    async def take(read: Read, *, settled: bool = False) -> None:
        assert settled
        reads.append(read)

    feed = kafka.open_feed(kafka.Config(bootstrap="127.0.0.1:1", topics=(LAYOUT,), registry=server.config()))
    monkeypatch.setattr(kafka, "check_admitted", admitted)  # no Kafka is there
    monkeypatch.setattr(feed, "_consumer", lambda: Consumer(committed, written(number, SCHEMA, {"value": 3})))
    monkeypatch.setattr(kafka.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(feed.run(take))
    return reads, waits


def test_while_the_registry_is_away_nothing_is_committed_and_then_nothing_is_missing(monkeypatch) -> None:
    with SchemaRegistry() as server:
        server.schemas[7], server.status = SCHEMA, 503
        (read,), waits = followed(monkeypatch, server, 7, after=7)
    assert [one.value for one in read.readings] == [3]
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_a_message_of_an_id_that_the_registry_does_not_know_is_told_of_and_passed(monkeypatch) -> None:
    with SchemaRegistry() as server:
        (read,), waits = followed(monkeypatch, server, 9)
    assert [(one.reason, "knows no such id" in one.detail) for one in read.unread] == [(Reject.UNREADABLE, True)]
    assert not waits
