"""Tells the partitions that a worker owns when its plant file says something else than their hearts know.

The heart takes a plant from the log alone, so that a replay finds it at the same place. Once per partition, plant and
state of its heart: a change that a heart refuses is not sent again and again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from weakref import WeakKeyDictionary

import msgspec
import structlog

from models.plant import Plant, content
from models.records import PlantChange, encode
from pipelines.plant_file import LOOK_S, PlantFile
from pipelines.ports import Output, Publisher
from pipelines.runner import PartitionRunner
from pipelines.topics import MAX_FRAME_BYTES, Topic

_log = structlog.get_logger()


class PlantTeller:
    """Looks at the plant file and publishes what it says to each partition of `owned` that has another plant."""

    def __init__(
        self, file: PlantFile, publisher: Publisher, owned: Callable[[], Mapping[int, PartitionRunner]]
    ) -> None:
        self._file, self._publisher, self._owned = file, publisher, owned
        self._told: WeakKeyDictionary[PartitionRunner, tuple[str, str]] = WeakKeyDictionary()
        self._record = record_of(file.plant)

    async def run(self, every_s: float = LOOK_S) -> None:
        """Look and tell for ever."""
        while True:
            await self.look()
            await asyncio.sleep(every_s)

    async def look(self) -> None:
        """Look once, and publish to the partitions whose heart has another plant and was not told of this one."""
        if await asyncio.to_thread(self._file.look):
            self._record = record_of(self._file.plant)
        for partition, runner in self._owned().items():
            has = runner.plant_version
            now = self._record.version, has or ""
            if has in (None, self._record.version) or self._told.get(runner) == now:
                continue
            self._told[runner] = now
            if not await self._publish(partition, has):
                del self._told[runner]

    async def _publish(self, partition: int, has: str | None) -> bool:
        """False where it may be tried again."""
        value = encode(self._record)
        if len(value) > MAX_FRAME_BYTES:
            _log.error(
                "plant-too-large",
                partition=partition,
                version=self._record.version,
                goes_on=has,
                bytes=len(value),
                most_bytes=MAX_FRAME_BYTES,
                mend="run workers by site (FOREWARN_SITE)",
            )
            return True
        try:
            await self._publisher.publish(partition, [Output(Topic.RECORDS, self._record.plant.encode(), value)])
        except Exception as fault:  # whatever Kafka's client raises; the next look tries again
            _log.warning("plant-not-told", partition=partition, error=repr(fault), doing="trying again")
            return False
        _log.info("plant-told", partition=partition, version=self._record.version, before=has)
        return True


def record_of(plant: Plant) -> PlantChange:
    """The record that says what a plant is."""
    return PlantChange(
        plant=plant.plant, version=plant.for_workers().version, content=msgspec.Raw(content.encode(plant))
    )
