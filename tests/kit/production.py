"""The example of a plant that is planned, as it ships, with orders, prices and warnings for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from models.energy.planning.posing import Situation
from models.plant import Plant, parse
from models.records import (
    Advice,
    Alert,
    AlertReason,
    AlertState,
    Confidence,
    Level,
    Order,
    Rung,
    Tariff,
)

FOLDER = Path(__file__).parents[2] / "infra" / "examples" / "production"
HOUR_US = 3600 * 1_000_000
DAY_US = 24 * HOUR_US


def at_us(text: str) -> int:
    """A time with its zone in microseconds."""
    return round(datetime.fromisoformat(text).timestamp() * 1e6)


MONDAY_US = at_us("2026-11-23T06:00+01:00")


def plant() -> Plant:
    """The example's plant file."""
    return parse((FOLDER / "plant.toml").read_text())


def order(name: str, product: str = "cover", units: int = 90, due_h: float = 24.0, **said: Any) -> Order:
    """An order due so many hours after that Monday's early shift begins."""
    due_us = MONDAY_US + round(due_h * HOUR_US)
    return Order(plant="moulding", order=name, product=product, units=units, due_us=due_us, time_us=MONDAY_US, **said)


def tariff(price: list[float], begin_us: int = MONDAY_US, **said: Any) -> Tariff:
    """Prices by the hour."""
    whole: dict[str, Any] = {"time_us": begin_us, "source": "test"} | said
    return Tariff(plant="moulding", begin_us=begin_us, step_min=60, price_per_kwh=price, **whole)


def warning(asset: str = "press-1", **said: Any) -> Alert:
    """A warning that asks for work within two days."""
    return Alert(**{
        "id": f"warning-{asset}", "revision": 0, "plant": "moulding", "asset": asset, "mode": "seal-leak",
        "state": AlertState.UNACKNOWLEDGED, "reason": AlertReason.OPENED, "opened_us": MONDAY_US,
        "window_end_us": MONDAY_US, "level": Level.WARNING, "evidence": (),
        "chances": (0.05, 0.1, 0.3, 0.6, 0.8, 0.9), "lead_h": 72, "remaining": None, "drivers": (), "model": "m-1",
        "basis": "simulated", "rung": Rung.HAZARD, "confidence": Confidence.MEDIUM, "completeness": 1.0,
        "advice": Advice.PLAN, "act_before_us": MONDAY_US + 48 * HOUR_US, "moved_us": MONDAY_US,
    } | said)  # fmt: skip


def situation(*orders: Order, **said: Any) -> Situation:
    """How things stand on that Monday."""
    known = Situation(plant=plant(), begin_us=MONDAY_US, orders={one.order: one for one in orders})
    return replace(known, **said)
