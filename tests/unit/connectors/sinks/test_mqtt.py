"""An MQTT sink, to a peer that speaks just enough of it: what is published, and what a failure is."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from connectors.delivery import Place, SinkError
from connectors.sinks import open_sink
from connectors.sinks.mqtt import topic_of
from models.delivery.outcomes import Delivered, Failed, Outcome
from models.records import decode
from tests.kit.mqtt_peer import CONNECT, PUBACK, PUBLISH, packet
from tests.unit.connectors.sinks.test_webhook import notification


class Broker:
    """Takes one client at a time and acknowledges what it publishes, unless it refuses it."""

    def __init__(self, connack: int = 0) -> None:
        self._connack, self.published = connack, list[tuple[str, bytes]]()

    async def __aenter__(self) -> Broker:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(1):
            size = place = 0
            while (byte := (await reader.readexactly(1))[0]) >= 128:
                size, place = size | (byte & 127) << place, place + 7
            body = await reader.readexactly(size | byte << place)
            if head[0] >> 4 == CONNECT:
                writer.write(packet(2, bytes([0, self._connack])))
            elif head[0] >> 4 == PUBLISH:
                length = int.from_bytes(body[:2], "big")
                self.published.append((body[2 : 2 + length].decode(), body[4 + length :]))
                writer.write(packet(PUBACK, body[2 + length : 4 + length]))
        writer.close()


def send(broker: Broker, **config: object) -> Outcome:
    async def work() -> Outcome:
        async with broker:
            table = {"kind": "mqtt", "host": "127.0.0.1", "port": broker.port, "topic": "{plant}/{asset}", **config}
            return await open_sink("bus", table, Place("north")).send(notification())

    return asyncio.run(work())


def test_it_is_published_whole_and_delivered_once_the_broker_says_so():
    broker = Broker()
    assert send(broker) == Delivered()
    ((topic, payload),) = broker.published
    assert topic == "north/pump-01" and decode(payload) == notification()


def test_a_broker_that_refuses_is_a_failure_with_its_reason():
    outcome = send(Broker(connack=5))
    assert isinstance(outcome, Failed) and "uthori" in outcome.why


def test_a_broker_that_is_away_is_a_failure():
    sink = open_sink("bus", {"kind": "mqtt", "host": "127.0.0.1", "port": 1, "topic": "t"}, Place("north"))
    assert isinstance(asyncio.run(sink.send(notification())), Failed)


def test_names_make_no_levels_of_their_own():
    assert topic_of("x/{subscription}", replace(notification(), subscription="a/b+#")) == "x/a_b__"


def test_many_machines_are_many():
    one = notification()
    both = (*one.mentions, replace(one.mentions[0], asset="pump-02"))
    assert topic_of("{asset}", replace(one, mentions=both)) == "many"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"topic": "a/#"}, "it must have no"),
        ({"topic": "{machine}"}, "it must have no"),
        ({"topic": "t", "ca_file": "x"}, "set tls = true"),
        ({"topic": "t", "password_env": "P"}, "user is not"),
        ({"topic": "t", "tls": True, "ca_file": "/no/such"}, "cannot be used"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_sent(config, said):
    with pytest.raises(SinkError, match=said):
        open_sink("bus", {"kind": "mqtt", "host": "h", **config}, Place("north", environ={"P": "p"}))
