"""A plant that changes in the log: whether it can be taken, by which models, and what ends of what was told.

Nothing here is read from a file: the record holds all of the plant. What of the state goes on is in `migrated`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from models.failure.draft import Draft
from models.failure.hazard import Hazard
from models.failure.health import HealthModel
from models.failure.learned import Learned, Lister
from models.figures.model import FigureModel
from models.inference import ModelError
from models.plant import Plant, PlantError, content
from models.plant.layout import Layout
from models.records import Notice, PlantChange, Reject
from models.release import Kind, Role, office
from pipelines.controls.migrated import meaning
from pipelines.parse import Rejected
from pipelines.stages.notify import fault_ends, silence_ends
from pipelines.state import Block

M = TypeVar("M", Hazard, HealthModel)


def kinds_of(plant: Plant) -> dict[str, Kind]:
    """The models that its types and its stations name, and of which kind each is."""
    tuned = plant.tuning.models if plant.tuning else ()
    return {name: kind for of in plant.types.values() for name, kind in of.named.items()} | dict.fromkeys(
        tuned, Kind.DEFECT
    )


def names_of(plant: Plant) -> set[str]:
    """The models that its types and its stations name."""
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
                if not (stays and new is not None and meaning(new, signal) == meaning(block.layout, signal)):
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
