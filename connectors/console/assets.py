"""The API's part about one machine: how it stands, its signals over time, what was done to it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from connectors.console.place import AtDesk, Here, SeenAsset
from connectors.console.said import AssetPage, History, SignalOf, Signals, Works
from connectors.console.schemas import Told, says
from models.alerting.trends import Line
from models.plant import Plant

router = APIRouter(prefix="/api/v1/assets/{asset}", tags=["machines"])
LONGEST_DAYS = 400
"""A year and a month, for a look at the same season."""


@router.get("", **says(AssetPage))
async def page(asset: SeenAsset, here: Here) -> Told:
    """A machine: what it does, its chances and health with what drives them, its signals and their limits, warnings."""
    return Told(AssetPage(
        now=here.asset(asset), signals=tuple(_signals(here.plant, asset)), forecast=here.forecasts.get(asset),
        health=here.healths.get(asset), warnings=tuple(here.warnings_of(asset)),
    ))  # fmt: skip


@router.get("/history", **says(History))
async def history(asset: SeenAsset, here: Here) -> Told:
    """Its chances within 72 h and its healths over time, as far as this console followed them."""
    chances, indices = here.chances[asset], here.indices[asset]
    return Told(History(
        time_us=tuple(chances.time_us), chance_72h=tuple(chances.value), health_us=tuple(indices.time_us),
        health=tuple(indices.value),
    ))  # fmt: skip


@router.get("/signals", **says(Signals))
async def signals(asset: SeenAsset, desk: AtDesk, days: Annotated[float, Query(gt=0, le=LONGEST_DAYS)] = 30.0) -> Told:
    """Its signals over the last days that have rows: mean, lowest and highest value of each step."""
    return Told(await desk.signals(asset, days))


@router.get("/work", **says(Works))
async def work(asset: SeenAsset, desk: AtDesk) -> Told:
    """Its failures, repairs and finished orders."""
    return Told(await desk.work(asset))


def _signals(plant: Plant, asset: str) -> list[SignalOf]:
    limits = plant.limits_of(asset)
    return [
        SignalOf(
            name=name, unit=signal.unit, kind=str(signal.kind), sampling=str(signal.sampling),
            limits=tuple(
                Line(level=level, says=f"{which.replace('_', ' ')} of the plant file")
                for which, level in (limits[name].levels.items() if name in limits else ())
            ),
        )
        for name, signal in plant.types[plant.assets[asset].type].signals.items()
    ]  # fmt: skip
