"""A peer that speaks just enough MQTT 3.1.1 to be connected to, and writes down what a client sends it.

For what a real broker does not do on demand: cut a message off, send rubbish, stay silent, refuse.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 1, 3, 4, 8, 12, 14
Script = Callable[["Peer", asyncio.StreamWriter], Awaitable[None]]


def packet(kind: int, body: bytes, flags: int = 0) -> bytes:
    """A control packet: MQTT 3.1.1 section 2.2."""
    size, rest = bytearray(), len(body)
    while True:
        rest, low = divmod(rest, 128)
        size.append(low | (128 if rest else 0))
        if not rest:
            return bytes([kind << 4 | flags]) + bytes(size) + body


def message(topic: str, payload: bytes, qos: int = 0, number: int = 1, *, retained: bool = False) -> bytes:
    """A PUBLISH packet."""
    head = len(topic.encode()).to_bytes(2, "big") + topic.encode()
    return packet(PUBLISH, head + (number.to_bytes(2, "big") if qos else b"") + payload, qos << 1 | retained)


class Peer:
    """`script` is called for each connection that has subscribed; the connection ends with it."""

    def __init__(self, script: Script, connack: int | None = 0, suback: int | None = 1, port: int = 0) -> None:
        self._script, self._connack, self.suback = script, connack, suback
        self._tasks: set[asyncio.Task[None]] = set()
        self.kinds: list[int] = []
        self.packets: list[tuple[int, bytes]] = []
        self.connections = self.open = 0
        self.port = port

    async def __aenter__(self) -> Peer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script: asyncio.Task[None] | None = None
        try:
            while script is None or not script.done():
                kind, body = await self._next(reader, script)
                if kind == CONNECT and self._connack is not None:
                    writer.write(packet(2, bytes([0, self._connack])))
                elif kind == SUBSCRIBE:
                    if self.suback is not None:
                        writer.write(packet(9, body[:2] + bytes([self.suback])))
                    script = script or asyncio.create_task(self._script(self, writer))  # type: ignore[arg-type]
                elif kind == PINGREQ:
                    writer.write(packet(13, b""))
                await writer.drain()
        finally:
            if script:
                script.cancel()

    async def _next(self, reader: asyncio.StreamReader, script: asyncio.Task[None] | None) -> tuple[int, bytes]:
        """The next packet; (0, b'') if the script ends first."""
        read = asyncio.ensure_future(self._packet(reader))
        done, _ = await asyncio.wait({read, *([script] if script else [])}, return_when=asyncio.FIRST_COMPLETED)
        if read in done:
            self.packets.append(read.result())
            self.kinds.append(read.result()[0])
            return read.result()
        read.cancel()
        return 0, b""

    async def _packet(self, reader: asyncio.StreamReader) -> tuple[int, bytes]:
        kind = (await reader.readexactly(1))[0] >> 4
        size = place = 0
        while True:
            byte = (await reader.readexactly(1))[0]
            size |= (byte & 127) << (7 * place)
            place += 1
            if byte < 128:
                return kind, await reader.readexactly(size)
