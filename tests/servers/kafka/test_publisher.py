"""Outputs on a Kafka that is not ready for them."""

from __future__ import annotations

import asyncio
import os

import pytest
from aiokafka.structs import TopicPartition

from connectors.kafka.publisher import KafkaPublisher, thrown_away

pytestmark = pytest.mark.servers

HOURS_S = 10_000.0


def test_an_output_waits_for_a_leader_of_its_partition_however_long_it_has_waited(servers):
    async def is_given_up() -> bool:
        producer = await KafkaPublisher(os.environ["FOREWARN_TEST_KAFKA"])._started()
        waiting, place = producer._message_accumulator, TopicPartition("without-a-leader", 0)
        sent = await waiting.add_message(place, b"key", b"value", timeout=1)
        waiting._batches[place][0]._ctime -= HOURS_S
        waiting.drain_by_nodes(ignore_nodes=set())
        await thrown_away(producer)
        return sent.done() and sent.exception() is not None

    assert not asyncio.run(is_given_up())
