"""What rules, health and time to limit say of the azure_pdm machines, live through a partition as a plant would run it.

A fold is an asset type of its own, whose limits and health model are of the other folds' machines. They learn what is
healthy, hours after which nothing failed for a week, and nothing of failures. A rung opens warnings at limits of its
own: a row at which it holds is 1, any other 0. Errors are no signal, so no rung sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby, pairwise

import numpy as np

from models.bins import MINUTE_US
from models.failure.health import SPANS, HealthModel
from models.failure.rules import LEAST_MINUTES
from models.features import Expected, Spec
from models.plant import Plant, parse
from models.records import (
    HORIZONS_H,
    Alert,
    AlertReason,
    AnyInput,
    Evidence,
    Maintenance,
    MaintenanceAction,
    Rung,
    Tick,
    decode,
    frame,
)
from onnx_export.expected import lines
from onnx_export.health_graph import Learned
from onnx_export.health_learn import BUDGET_A_MONTH, HEALTH, choose_factor, finish, learn
from onnx_export.health_own import EARLIER, part_of
from onnx_export.history import HOUR_US, History
from pipelines.driver import Driver
from pipelines.made import LIVE
from pipelines.partition import Partition
from tests.kit import azure

Fold = tuple[int, ...]
BEGIN_US = 1_420_092_000_000_000
"""The set's first hour, 2015-01-01 06:00, as UTC."""
PLANT = "azure"
WARNING, ALARM = 2.0, 3.0
"""Standard deviations of healthy readings: warning and action limits of Shewhart's charts (ISO 7870-2)."""
LONG = f"{LEAST_MINUTES - 1}h"
"""As many readings in a row as a rule asks for at least."""
ENDS = (AlertReason.CLEARED, AlertReason.REPAIRED)
Limits = dict[str, tuple[float, float]]
"""Of each signal the warning's and the alarm's, both on its bad side."""


def alone(rung: Rung | None) -> Callable[[Sequence[Sequence[int]], int], np.ndarray]:
    """A rule of the table: whether a rung holds at a row, or any of the three."""

    def rule(folds: Sequence[Sequence[int]], _seed: int) -> np.ndarray:
        return held(said(tuple(map(tuple, folds))), lambda one: rung is None or one.rung is rung)

    return rule


def held(alerts: Sequence[Alert], speaks: Callable[[Evidence], bool]) -> np.ndarray:
    """Rows at which evidence of some kind holds, float64 [machines x hours] of 0 and 1."""
    hours = azure.fleet().readings.shape[1]
    out = np.zeros((azure.MACHINES, hours))
    ordered = sorted(alerts, key=lambda one: (one.id, one.revision))
    for _, revisions in groupby(ordered, key=lambda one: one.id):
        for one, after in pairwise([*revisions, None]):
            if one is not None and one.reason not in ENDS and any(map(speaks, one.evidence)):
                out[_machine(one.asset), _row(one) : hours if after is None else _row(after)] = 1.0
    return out.ravel()


def _row(alert: Alert) -> int:
    """The hour whose reading brought it about: its minute ends after it."""
    return (alert.window_end_us - 1 - BEGIN_US) // HOUR_US


def _name(machine: int) -> str:
    return f"machine-{machine:02}"


def _machine(asset: str) -> int:
    return int(asset.rpartition("-")[2])


@cache
def said(folds: tuple[Fold, ...]) -> tuple[Alert, ...]:
    """All revisions of warnings of a year, each fold's by what the others taught."""
    models = [_health(fold) for fold in folds]
    live = Partition(plant_of({fold: limits_of(fold) for fold in folds}), {one.card.name: one for one in models})
    found = (decode(output.value) for _, effects in Driver([live]).feed(records()) for output in effects.outputs)
    return tuple(one for one in found if isinstance(one, Alert))


def plant_of(limits: Mapping[Fold, Limits]) -> Plant:
    """A type a fold, with its rules, a health model and its machines."""
    parts = [f'plant = "{PLANT}"\n']
    for fold, of in limits.items():
        kind = _kind(fold)
        parts.append(f'[types.{kind}]\nhealth = "{kind}.health"\n')
        for name in azure.SIGNALS:
            parts.append(f'[types.{kind}.signals.{name}]\nkind = "gauge"\nmax_silence = "90min"\n')
        parts += [_rule(kind, name, *levels) for name, levels in of.items()]
        parts += [f'[assets.{_name(machine)}]\ntype = "{kind}"\n' for machine in fold]
    return parse("".join(parts))


def _kind(fold: Fold) -> str:
    return f"fold-of-{min(fold)}"


def _rule(kind: str, signal: str, warning: float, alarm: float) -> str:
    side = "low" if signal in azure.FALLS else "high"
    return (
        f'[[types.{kind}.rules]]\nname = "{signal}"\nsignals = ["{signal}"]\nfor = "{LONG}"\n'
        f"warning_{side} = {warning:.6g}\nalarm_{side} = {alarm:.6g}\n"
    )


def records() -> Iterator[AnyInput]:
    """The year by hours: a tick, the machines' readings, and a minute after them what was repaired."""
    found = azure.fleet()
    repaired = {(machine, int(at)) for machine, of in enumerate(found.failures) for at, _ in of}
    for hour, readings in enumerate(found.readings.swapaxes(0, 1).tolist()):
        time_us = BEGIN_US + hour * HOUR_US
        yield Tick(plant=PLANT, time_us=time_us)
        for machine, values in enumerate(readings):
            signals = {name: [value] for name, value in zip(azure.SIGNALS, values, strict=True)}
            yield frame(PLANT, _name(machine), "telemetry", [time_us], signals)
        for machine in range(azure.MACHINES):
            if (machine, hour) in repaired:
                yield Maintenance(
                    plant=PLANT, asset=_name(machine), time_us=time_us + MINUTE_US, action=MaintenanceAction.REPAIRED
                )
    yield Tick(plant=PLANT, time_us=BEGIN_US + found.readings.shape[1] * HOUR_US)


@cache
def features() -> tuple[Spec, np.ndarray]:
    """Rows of all hours as health models see them, of whose signals 0 is expected yet; NaN where a row has nothing."""
    every = tuple(range(azure.MACHINES))
    plant = plant_of({every: {}})
    spec, model = _blank(plant, _kind(every))
    live = Partition(plant, {model.card.name: model}, pace=LIVE._replace(features=True))
    Driver([live]).run(records())
    hours = azure.fleet().readings.shape[1]
    out = np.full((azure.MACHINES, hours, len(spec.names)), np.nan, np.float32)
    for looked in live.looked or ():
        machines = np.array([_machine(name) for name in looked.assets])
        out[machines[looked.asset], (looked.window_end_us - 1 - BEGIN_US) // HOUR_US] = looked.rows
    return spec, out.reshape(-1, len(spec.names))


def _blank(plant: Plant, kind: str) -> tuple[Spec, HealthModel]:
    """A model that has learned nothing, so that rows of its features are made."""
    spec = Spec.of(plant.types[kind], tuple(Expected(name, 0.0, ()) for name in azure.SIGNALS))
    one = np.ones(len(SPANS) * len(azure.SIGNALS))
    nothing = Learned(own=one, fleet=one, loadings=np.eye(len(one))[:, :1], variances=one[:1], t2_limit=1, spe_limit=1)
    return spec, _finished(nothing, spec, np.zeros((8, len(spec.names)), np.float32), kind)


def _finished(learned: Learned, spec: Spec, rows: np.ndarray, kind: str) -> HealthModel:
    told = {"basis": PLANT, "trained_on": PLANT, "command": "none", "seeds": {}, "scores": {}}
    made = finish(learned, spec, rows, name=f"{kind}.{HEALTH}", asset_type=kind, **told)
    return HealthModel(made.onnx, made.card)


def _healthy(fold: Fold) -> tuple[Spec, History]:
    """Hours that were healthy of the machines that are not in a fold."""
    spec, rows = features()
    history = azure.history(rows)
    healthy = (history.known_h > HORIZONS_H[-1]) & ~np.isnan(rows).all(axis=1)
    return spec, part_of(history, healthy & ~np.isin(history.asset, fold))


def limits_of(fold: Fold) -> Limits:
    """Of each signal, by what it reads on the machines that are not in a fold."""
    spec, own = _healthy(fold)
    out: Limits = {}
    for name in azure.SIGNALS:
        readings = own.features[:, spec.column(f"{name}.mean_1h")].astype(np.float64)
        middle, spread = float(readings.mean()), float(readings.std())
        side = -1.0 if name in azure.FALLS else 1.0
        out[name] = (middle + side * WARNING * spread, middle + side * ALARM * spread)
    return out


def _health(fold: Fold) -> HealthModel:
    """As a plant makes its own: without bounds, so that the limit trends lead to is the index's."""
    spec, own = _healthy(fold)
    expected = lines(spec, own.features, dict.fromkeys(azure.SIGNALS, ()))
    own = replace(own, features=_over(own.features, spec, expected))
    spec = Spec.of(plant_of({(0,): {}}).types[_kind((0,))], expected)
    early = own.window_end_us < np.quantile(own.window_end_us, EARLIER)
    first = part_of(own, early)
    learned = learn(spec, [first.features[first.asset == asset] for asset in np.unique(first.asset)])
    learned, _ = choose_factor(learned, spec, [part_of(own, ~early)], BUDGET_A_MONTH)
    return _finished(learned, spec, own.features, _kind(fold))


def _over(rows: np.ndarray, spec: Spec, expected: Sequence[Expected]) -> np.ndarray:
    """Rows of which that much is expected where it was 0: what they read over it is less by as much."""
    out = rows.copy()
    for one in expected:
        out[:, [spec.column(f"{one.target}.{span}") for span in SPANS]] -= np.float32(one.intercept)
    return out
