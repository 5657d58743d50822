"""Where the worker's partitions end: what the consumer learnt with its fetches, and, of those it does not fetch, asked.

Each fetch tells the end of its partition, which costs nothing. A partition without room is not fetched, so that what
is known of it grows old just when a store is down; it alone is asked about, and not on the way of any record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from aiokafka import TopicPartition


class LogEnds:
    """Ends of the partitions of one topic. `consumer` is Faust's, once there is one."""

    def __init__(self, consumer: Callable[[], Any], topic: str) -> None:
        self._consumer, self._topic = consumer, topic
        self._asked: dict[int, int] = {}

    def joined(self) -> bool:
        """Whether the group has told us what is ours."""
        consumer = self._consumer()
        return consumer is not None and consumer.joined

    def assigned(self) -> set[int]:
        """Partitions that the group says are ours."""
        return {tp.partition for tp in self._consumer().assignment()}

    def known(self, partition: int) -> int | None:
        """The newest end that is known; None before the first fetch. Makes no request; from any thread."""
        subscription = self._consumer()._thread._ensure_consumer()._subscription.subscription
        place = TopicPartition(self._topic, partition)
        state = subscription and subscription.assignment and subscription.assignment.state_value(place)
        fetched = state.highwater if state else None
        return max((end for end in (fetched, self._asked.get(partition)) if end is not None), default=None)

    async def ask(self, partitions: Collection[int]) -> None:
        """Ask the broker about these. Raises KafkaError."""
        places = [TopicPartition(self._topic, partition) for partition in partitions]
        found: Mapping[Any, int] = await self._consumer()._thread.highwaters(*places) if places else {}
        self._asked |= {place.partition: end for place, end in found.items()}
