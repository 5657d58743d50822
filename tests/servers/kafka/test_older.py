"""The feed on a real Kafka of years ago: each codec is read, offsets are committed, and the next run goes on there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from connectors.scada.feed import Read
from connectors.scada.feeds import kafka
from connectors.scada.feeds.kafka.messages import OneReading
from infra.bin.kafka import wanted_version
from tests.conftest import KAFKA_PORT
from tests.kit.older_kafka import older

pytestmark = pytest.mark.servers

TOPIC = "historian.readings"


@pytest.fixture(scope="module")
def servers() -> None:
    """In place of the session's, which these tests have no use for."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory) -> Iterator[str]:
    with older(tmp_path_factory.mktemp("older"), KAFKA_PORT + 40) as address:
        admin = KafkaAdminClient(bootstrap_servers=address)
        admin.create_topics({TOPIC: {"num_partitions": 2, "replication_factor": 1}}, raise_errors=True)
        admin.wait_for_topics([TOPIC])
        admin.close()
        yield address


def say(broker: str, numbers: range, codec: str | None = None) -> None:
    producer = KafkaProducer(bootstrap_servers=broker, compression_type=codec)
    for number in numbers:
        producer.send(TOPIC, b'{"tag": "a", "value": %d, "time": 5}' % number, partition=number % 2)
    producer.close()


async def read(broker: str, wanted: int) -> list[float]:
    """Values that a feed reads until it has so many; it commits them."""
    values: list[float] = []
    enough = asyncio.Event()

    async def take(got: Read, *, settled: bool = False) -> None:
        values.extend(reading.value for reading in got.readings)

    feed = kafka.open_feed(kafka.Config(bootstrap=broker, topics=(OneReading(topic=TOPIC),), group="older"))
    handle = feed._handle

    async def handled(*of) -> None:
        await handle(*of)
        if len(values) >= wanted:
            enough.set()

    feed._handle = handled  # type: ignore[method-assign]
    running = asyncio.create_task(feed.run(take))
    done = asyncio.create_task(enough.wait())
    await asyncio.wait({running, done}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    for task in (running, done):
        task.cancel()
    ended = await asyncio.gather(running, done, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) or each is True for each in ended), ended
    return values


def test_an_older_broker_is_read_and_its_offsets_are_kept(broker: str) -> None:
    assert int(wanted_version("older.version").split(".")[0]) < int(wanted_version().split(".")[0])
    for first, codec in ((0, None), (100, "gzip"), (200, "lz4"), (300, "snappy"), (400, "zstd")):
        say(broker, range(first, first + 100), codec)
        assert sorted(asyncio.run(read(broker, 100))) == list(range(first, first + 100))
