"""A bound on what is buffered of one answer: aiokafka waits for as many bytes as a peer announces, up to 2 GiB.

It makes its connections in places of its own, so that the bound is put on all of this process.
"""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

MOST_BYTES = 32 * 1024 * 1024
"""Of an answer. A message has 4 MiB at most, or it is a dead letter; so large a one is read for that. Our choice; what
is fetched at once is less, and Kafka takes 1 MiB a message by itself (message.max.bytes)."""
AGAIN_S = 60.0
"""aiokafka tries again within a second, and by itself says nothing."""

_log = structlog.get_logger()


class AnswerTooLong(ConnectionError):
    """A peer announced more than is read, or less than nothing."""


class _Bounded:
    """The reader of a connection, which ends it with an answer that is too long; of nothing but lengths it is asked."""

    told_s = float("-inf")

    def __init__(self, reader: asyncio.StreamReader, where: str) -> None:
        self._reader, self._where = reader, where

    async def readexactly(self, size: int) -> bytes:
        if not 0 <= size <= MOST_BYTES:
            raise self._refusal(size)
        return await self._reader.readexactly(size)

    def at_eof(self) -> bool:
        return self._reader.at_eof()

    def _refusal(self, size: int) -> AnswerTooLong:
        wrong = AnswerTooLong(f"{self._where} announced an answer of {size} bytes, over {MOST_BYTES}: is it Kafka?")
        now_s = asyncio.get_running_loop().time()
        if now_s - _Bounded.told_s > AGAIN_S:
            _Bounded.told_s = now_s
            _log.warning("kafka-answer-too-long", error=str(wrong))
        return wrong


def bound() -> None:
    """Have every connection of aiokafka in this process end with an answer that is too long."""
    from aiokafka.conn import AIOKafkaConnection

    start: Any = AIOKafkaConnection._create_reader_task
    if getattr(start, "is_bounded", False):
        return

    def bounded(connection: Any) -> Any:
        connection._reader = _Bounded(connection._reader, f"{connection.host}:{connection.port}")
        return start(connection)

    bounded.is_bounded = True  # type: ignore[attr-defined]
    AIOKafkaConnection._create_reader_task = bounded
