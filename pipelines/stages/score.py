"""Due minutes to forecasts: one inference call for all of them, a second for what drives the few that are high.

A forecast is published when it is new or says something else than its last revision.
"""

from __future__ import annotations

import numpy as np

from models.alerting.life import CLEAR_SHARE
from models.bins import MINUTE_US
from models.failure.hazard import RUNG, WARNING, Hazard
from models.records import Driver, Forecast, id_of
from pipelines.stages.window import Due
from pipelines.state import Block, Entry, Normal

NORMAL_AFTER_H = 24.0
"""Running hours in a life after which its feature row is taken as the asset's normal."""


def score(block: Block, hazard: Hazard, due: Due, plant: str, lateness_us: int) -> list[tuple[int, Forecast]]:
    """Forecasts to publish, each with the place of the record that made it due."""
    chances = hazard.chances(due.features)
    normals = _normals(block, hazard, due, lateness_us)
    drivers = _drivers(hazard, due, chances, normals)
    completeness = np.round(due.features[:, hazard.spec.completeness].astype(np.float64), 4).tolist()
    out = []
    for at, asset, minute, row, why, complete in zip(
        due.at.tolist(), due.asset.tolist(), due.minute.tolist(), chances.tolist(), drivers, completeness, strict=True
    ):
        entry = block.small.entries[asset][minute]
        forecast = _forecast(plant, block.names[asset], minute, row, why, hazard.card.version, complete, entry.forecast)
        if forecast is not entry.forecast:
            entry.forecast = forecast
            out.append((at, forecast))
    return out


def _normals(block: Block, hazard: Hazard, due: Due, lateness_us: int) -> list[Normal | None]:
    """The asset's normal as each due minute may use it: one that was final when the minute first closed."""
    behind = -(-lateness_us // MINUTE_US)
    unsettled: dict[int, list[int]] = {}
    out = []
    for asset, minute, since_us in zip(due.asset.tolist(), due.minute.tolist(), due.since_us.tolist(), strict=True):
        entries = block.small.entries[asset]
        waiting = unsettled.get(asset)
        if waiting is None:
            waiting = unsettled[asset] = sorted((m for m, entry in entries.items() if not entry.settled), reverse=True)
        while waiting and waiting[-1] <= minute - behind:
            earlier = waiting.pop()
            settle(block, hazard, asset, earlier, entries[earlier])
        normal = block.small.normals.get(asset)
        usable = normal is not None and normal.since_us == since_us and normal.minute <= minute - behind
        out.append(normal if usable else None)
    return out


def settle(block: Block, hazard: Hazard, asset: int, minute: int, entry: Entry) -> None:
    """Take a minute that can no longer change into the asset's running time and, the first time, its normal."""
    entry.settled = True
    block.lives.settle(asset, minute, entry.since_us)
    normal = block.small.normals.get(asset)
    if normal is not None and normal.since_us == entry.since_us:
        return
    if np.frombuffer(entry.features, np.float32)[hazard.spec.running] >= NORMAL_AFTER_H:
        block.small.normals[asset] = Normal(entry.since_us, minute, entry.features)


def _drivers(hazard: Hazard, due: Due, chances: np.ndarray, normals: list[Normal | None]) -> list[tuple[Driver, ...]]:
    out: list[tuple[Driver, ...]] = [()] * len(normals)
    likely = np.flatnonzero(chances[:, WARNING] >= CLEAR_SHARE * hazard.card.warning_limit).tolist()
    high = [(at, normal) for at in likely if (normal := normals[at]) is not None]
    if not high:
        return out
    rows = [hazard.variants(due.features[at], np.frombuffer(normal.features, np.float32)) for at, normal in high]
    others = hazard.chances(np.concatenate(rows))[:, WARNING].reshape(len(high), -1)
    for (at, _), variants in zip(high, others, strict=True):
        out[at] = hazard.drivers(float(chances[at, WARNING]), variants)
    return out


def _forecast(
    plant: str,
    asset: str,
    minute: int,
    chances: list[float],
    drivers: tuple[Driver, ...],
    model: str,
    completeness: float,
    last: Forecast | None,
) -> Forecast:
    """The forecast of a minute; the last one itself where nothing changed."""
    if last is not None and (last.chances, last.drivers, last.model, last.completeness) == (
        tuple(chances),
        drivers,
        model,
        completeness,
    ):
        return last
    end_us = (minute + 1) * MINUTE_US
    return Forecast(
        plant=plant,
        id=last.id if last else id_of("forecast", plant, asset, RUNG, end_us),
        revision=last.revision + 1 if last else 0,
        asset=asset,
        window_end_us=end_us,
        chances=tuple(chances),
        drivers=drivers,
        model=model,
        rung=RUNG,
        completeness=completeness,
    )
