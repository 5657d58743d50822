"""A warning made again from its bundle: each thing that it says beside what comes of its row, its model and its rules.

Pure: the model of the bundle's version and the plant's file are given. What a bundle has not is named, not guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from models.failure.hazard import Hazard
from models.failure.rules import Rules
from models.plant import Plant
from models.plant.layout import Layout
from models.records import Alert, Bundle, Evidence, Level, Rung, id_of


class Check(NamedTuple):
    """One thing that a warning says, as it was told and as it comes again; whether that `matches`, None for unknown."""

    what: str
    told: str
    again: str
    matches: bool | None


def explained(alert: Alert, plant: Plant, hazard: Hazard | None) -> tuple[Check, ...]:
    """All that can be made again; `hazard` is the model that the warning names, None where it cannot be had."""
    return (*_identity(alert), *_rules(alert, plant), *_hazard(alert, hazard), *_health(alert))


def _same(what: str, told: object, again: object) -> Check:
    return Check(what, str(told), str(again), told == again)


def _unknown(what: str, told: object, why: str) -> Check:
    return Check(what, str(told), why, None)


def _identity(alert: Alert) -> Iterator[Check]:
    if alert.historical:
        yield _unknown("id", alert.id, "of a replay, whose ids are its own")
    else:
        yield _same("id", alert.id, id_of("alert", alert.plant, alert.asset, alert.mode, alert.opened_us))


def _rules(alert: Alert, plant: Plant) -> Iterator[Check]:
    """Limits of rules that it rests on, by the plant's file."""
    found = [one for one in alert.evidence if one.rung is Rung.RULES]
    if alert.bundle is None or not found:
        return
    if alert.bundle.plant_version != plant.version:
        why = f"the file is version {plant.version} now: take that one to look at limits again"
        yield _unknown("version of the plant file", alert.bundle.plant_version, why)
        return
    yield _same("version of the plant file", alert.bundle.plant_version, plant.version)
    kind = plant.type_of(alert.asset)
    if kind is None:
        yield _unknown("limits", alert.asset, "it is not in the plant file")
        return
    rules = Rules(Layout(kind, plant.types[kind]), plant)
    levels = rules.levels_of(alert.asset)
    for one in found:
        yield _limit(one, rules, levels)


def _limit(evidence: Evidence, rules: Rules, levels: np.ndarray) -> Check:
    is_alarm = evidence.level is Level.ALARM
    mine = [
        float(levels[at])
        for at, rule in enumerate(rules.columns.rule)
        if rules.rules[rule].name == evidence.name and bool(rules.columns.is_alarm[at]) == is_alarm
    ]
    again = evidence.limit if evidence.limit in mine else (mine[0] if mine else None)
    return _same(f"{evidence.level} of {evidence.name}", evidence.limit, again)


def _hazard(alert: Alert, hazard: Hazard | None) -> Iterator[Check]:
    """What the model says of the row."""
    if not alert.chances:
        return
    bundle = alert.bundle
    if bundle is None or not bundle.features:
        yield _unknown("chances", alert.chances, "its row is not in the bundle: the model was changed meanwhile")
        return
    yield _same("forecast", bundle.forecast, _forecast_id(alert, bundle))
    if hazard is None:
        yield _unknown("chances", alert.chances, f"the model {alert.model} is nowhere: `forewarn model releases`")
        return
    row = np.frombuffer(bundle.features, np.float32)[None]
    if row.shape[1] != len(hazard.spec.names):
        yield Check("row", f"{row.shape[1]} features", f"{len(hazard.spec.names)} of the model", False)
        return
    chances, shares = hazard.run(row)
    yield _same("model", alert.model, hazard.card.version)
    yield _same("chances", alert.chances, tuple(chances[0].tolist()))
    if alert.modes:
        yield _same("failure modes", alert.modes, hazard.likely(shares[0]))
    remaining = hazard.remaining(chances)[0]
    if remaining is not None:
        yield _same("time to failure", alert.remaining, remaining)
    again = round(float(row[0, hazard.spec.completeness]), 4)
    yield _same("completeness", alert.completeness, again)


def _forecast_id(alert: Alert, bundle: Bundle) -> str:
    return id_of("forecast", alert.plant, alert.asset, Rung.HAZARD, bundle.window_end_us)


def _health(alert: Alert) -> Iterator[Check]:
    for one in alert.evidence:
        if one.rung in (Rung.HEALTH, Rung.TREND):
            yield _unknown(f"{one.rung} by {one.name}", one.value, "of hours: `forewarn backfill` makes it again")
