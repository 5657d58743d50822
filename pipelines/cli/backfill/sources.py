"""A source by its name: what it has, where reading begins, and what a lane of it is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Protocol

from models.plant import Plant
from models.records import MaintenanceAction, key_of
from pipelines.backfill.plan import Plan
from pipelines.backfill.stretch import Batch, Found, Stretch, Tables
from pipelines.cli.backfill.asked import Asked, BackfillError, Source
from pipelines.settings import Settings
from pipelines.slices import MARGIN_US
from pipelines.topics import Share, Topic, named

Progress = Callable[[int, int], None]

STAGE = "stage"
"""Folder beside those of runs in which files are that were put in order once."""
ROWS = 200_000
"""Rows of a stretch, which is a step. Our choice."""
DAY_US = 86_400_000_000


class Lanes(Protocol):
    """A source as lanes that do not touch one another."""

    where: str

    def prepare(self, told: Progress) -> None:
        """Do what has to be done once before lanes read; `told` gets how much is done, and of how much."""
        ...

    def found(self, from_us: int, to_us: int) -> Found:
        """What there is."""
        ...

    def reads_from(self, from_us: int, assets: Sequence[str]) -> int:
        """Where to begin so that windows are full at `from_us`: 0 for the beginning."""
        ...

    def lanes(self, assets: Sequence[str], most: int) -> int:
        """How many lanes there are."""
        ...

    def share(self, lane: int) -> Share | None:
        """The partition of the log that a lane is, if it is one."""
        ...

    def assets(self, plan: Plan, lane: int) -> tuple[str, ...]:
        """The assets of a lane."""
        ...

    def pieces(self, plan: Plan, lane: int, position: int | None, edges_us: Sequence[int]) -> Iterator[Stretch | Batch]:
        """What a lane works off, from a position on; no piece reaches over an edge."""
        ...


def final_us(plan: Plan) -> int:
    """When no row that is not late can change what is said of before `to_us`."""
    return plan.to_us + 2 * plan.lateness_s * 1_000_000


class OfTables:
    """Lanes over a source of tables: assets dealt out, each lane in order of time."""

    def __init__(
        self,
        tables: Tables,
        where: str,
        begins: Callable[[int, Sequence[str]], int],
        prepare: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self.where, self._tables, self._begins, self.prepare = where, tables, begins, prepare

    def found(self, from_us: int, to_us: int) -> Found:
        """What the tables say."""
        return self._tables.found(from_us, to_us)

    def reads_from(self, from_us: int, assets: Sequence[str]) -> int:
        """What the source knows of its assets' lives."""
        return self._begins(from_us, assets)

    def lanes(self, assets: Sequence[str], most: int) -> int:
        """One a process, while each has an asset."""
        return min(len(assets), most)

    def share(self, lane: int) -> Share | None:  # noqa: ARG002 - the same for all
        """No partition of a log."""
        return None

    def assets(self, plan: Plan, lane: int) -> tuple[str, ...]:
        """Each so many-th asset."""
        return plan.assets[lane :: plan.lanes]

    def pieces(self, plan: Plan, lane: int, position: int | None, edges_us: Sequence[int]) -> Iterator[Stretch | Batch]:
        """Stretches, and a last one without rows: what came before `to_us` is final by then.

        The first lane's last one tells of what could not be used, so that it is told once.
        """
        begin_us = plan.read_from_us if position is None else position
        edges = [begin_us, *(us for us in sorted({plan.from_us, *edges_us}) if begin_us < us < plan.to_us), plan.to_us]
        for first_us, last_us in pairwise(edges):
            if first_us < last_us:
                yield from self._tables.stretches(first_us, last_us, self.assets(plan, lane), ROWS)
        end_us = final_us(plan)
        if position is None or position < end_us:
            letters = self._tables.letters(plan.read_from_us, plan.to_us) if lane == 0 else ()
            yield Stretch(end_us, {}, letters=letters)


class OfLog:
    """Lanes over the log: each partition is one, read as live reads it."""

    def __init__(self, settings: Settings, plant: Plant) -> None:
        from connectors.kafka.history import LogHistory

        self._settings, self._plant = settings, plant
        topic = named(settings.topic_prefix, Topic.RECORDS)
        self.where, self._log = f"topic {topic} on {settings.cluster}", LogHistory(settings.cluster, topic)

    def prepare(self, told: Progress) -> None:
        """Nothing: a log is read as it is."""

    def found(self, from_us: int, to_us: int) -> Found:
        """Records that arrived in time. Raises BackfillError where the topic has other partitions than is set."""
        found = self._log.found(from_us, to_us)
        if found.parts != self._settings.partitions:
            raise BackfillError(
                f"{self.where} has {found.parts} partitions, but FOREWARN_PARTITIONS is {self._settings.partitions}: "
                f"set it to {found.parts}"
            )
        return found

    def reads_from(self, from_us: int, assets: Sequence[str]) -> int:  # noqa: ARG002 - it is the same for all
        """The beginning: what live knew rests on all of the log."""
        return 0

    def lanes(self, assets: Sequence[str], most: int) -> int:  # noqa: ARG002 - it is the same for all
        """As many as there are partitions."""
        return self._settings.partitions

    def share(self, lane: int) -> Share | None:
        """The partition."""
        return Share(lane, self._settings.partitions)

    def assets(self, plan: Plan, lane: int) -> tuple[str, ...]:
        """Those whose key is the partition's."""
        share = Share(lane, self._settings.partitions)
        return tuple(asset for asset in plan.assets if share.has(key_of(plan.plant, asset)))

    def pieces(self, plan: Plan, lane: int, position: int | None, edges_us: Sequence[int]) -> Iterator[Stretch | Batch]:
        """Records of the wanted assets, and those of none, until what came before `to_us` is final.

        Raises BackfillError where records behind the position are not there any more.
        """
        others = {key_of(plan.plant, asset) for asset in self._plant.assets} - {
            key_of(plan.plant, asset) for asset in plan.assets
        }
        extent = self._log.extents(plan.read_from_us, final_us(plan)).get(lane)
        if extent is None:
            return
        begin = extent.begin if position is None else position
        if begin < extent.begin:
            raise BackfillError(
                f"records {begin} to {extent.begin - 1} of partition {lane} were deleted since this backfill was "
                "stopped: remove its folder and begin anew"
            )
        for batch in self._log.batches(lane, begin, extent.end, lambda key: key not in others):
            yield from cut(batch, edges_us)


def cut(batch: Batch, edges_us: Sequence[int]) -> Iterator[Batch]:
    """A batch in parts that do not reach over an edge, by when their records arrived."""
    arrived_us = [record.arrived_ms * 1000 for record in batch.records]
    places = sorted({bisect_left(arrived_us, edge_us) for edge_us in edges_us} | {0, len(arrived_us)})
    for begin, end in pairwise(places):
        yield Batch(batch.records[begin:end], arrived_us[end - 1])


def open_source(settings: Settings, asked: Asked, plant: Plant) -> Lanes:
    """The source that was asked for. Raises BackfillError."""
    if asked.source is Source.KAFKA:
        return OfLog(settings, plant)
    if asked.source is Source.INFLUX:
        return _influx(settings, plant)
    if not asked.files:
        raise BackfillError(f"--source {asked.source} reads files: give --files 'history/**/*.{asked.source}'")
    return _files(asked, plant)


def _influx(settings: Settings, plant: Plant) -> Lanes:
    from connectors.influx.history import InfluxHistory
    from pipelines.main import influx_target

    history = InfluxHistory(influx_target(settings), plant)

    def begins(from_us: int, assets: Sequence[str]) -> int:
        """A margin before the oldest life that lasts at `from_us`, on a whole day; the beginning where one is known."""
        lives = dict.fromkeys(assets, 0)
        for event in history.events(from_us, assets):
            if event.action is MaintenanceAction.REPAIRED:
                lives[event.asset] = event.time_us
        return max(0, (min(lives.values()) - MARGIN_US) // DAY_US * DAY_US)

    return OfTables(history, f"bucket {settings.influx_bucket} at {settings.influx_url}", begins)


def _files(asked: Asked, plant: Plant) -> Lanes:
    from connectors.files.history import FileHistory
    from connectors.files.shape import read_shape

    progress: list[Progress] = []
    shape = read_shape(asked.shape) if asked.shape else None

    def told(done: int, of: int) -> None:
        for each in progress:
            each(done, of)

    def stage(show: Progress) -> None:
        progress.append(show)
        history.stage()
        progress.clear()

    history = FileHistory(plant, asked.files, asked.out / STAGE, shape, asked.events, told)
    return OfTables(history, ", ".join(asked.files), lambda _from_us, _assets: 0, stage)
