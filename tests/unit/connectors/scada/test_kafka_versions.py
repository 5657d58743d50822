"""A peer whose versions of Kafka's protocol are not ours ends the feed with what is missing; rubbish is tried again."""

from __future__ import annotations

import asyncio
import struct

import pytest
import structlog
from kafka.protocol.broker_version_data import BROKER_API_VERSIONS

from connectors.scada.feed import FeedError
from connectors.scada.feeds import kafka
from connectors.scada.feeds.kafka import bounded, refusals
from connectors.scada.feeds.kafka.messages import OneReading
from tests.kit.kafka_peer import Versions, offering

KAFKA_0_10, KAFKA_0_11 = BROKER_API_VERSIONS[0, 10, 0], BROKER_API_VERSIONS[0, 11]
"""What brokers of these versions offer, as another client knows it."""
LACKS = r"FetchRequest 0 to 2 \(we need one of 4 to \d+\), OffsetRequest 0 to 0 .*0\.11"


async def _run(port: int) -> None:
    config = kafka.Config(bootstrap=f"127.0.0.1:{port}", topics=(OneReading(topic="t"),))
    async with asyncio.timeout(10):
        await kafka.open_feed(config).run(_nothing)


async def _nothing(*_: object, **__: object) -> None: ...


def _met(versions: Versions) -> None:
    async def run() -> None:
        async with offering(versions) as port:
            await _run(port)

    asyncio.run(run())


def test_a_peer_that_is_too_old_ends_the_feed_and_names_what_it_lacks() -> None:
    with pytest.raises(FeedError, match=LACKS):
        _met(KAFKA_0_10)


def test_a_peer_that_is_too_new_ends_it_as_well() -> None:
    with pytest.raises(FeedError, match="MetadataRequest 90 to 99"):
        _met(KAFKA_0_11 | {3: (90, 99)})


def test_a_peer_that_lacks_a_request_ends_it() -> None:
    with pytest.raises(FeedError, match="JoinGroupRequest none"):
        _met({key: of for key, of in KAFKA_0_11.items() if key != 11})


def test_the_oldest_that_will_do_is_taken() -> None:
    refusals.check_versions("here", KAFKA_0_11)


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"", "closed the connection before it answered"),
        (struct.pack(">i", 2**31 - 1), "announced an answer of 2147483647 bytes, over 33554432"),
        (struct.pack(">i", -2), "announced an answer of -2 bytes"),
        (struct.pack(">iihihhh", 16, 1, 0, 1, 3, 9, 1), "does not answer as Kafka does: 9 should be less"),
    ],
    ids=["nothing", "2 GiB", "negative", "versions"],
)
def test_rubbish_is_told_and_tried_again(monkeypatch, sent: bytes, says: str) -> None:
    monkeypatch.setattr(kafka, "BACK_OFF_S", (0.01, 0.01))
    monkeypatch.setattr(bounded._Bounded, "told_s", float("-inf"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(sent)
        await writer.drain()
        if sent:
            await reader.read()
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await _run(server.sockets[0].getsockname()[1])

    with structlog.testing.capture_logs() as logs:
        asyncio.run(run())
    away = [log["error"] for log in logs if log["event"] == "kafka-feed-away"]
    assert len(away) > 1
    assert says in away[0]
    assert sum(log["event"] == "kafka-answer-too-long" for log in logs) == ("announced" in says)
