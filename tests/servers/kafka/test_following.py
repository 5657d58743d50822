"""A console that follows topics hears of one that is gone, though all others go on."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Iterator

import pytest
from aiokafka.errors import KafkaError

from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.following import TopicsFollower
from connectors.kafka.plain import LogProducer
from pipelines.topics import Topic, named

pytestmark = pytest.mark.servers


@pytest.fixture
def prefix(servers) -> Iterator[str]:
    """All topics, with two partitions each."""
    made = f"t{uuid.uuid4().hex[:8]}."
    with KafkaAdmin(os.environ["FOREWARN_TEST_KAFKA"], made) as admin:
        admin.create_topics(2)
        yield made
        admin.delete_all()


def test_a_topic_that_is_taken_away_is_told_while_others_go_on(prefix):
    kafka = os.environ["FOREWARN_TEST_KAFKA"]

    async def follows() -> float:
        log = TopicsFollower(kafka, prefix)
        with LogProducer(kafka, linger_ms=0) as producer, KafkaAdmin(kafka, prefix) as admin:
            producer.send(named(prefix, Topic.ALERTS), b"a", b"{}", 0)
            producer.flush()
            while not (await log.more(0.2)).is_caught_up:
                pass
            admin._client.delete_topics([named(prefix, Topic.HEALTH)])
            began_s = time.monotonic()
            while time.monotonic() - began_s < 60:
                producer.send(named(prefix, Topic.ALERTS), b"a", b"{}", 0)
                await log.more(0.2)
                await asyncio.sleep(0.05)
        return time.monotonic() - began_s

    with pytest.raises((KafkaError, TimeoutError)):
        asyncio.run(follows())


def test_a_topic_that_is_not_there_is_a_fault_of_kafka_after_which_it_is_asked_again(servers):
    log = TopicsFollower(os.environ["FOREWARN_TEST_KAFKA"], "never.")
    with pytest.raises(KafkaError, match="Kafka has no topic never"):
        asyncio.run(log.more(0.1))
