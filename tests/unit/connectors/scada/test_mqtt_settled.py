"""A message of QoS 1 is acknowledged once what it held is safe, in order, and on its own connection alone."""

from __future__ import annotations

import asyncio

import aiomqtt
import pytest

from connectors.scada.feeds.mqtt import shell
from connectors.scada.feeds.mqtt.queue import Waiting
from tests.kit.mqtt_peer import PUBACK, SUBSCRIBE, Peer, message
from tests.unit.connectors.scada.test_mqtt_shell import Taken, ended, feed, stays, until


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(shell, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(shell, "LONGEST_WAIT_S", 0.1)


def numbers(first: int, last: int) -> bytes:
    """Messages of QoS 1, whose value is their packet identifier."""
    return b"".join(message("plant/n", b"%d" % n, qos=1, number=n) for n in range(first, last + 1))


def acknowledged(peer: Peer) -> list[int]:
    return [int.from_bytes(body[:2], "big") for kind, body in peer.packets if kind == PUBACK]


def test_a_batch_is_acknowledged_in_order_once_it_is_settled_and_not_before():
    async def script(peer, writer):
        writer.write(numbers(1, 300))
        await stays(peer, writer)

    async def test():
        goes = asyncio.Event()
        taken = Taken(goes)
        async with Peer(script) as peer:
            task = asyncio.create_task(feed(peer.port).run(taken))
            await until(lambda: SUBSCRIBE in peer.kinds, task)
            await asyncio.sleep(0.3)
            assert acknowledged(peer) == []
            goes.set()
            await until(lambda: len(acknowledged(peer)) == 300, task)
            await ended(task)
        assert acknowledged(peer) == list(range(1, 301))
        assert taken.settled == 300 and taken.takes < 30

    asyncio.run(test())


def test_a_message_of_qos_0_is_not_waited_for_until_it_is_settled():
    async def script(peer, writer):
        writer.write(message("plant/n", b"1"))
        await stays(peer, writer)

    async def test():
        taken = Taken()
        async with Peer(script) as peer:
            task = asyncio.create_task(feed(peer.port).run(taken))
            await until(lambda: taken.readings, task)
            await ended(task)
        assert taken.settled == 0

    asyncio.run(test())


def test_what_a_lost_connection_had_brought_is_handed_on_and_acknowledged_on_no_other():
    async def script(peer, writer):
        if peer.connections == 1:
            writer.write(numbers(1, 2_000))
            await writer.drain()
            await asyncio.sleep(0.3)
            return
        writer.write(message("plant/other", b"0", qos=1, number=7))
        await stays(peer, writer)

    async def test():
        goes = asyncio.Event()
        taken = Taken(goes)
        async with Peer(script) as peer:
            task = asyncio.create_task(feed(peer.port).run(taken))
            await until(lambda: peer.connections == 1 and peer.open == 0, task)
            goes.set()
            await until(lambda: PUBACK in peer.kinds, task)
            await ended(task)
        assert [one.value for one in taken.readings if one.address == "plant/n"] == list(range(1, 2_001))
        assert acknowledged(peer) == [7]

    asyncio.run(test())


def test_what_came_before_a_subscription_was_answered_is_handed_on_though_it_never_is():
    async def script(peer, writer):
        if peer.connections == 1:
            writer.write(numbers(1, 5))
            await writer.drain()
            await asyncio.sleep(0.2)
            peer.suback = 1
            return
        writer.write(message("plant/other", b"0", qos=1, number=7))
        await stays(peer, writer)

    async def test():
        taken = Taken()
        async with Peer(script, suback=None) as peer:
            task = asyncio.create_task(feed(peer.port).run(taken))
            await until(lambda: 7 in acknowledged(peer), task)
            await ended(task)
        assert [one.value for one in taken.readings] == [1, 2, 3, 4, 5, 0]
        assert acknowledged(peer) == [7]

    asyncio.run(test())


def test_once_a_message_of_qos_1_was_left_to_the_broker_all_that_follow_are():
    def one(qos: int) -> aiomqtt.Message:
        return aiomqtt.Message("plant/a", b"1", qos, retain=False, mid=1, properties=None)

    async def test():
        waiting = Waiting(2, 1_000)
        for _ in range(3):
            waiting.put_nowait(one(1))
        waiting.put_nowait(one(0))  # has room of its own
        assert (waiting.qsize(), waiting.left, waiting.dropped) == (3, 1, 0)
        waiting.get_nowait()
        waiting.put_nowait(one(1))  # there is room, but what is acknowledged must stay in order
        assert (waiting.qsize(), waiting.left) == (2, 2)

    asyncio.run(test())


@pytest.mark.parametrize("more", [{"queue_messages": 50}, {"queue_mb": 1}])
def test_of_qos_1_what_comes_beyond_the_bound_stays_with_the_broker_and_none_is_lost(more):
    last, body = 1_000, b"%d" + b" " * 20_000

    async def script(peer, writer):
        for n in range(max(acknowledged(peer), default=0) + 1, last + 1):
            writer.write(message("plant/n", body % n, qos=1, number=n))
            await writer.drain()
        await stays(peer, writer)

    async def test():
        goes = asyncio.Event()
        taken = Taken(goes)
        async with Peer(script) as peer:
            ours = feed(peer.port, **more)
            task = asyncio.create_task(ours.run(taken))
            await until(lambda: ours._waiting.left > 0, task)
            goes.set()
            await until(lambda: len(acknowledged(peer)) >= last, task)
            await ended(task)
        assert {one.value for one in taken.readings} == set(range(1, last + 1))
        assert peer.connections > 1 and ours.dropped == 0

    asyncio.run(test())
