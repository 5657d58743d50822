"""Weeks of pumps that sicken, recover and are repaired, under rules of every quantity and a small health model."""

from __future__ import annotations

import numpy as np

from models.plant import Plant, parse
from models.records import AnyInput, Frame, Maintenance, MaintenanceAction, Tick
from tests.kit import tiny
from tests.kit.streams import MINUTE_US, START_US, time_of

STEP_MIN = 10
ASSETS = ("pump-01", "pump-02", "pump-03")
SIGNALS = "".join(
    f'[types.pump.signals.{name}]\nkind = "gauge"\n' for name in ("flow", "head", "power", "l1", "l2", "l3")
)
RULES = """
[[types.pump.limits]]
signal = "l1"
warning_high = 9.5
[[types.pump.rules]]
name = "leaves its usual"
of = "change"
signals = ["temp_degc"]
warning_high = 4
for = "2h"
clears_after = "5h"
[[types.pump.rules]]
name = "phases"
of = "imbalance"
signals = ["l1", "l2", "l3"]
warning_high = 6
alarm_high = 9
hysteresis = 1
for = "30min"
clears_after = "3h"
mode = "ELE"
[[types.pump.rules]]
name = "worn"
of = "efficiency-loss"
signals = ["flow", "head", "power"]
curve = [[80, 60], [120, 62]]
warning_high = 5
for = "1h"
clears_after = "4h"
[[types.pump.rules]]
name = "apart"
of = "difference"
signals = ["l1", "l2"]
warning_low = -0.6
for = "20min"
clears_after = "2h"
when = [{ signal = "flow", above = 95 }]
"""
OWN = '[[assets.pump-02.limits]]\nsignal = "l1"\nwarning_high = 9.2\nalarm_high = 9.9\n'


def plant(*, hazard: bool = True) -> Plant:
    """The tiny plant, its pumps with more signals and rules; without a `hazard` their health alone is learned."""
    text = tiny.PLANT_TOML.replace("[types.gear]", f"{SIGNALS}{RULES}[types.gear]", 1) + OWN
    text = text.replace('[types.pump]\nmodel = "tiny"', '[types.pump]\nmodel = "tiny"\nhealth = "tiny.health"', 1)
    return parse(text if hazard else text.replace('[types.pump]\nmodel = "tiny"', "[types.pump]"))


def weeks(seed: int, days: int = 10) -> list[AnyInput]:
    """Three single rows each ten minutes, over the edges of minutes, and ticks; a night a pump stands still.

    The first pump is repaired once it is sick, the second recovers, of the third nothing is heard for a while.
    """
    random = np.random.default_rng(seed)
    out: list[AnyInput] = []
    for number in range(days * 24 * 60 // STEP_MIN):
        begin_us = START_US + number * STEP_MIN * MINUTE_US
        out.append(Tick(plant="tiny", time_us=begin_us))
        day = number * STEP_MIN / 1440
        for at, asset in enumerate(ASSETS):
            if at == 2 and 4.0 < day < 4.6:
                continue
            for time_us in (begin_us + random.integers(0, 3 * MINUTE_US, 3)).tolist():
                out.append(_row(random, asset, time_us, day, _sick(at, day)))
    repairs = [("pump-01", 7.2), ("pump-01", 7.2), ("pump-03", 4.3)]
    out += [
        Maintenance(plant="tiny", asset=asset, time_us=START_US + int(day * 1440) * MINUTE_US + n, action=REPAIRED)
        for n, (asset, day) in enumerate(repairs)
    ]
    return sorted(out, key=time_of)


REPAIRED = MaintenanceAction.REPAIRED


def _sick(at: int, day: float) -> float:
    """How sick a pump is, from 0: two get worse for three days."""
    worse = min(max(day - 3.0, 0.0), 3.5)
    return worse if (at == 0 and day < 7.2) or (at == 1 and day < 6.0) else 0.0


def _row(random: np.random.Generator, asset: str, time_us: int, day: float, sick: float) -> Frame:
    noise = random.normal(0, 1, 8)
    signals = {
        "pressure_bar": 5 + 0.05 * noise[0] + 2 * (8.0 < day < 8.1),
        "temp_degc": 60 + 5 * sick + noise[1],
        "flow": 100 + 5 * noise[2],
        "head": 30 - sick + 0.2 * noise[3],
        "power": 13.5 + 0.2 * noise[4],
        "l1": 9 + 0.1 * sick + 0.1 * noise[5],
        "l2": 9 + 0.35 * sick + 0.1 * noise[6],
        "l3": 9 + 0.1 * noise[7],
    }
    values: dict = {"is_running": [0.2 < day < 0.4 or day > 5.0]}
    for name, value in signals.items():
        values[name] = [None if random.random() < 0.02 else round(float(value), 3)]
    return Frame(plant="tiny", asset=asset, source="t", times_us=[time_us], signals=values)
