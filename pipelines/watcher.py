"""Beside the worker: looks at its partitions every few seconds, publishes notices, keeps their ledgers in the store.

The rules are in `pipelines.watch`. Nothing here is on the way of a record: the hearts are read between their steps, and
what cannot be published or stored waits for the next look. No heart reads any of it back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from models.records import Notice, NoticeKind, encode
from pipelines.heart import Heart
from pipelines.ledger import Ledger
from pipelines.ledger_rows import Totals, rows_of, totals_of
from pipelines.ports import Clock, Output, Publisher, Refusal, Rows, StoreDown
from pipelines.runner import PartitionRunner
from pipelines.topics import Topic
from pipelines.watch import Watch

LOOK_S = 5.0
KEEP_S = 1.0
LEDGER_S = 60.0
"""Between two looks, between two looks whether a ledger is to be written, and between two ledgers."""
TRIED_LATELY_S = 10.0
"""A store in trouble that nobody else tries is tried by the ledger, so that its recovery is seen."""
PATIENCE_S = 10.0
"""For a publish, a question to Kafka, and for the last ledger at the end."""
MOST_WAITING = 1_000
TELLS_OF_THE_STORE = 0
"""Whoever has this partition tells of the store, so that one outage is one notice."""

_log = structlog.get_logger()

T = TypeVar("T")


class WatchedStore(Protocol):
    """A store that knows how it fares."""

    tried_s: float | None

    @property
    def failing_s(self) -> float | None:
        """For how long nothing was taken; None before the first try."""
        ...

    async def write(self, rows: Sequence[Rows]) -> Sequence[Refusal]:
        """As of `pipelines.ports.Store`."""
        ...


@dataclass(slots=True)
class _Seen:
    """A partition as it was last looked at."""

    runner: PartitionRunner
    rows: int
    since_s: float
    moved: bool = False


class Watcher:
    """Watches one worker. Everything happens in its loop."""

    def __init__(
        self,
        watch: Watch,
        plant: str,
        *,
        publisher: Publisher,
        store: WatchedStore,
        clock: Clock,
        lease: Callable[[], bool],
        lag: Callable[[int], int | None],
        told: Callable[[int], Awaitable[Sequence[Notice]]],
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        """`told` gives a partition's last notices; `refresh` brings what `lag` knows up to date where it grows old."""
        self._watch, self._plant = watch, plant
        self._publisher, self._store, self._clock, self._lease = publisher, store, clock, lease
        self._lag, self._told, self._refresh = lag, told, refresh
        self._seen: dict[int, _Seen] = {}
        self._unsent: list[tuple[int, Output]] = []
        self._last: list[Totals] = []

    async def run(self, owned: Callable[[], Mapping[int, PartitionRunner]]) -> None:
        """Look and keep ledgers for ever."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._looks(owned))
            both.create_task(self._keeps(owned))

    async def _looks(self, owned: Callable[[], Mapping[int, PartitionRunner]]) -> None:
        while True:
            await self.look(owned())
            await asyncio.sleep(LOOK_S)

    async def _keeps(self, owned: Callable[[], Mapping[int, PartitionRunner]]) -> None:
        kept_s = self._clock.monotonic_s()
        while True:
            await asyncio.sleep(KEEP_S)
            now_s = self._clock.monotonic_s()
            if now_s - kept_s >= LEDGER_S or self._last or self._is_untried(now_s):
                kept_s = now_s
                await self.keep(owned())

    def _is_untried(self, now_s: float) -> bool:
        tried_s = self._store.tried_s
        return bool(self._store.failing_s) and tried_s is not None and now_s - tried_s >= TRIED_LATELY_S

    async def look(self, owned: Mapping[int, PartitionRunner]) -> None:
        """Look at all partitions once, and publish what opens or closes."""
        self._watch.keep(owned)
        self._unsent = [(partition, output) for partition, output in self._unsent if partition in owned]
        await self._asked("the ends of the log", self._refresh())
        for partition, runner in owned.items():
            if runner.heart is not None and await self._is_known(partition, runner):
                runner.meters.balanced = runner.heart.ledger.balances
                self._look_at(partition, runner.heart)
        await self._send()

    async def _is_known(self, partition: int, runner: PartitionRunner) -> bool:
        """Whether it is known what was open about a partition before this worker had it."""
        seen = self._seen.get(partition)
        if seen is not None and seen.runner is runner:
            return True
        notices = await self._asked("the notices so far", self._told(partition), partition)
        if notices is None or (heart := runner.heart) is None:
            return False
        self._unsent = [each for each in self._unsent if each[0] != partition]
        self._watch.adopt(partition, notices)
        self._seen[partition] = _Seen(runner, heart.ledger.rows_read, self._clock.monotonic_s())
        return True

    def _look_at(self, partition: int, heart: Heart) -> None:
        values = {
            NoticeKind.LAG: self._lag(partition),
            NoticeKind.LEDGER: float(not heart.ledger.balances),
            NoticeKind.NO_DATA: self._silent_s(partition, heart.ledger),
            NoticeKind.MODEL: float(len(heart.missing)),
        }
        if partition == TELLS_OF_THE_STORE:
            values[NoticeKind.STORE_DOWN] = self._store.failing_s
        for kind, value in values.items():
            found = self._watch.look(partition, kind, value, self._clock.now_us())
            if found is None:
                continue
            _log.warning("notice", partition=partition, kind=str(kind), state=str(found.state), detail=found.detail)
            # Encoded once: an id and revision has one content, also where it is sent twice.
            self._unsent.append((partition, Output(Topic.NOTICES, f"{self._plant}/".encode(), encode(found))))

    def _silent_s(self, partition: int, ledger: Ledger) -> float | None:
        """Seconds since rows last came; None where none ever did, or it is not known whether they come again."""
        seen, now_s = self._seen[partition], self._clock.monotonic_s()
        if ledger.rows_read != seen.rows:
            seen.rows, seen.since_s, seen.moved = ledger.rows_read, now_s, True
        if not ledger.rows_read or (not seen.moved and self._watch.is_open(partition, NoticeKind.NO_DATA)):
            return None
        return now_s - seen.since_s

    async def _send(self) -> None:
        while self._unsent and self._lease():
            partition, output = self._unsent[0]
            if await self._asked("a notice", self._published(partition, output), partition) is None:
                return
            del self._unsent[0]

    async def _published(self, partition: int, output: Output) -> bool:
        await self._publisher.publish(partition, [output])
        return True

    async def _asked(self, what: str, question: Awaitable[T], partition: int | None = None) -> T | None:
        """An answer of Kafka's, None where it gives none now: the next look asks again."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await question
        except Exception as fault:  # whatever Kafka's client raises
            _log.warning("kafka-does-not-answer", about=what, partition=partition, error=repr(fault))
            return None

    def released(self, runner: PartitionRunner) -> None:
        """Take down the last totals of a partition that is given up."""
        if runner.heart is not None and len(self._last) < MOST_WAITING:
            self._last.append(totals_of(runner.partition, runner.heart.ledger, self._clock.now_us()))

    async def keep(self, owned: Mapping[int, PartitionRunner]) -> None:
        """Write the ledgers of these partitions and of those that were given up since."""
        now_us, last = self._clock.now_us(), list(self._last)
        hearts = {partition: runner.heart for partition, runner in owned.items() if self._lease()}
        live = [totals_of(partition, heart.ledger, now_us) for partition, heart in hearts.items() if heart is not None]
        if not last and not live:
            return
        try:
            refused = await self._store.write([rows_of(self._plant, [*last, *live])])
        except StoreDown:
            return  # those given up wait here; what is live is written anew, with newer counts
        except Exception as fault:  # whoever brings rows gets it, too, and stops the worker
            _log.warning("ledger-not-stored", error=repr(fault))
            return
        del self._last[: len(last)]
        if refused:
            _log.warning("ledger-not-stored", rows=len(refused), error=refused[0].reason)

    async def finish(self) -> None:
        """Write the totals of what was given up; the worker is about to end, so not for long."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.keep({})
        except TimeoutError:
            _log.warning("ledger-not-stored", error="the store does not answer", partitions=len(self._last))
