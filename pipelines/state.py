"""All that a partition remembers: one block of arrays per asset type, small things per asset, the ledger.

The step owns it and changes it in place; nobody else holds it. A snapshot is this, encoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from models.alerting.life import Watch
from models.bins import MINUTE_US, Samples
from models.features import Baseline, Spec
from models.operating import IDLE, MAINTENANCE, OFF, STOPPING, UNKNOWN, Machines
from models.plant.layout import Layout
from models.records import Forecast
from models.tiers import ARRAYS, Tiers
from pipelines.ledger import Ledger

VERSION = 2
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


class Small(Struct):
    """What a block keeps per asset outside its arrays, by index of the asset.

    `unsettled` has the minutes that can still change with the life each belongs to. Feature rows in here are of the
    list `features_sha256`.
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


@dataclass(slots=True)
class Block:
    """State of all assets of one type that were seen in this partition; index = order of first sight."""

    layout: Layout
    tiers: Tiers
    machines: Machines
    watermark_us: np.ndarray
    index: dict[str, int] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    open: Samples = field(default_factory=Samples.none)
    small: Small = field(default_factory=Small)

    @classmethod
    def empty(cls, layout: Layout) -> Block:
        """A block that has seen nothing."""
        return cls(
            layout, Tiers.empty(0, layout.reference), Machines.none(0, layout.columns), np.full(0, NEVER, np.int64)
        )

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
        self.watermark_us = np.concatenate([self.watermark_us, np.full(room - have, NEVER, np.int64)])

    def adopt(self, features_sha256: str) -> None:
        """Make feature rows of another list, or of a model that is gone, unknown."""
        if self.small.features_sha256 == features_sha256:
            return
        self.small.features_sha256 = features_sha256
        self.small.baselines.clear()
        for entries in self.small.entries.values():
            for entry in entries.values():
                entry.features = b""
        if not features_sha256:
            self.small.entries.clear()
            self.small.kept.clear()

    def columns_of(self, spec: Spec) -> np.ndarray:
        """Places of a model's signals and counters in the tiers."""
        return np.array([self.layout.numeric_index[signal] for signal in spec.inputs])

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


class _Array(Struct, array_like=True):
    dtype: str
    shape: tuple[int, ...]
    data: bytes

    @classmethod
    def of(cls, array: np.ndarray) -> _Array:
        return cls(array.dtype.str, array.shape, array.tobytes())

    def array(self) -> np.ndarray:
        return np.frombuffer(self.data, self.dtype).reshape(self.shape).copy()


class _SavedBlock(Struct):
    columns: tuple[str, ...]
    reference: tuple[float, ...]
    names: list[str]
    arrays: dict[str, _Array]
    small: Small


class _Saved(Struct):
    version: int
    lateness_s: int
    tick_us: int
    ledger: Ledger
    blocks: dict[str, _SavedBlock]


class SnapshotError(ValueError):
    """The snapshot is of another version or another plant; the message says what to do."""


@dataclass(slots=True)
class State:
    """State of a partition: the last tick, the ledger, a block per asset type."""

    blocks: dict[str, Block]
    tick_us: int = NEVER
    ledger: Ledger = field(default_factory=Ledger)

    @classmethod
    def empty(cls, layouts: dict[str, Layout]) -> State:
        """The state before the first record."""
        return cls({name: Block.empty(layout) for name, layout in layouts.items()})

    def encode(self, lateness_s: int) -> bytes:
        """All of it as MessagePack, with the lateness it was made under."""
        blocks = {name: _save(block) for name, block in self.blocks.items()}
        return msgspec.msgpack.encode(_Saved(VERSION, lateness_s, self.tick_us, self.ledger, blocks))

    @classmethod
    def decode(cls, data: bytes, layouts: dict[str, Layout], lateness_s: int) -> State:
        """What `encode` made. Raises SnapshotError where it does not fit this program, plant or lateness."""
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
        state = cls.empty(layouts)
        state.tick_us, state.ledger = saved.tick_us, saved.ledger
        for name, block in saved.blocks.items():
            if name in layouts:
                state.blocks[name] = _restore(layouts[name], block)
        return state


def _save(block: Block) -> _SavedBlock:
    used = len(block.names)
    arrays = {f"tiers.{name}": getattr(block.tiers, name)[:used] for name in ARRAYS}
    arrays |= {f"machines.{name}": getattr(block.machines, name)[:used] for name in Machines.__struct_fields__}
    arrays |= {f"open.{name}": column for name, column in zip(Samples._fields, block.open, strict=True)}
    arrays["watermark_us"] = block.watermark_us[:used]
    return _SavedBlock(
        block.layout.column_names,
        tuple(block.layout.reference.tolist()),
        block.names,
        {name: _Array.of(array) for name, array in arrays.items()},
        block.small,
    )


def _restore(layout: Layout, saved: _SavedBlock) -> Block:
    arrays: dict[str, Any] = {name: array.array() for name, array in saved.arrays.items()}
    if (saved.columns, saved.reference) != (layout.column_names, tuple(layout.reference.tolist())):
        raise SnapshotError(
            f"type '{layout.name}' had signals {list(saved.columns)} when the snapshot was made, and has "
            f"{list(layout.column_names)} now, or other ranges: start a new group (FOREWARN_GROUP)"
        )
    return Block(
        layout=layout,
        tiers=Tiers(layout.reference, *(arrays[f"tiers.{name}"] for name in ARRAYS)),
        machines=Machines(*(arrays[f"machines.{name}"] for name in Machines.__struct_fields__)),
        watermark_us=arrays["watermark_us"],
        index={name: at for at, name in enumerate(saved.names)},
        names=saved.names,
        open=Samples(*(arrays[f"open.{name}"] for name in Samples._fields)),
        small=saved.small,
    )
