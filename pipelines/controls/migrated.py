"""What of a partition's state goes on under another plant: assets that stay, columns that mean the same as before.

What a machine was and what was said of it stays. Whether a plant can be taken is decided in `plant`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from models.bins import Samples
from models.operating import NEVER_MIN, Machines
from models.plant import AssetType, Plant
from models.plant.layout import Layout
from models.tiers import ARRAYS, Tiers
from pipelines.open import OpenSamples
from pipelines.small import Small
from pipelines.state import Block

OF_MACHINE = (
    "repairs_us", "failures_us", "versions", "unsettled", "watches", "evidence", "cases", "warned_life_us", "silent_us",
    "late", "serviced", "stands", "shelved_us",
)  # fmt: skip
"""What an asset keeps when its type changes: what was done to it, and what must not be said of it twice."""


def migrated(
    blocks: Mapping[str, Block], gone: Mapping[str, Block], plant: Plant
) -> tuple[dict[str, Block], dict[str, Block]]:
    """The blocks of a plant's types and of those that are gone, made of both before it, not to be used any more.

    An asset that is not in the plant stays where it was, and so does one of a type that is gone: they may come back,
    and what was said of them must not be said twice.
    """
    known = {**gone, **blocks}
    out = {name: _fitted(known.get(name), name, plant) for name in plant.types}
    for name, old in known.items():
        for at, asset in enumerate(old.names):
            kind = plant.type_of(asset)
            if kind not in (None, name):
                _take_in(out[kind], old, at)
    for block in out.values():
        block.small.away = {at: True for at, asset in enumerate(block.names) if plant.type_of(asset) is None}
    left = {name: old for name, old in known.items() if name not in out}
    left = {name: _staying(old, _Columns.all_of(old.layout), name, plant) for name, old in left.items()}
    return out, {name: block for name, block in left.items() if block.names}


def _fitted(old: Block | None, name: str, plant: Plant) -> Block:
    """A type's block with the assets that stay in it."""
    asset_type = plant.types[name]
    if old is None:
        return Block.empty(Layout(name, asset_type))
    if old.layout.asset_type == asset_type and list(old.layout.asset_type.signals) == list(asset_type.signals):
        return _staying(old, _Columns.all_of(old.layout), name, plant)
    return _staying(old, _Columns.between(old.layout, name, asset_type), name, plant)


def _staying(old: Block, columns: _Columns, name: str, plant: Plant) -> Block:
    """A block with the assets that are of its type still, or of none, and with these columns."""
    stay = np.array([at for at, asset in enumerate(old.names) if plant.type_of(asset) in (None, name)], np.int64)
    if columns.layout is old.layout and len(stay) == len(old.names):
        return old
    names = [old.names[at] for at in stay.tolist()]
    return Block(
        layout=columns.layout,
        tiers=_tiers(old.tiers, columns, stay),
        machines=_machines(old.machines, columns, stay),
        marks=old.marks.of(stay),
        hours=old.hours.of(stay),
        keys=old.keys,
        watermark_us=old.watermark_us[stay],
        heard_us=old.heard_us[stay],
        index={asset: at for at, asset in enumerate(names)},
        names=names,
        open=OpenSamples.of(_open(old.open.all(), columns, stay)),
        small=_small(old.small, stay),
    )


class _Columns(NamedTuple):
    """A layout and which of its columns were which before: places of both, of one order."""

    layout: Layout
    to: np.ndarray
    of: np.ndarray

    @classmethod
    def all_of(cls, layout: Layout) -> _Columns:
        every = np.arange(layout.columns)
        return cls(layout, every, every)

    @classmethod
    def between(cls, old: Layout, name: str, asset_type: AssetType) -> _Columns:
        """Columns of one name go on where their bins mean the same: numbers or shares, counted or weighed by time.

        What their squares are about stays what it was.
        """
        new = Layout(name, asset_type)
        same = [column for column in new.column_names if meaning(new, column) == meaning(old, column)]
        about = {column: float(old.reference[old.column_index[column]]) for column in same}
        to, of = (np.array([each.column_index[column] for column in same], np.int64) for each in (new, old))
        return cls(Layout(name, asset_type, about), to, of)


def meaning(layout: Layout, column: str) -> tuple[bool, bool] | None:
    """What a column's bins are: numbers or shares, weighed by time or counted; None where it is not there."""
    at = layout.column_index.get(column)
    return None if at is None else (column in layout.numeric_index, bool(layout.held.columns[at]))


_PER_BIN = ("minute", "quarter", "day")


def _tiers(old: Tiers, columns: _Columns, stay: np.ndarray) -> Tiers:
    layout = columns.layout
    out = Tiers.empty(len(stay), layout.reference, layout.held_places)
    held = np.flatnonzero(layout.held.columns[columns.to])
    held_to = np.searchsorted(out.held, columns.to[held])
    held_of = np.searchsorted(old.held, columns.of[held])
    for name in ARRAYS:
        before, now = getattr(old, name)[stay], getattr(out, name)
        if name in _PER_BIN:
            now[...] = before
        elif name == "minute_lead":
            now[..., held_to] = before[..., held_of]
        else:
            now[..., columns.to] = before[..., columns.of]
    return out


def _machines(old: Machines, columns: _Columns, stay: np.ndarray) -> Machines:
    out = Machines.none(len(stay), columns.layout.columns)
    for name in Machines.__struct_fields__:
        before, now = getattr(old, name)[stay], getattr(out, name)
        if before.ndim == 1:
            now[...] = before
        else:
            now[:, columns.to] = before[:, columns.of]
    fresh = ~columns.layout.held.columns
    fresh[columns.to] = False
    heard = np.flatnonzero(out.minute != NEVER_MIN)
    out.spoke[np.ix_(heard, np.flatnonzero(fresh))] = out.minute[heard, None]  # from now on they have to say something
    return out


def _open(old: Samples, columns: _Columns, stay: np.ndarray) -> Samples:
    kept = old.where(np.isin(old.asset, stay) & np.isin(old.signal, columns.of))
    order = np.argsort(columns.of)
    signal = columns.to[order][np.searchsorted(columns.of[order], kept.signal)]
    return kept._replace(asset=np.searchsorted(stay, kept.asset), signal=signal)


def _small(old: Small, stay: np.ndarray) -> Small:
    place = {at: new for new, at in enumerate(stay.tolist())}
    of_asset = {name: of for name in Small.__struct_fields__ if isinstance(of := getattr(old, name), dict)}
    return replace(old, **{name: {place[at]: of[at] for at in of if at in place} for name, of in of_asset.items()})


def _take_in(block: Block, old: Block, at: int) -> None:
    """An asset that is of another type now: it begins anew, but where it stood in time and what was told of it.

    Its minutes that are not final keep their forecasts, so that a further revision counts up.
    """
    new = block.index_of(old.names[at])
    block.make_room()
    block.watermark_us[new], block.heard_us[new] = old.watermark_us[at], old.heard_us[at]
    for name in OF_MACHINE:
        if at in (known := getattr(old.small, name)):
            getattr(block.small, name)[new] = known[at]
    if at in old.small.entries:
        entries = {minute: replace(entry, features=b"") for minute, entry in old.small.entries[at].items()}
        block.small.entries[new] = entries
