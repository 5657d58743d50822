"""Each feed of the network survives a peer that goes away mid-message, sends rubbish, floods or speaks something else.

It says why in the log, its memory stays bounded, and it reads from a good peer on the same port without a restart.
"""

from __future__ import annotations

import asyncio
import os
import random
import tracemalloc
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import pytest
import structlog
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

from connectors.scada.feed import Feed, Read, Reading
from connectors.scada.feeds import kafka, modbus, mqtt, opcua
from connectors.scada.feeds.kafka.messages import OneReading
from connectors.scada.feeds.modbus import client
from connectors.scada.feeds.mqtt import shell
from connectors.scada.feeds.opcua import link
from tests.kit.mqtt_peer import Peer, message, packet
from tests.kit.plc import Plc, register
from tests.unit.connectors.scada.opcua_plant import SPEED, a_plant, free_port

DEADLINE_S = 120.0
"""A flood takes 12 s alone on the machine; what is held here is memory and what is told, not time."""
FLOOD_BYTES = 256 * 1024 * 1024
"""What a flood would send, were it read."""
MOST_BYTES = 64 * 1024 * 1024
"""What a feed may allocate of it: the largest bound of a feed is 16 MiB a message, of which a library makes copies."""
CHUNK = bytes(1024 * 1024)
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


class Taken:
    def __init__(self) -> None:
        self.readings: list[Reading] = []

    async def __call__(self, read: Read, *, settled: bool = False) -> None:
        self.readings += read.readings


async def _opcua_good(port: int, goes: asyncio.Event) -> None:
    async with a_plant(port):
        await goes.wait()


async def _modbus_good(port: int, goes: asyncio.Event) -> None:
    plc = Plc({0: 7})
    plc.port = port
    await plc.start()
    try:
        await goes.wait()
    finally:
        await plc.stop()


async def _mqtt_good(port: int, goes: asyncio.Event) -> None:
    async def script(_: Peer, writer: asyncio.StreamWriter) -> None:
        writer.write(message("plant/a", b"1"))
        await goes.wait()

    async with Peer(script, port=port):
        await goes.wait()


TOPIC = "survival"
"""Foreign to Forewarn, on the real broker."""


async def _kafka_good(port: int, goes: asyncio.Event) -> None:
    """The real broker behind the port, with a message in the topic; clients go on to the address that it names."""
    broker, _, its_port = os.environ["FOREWARN_TEST_KAFKA"].partition(":")

    def say() -> None:
        with suppress(TopicAlreadyExistsError):
            make_topic(f"{broker}:{its_port}")
        producer = KafkaProducer(bootstrap_servers=f"{broker}:{its_port}")
        producer.send(TOPIC, b'{"tag": "a", "value": 1.5, "time": 5}')
        producer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            there, thither = await asyncio.open_connection(broker, int(its_port))
            await asyncio.gather(_pass(reader, thither), _pass(there, writer))

    await asyncio.to_thread(say)
    async with await asyncio.start_server(forward, "127.0.0.1", port):
        await goes.wait()


def make_topic(bootstrap: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(TOPIC, 1, 1)])
    finally:
        admin.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


class Case(NamedTuple):
    """A feed, a good peer of it, and how a message of it begins that never ends."""

    feed: Callable[[int], Feed]
    good: Callable[[int, asyncio.Event], Awaitable[None]]
    begins: bytes


CASES = {
    "opcua": Case(
        lambda port: opcua.open_feed(
            opcua.Config(url=f"opc.tcp://127.0.0.1:{port}", nodes=(SPEED,), publishing_interval_ms=20.0, timeout_s=2.0)
        ),
        _opcua_good,
        b"ACKF" + (2**31 - 1).to_bytes(4, "little"),  # OPC 10000-6, 7.1.2.2: its size in bytes
    ),
    "modbus": Case(
        lambda port: modbus.open_feed(
            modbus.Config(
                host="127.0.0.1",
                port=port,
                registers=(register("a", 0),),
                period_s=0.05,
                timeout_s=0.2,
                most_requests_s=1000.0,
            )
        ),
        _modbus_good,
        b"\0\1\0\0\xff\xff\1\3",  # MODBUS Messaging on TCP/IP V1.0b, 3.1.3: its length has 16 bits
    ),
    "mqtt": Case(
        lambda port: mqtt.open_feed(
            mqtt.Config(
                host="127.0.0.1",
                port=port,
                client_id="test",
                answer_within_s=1,
                subscriptions=(mqtt.Plain(topic="plant/#", arrival_time=True),),
            )
        ),
        _mqtt_good,
        packet(2, b"\0\0") + b"\x30\xff\xff\xff\x7f",  # MQTT 3.1.1, 2.2.3: the longest that there is, 256 MiB
    ),
    "kafka": Case(
        lambda port: kafka.open_feed(
            kafka.Config(
                bootstrap=f"127.0.0.1:{port}", topics=(OneReading(topic=TOPIC),), group=f"survival-{uuid.uuid4().hex}"
            )
        ),
        _kafka_good,
        (2**31 - 1).to_bytes(4, "big"),  # kafka.apache.org/protocol: a size of 32 bits, then the answer
    ),
}


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch):
    for module, first, longest in (
        (link, "FIRST_RETRY_S", "LONGEST_RETRY_S"),
        (client, "FIRST_DELAY_S", "MOST_DELAY_S"),
        (shell, "FIRST_WAIT_S", "LONGEST_WAIT_S"),
    ):
        monkeypatch.setattr(module, first, 0.05)
        monkeypatch.setattr(module, longest, 0.1)
    monkeypatch.setattr(kafka, "BACK_OFF_S", (0.05, 0.1))


async def until(holds: Callable[[], Any], task: asyncio.Task) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            if task.done():
                task.result()
            await asyncio.sleep(0.01)


class Bad:
    """A peer that answers whatever it is asked by `talk`, and counts how often it was met and what it got rid of."""

    def __init__(self, talk: Talk) -> None:
        self._talk, self.met, self.sent = talk, 0, 0

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        writers: set[asyncio.StreamWriter] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.met += 1
            writers.add(writer)
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.read(1)
                await self._talk(reader, writer, self.met)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", port)
        try:
            yield
        finally:
            server.close()
            for writer in writers:
                with suppress(AttributeError):  # of one that lost its connection by itself, asyncio forgot the loop
                    writer.transport.abort()
            await server.wait_closed()


async def _survives(case: Case, talk: Talk, enough: Callable[[Bad], bool]) -> tuple[Bad, list[dict], int]:
    """Run a feed through a bad peer and then a good one; what was logged of the bad, and bytes allocated at most."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # client libraries raise into the loop
    port, bad, taken, goes = free_port(), Bad(talk), Taken(), asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        tracemalloc.start()
        try:
            async with bad.listening(port):
                task = asyncio.create_task(case.feed(port).run(taken))
                await until(lambda: enough(bad) and any("away" in log["event"] for log in logs), task)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert not [one for one in taken.readings if one.value is not None]
        good = asyncio.create_task(case.good(port, goes))
        try:
            await until(lambda: [one for one in taken.readings if one.value is not None], task)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            goes.set()
            await good
    return bad, [dict(log) for log in logs], most


def reasons(logs: list[dict]) -> set[str]:
    return {str(log.get("error", log.get("reason", ""))) for log in logs if "away" in log["event"]}


feeds = pytest.mark.parametrize("name", [*list(CASES)[:3], pytest.param("kafka", marks=pytest.mark.servers)])
unraisable = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@feeds
@unraisable
def test_a_peer_that_closes_in_the_middle_of_a_message(name: str) -> None:
    async def talk(_, writer, met) -> None:
        writer.write((CASES[name].begins + bytes(20))[: met % 12 + 1])
        await writer.drain()

    _, logs, _ = asyncio.run(_survives(CASES[name], talk, lambda bad: bad.met >= 5))
    assert reasons(logs) and "" not in reasons(logs)


@feeds
@unraisable
def test_a_peer_that_sends_random_bytes(name: str) -> None:
    async def talk(_, writer, met) -> None:
        writer.write(random.Random(met).randbytes(4096))
        await writer.drain()

    _, logs, most = asyncio.run(_survives(CASES[name], talk, lambda bad: bad.met >= 8))
    assert reasons(logs) and "" not in reasons(logs)
    assert most < MOST_BYTES


@feeds
@unraisable
def test_a_web_server_on_the_port(name: str) -> None:
    async def talk(reader, writer, _) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    _, logs, _ = asyncio.run(_survives(CASES[name], talk, lambda bad: bad.met >= 2))
    assert reasons(logs) and "" not in reasons(logs)


@feeds
@unraisable
def test_a_message_that_never_ends_is_bounded_in_memory(name: str) -> None:
    bad_sent = [0]

    async def talk(_, writer, met) -> None:
        writer.write(CASES[name].begins)
        while bad_sent[0] < FLOOD_BYTES:
            writer.write(CHUNK)
            await writer.drain()
            bad_sent[0] += len(CHUNK)

    enough = lambda bad: bad.met >= 3 or bad_sent[0] >= FLOOD_BYTES  # noqa: E731
    _, logs, most = asyncio.run(_survives(CASES[name], talk, enough))
    assert reasons(logs) and "" not in reasons(logs)
    assert most < MOST_BYTES, f"{most / 2**20:.0f} MiB of {bad_sent[0] / 2**20:.0f} sent"
