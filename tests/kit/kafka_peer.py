"""A peer that speaks as much of Kafka's protocol as says which versions it has; whatever else it is asked ends it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

API_VERSIONS = 18

Versions = Mapping[int, tuple[int, int]]


@asynccontextmanager
async def offering(versions: Versions, port: int = 0) -> AsyncIterator[int]:
    """Listen; the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            (size,) = struct.unpack(">i", await reader.readexactly(4))
            key, _, correlation = struct.unpack_from(">hhi", await reader.readexactly(size))
            if key == API_VERSIONS:
                writer.write(_answer(correlation, versions))
                await writer.drain()
                await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        yield server.sockets[0].getsockname()[1]


def _answer(correlation: int, versions: Versions) -> bytes:
    """ApiVersions, version 0 (Kafka protocol guide): an error code, then of each request its lowest and highest."""
    body = struct.pack(">ihi", correlation, 0, len(versions))
    body += b"".join(struct.pack(">hhh", key, *of) for key, of in versions.items())
    return struct.pack(">i", len(body)) + body
