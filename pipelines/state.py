"""All that a partition remembers: the plant, one block of arrays per asset type, small things per asset, the ledger.

The step owns it and changes it in place; nobody else holds it. A snapshot is this, encoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from models.alerting.life import Watch
from models.bins import MINUTE_US, Samples
from models.clocks import Clocks
from models.features import Baseline, Spec
from models.operating import IDLE, MAINTENANCE, OFF, STOPPING, UNKNOWN, Machines
from models.plant import AssetType, Plant, PlantError, content
from models.plant.layout import Layout
from models.records import Forecast
from models.tiers import ARRAYS, Tiers
from pipelines.late import Late
from pipelines.ledger import Ledger
from pipelines.meters import Scores, Size

VERSION = 3
NEVER = -1


class Entry(Struct):
    """The forecast of one minute while late samples may still change it, and what it was made of.

    `state` is a code of models.operating; a forecast stands here once one of this minute was published.
    """

    since_us: int
    state: int
    features: bytes
    forecast: Forecast | None = None


class Kept(Struct, frozen=True):
    """The last final forecast of a machine that ran, in the life since `since_us`."""

    since_us: int
    forecast: Forecast


class Turned(NamedTuple):
    """In a final minute, the fault of an asset's sensor became another, or none."""

    asset: int
    minute: int
    column: int
    fault: int


class Fault(Struct, frozen=True):
    """A sensor's fault that was told of: when it began and its place in models.operating.FAULTS."""

    since_us: int
    fault: int


class Small(Struct):
    """What a block keeps per asset outside its arrays, by index of the asset.

    `unsettled` has the minutes that can still change with the life each belongs to. Feature rows in here are of the
    list `features_sha256`. `silent_us` has when an asset was last heard of which somebody was told that it is silent,
    `away` the assets that are not in the plant now.
    """

    features_sha256: str = ""
    repairs_us: dict[int, list[int]] = {}
    failures_us: dict[int, list[int]] = {}
    entries: dict[int, dict[int, Entry]] = {}
    unsettled: dict[int, dict[int, int]] = {}
    baselines: dict[int, Baseline] = {}
    kept: dict[int, Kept] = {}
    watches: dict[int, Watch] = {}
    warned_life_us: dict[int, int] = {}
    faults: dict[int, dict[str, Fault]] = {}
    silent_us: dict[int, int] = {}
    away: dict[int, bool] = {}
    late: dict[int, Late] = {}


@dataclass(slots=True)
class Block:
    """State of all assets of one type that were seen in this partition; index = order of first sight."""

    layout: Layout
    tiers: Tiers
    machines: Machines
    watermark_us: np.ndarray
    heard_us: np.ndarray
    index: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    open: Samples = field(default_factory=Samples.none)
    small: Small = field(default_factory=Small)
    turned: list[Turned] = field(default_factory=list)
    """What a step has yet to tell; empty between steps."""
    scores: Scores = field(default_factory=Scores)
    """Counts of the partition, which are no state."""

    @classmethod
    def empty(cls, layout: Layout) -> Block:
        """A block that has seen nothing."""
        tiers = Tiers.empty(0, layout.reference, layout.held_places)
        never = np.full(0, NEVER, np.int64)
        return cls(layout, tiers, Machines.none(0, layout.columns), never, never.copy())

    def index_of(self, asset: str) -> int:
        """The asset's index; a new one gets the next."""
        at = self.index.get(asset)
        if at is None:
            at = self.index[asset] = len(self.names)
            self.names.append(asset)
        return at

    def make_room(self) -> None:
        """Grow the arrays to the assets known, by doubling."""
        have, need = len(self.watermark_us), len(self.names)
        if need <= have:
            return
        room = max(need, 2 * have)
        self.tiers.grow(room)
        self.machines.grow(room)
        for name in ("watermark_us", "heard_us"):
            setattr(self, name, np.concatenate([getattr(self, name), np.full(room - have, NEVER, np.int64)]))

    def adopt(self, features_sha256: str) -> None:
        """Make feature rows of another list, or of a model that is gone, unknown.

        Forecasts of minutes that are not final stay: a model that comes back by then must not say them anew.
        """
        if self.small.features_sha256 == features_sha256:
            return
        self.small.features_sha256 = features_sha256
        self.small.baselines.clear()
        for entries in self.small.entries.values():
            for entry in entries.values():
                entry.features = b""
        if not features_sha256:
            self.small.kept.clear()

    def columns_of(self, spec: Spec) -> np.ndarray:
        """Places of a model's inputs in the tiers."""
        return np.array([self.layout.column_index[name] for name in spec.inputs])

    def since_us(self, asset: np.ndarray, minute: np.ndarray) -> np.ndarray:
        """Start of the life each (asset, minute) belongs to: the last repair before the minute's end, else 0."""
        out = np.zeros(len(asset), np.int64)
        for at in set(asset.tolist()) & self.small.repairs_us.keys():
            repairs = np.array([0, *self.small.repairs_us[at]])
            mine = asset == at
            out[mine] = repairs[np.searchsorted(repairs, (minute[mine] + 1) * MINUTE_US, side="left") - 1]
        return out

    def name_maintenance(
        self, asset: np.ndarray, minute: np.ndarray, since_us: np.ndarray, state: np.ndarray
    ) -> np.ndarray:
        """State codes in which a machine that stands after a failure, and was not repaired, is in maintenance."""
        stands = np.isin(state, (UNKNOWN, OFF, IDLE, STOPPING))
        for at in set(asset[stands].tolist()) & self.small.failures_us.keys():
            failures = np.array([-1, *self.small.failures_us[at]])
            mine = np.flatnonzero(stands & (asset == at))
            last = failures[np.searchsorted(failures, (minute[mine] + 1) * MINUTE_US, side="left") - 1]
            state[mine[last > since_us[mine]]] = MAINTENANCE
        return state

    def nbytes(self) -> int:
        """Bytes of its arrays in memory; what it keeps beside them is little."""
        arrays = [getattr(self.tiers, name) for name in ARRAYS]
        arrays += [getattr(self.machines, name) for name in Machines.__struct_fields__]
        return sum(array.nbytes for array in (*arrays, *self.open, self.watermark_us, self.heard_us))


class Array(Struct, array_like=True):
    """A numpy array as it is written."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, array: np.ndarray) -> Array:
        """One to write."""
        return cls(array.dtype.str, array.shape, array.tobytes())

    def array(self) -> np.ndarray:
        """The array, a copy. Raises ValueError where bytes are missing."""
        return np.frombuffer(self.data, self.dtype).reshape(self.shape).copy()


class _SavedBlock(Struct):
    columns: tuple[str, ...]
    reference: tuple[float, ...]
    names: list[str]
    arrays: dict[str, Array]
    small: Small


class _Saved(Struct):
    version: int
    lateness_s: int
    tick_us: int
    ledger: Ledger
    plant: bytes
    blocks: dict[str, _SavedBlock]
    gone: dict[str, tuple[AssetType, _SavedBlock]]
    clocks: Clocks = msgspec.field(default_factory=Clocks)


class _SavedClocks(Struct):
    clocks: Clocks = msgspec.field(default_factory=Clocks)


def clocks_of(data: bytes) -> Clocks:
    """The clocks alone in what `State.encode` made. Raises SnapshotError where it cannot be read."""
    try:
        return msgspec.msgpack.decode(data, type=_SavedClocks).clocks
    except msgspec.DecodeError as wrong:
        raise SnapshotError(f"the clocks in the snapshot cannot be read ({wrong}): another version wrote it") from wrong


class SnapshotError(ValueError):
    """The snapshot does not fit this program or its settings; the message says what to do."""


@dataclass(slots=True)
class State:
    """State of a partition: the plant without tags, a block per asset type, the last tick, the ledger, clocks.

    `gone` are the blocks of types that the plant has no longer.
    """

    plant: Plant
    blocks: dict[str, Block]
    tick_us: int = NEVER
    ledger: Ledger = field(default_factory=Ledger)
    clocks: Clocks = field(default_factory=Clocks)
    gone: dict[str, Block] = field(default_factory=dict)

    @classmethod
    def empty(cls, plant: Plant) -> State:
        """The state before the first record."""
        plant = plant.for_workers()
        return cls(plant, {name: Block.empty(Layout(name, asset_type)) for name, asset_type in plant.types.items()})

    @property
    def size(self) -> Size:
        """Of all blocks, also those of types that are gone."""
        blocks = (*self.blocks.values(), *self.gone.values())
        return Size(sum(len(block.names) for block in blocks), sum(block.nbytes() for block in blocks))

    def encode(self, lateness_s: int) -> bytes:
        """All of it as MessagePack, with the lateness it was made under."""
        blocks = {name: _save(block) for name, block in self.blocks.items()}
        gone = {name: (block.layout.asset_type, _save(block)) for name, block in self.gone.items()}
        plant = content.encode(self.plant)
        saved = _Saved(VERSION, lateness_s, self.tick_us, self.ledger, plant, blocks, gone, self.clocks)
        return msgspec.msgpack.encode(saved)

    @classmethod
    def decode(cls, data: bytes, lateness_s: int) -> State:
        """What `encode` made, with the plant that it had. Raises SnapshotError where program or lateness are others."""
        try:
            saved = msgspec.msgpack.decode(data, type=_Saved)
        except msgspec.DecodeError as wrong:
            raise SnapshotError(
                f"the snapshot cannot be read ({wrong}): start a new group to rebuild from the log"
            ) from wrong
        if saved.version != VERSION:
            raise SnapshotError(
                f"the snapshot is version {saved.version}, this program writes {VERSION}: start a new group"
            )
        if saved.lateness_s != lateness_s:
            raise SnapshotError(
                f"the lateness was {saved.lateness_s} s when the snapshot was made and is {lateness_s} s now: what is "
                f"final differs. Set FOREWARN_LATENESS_S={saved.lateness_s}, or start a new group (FOREWARN_GROUP)"
            )
        try:
            plant = content.decode(saved.plant)
        except PlantError as wrong:
            raise SnapshotError(
                f"the snapshot's plant cannot be read ({wrong}): start a new group (FOREWARN_GROUP)"
            ) from wrong
        blocks = {name: _restore(name, asset_type, saved.blocks[name]) for name, asset_type in plant.types.items()}
        gone = {name: _restore(name, *each) for name, each in saved.gone.items()}
        return cls(plant, blocks, saved.tick_us, saved.ledger, saved.clocks, gone)


def _save(block: Block) -> _SavedBlock:
    used = len(block.names)
    arrays = {f"tiers.{name}": getattr(block.tiers, name)[:used] for name in ARRAYS}
    arrays |= {f"machines.{name}": getattr(block.machines, name)[:used] for name in Machines.__struct_fields__}
    arrays |= {f"open.{name}": column for name, column in zip(Samples._fields, block.open, strict=True)}
    arrays["watermark_us"], arrays["heard_us"] = block.watermark_us[:used], block.heard_us[:used]
    return _SavedBlock(
        block.layout.column_names,
        tuple(block.layout.reference.tolist()),
        block.names,
        {name: Array.of(array) for name, array in arrays.items()},
        block.small,
    )


def _restore(name: str, asset_type: AssetType, saved: _SavedBlock) -> Block:
    arrays: dict[str, Any] = {name: array.array() for name, array in saved.arrays.items()}
    layout = Layout(name, asset_type, dict(zip(saved.columns, saved.reference, strict=True)))
    return Block(
        layout=layout,
        tiers=Tiers(layout.reference, layout.held_places, *(arrays[f"tiers.{name}"] for name in ARRAYS)),
        machines=Machines(*(arrays[f"machines.{name}"] for name in Machines.__struct_fields__)),
        watermark_us=arrays["watermark_us"],
        heard_us=arrays["heard_us"],
        index={name: at for at, name in enumerate(saved.names)},
        names=saved.names,
        open=Samples(*(arrays[f"open.{name}"] for name in Samples._fields)),
        small=saved.small,
    )
