"""What rules, health and time to limit say of histories of simulated pumps, with no failure to learn from."""

from __future__ import annotations

from importlib.resources import files
from typing import NamedTuple

import numpy as np

from models import starter
from models.failure.health import HealthModel
from models.failure.switches import After, Switches, step
from models.features import Spec
from models.records import Rung
from onnx_export.history import History
from onnx_export.recipe import NAME
from onnx_export.rungs import health_on, trend_on, walk

ALL, RULES_EARLY = "all rungs", "rules at warning levels"
RUNGS = (Rung.RULES, Rung.HEALTH, Rung.TREND)


class Levels(NamedTuple):
    """Of bearings: kelvin over what is expected, and degC; of flow: m3/h. `clear` is how far back is back."""

    rise_k: float
    bearing_degc: float
    flow_m3_h: float
    clear: tuple[float, float, float] = (3.0, 3.0, 10.0)


# A rise of 15 K over the baseline at this load and ambient and 80 degC are a proposal from manuals of pumps and motors;
# 93 degC, alarm of pump bearing assemblies (GIW, A). The flow is the PLC's alarm.
EARLY = Levels(15.0, 80.0, 300.0)
ALARM = Levels(np.inf, 93.0, 300.0)
BEARINGS = ("radial_bearing_temp_degc", "thrust_bearing_temp_degc")
AFTER = After(open_h=4, clear_h=24)


def rules_on(history: History, spec: Spec, levels: Levels) -> np.ndarray:
    """Rows at which a rule holds, bool [rows]: bearing temperature or its rise too high, or too little flow."""

    def column(name: str) -> np.ndarray:
        return history.features[:, spec.column(name)].astype(np.float64)

    found = []
    for bearing in BEARINGS:
        change = column(f"{bearing}.change_24h")
        rise = np.where(np.isnan(change), column(f"{bearing}.over_24h"), change)
        found.append((rise - levels.rise_k, levels.clear[0]))
        found.append((column(f"{bearing}.mean_1h") - levels.bearing_degc, levels.clear[1]))
    found.append((levels.flow_m3_h - column("flow_m3_h.mean_1h"), levels.clear[2]))
    over = np.any([beyond >= 0.0 for beyond, _ in found], axis=0)
    under = np.all([~(beyond >= -back) for beyond, back in found], axis=0)
    switches = Switches.none(int(history.asset.max()) + 1)

    def take(assets: np.ndarray, rows: np.ndarray) -> np.ndarray:
        moved, _ = step(switches.copy_of(assets), history.since_us[rows], over[rows], under[rows], AFTER)
        switches.put(assets, moved)
        return moved.on

    return walk(history, take)


def load() -> HealthModel:
    """The shipped health model."""
    return HealthModel.load(
        *(files(starter).joinpath(f"{NAME}.health.{kind}").read_bytes() for kind in ("onnx", "json"))
    )


def warned(history: History, model: HealthModel) -> dict[str, np.ndarray]:
    """Rows at which each rung warns, and any."""
    scored = model.scores(history.features)
    on: dict[str, np.ndarray] = {
        Rung.RULES: rules_on(history, model.spec, ALARM),
        Rung.HEALTH: health_on(history, scored.index),
        Rung.TREND: trend_on(history, model, scored),
    }
    return on | {ALL: np.any(list(on.values()), axis=0), RULES_EARLY: rules_on(history, model.spec, EARLY)}
