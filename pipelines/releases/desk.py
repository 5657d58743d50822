"""Where a worker follows releases: it loads what it should, says what it has, and tells its partitions what is meant.

The heart takes a release from the log alone, so that a replay meets it at the same place. Each owner tells its own
partitions, once it has the release loaded, as it tells them of a changed plant.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from weakref import WeakKeyDictionary

import structlog

from models.records import Appointment, ModelChange, Ready, encode
from pipelines.ports import Output, Publisher
from pipelines.releases.board import PARTITION, Board, key_of
from pipelines.releases.follower import LOOK_S, ReleaseFollower, ReleaseLog
from pipelines.releases.shelf import Shelf
from pipelines.runner import PartitionRunner
from pipelines.topics import Topic

_log = structlog.get_logger()


class Desk(ReleaseFollower):
    """One worker's; `names` gives the names of models that its plant's types have."""

    def __init__(
        self,
        board: Board,
        shelf: Shelf,
        log: ReleaseLog,
        publisher: Publisher,
        *,
        worker: str,
        names: Callable[[], Iterable[str]],
    ) -> None:
        super().__init__(board, shelf, log, names)
        self._publisher, self._worker = publisher, worker
        self._told: WeakKeyDictionary[PartitionRunner, dict[str, int]] = WeakKeyDictionary()
        self._said: WeakKeyDictionary[PartitionRunner, Ready] = WeakKeyDictionary()

    async def run(self, owned: Callable[[], Mapping[int, PartitionRunner]]) -> None:
        """Follow for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.follow())
            group.create_task(self._tell(owned))

    async def _tell(self, owned: Callable[[], Mapping[int, PartitionRunner]]) -> None:
        while True:
            for partition, runner in owned().items():
                heart = runner.heart
                if heart is None:
                    continue
                try:
                    for one in list(self.board.appointed.values()):  # another may come meanwhile
                        await self._change(partition, runner, one)
                    await self._say(partition, runner)
                except Exception as fault:  # whatever Kafka's client raises; the next look tries again
                    _log.warning("release-not-told", partition=partition, error=repr(fault), doing="trying again")
            await asyncio.sleep(LOOK_S)

    async def _change(self, partition: int, runner: PartitionRunner, one: Appointment) -> None:
        """Tell a partition of an appointment that it has not met, once the release is loaded."""
        heart, told = runner.heart, self._told.setdefault(runner, {})
        if heart is None or (one.version and one.version not in self.shelf):
            return
        # What could not be loaded when the partition was opened is told of once more, when it can be.
        met = heart.meant[one.office].number if one.office in heart.meant and one.office not in heart.missing else 0
        if one.number <= max(met, told.get(one.office, 0)):
            return
        change = ModelChange(
            plant=one.plant, name=one.name, role=one.role, asset_type=one.asset_type, version=one.version,
            number=one.number,
        )  # fmt: skip
        await self._publisher.publish(partition, [Output(Topic.RECORDS, one.plant.encode(), encode(change))])
        told[one.office] = one.number
        _log.info("model-told", partition=partition, office=one.office, version=one.version, number=one.number)

    async def _say(self, partition: int, runner: PartitionRunner) -> None:
        """Say what is loaded and met, where that changed."""
        meant = runner.heart.meant if runner.heart else {}
        ready = Ready(
            plant=self.board.plant,
            partition=partition,
            worker=self._worker,
            loaded=tuple(sorted(self.shelf)),
            refused=dict(sorted(self.shelf.refused.items())),
            means={name: one.number for name, one in sorted(meant.items())},
        )
        if self._said.get(runner) == ready:
            return
        await self._publisher.publish(PARTITION, [Output(Topic.RELEASES, key_of(ready), encode(ready))])
        self._said[runner] = ready
