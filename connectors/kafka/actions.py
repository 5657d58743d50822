"""Puts actions that sinks learned of, such as the number of an order, on the log of records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from models.records import Action, encode, key_of
from pipelines.ports import Output, Publisher
from pipelines.topics import Topic, partition_of


class LogActions:
    """A `pipelines.deliver.ports.Actions` through a publisher that somebody else stops."""

    def __init__(self, publisher: Publisher, partitions: int) -> None:
        self._publisher, self._partitions = publisher, partitions

    async def take(self, actions: Sequence[Action]) -> None:
        """Each on the partition of its asset. Raises what the publisher raises."""
        outputs: dict[int, list[Output]] = defaultdict(list)
        for one in actions:
            key = key_of(one.plant, one.asset)
            outputs[partition_of(key, self._partitions)].append(Output(Topic.RECORDS, key, encode(one)))
        for partition, its in outputs.items():
            await self._publisher.publish(partition, its)
