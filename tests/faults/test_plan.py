"""The planning role under Kafka and InfluxDB that go away and come back: it goes on by itself, and ends when asked."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.kafka.plain import LogProducer, read
from models.records import Plan, decode, encode, key_of
from pipelines.topics import Topic, named, partition_of
from tests.kit.installation import Installation
from tests.kit.production import FOLDER, order

pytestmark = pytest.mark.servers
PATIENCE_S = 60.0


@pytest.fixture
def shop(own, tmp_path) -> Iterator[Installation]:
    with Installation(tmp_path, plant=(FOLDER / "plant.toml").read_text(), **own.settings) as made:
        yield made


def put(shop: Installation, name: str) -> None:
    one = order(name, due_h=30)
    key = key_of("moulding", name)
    with LogProducer(shop.settings.kafka) as producer:
        place = partition_of(key, shop.settings.partitions)
        producer.send(named(shop.settings.topic_prefix, Topic.ORDERS), key, encode(one), place)
        producer.flush()


def planned(shop: Installation) -> list[Plan]:
    found = read(shop.settings.kafka, named(shop.settings.topic_prefix, Topic.PLANS))
    return [one for record in found if isinstance(one := decode(record.value or b""), Plan)]


def until_planned(shop: Installation, *names: str) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not any({job.order for job in plan.jobs} >= set(names) for plan in planned(shop)):
        assert time.monotonic() < until_s, shop.told()
        time.sleep(0.3)


def role_of(shop: Installation) -> Any:
    return shop.worker(program=("pipelines.cli", "plan", "--seconds", "0.5"))


def test_after_kafka_was_away_what_came_is_planned(own, shop):
    put(shop, "before")
    role = role_of(shop)
    until_planned(shop, "before")
    own.stop("kafka")
    time.sleep(3.0)
    own.start("kafka")
    put(shop, "after")
    until_planned(shop, "before", "after")
    assert role.poll() is None


def test_while_influxdb_is_away_plans_are_made_all_the_same(own, shop):
    role = role_of(shop)
    own.stop("influx")
    put(shop, "meanwhile")
    until_planned(shop, "meanwhile")
    own.start("influx")
    assert role.poll() is None


def test_it_ends_when_it_is_asked_to_while_kafka_is_away(own, shop):
    put(shop, "before")
    role = role_of(shop)
    until_planned(shop, "before")
    own.stop("kafka")
    time.sleep(2.0)
    role.send_signal(signal.SIGTERM)
    try:
        assert role.wait(timeout=20) == 0
    finally:
        own.start("kafka")
