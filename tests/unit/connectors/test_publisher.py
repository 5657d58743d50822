"""A publisher that forgets can be given up, also before a peer that takes connections and never answers."""

from __future__ import annotations

import asyncio

import pytest

from connectors.kafka.publisher import KafkaPublisher
from pipelines.ports import Output
from pipelines.topics import Topic


def test_a_broker_that_never_answers_can_be_given_up_and_nothing_goes_on_behind() -> None:
    async def scene() -> None:
        held = list[
            tuple[asyncio.StreamReader, asyncio.StreamWriter]
        ]()  # a writer that nobody holds closes, from 3.12 on
        silent = await asyncio.start_server(lambda *ends: held.append(ends), "127.0.0.1", 0)
        host, port = silent.sockets[0].getsockname()
        publisher = KafkaPublisher(f"{host}:{port}", forgets=True)
        before = asyncio.all_tasks()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await publisher.publish(0, [Output(Topic.RECORDS, b"k", b"v")])
        await asyncio.wait_for(publisher.stop(), 1)
        await asyncio.sleep(0)
        assert held and asyncio.all_tasks() == before
        for _, writer in held:
            writer.close()
        silent.close()

    asyncio.run(scene())
