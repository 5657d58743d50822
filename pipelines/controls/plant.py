"""A plant that changes in the log: whether it can be taken, and what of the state goes on under it.

What a machine was and what was said of it stays; a column goes on where it means the same as before. Nothing here is
read from a file: the record holds all of the plant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeVar

import numpy as np
from msgspec.structs import replace

from models.bins import Samples
from models.failure.draft import Draft
from models.failure.hazard import Hazard
from models.failure.health import HealthModel
from models.failure.learned import Learned, Lister
from models.figures.model import FigureModel
from models.inference import ModelError
from models.operating import NEVER_MIN, Machines
from models.plant import AssetType, Plant, PlantError, content
from models.plant.layout import Layout
from models.records import Notice, PlantChange, Reject
from models.release import Kind, Role, office
from models.tiers import ARRAYS, Tiers
from pipelines.open import OpenSamples
from pipelines.parse import Rejected
from pipelines.stages.notify import fault_ends, silence_ends
from pipelines.state import Block, Small

M = TypeVar("M", Hazard, HealthModel)

OF_MACHINE = (
    "repairs_us", "failures_us", "versions", "unsettled", "watches", "evidence", "cases", "warned_life_us", "silent_us",
    "late", "serviced",
)  # fmt: skip
"""What an asset keeps when its type changes: what was done to it, and what must not be said of it twice."""


def kinds_of(plant: Plant) -> dict[str, Kind]:
    """The models that its types name, and of which kind each is."""
    return {name: kind for of in plant.types.values() for name, kind in of.named.items()}


def names_of(plant: Plant) -> set[str]:
    """The models that its types name."""
    return set(kinds_of(plant))


def needed_of(plant: Plant) -> set[str]:
    """Those that must be there from the beginning: hazards and health models. Figures may come with a release."""
    return {name for name, kind in kinds_of(plant).items() if kind in (Kind.FAILURE, Kind.HEALTH)}


def learned_of(plant: Plant, models: Mapping[str, Lister]) -> dict[str, Learned]:
    """The models of each type. Raises ModelError where one is not there or misfits."""
    return {name: _learned_of(Layout(name, asset_type), models) for name, asset_type in plant.types.items()}


def _learned_of(layout: Layout, models: Mapping[str, Lister]) -> Learned:
    kind = layout.asset_type
    drafted = models.get(kind.model or "")
    if isinstance(drafted, Draft):
        _check_signals(layout, drafted.name, drafted)
        return Learned(draft=drafted)
    hazard = _model_of(layout, _pinned(layout, kind.model, models), Hazard, models)
    health = _model_of(layout, _pinned(layout, kind.health, models), HealthModel, models)
    shadow = _shadow_of(layout, kind.model, models) if hazard else None
    out = Learned(hazard, health, shadow=shadow, figures=_figures_of(layout, models))
    if out.hazard and out.shadow and out.hazard.spec.sha256 != out.shadow.spec.sha256:
        raise ModelError(f"the shadow of '{kind.model}' looks at other features than it: publish one of the same")
    if out.hazard and out.health and out.hazard.spec.sha256 != out.health.spec.sha256:
        raise ModelError(
            f"models '{kind.model}' and '{kind.health}' of type '{layout.name}' are of other features: train one by "
            "the feature list of the other"
        )
    return out


def _figures_of(layout: Layout, models: Mapping[str, Lister]) -> dict[Kind, FigureModel]:
    """The models of other kinds that a type names, as far as there are any yet."""
    out: dict[Kind, FigureModel] = {}
    for kind, name in sorted(layout.asset_type.models.items()):
        model = models.get(_pinned(layout, name, models) or name)
        if isinstance(model, FigureModel) and model.card.kind is kind:
            out[kind] = model
        elif model is not None:
            raise ModelError(f"type '{layout.name}' wants '{name}' as a model of kind {kind}: see its card")
    return out


def _pinned(layout: Layout, name: str | None, models: Mapping[str, Lister]) -> str | None:
    """Where a type's model is among those known: its own, if it stays with one."""
    own = office(name or "", Role.PIN, layout.name)
    return own if name is not None and own in models else name


def _shadow_of(layout: Layout, name: str | None, models: Mapping[str, Lister]) -> Hazard | None:
    """The release that runs beside a type's hazard, if one does."""
    beside = office(name or "", Role.SHADOW)
    return _model_of(layout, beside, Hazard, models) if beside in models else None


def _model_of(layout: Layout, name: str | None, kind: type[M], models: Mapping[str, Lister]) -> M | None:
    if name is None:
        return None
    model = models.get(name)
    if model is None:
        raise ModelError(f"type '{layout.name}' wants model '{name}', but there are {sorted(models)}")
    if not isinstance(model, kind):
        raise ModelError(f"type '{layout.name}' wants '{name}' as another kind of model than it is: see its card")
    _check_signals(layout, name, model)
    return model


def _check_signals(layout: Layout, name: str, model: Hazard | HealthModel | Draft) -> None:
    """Raise ModelError where a type does not have what a model looks at."""
    missing = set(model.spec.inputs) - set(layout.column_names)
    if missing:
        raise ModelError(
            f"model '{name}' needs signals {sorted(missing)}, which type '{layout.name}' does not have: declare them, "
            "or leave its model out"
        )


def taken(change: PlantChange, plant: str, models: Mapping[str, Lister]) -> tuple[Plant, dict[str, Learned]]:
    """The plant of a record with its types' models. Raises Rejected where the plant called `plant` cannot be so."""
    try:
        new = content.decode(bytes(change.content))
        if new.plant != plant:
            raise Rejected(Reject.WRONG_PLANT, f"its content is plant '{new.plant}', but this is '{plant}'")
        if new.version != change.version:
            raise Rejected(
                Reject.PLANT_REFUSED, f"it says version '{change.version}', but its content is '{new.version}'"
            )
        return new, learned_of(new, models)
    except (PlantError, ModelError) as wrong:
        raise Rejected(Reject.PLANT_REFUSED, str(wrong)) from wrong


def faults_that_end(blocks: Mapping[str, Block], plant: Plant, floor_us: int) -> list[Notice]:
    """Ends of what was told of sensors that do not go on: gone, of another meaning, or of an asset that leaves."""
    out = []
    for name, block in blocks.items():
        asset_type = plant.types.get(name)
        new = Layout(name, asset_type) if asset_type else None
        for at in sorted(block.small.faults):
            stays = new is not None and plant.type_of(block.names[at]) == name
            for signal in sorted(block.small.faults[at]):
                if not (stays and new is not None and _meaning(new, signal) == _meaning(block.layout, signal)):
                    out.append(fault_ends(block, at, signal, plant.plant, floor_us))
    return out


def silences_that_end(blocks: Mapping[str, Block], plant: Plant, tick_us: int) -> list[Notice]:
    """Ends of what was told of silent assets that leave the plant."""
    return [
        silence_ends(block, at, plant.plant, tick_us)
        for block in blocks.values()
        for at in sorted(block.small.silent_us)
        if plant.type_of(block.names[at]) is None
    ]


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
        same = [column for column in new.column_names if _meaning(new, column) == _meaning(old, column)]
        about = {column: float(old.reference[old.column_index[column]]) for column in same}
        to, of = (np.array([each.column_index[column] for column in same], np.int64) for each in (new, old))
        return cls(Layout(name, asset_type, about), to, of)


def _meaning(layout: Layout, column: str) -> tuple[bool, bool] | None:
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
