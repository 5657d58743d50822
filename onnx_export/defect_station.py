"""From a station's journal to a released model of its defects: learned, held to parts it had not seen, exported."""

from __future__ import annotations

import math

import numpy as np

from models.figures.card import FigureCard, Input
from models.plant.tuning import Moves, Station
from models.tuning.journal import Rows
from onnx_export.defect_graph import exported
from onnx_export.defect_learn import Recipe, Table, learn

LEAST_DEFECTS = 5
"""Fewer tell nothing of what brings them about. Our choice: about as many as a logistic model has settings."""
LEAST_PARTS = 300
HELD = 0.2
"""The last share of parts, which a model is tried on that has not seen them."""
WORSE = 0.05
"""Share by which its log loss there may be over that of a constant rate: it is for settings that hardly moved yet."""


class NotReleased(ValueError):
    """There is too little to learn from, or what was learned is no better than a constant; the message says which."""


def made(
    rows: Rows, station: Station, name: str, product: str, command: str, plant_parameters: tuple[str, ...]
) -> tuple[bytes, FigureCard]:
    """Learn from parts of which something was found. Raises NotReleased, ModelError."""
    table, recipe = table_of(rows), recipe_of(rows, station)
    if len(table.inputs) < LEAST_PARTS or table.defects.sum() < LEAST_DEFECTS:
        raise NotReleased(
            f"{int(table.defects.sum())} defects in {len(table.inputs)} parts of '{product}' with all inputs measured: "
            f"at least {LEAST_DEFECTS} in {LEAST_PARTS} are asked for"
        )
    scores = tried(table, recipe)
    if scores["log_loss"] > scores["log_loss_of_constant"] * (1.0 + WORSE):
        raise NotReleased(
            f"on parts it had not seen its log loss is {scores['log_loss']:.4f}, of a constant rate "
            f"{scores['log_loss_of_constant']:.4f}: more parts, or an input that says more, would help"
        )
    inputs = tuple(Input(name=one, unit=unit) for one, unit in station.inputs.items())
    trained_on = (
        f"{int(table.units.sum())} parts of {product}, {int(table.defects.sum())} defective, "
        f"settings {', '.join(plant_parameters)}"
    )
    return exported(learn(table, recipe), name, inputs, trained_on, command, scores)


def table_of(rows: Rows) -> Table:
    """Parts of which something was found and all inputs were measured, in order of making."""
    of = rows.where(rows.known & np.isfinite(rows.measured).all(axis=1))
    return Table(of.measured, of.units, of.defects, of.kind, of.kinds, of.lot)


def recipe_of(rows: Rows, station: Station) -> Recipe:
    """Scales of inputs by the steps of what moves them."""
    steps = dict.fromkeys(station.inputs, 0.0)
    means = dict(zip(station.inputs, np.nanmean(rows.measured, axis=0) if len(rows.measured) else (), strict=False))
    for name, one in station.parameters.items():
        moves = one.moves or Moves(input=name)
        times = float(means.get(moves.per, 1.0)) if moves.per else 1.0
        steps[moves.input] = max(steps[moves.input], abs(one.step * moves.factor * times))
    return Recipe(tuple(steps.values()))


def tried(table: Table, recipe: Recipe) -> dict[str, float]:
    """Figures on the last parts, by a model of those before: losses, and what is expected beside what was found."""
    cut = int(len(table.inputs) * (1.0 - HELD))
    before = Table(
        table.inputs[:cut], table.units[:cut], table.defects[:cut], table.kind[:cut], table.kinds, table.lot[:cut]
    )
    model = learn(before, recipe)
    chances, _ = model.said(table.inputs[cut:])
    units, defects = table.units[cut:], table.defects[cut:]
    rate = (before.defects.sum() + 0.5) / (before.units.sum() + 1.0)
    return {
        "log_loss": loss(chances, units, defects),
        "log_loss_of_constant": loss(np.full(len(units), rate), units, defects),
        "expected_defects": float((units * chances).sum()),
        "found_defects": float(defects.sum()),
        "parts": float(units.sum()),
    }


def loss(chances: np.ndarray, units: np.ndarray, defects: np.ndarray) -> float:
    """Mean log loss a unit, in nats."""
    within = np.clip(chances, 1e-9, 1.0 - 1e-9)
    found = -(defects * np.log(within) + (units - defects) * np.log1p(-within))
    return float(found.sum() / max(1, units.sum())) if len(units) else math.nan
