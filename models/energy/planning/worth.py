"""Prices and CO2 of a plan's steps: of the tariffs that hold, and what stands in where none does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.plant import Production
from models.records import Tariff

US = 1_000_000
DAY_S = 86_400
UNPRICED = "no tariff and no price is known: what is saved is energy, each kWh counts 1"
"""Costs of such a plan are of no currency."""


def prices(
    tariffs: Sequence[Tariff], production: Production, begin_us: int, step_s: int, steps: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Price and CO2 a kWh by step, [steps] each, and what is assumed of them, in words.

    Where no tariff speaks, the same time of the day before stands in, then the plant file's price, then the mean of
    those that are known; where nothing is known at all, each kWh counts 1, so that energy itself is saved.
    """
    back = DAY_S // step_s
    times_us = begin_us + (np.arange(-back, steps) * step_s) * US
    price, co2 = np.full(len(times_us), np.nan), np.full(len(times_us), np.nan)
    for tariff in sorted(tariffs, key=lambda one: one.time_us):
        _put(price, times_us, tariff, tariff.price_per_kwh)
        _put(co2, times_us, tariff, tariff.co2_kg_per_kwh)
    stood_in = _repeat(price, back)
    _repeat(co2, back)
    price, co2, unknown = price[back:], co2[back:], np.isnan(price[back:])
    told = _told(stood_in[back:], unknown, production, step_s)
    flat = production.price_per_kwh or (1.0 if unknown.all() else float(price[~unknown].mean()))
    return np.where(unknown, flat, price), np.nan_to_num(co2), told


def _put(into: np.ndarray, times_us: np.ndarray, tariff: Tariff, values: Sequence[float]) -> None:
    at = (times_us - tariff.begin_us) // (tariff.step_min * 60 * US)
    there = (at >= 0) & (at < len(values))
    into[there] = np.asarray(values)[at[there]]


def _repeat(values: np.ndarray, back: int) -> np.ndarray:
    """Put the day before in where nothing is known, in place; where that was done."""
    done = np.zeros(len(values), bool)
    for at in range(back, len(values)):
        if np.isnan(values[at]) and not np.isnan(values[at - back]):
            values[at], done[at] = values[at - back], True
    return done


def _told(stood_in: np.ndarray, unknown: np.ndarray, production: Production, step_s: int) -> list[str]:
    if unknown.all():
        if production.price_per_kwh:
            return [f"a kWh costs {production.price_per_kwh:g} at any time: no tariff speaks of it"]
        return [UNPRICED]
    flat = f"{production.price_per_kwh:g} a kWh" if production.price_per_kwh else "the mean of those known"
    parts = ((stood_in, "those of the day before"), (unknown, flat))
    return [
        f"prices of {float(of.sum()) * step_s / 3600:.0f} h are {what}: no tariff speaks of them yet"
        for of, what in parts
        if of.any()
    ]
