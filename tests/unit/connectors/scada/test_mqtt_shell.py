"""The MQTT connection against a peer that cuts off, floods, refuses and keeps silent; and that nothing is written."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Callable
from pathlib import Path

import aiomqtt
import pytest

from connectors.scada.feed import FeedError, Read, Reading
from connectors.scada.feeds import mqtt
from connectors.scada.feeds.mqtt import shell
from connectors.scada.feeds.mqtt.shell import MqttFeed, open_feed
from models.records import Quality
from tests.kit.mqtt_peer import CONNECT, DISCONNECT, PINGREQ, PUBACK, PUBLISH, SUBSCRIBE, Peer, message
from tests.kit.sparkplug import bdseq, payload

NOW_US = 7_000_000
DEADLINE_S = 20.0
PLAIN = (mqtt.Plain(topic="plant/#", arrival_time=True),)
SPEED = {"name": "speed", "alias": 7, "timestamp": 1, "datatype": 10, "double_value": 1.5}


class Taken:
    def __init__(self, wait: asyncio.Event | None = None) -> None:
        self.readings: list[Reading] = []
        self.unread = self.takes = self.settled = 0
        self.wait = wait

    async def __call__(self, read: Read, *, settled: bool = False) -> None:
        if self.wait:
            await self.wait.wait()
        self.readings += read.readings
        self.unread += len(read.unread)
        self.takes += 1
        self.settled += len(read.readings) if settled else 0

    def has(self, address: str) -> bool:
        return any(reading.address == address for reading in self.readings)


async def until(holds: Callable[[], bool], task: asyncio.Task) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            if task.done():
                task.result()
            await asyncio.sleep(0.01)


async def ended(task: asyncio.Task) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def feed(port: int, subscriptions=PLAIN, **more) -> MqttFeed:
    config = mqtt.Config(host="127.0.0.1", port=port, client_id="test", subscriptions=subscriptions, **more)
    return open_feed(config, lambda: NOW_US)


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(shell, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(shell, "LONGEST_WAIT_S", 0.1)


async def stays(_: Peer, writer) -> None:
    await asyncio.Event().wait()


def test_values_come_through_and_are_acknowledged():
    async def script(_, writer):
        writer.write(message("plant/a", b"1.5") + message("plant/b", b"2", qos=1, number=9))
        await stays(_, writer)

    async def test():
        taken = Taken()
        async with Peer(script) as peer:
            task = asyncio.create_task(feed(peer.port).run(taken))
            await until(lambda: PUBACK in peer.kinds and taken.has("plant/b"), task)
            await ended(task)
        assert taken.readings == [Reading("plant/a", NOW_US, 1.5), Reading("plant/b", NOW_US, 2.0)]

    asyncio.run(test())


def test_the_session_is_kept_by_the_broker():
    async def test():
        async with Peer(stays) as peer:
            task = asyncio.create_task(feed(peer.port).run(Taken()))
            await until(lambda: CONNECT in peer.kinds, task)
            await ended(task)
        connect_flags = peer.packets[0][1][7]
        assert connect_flags == 0  # neither clean session, nor a will, nor a name: MQTT 3.1.1 section 3.1.2.3

    asyncio.run(test())


@pytest.mark.parametrize(
    "rubbish",
    [
        message("plant/x", b"12345678")[:-3],
        b"\xf0\xff\xff\xff\xff\xff",
        b"0\x02\x00\t",
        b"GET / HTTP/1.1\r\n\r\n",
        message("plant/+", b"1"),
        b"0\x04\x00\x02\xff\xfe",
    ],
)
def test_a_message_cut_off_or_rubbish_ends_the_connection_and_the_next_one_goes_on(rubbish):
    async def script(peer, writer):
        if peer.connections == 1:
            writer.write(message("plant/before", b"1") + rubbish)
            await asyncio.sleep(0.05)
            return
        writer.write(message("plant/after", b"2"))
        await stays(peer, writer)

    async def test():
        taken = Taken()
        async with Peer(script) as peer:
            task = asyncio.create_task(feed(peer.port).run(taken))
            await until(lambda: taken.has("plant/after"), task)
            await until(lambda: peer.open == 1, task)
            await ended(task)
        assert not taken.has("plant/x")

    asyncio.run(test())


def test_a_peer_that_never_answers_is_tried_again_and_no_socket_is_left():
    async def test():
        async with Peer(stays, connack=None) as peer:
            task = asyncio.create_task(feed(peer.port, answer_within_s=1).run(Taken()))
            await until(lambda: peer.connections >= 3, task)
            assert peer.open <= 2  # the last, and one whose end the peer may not have seen yet
            await ended(task)
            await until(lambda: peer.open == 0, asyncio.create_task(asyncio.sleep(DEADLINE_S)))

    asyncio.run(test())


@pytest.mark.parametrize("code", [2, 4, 5])
def test_a_refusal_at_first_is_an_error_that_says_what_to_look_at(code):
    async def test():
        async with Peer(stays, connack=code) as peer, asyncio.timeout(DEADLINE_S):
            await feed(peer.port).run(Taken())

    with pytest.raises(FeedError, match="password_env"):
        asyncio.run(test())


def test_a_broker_of_3_1_1_alone_is_told_of_where_the_config_says_5():
    async def test():
        async with Peer(stays, connack=1) as peer, asyncio.timeout(DEADLINE_S):  # MQTT 3.1.1 section 3.2.2.3
            await feed(peer.port, protocol="5").run(Taken())

    with pytest.raises(FeedError, match=r"Unsupported protocol version.*and protocol"):
        asyncio.run(test())


def test_a_refused_subscription_is_an_error():
    async def test():
        async with Peer(stays, suback=0x80) as peer, asyncio.timeout(DEADLINE_S):
            await feed(peer.port).run(Taken())

    with pytest.raises(FeedError, match="access list"):
        asyncio.run(test())


def test_a_broker_that_is_not_there_or_busy_is_tried_again():
    async def test():
        async with Peer(stays, connack=3) as peer:
            task = asyncio.create_task(feed(peer.port).run(Taken()))
            await until(lambda: peer.connections >= 3, task)
            await ended(task)
            port = peer.port
        task = asyncio.create_task(feed(port).run(Taken()))
        await asyncio.sleep(0.3)
        assert not task.done()
        await ended(task)

    asyncio.run(test())


def test_a_feed_ends_where_the_client_puts_its_own_fault_in_the_place_of_that(monkeypatch):
    begun = asyncio.Event()

    async def swallows(*_):
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise aiomqtt.MqttError("the connection ended in the same moment") from None

    monkeypatch.setattr(MqttFeed, "_subscribe", swallows)

    async def test():
        async with Peer(stays) as peer, asyncio.timeout(DEADLINE_S):
            task = asyncio.create_task(feed(peer.port).run(Taken()))
            await begun.wait()
            await ended(task)
            assert task.cancelled()

    asyncio.run(test())


@pytest.mark.parametrize(("more", "most"), [({"queue_messages": 50}, 50), ({"queue_mb": 1}, 100)])
def test_a_flood_is_bounded_in_messages_and_bytes_and_counted(more, most):
    body, count = b"x" * 10_000, 1_000

    async def script(peer, writer):
        for _ in range(count):
            writer.write(message("plant/flood", body))
            await writer.drain()
        await stays(peer, writer)

    async def test():
        goes = asyncio.Event()
        taken = Taken(goes)
        async with Peer(script) as peer:
            ours = feed(peer.port, **more)
            task = asyncio.create_task(ours.run(taken))
            await until(lambda: ours.dropped >= count - most - shell.BATCH, task)
            assert ours._waiting.qsize() <= most
            goes.set()
            await until(lambda: len(taken.readings) + ours.dropped == count, task)
            await ended(task)
        assert 0 < ours.dropped < count

    asyncio.run(test())


def gap(request_rebirth: bool) -> Peer:
    """Run a feed through a birth, a gap, and a good many messages of every other kind; the peer saw what it sent."""

    async def script(peer, writer):
        writer.write(message("spBv1.0/G/NBIRTH/E", payload(bdseq(1), SPEED, seq=0)))
        for seq in (5, 9, 77):
            writer.write(
                message("spBv1.0/G/NDATA/E", payload({"alias": 7, "timestamp": 2, "double_value": 1}, seq=seq))
            )
        writer.write(message("spBv1.0/G/NDATA/F", payload({"alias": 7, "timestamp": 2, "double_value": 1}, seq=0)))
        writer.write(message("spBv1.0/G/NDEATH/E", payload(bdseq(1)), qos=1) + message("plant/a", b"1"))
        await stays(peer, writer)

    async def test():
        taken = Taken()
        both = (mqtt.SparkplugB(group="G", request_rebirth=request_rebirth), *PLAIN)
        async with Peer(script) as peer:
            task = asyncio.create_task(feed(peer.port, both).run(taken))
            await until(lambda: taken.has("plant/a"), task)
            if request_rebirth:
                await until(lambda: peer.kinds.count(PUBLISH) == 2, task)
            await ended(task)
            await until(lambda: DISCONNECT in peer.kinds, asyncio.create_task(asyncio.sleep(DEADLINE_S)))
        assert [reading.quality for reading in taken.readings if reading.address == "G/E/speed"] == [
            *[Quality.GOOD, Quality.UNCERTAIN, Quality.UNCERTAIN, Quality.UNCERTAIN, Quality.BAD]
        ]
        return peer

    return asyncio.run(test())


def test_nothing_is_ever_published_unless_rebirths_are_allowed():
    assert set(gap(request_rebirth=False).kinds) <= {CONNECT, SUBSCRIBE, PUBACK, PINGREQ, DISCONNECT}


def test_with_rebirths_allowed_each_doubtful_node_is_sent_that_request_once_and_nothing_else():
    peer = gap(request_rebirth=True)
    assert set(peer.kinds) <= {CONNECT, SUBSCRIBE, PUBACK, PINGREQ, DISCONNECT, PUBLISH}
    assert [body for kind, body in peer.packets if kind == PUBLISH] == [
        message(f"spBv1.0/G/NCMD/{node}", _rebirth(NOW_US // 1000))[2:] for node in ("E", "F")
    ]


def _rebirth(time_ms: int) -> bytes:
    metric = {"name": "Node Control/Rebirth", "timestamp": time_ms, "datatype": 11, "boolean_value": True}
    return payload(metric, time_ms=time_ms)


def test_the_package_names_publish_once_and_no_will():
    named = []
    for file in sorted(Path(mqtt.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            name = getattr(node, "attr", None) or getattr(node, "arg", None) or getattr(node, "id", None) or ""
            if any(word in str(name).lower() for word in ("publish", "will", "send", "write")) and name != "_written":
                named.append((file.name, name))
    assert named == [("rebirth.py", "publish")]
