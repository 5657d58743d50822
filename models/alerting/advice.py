"""What a warning asks of people: to watch, to plan or to act now, before when, and how severe it is.

A 72-hour warning is a maintenance advisory ("maintenance required" by NAMUR NE 107), no alarm of the operators.
"""

from __future__ import annotations

from typing import Any

from models.alerting.belonging import Said
from models.bins import MINUTE_US
from models.plant.assets import Criticality
from models.records import HORIZONS_H, Advice, Alert, Confidence, Level, Remaining

ASKS = {Advice.WATCH: "watch it", Advice.PLAN: "plan a check", Advice.ACT_NOW: "act now"}
"""In words for people."""
ACT_WITHIN_H = 24
"""What may come within a day cannot wait for the next planned stop. Our choice."""
SEVERITY = {Advice.WATCH: 200, Advice.PLAN: 500, Advice.ACT_NOW: 800}
BY_CRITICALITY = {Criticality.A: 100, Criticality.B: 0, Criticality.C: -100}
"""Of OPC UA's 1 to 1000 (Part 5, 6.4.2); where the lines are is left to systems, and these are our choice."""
HOUR_US = 60 * MINUTE_US


def advised(
    level: Level, confidence: Confidence, lead_h: int | None, remaining: Remaining | None, said: Said,
    case: Alert | None,
) -> dict[str, Any]:  # fmt: skip
    """What a case says of it; a severity that a person gave stays.

    The time to act before is the near end of the interval where one is told, else the horizon over the limit.
    """
    left_h = lead_h if lead_h is not None else (remaining.median_h if remaining else None)
    advice = _advice(level, confidence, left_h)
    before_h = remaining.low_h if remaining else lead_h
    out: dict[str, Any] = {
        "advice": advice,
        "act_before_us": None if before_h is None else said.window_end_us + int(before_h * HOUR_US),
    }
    if case is None or not case.is_rated:
        out["severity"] = SEVERITY[advice] + (BY_CRITICALITY[said.criticality] if said.criticality else 0)
    return out


def _advice(level: Level, confidence: Confidence, left_h: float | None) -> Advice:
    if level is Level.ALARM or (left_h is not None and left_h <= ACT_WITHIN_H):
        return Advice.ACT_NOW
    if left_h is not None:
        return Advice.PLAN if left_h <= HORIZONS_H[-1] else Advice.WATCH
    return Advice.WATCH if confidence is Confidence.LOW else Advice.PLAN
