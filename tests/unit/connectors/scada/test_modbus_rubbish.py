"""The feed against a peer that sends anything but what was asked for."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from connectors.scada.feeds.modbus import Config, client, open_feed
from models.records import Reject
from tests.kit.plc import fed, register, until


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch):
    monkeypatch.setattr(client, "FIRST_DELAY_S", 0.05)


def answered(head, pdu):
    """A frame with the transaction and unit of a request's head: MODBUS Messaging on TCP/IP V1.0b, 3.1.3."""
    return head[:4] + (len(pdu) + 1).to_bytes(2, "big") + head[6:7] + pdu


RUBBISH = {
    "not Modbus at all": lambda head: b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20,
    "another function": lambda head: answered(head, b"\x04\x02\x00\x07"),
    "too few words": lambda head: answered(head, b"\x03\x02\x00\x07"),
    "more bytes said than sent": lambda head: answered(head, b"\x03\xf0\x00\x07"),
    "an unknown function": lambda head: answered(head, b"\x63\x00"),
    "transaction 0": lambda head: b"\0\0" + answered(head, b"\x03\x04\x00\x07\x00\x07")[2:],
    "half of an answer and the end": lambda head: None,
    "a flood": lambda head: answered(b"\xff\xff" + head[2:], b"\x03\x04\x00\x07\x00\x07") * 5_000,
    "an empty frame": lambda head: answered(head, b""),
    "an exception without a code": lambda head: answered(head, b"\x83"),
}


@pytest.mark.parametrize("rubbish", RUBBISH)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_peer_that_sends_rubbish_is_read_when_it_speaks_modbus_again(rubbish):
    sane = asyncio.Event()

    async def serve(reader, writer):
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(12)
                good = answered(head, b"\x03\x04\x00\x07\x00\x08")
                said = good if sane.is_set() else RUBBISH[rubbish](head)
                writer.write(good[:7] if said is None else said)
                await writer.drain()
                if said is None:
                    break
        writer.close()

    async def go():
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # pymodbus raises into the loop
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        registers = (register("a", 0), register("b", 1))
        feed = open_feed(
            Config(
                host="127.0.0.1", port=port, registers=registers, period_s=0.05, timeout_s=0.1, most_requests_s=1000.0
            )
        )
        async with server, fed(feed) as taken:
            await until(lambda: feed.counts["unanswered"] > 1 or taken.unread)
            assert not [r for r in taken.readings if r.value is not None]
            assert {one.reason for one in taken.unread} <= {Reject.UNREADABLE}
            sane.set()
            await until(lambda: taken.readings)
            assert {r.address: r.value for r in taken.readings[-2:]} == {"a": 7.0, "b": 8.0}

    asyncio.run(go())
