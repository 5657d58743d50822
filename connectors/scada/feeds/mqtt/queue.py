"""What has arrived and waits: bounded in messages and bytes, QoS 0 and QoS 1 each for itself.

Of QoS 0 what is over is lost, and counted. Of QoS 1 nothing is: the broker keeps what it got no acknowledgement of.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    import aiomqtt

_log = structlog.get_logger()


class _Room:
    """Bounds of messages and bytes, and what is within; one message fits, however large."""

    def __init__(self, most_messages: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most_messages, most_bytes
        self._messages = self._bytes = 0

    def has(self, size: int) -> bool:
        within = self._messages < self._most and self._bytes + size <= self._most_bytes
        return within or not self._messages

    def add(self, messages: int, size: int) -> None:
        self._messages += messages
        self._bytes += size


class Waiting(asyncio.Queue["aiomqtt.Message"]):
    """The queue that aiomqtt fills. It outlives a connection: what is in it is still handed on."""

    def __init__(self, most_messages: int, most_bytes: int) -> None:
        super().__init__()
        self._rooms = [_Room(most_messages, most_bytes) for _ in range(2)]
        self.dropped = 0
        """Messages of QoS 0 lost for want of room."""
        self.left = 0
        """Messages of QoS 1 left to the broker, which sends them again on the next connection."""

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Keep a message if there is room; never raises, since aiomqtt would log each one.

        Once one of QoS 1 was left, all that follow are, so that what is acknowledged stays in order.
        """
        fits = self._rooms[_is_kept(item)].has(len(item.payload))
        if fits and not (_is_kept(item) and self.left):
            super().put_nowait(item)
        elif _is_kept(item):
            self.left += 1
        else:
            self.dropped += 1
            if self.dropped & (self.dropped - 1) == 0:  # the 1st, 2nd, 4th, 8th ...: a flood does not flood the log
                _log.warning("mqtt-overflow", dropped=self.dropped, waiting=self.qsize())

    def _put(self, item: aiomqtt.Message) -> None:
        self._rooms[_is_kept(item)].add(1, len(item.payload))
        super()._put(item)

    def _get(self) -> aiomqtt.Message:
        item = super()._get()
        self._rooms[_is_kept(item)].add(-1, -len(item.payload))
        return item


def _is_kept(item: aiomqtt.Message) -> bool:
    """Whether the broker keeps it until it is acknowledged."""
    return item.qos > 0
