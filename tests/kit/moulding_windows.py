"""Windows for lenses' settings: searched with a model of one half of the machine's states, judged on the other half.

Waste is what the search lowers; an inefficient lens counts a quarter of it (our choice: it costs energy, no lens). The
model is asked of what somebody sets alone: what comes of settings would move with them, and nobody knows how far.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from models.plant.tuning import Parameter, Range
from models.tuning.search import RECENT, Ask, Found, Space, Tried, search
from onnx_export.defect_learn import Recipe, Table, learn
from tests.kit import off_policy
from tests.kit.moulding import INEFFICIENT, INPUTS, SEED, SET, WASTE, Lenses, states
from tests.kit.moulding_models import FOREVER

SECOND = 0.25
EDGES, STEP = (0.05, 0.95), (0.16, 0.84)
"""Shares of lenses between which a setting may move, and half of whose distance is a step."""
TELLS_DAY = "cycle_s"
"""No setting, but it tells in which of the ways, so near which day, a lens was made: a condition like all others."""


class Window(NamedTuple):
    """Ranges of what is moved, by name; what the model expects before and after: waste and a share of inefficient."""

    ranges: dict[str, Range]
    before: float
    after: float


def halves(of: Lenses) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to learn from and to judge by, both ways; no state of the machine is in both."""
    folds = StratifiedGroupKFold(2, shuffle=True, random_state=SEED)
    return list(folds.split(of.inputs, of.classes, states(of)))


def searched(of: Lenses) -> Window | None:
    """A step around what is suggested at the median setting; None where nothing is."""
    inputs = settings(of)
    space = _space(inputs)
    begun = np.median(inputs, axis=0)
    parts = inputs[np.linspace(0, len(inputs) - 1, RECENT).round().astype(int)]
    found = search(space, Tried(tuple(begun), parts), _ask(of, space), lambda _name, _by: 1.0)
    if not isinstance(found, Found):
        return None
    ranges = {name: _around(value, space.parameters[name].step) for name, value in found.settings.items()}
    return Window(ranges, found.before.rate, found.after.rate)


def settings(of: Lenses) -> np.ndarray:
    """What somebody sets, [n, settings]."""
    return np.stack([of.column(name) for name in SET], axis=1)


def within(of: Lenses, ranges: Mapping[str, Range]) -> np.ndarray:
    """Lenses all of whose settings named are in their range, bool [n]."""
    each = [(of.column(name) >= low) & (of.column(name) <= high) for name, (low, high) in ranges.items()]
    return np.asarray(np.logical_and.reduce(each))


def judged(
    of: Lenses, window: Window, group: np.ndarray, class_: int = WASTE
) -> off_policy.Told | off_policy.CannotBeTold:
    """Share of a class within the window beside without, of lenses that it was not searched with."""
    names = [name for name in (*SET, TELLS_DAY) if name not in window.ranges]
    conditions = np.stack([of.column(name) for name in names], axis=1)
    found = (of.classes == class_).astype(float)
    return off_policy.told(off_policy.Rows(found, within(of, window.ranges), conditions, group), SEED)


def _around(value: float, step: float) -> Range:
    return float(value - step), float(value + step)


def _space(inputs: np.ndarray) -> Space:
    low, high = np.quantile(inputs, EDGES, axis=0)
    less, more = np.quantile(inputs, STEP, axis=0)
    parameters = {
        name: Parameter(
            unit=INPUTS[name], low=float(low[at]), high=float(high[at]), step=float(more[at] - less[at]) / 2
        )
        for at, name in enumerate(SET)
    }
    return Space(SET, parameters, SET, {})


def _ask(of: Lenses, space: Space) -> Ask:
    """Waste and a share of inefficient lenses, with how far draws are apart."""
    recipe = Recipe(tuple(one.step for one in space.parameters.values()), half_life=FOREVER)
    models = [learn(_table(of, one), recipe) for one in (WASTE, INEFFICIENT)]

    def ask(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        (waste, apart), (inefficient, apart_too) = (one.said(rows.astype(np.float64)) for one in models)
        return waste + SECOND * inefficient, np.hypot(apart, SECOND * apart_too)

    return ask


def _table(of: Lenses, class_: int) -> Table:
    nothing = np.zeros(len(of.classes), int)
    return Table(settings(of), nothing + 1, (of.classes == class_).astype(int), nothing, ("",), nothing - 1)


def said(window: Window) -> str:
    """A window in words."""
    return ", ".join(f"{name} {low:.4g} to {high:.4g}" for name, (low, high) in window.ranges.items())
