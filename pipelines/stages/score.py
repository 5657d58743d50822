"""Due minutes to forecasts: one inference call for all that ran, a second for what drives the few that are high.

The model is asked again only about what is made of other features now. A forecast is published when it is new or says
something else than its last revision. Minutes in which a machine did not run wait until they are final: see `warn`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from models.alerting.thresholds import threshold_of
from models.bins import MINUTE_US
from models.failure.hazard import WARNING, Card, Hazard, founded
from models.features import Baseline, stated
from models.operating import RUNNING
from models.plant import Plant
from models.records import Driver, Forecast, ModeShare, OperatingState, Remaining, Rung, Whose, id_of
from pipelines.due import Due
from pipelines.state import Block


class Says(NamedTuple):
    """What a forecast says, by the names of its fields."""

    chances: tuple[float, ...]
    drivers: tuple[Driver, ...]
    completeness: float
    baseline: Whose
    missing: tuple[str, ...]
    modes: tuple[ModeShare, ...]
    remaining: Remaining | None


class Scored(NamedTuple):
    """Forecasts to publish, each with the place of the record that made it due, and the rows that they are of."""

    said: list[tuple[int, Forecast]]
    features: np.ndarray


def score(block: Block, hazard: Hazard, due: Due, plant: Plant) -> Scored:
    """Forecasts of minutes that ran, where they are new or say something else than before."""
    ran = _to_ask(block, hazard, due)
    names = [block.names[asset] for asset in due.asset[ran].tolist()]
    says = _says(hazard, due.features[ran], due.baseline[ran], _near(plant, hazard.card, names))
    columns = ran, due.at[ran], due.asset[ran], due.minute[ran]
    out, places = [], []
    for place, at, asset, minute, said in zip(*(column.tolist() for column in columns), says, strict=True):
        entry = block.small.entries[asset][minute]
        forecast = _forecast(plant.plant, block.names[asset], minute, hazard, said, entry.forecast)
        if forecast is not entry.forecast:
            entry.forecast = forecast
            out.append((at, forecast))
            places.append(place)
    block.scores.scored += len(ran)
    block.scores.repeated += len(ran) - len(out)
    return Scored(out, due.features[places])


def _to_ask(block: Block, hazard: Hazard, due: Due) -> np.ndarray:
    """Places of minutes that ran, but for those about which this model said what it would say."""
    ran = np.flatnonzero(due.state == RUNNING)
    again = ~due.fresh[ran]
    for at in np.flatnonzero(again).tolist():
        last = block.small.entries[int(due.asset[ran[at]])][int(due.minute[ran[at]])].forecast
        again[at] = last is not None and last.model == hazard.card.version
    block.scores.due += len(ran)
    block.scores.unchanged += int(again.sum())
    return ran[~again]


def _near(plant: Plant, card: Card, names: Sequence[str]) -> np.ndarray:
    """From which chance on it is told why: where a hazard that holds would not yet clear.

    Drivers are told where the chance within 72 h is as high, failure modes where that within the last horizon is.
    """
    found = {name: threshold_of(plant, name, card.warning_limit) for name in set(names)}
    return np.array([found[name].clear_share * found[name].limit for name in names])


def _says(hazard: Hazard, features: np.ndarray, baseline: np.ndarray, near: np.ndarray) -> Iterator[Says]:
    """What is said of each row."""
    chances, shares = hazard.run(features)
    drivers = _drivers(hazard, features, baseline, chances, near)
    completeness = np.round(features[:, hazard.spec.completeness].astype(np.float64), 4).tolist()
    whose, missing = stated.whose(hazard.spec, features), stated.missing(hazard.spec, features)
    told, remaining = (chances[:, -1] >= near).tolist(), hazard.remaining(chances)
    for at, row in enumerate(chances.tolist()):
        modes = hazard.likely(shares[at]) if told[at] else ()
        yield Says(tuple(row), drivers[at], completeness[at], whose[at], missing[at], modes, remaining[at])


def _drivers(
    hazard: Hazard, features: np.ndarray, baseline: np.ndarray, chances: np.ndarray, near: np.ndarray
) -> list[tuple[Driver, ...]]:
    out: list[tuple[Driver, ...]] = [()] * len(features)
    likely = np.flatnonzero(chances[:, WARNING] >= near).tolist()
    usual = {at: row for at in likely if (row := _usual(baseline[at])) is not None}
    if not usual:
        return out
    high, normal = list(usual), np.array(list(usual.values()))
    variants = hazard.variants(features[high], normal)
    others = hazard.chances(variants.reshape(-1, features.shape[1]))[:, WARNING].reshape(len(high), -1)
    for at, variants in zip(high, others, strict=True):
        out[at] = hazard.drivers(features[at], float(chances[at, WARNING]), variants)
    return out


def _usual(baseline: Baseline | None) -> np.ndarray | None:
    """What an asset's features are while nothing is wrong; of one that has no usual yet, no driver can be told."""
    return None if baseline is None else np.frombuffer(baseline.features, np.float32)


def _forecast(plant: str, asset: str, minute: int, hazard: Hazard, said: Says, last: Forecast | None) -> Forecast:
    """The forecast of a minute; the last one itself where nothing changed."""
    card, end_us = hazard.card, (minute + 1) * MINUTE_US
    if last is not None and last.model == card.version and said == tuple(getattr(last, of) for of in said._fields):
        return last
    return Forecast(
        plant=plant,
        id=last.id if last else id_of("forecast", plant, asset, Rung.HAZARD, end_us),
        revision=last.revision + 1 if last else 0,
        asset=asset,
        window_end_us=end_us,
        operating=OperatingState.RUNNING,
        running_until_us=end_us,
        model=card.version,
        basis=card.basis,
        rung=Rung.HAZARD,
        confidence=founded(hazard, said.baseline),
        **said._asdict(),
    )
