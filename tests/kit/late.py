"""A partition whose rows are kept in memory, and the role that rebuilds late spans from them, without servers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from connectors.memory import MemoryStore
from models.failure.hazard import Hazard
from models.plant import Plant
from models.records import Alert, AnyInput, Forecast, HealthyBaseline, Notice, NoticeKind, NoticeState, decode, encode
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.rebuild import Life, Rebuilding, alone, denied, until_of
from pipelines.slices import MARGIN_US, arrays_of
from pipelines.state import State
from pipelines.stored import life_from, records_of
from pipelines.told import MAINTENANCE, WORK_ORDERS, done, maintenance_of, orders_of
from pipelines.topics import Topic
from tests.kit import tiny
from tests.kit.streams import MINUTE_US


class World:
    """A partition fed record by record, all its rows kept; `lives` are what the role made of its notices.

    A rebuild reaches the log `delay` batches after its notice; never where `delay` is None.
    """

    def __init__(
        self,
        delay: int | None = None,
        batch: int = 20,
        lateness_s: int = 120,
        plant: Plant | None = None,
        hazards: Mapping[str, Hazard] | None = None,
    ) -> None:
        self.partition = Partition(plant or tiny.plant(), hazards or tiny.models(), lateness_s)
        self.store = MemoryStore()
        self.log: list[bytes] = []
        self.out: list[Forecast | Alert | Notice | HealthyBaseline] = []
        self.letters: list = []
        self.quarantine: list[bytes] = []
        self.lives: list[Life] = []
        self._delay, self._batch = delay, batch
        self._waiting: list[list] = []

    def take(self, records: Iterable[AnyInput | bytes]) -> World:
        values = [record if isinstance(record, bytes) else encode(record) for record in records]
        for at in range(0, len(values), self._batch):
            self._take(values[at : at + self._batch])
            for waiting in self._waiting:
                waiting[0] -= 1
            while self._waiting and self._waiting[0][0] <= 0:
                self.rebuild(self._waiting.pop(0)[1])
        return self

    def rebuild(self, notice: Notice) -> Life:
        """Rebuild for a notice now, and put the record on the log."""
        life = rebuilt(self.partition, self.store, notice)
        self.lives.append(life)
        last = {alert.id: alert for alert in self.of(Alert)}
        self._take([encode(life.rebuilt), *map(encode, denied(last.values(), life, notice))])
        return life

    def _take(self, values: list[bytes]) -> None:
        first = len(self.log)
        self.log += values
        effects = self.partition.receive([RawRecord(first + at, 0, value) for at, value in enumerate(values)])
        self.partition.acknowledged(asyncio.run(self.store.write(effects.rows)))
        for output in effects.outputs:
            if output.topic is Topic.QUARANTINE:
                self.quarantine.append(output.value)
                continue
            made = decode(output.value)
            if isinstance(made, Forecast | Alert | Notice | HealthyBaseline):
                self.out.append(made)
            else:
                self.letters.append(made)
            if is_open(made) and self._delay is not None:
                self._waiting.append([self._delay, made])

    def of(self, kind: type) -> list:
        return [made for made in self.out if isinstance(made, kind)]

    @property
    def spans(self) -> list[Notice]:
        """Notices of late spans."""
        return [notice for notice in self.of(Notice) if notice.kind is NoticeKind.LATE_SPAN]

    def forecasts(self, asset: str, from_us: int) -> dict[int, tuple]:
        """What the last revisions of an asset's forecasts since a time say."""
        found = {f.window_end_us: f for f in self.of(Forecast) if f.asset == asset and f.window_end_us > from_us}
        return {us: (f.operating, f.running_until_us, f.chances, f.drivers, f.completeness) for us, f in found.items()}

    def kept(self, asset: str) -> dict[str, bytes]:
        """An asset's tiers, machine and usual, as bytes; how long a sensor was unchanged, for the margin of a life."""
        return kept(self.partition.state, asset)


def kept(state: State, asset: str) -> dict[str, bytes]:
    """What a partition's state has of an asset, as `World.kept` says."""
    block = state.blocks[state.plant.assets[asset].type]
    at = block.index[asset]
    arrays = {name: array[at] for name, array in arrays_of(block).items()}
    arrays["machines.unchanged"] = np.minimum(arrays["machines.unchanged"], MARGIN_US // MINUTE_US)
    found = {name: np.ascontiguousarray(array).tobytes() for name, array in arrays.items()}
    usual = block.small.baselines.get(at)
    return found | {"usual": b"" if usual is None else b"".join((usual.taken, usual.usual, usual.spread))}


def is_open(made: object) -> bool:
    """Whether a record asks for a rebuild."""
    return isinstance(made, Notice) and made.kind is NoticeKind.LATE_SPAN and made.state is NoticeState.OPEN


def rebuilt(partition: Partition, store: MemoryStore, notice: Notice) -> Life:
    """What the role makes of a notice: all rows of the asset's life up to where it was final."""
    kind, until_us = partition.plant.assets[notice.asset].type, until_of(notice)

    def read(measurement: str, from_us: int):
        return asyncio.run(store.read(measurement, from_us, until_us, [notice.asset]))

    events = maintenance_of(read(MAINTENANCE, 0), notice.plant)
    from_us = life_from(events, notice.from_us)
    work = Rebuilding(alone(partition, notice.asset), notice, from_us)
    orders = [order for order in orders_of(read(WORK_ORDERS, 0), notice.plant) if order.finished_us < until_us]
    told = done(events, orders, from_us)
    work.take(records_of(read(kind, from_us), partition.state.blocks[kind].layout, notice.plant, told))
    return work.finish()


def held_back(
    records: Sequence[AnyInput], asset: str, from_us: int, to_us: int, when: Callable[[AnyInput], int]
) -> list[AnyInput]:
    """The records as they come where an asset's gateway is away for a time, and then sends what it kept."""
    away = [r for r in records if getattr(r, "asset", "") == asset and from_us <= when(r) < to_us]
    gone = set(map(id, away))
    before = [r for r in records if when(r) < to_us and id(r) not in gone]
    after = [r for r in records if when(r) >= to_us]
    return [*before, *away, *after]
