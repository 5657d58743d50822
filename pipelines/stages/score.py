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
from pipelines.state import Block


def score(block: Block, hazard: Hazard, due: Due, plant: str) -> list[tuple[int, Forecast]]:
    """Forecasts to publish, each with the place of the record that made it due."""
    chances = hazard.chances(due.features)
    drivers = _drivers(hazard, due, chances)
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


def _drivers(hazard: Hazard, due: Due, chances: np.ndarray) -> list[tuple[Driver, ...]]:
    out: list[tuple[Driver, ...]] = [()] * len(due.minute)
    likely = np.flatnonzero(chances[:, WARNING] >= CLEAR_SHARE * hazard.card.warning_limit).tolist()
    high = [(at, normal) for at in likely if (normal := due.normal[at]) is not None]
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
