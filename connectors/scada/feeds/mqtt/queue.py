"""What has arrived and waits: bounded in messages and bytes, and what is over is dropped and counted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    import aiomqtt

_log = structlog.get_logger()


class Waiting(asyncio.Queue["aiomqtt.Message"]):
    """The queue that aiomqtt fills. It outlives a connection, so what was acknowledged is not lost with it."""

    def __init__(self, most_messages: int, most_bytes: int) -> None:
        super().__init__(most_messages)
        self._most_bytes, self._bytes = most_bytes, 0
        self.dropped = 0
        """Messages lost for want of room."""

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Keep a message, or drop it where there is no room; never raises, since aiomqtt would log each one."""
        if self.full() or (self._bytes and self._bytes + len(item.payload) > self._most_bytes):
            self.dropped += 1
            if self.dropped & (self.dropped - 1) == 0:  # the 1st, 2nd, 4th, 8th ...: a flood does not flood the log
                _log.warning("mqtt-overflow", dropped=self.dropped, waiting=self.qsize())
            return
        super().put_nowait(item)

    def _put(self, item: aiomqtt.Message) -> None:
        self._bytes += len(item.payload)
        super()._put(item)

    def _get(self) -> aiomqtt.Message:
        item = super()._get()
        self._bytes -= len(item.payload)
        return item
