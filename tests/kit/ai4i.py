"""A milling machine by its maker's rules, `ai4i` of the public data: rows, failures by mode, and where they come.

Source: Matzka 2020, Explainable Artificial Intelligence for Predictive Maintenance Applications (AI4I 2020; UCI set
601), synthetic. Its rules of heat, power and overstrain are followed by every row of the file; of 801 rows whose tool
has worn for 200 min 45 fail by it, one fails at 198, and 19 of 10,000 fail at random: no settings help against those.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from sklearn.model_selection import StratifiedKFold

from onnx_export.defect_learn import Learned, Recipe, Table, bent_of, learn, scaled
from tests.kit import boosted_defects
from tests.kit.public import public

FILE = ("ai4i", "ai4i2020.csv")
INPUTS = {"air_k": "K", "process_k": "K", "speed_rpm": "{rev}/min", "torque_nm": "N.m", "wear_min": "min", "type": "1"}
"""Type is 0, 1, 2 for L, M and H."""
SPEED, TORQUE = 2, 3
"""Columns of what is set; all else is as it is."""
MODES = ("TWF", "HDF", "PWF", "OSF", "RNF")
SETTABLE = ("HDF", "PWF", "OSF")
"""Modes that speed and torque bring about."""
FOLDS, SEED = 5, 20200929
OVERSTRAIN = np.array([11_000.0, 12_000.0, 13_000.0])
"""min N m, by type."""
STEPS = {SPEED: 100.0, TORQUE: 5.0}
"""At most this much at once, rpm and N m: half of what each varies by. Our choice."""
FOREVER = 1e12
INNER_SHARE = 0.25
"""Of what is learned from, the part that a threshold is chosen on by a model of the rest."""


class Milled(NamedTuple):
    """`inputs` float64 [n, 6]; `modes` bool [n, 5]; `failed` bool [n], any of them or the machine said so."""

    inputs: np.ndarray
    modes: np.ndarray
    failed: np.ndarray

    def where(self, chosen: np.ndarray) -> Milled:
        return Milled(self.inputs[chosen], self.modes[chosen], self.failed[chosen])


def path() -> Path:
    """Of the file, which may not be there."""
    return public(*FILE)


def milled() -> Milled:
    """All rows in the file's order."""
    table = pl.read_csv(path())
    columns = (
        "Air temperature [K]", "Process temperature [K]", "Rotational speed [rpm]", "Torque [Nm]", "Tool wear [min]",
    )  # fmt: skip
    kinds = table["Type"].replace_strict({"L": 0.0, "M": 1.0, "H": 2.0}).to_numpy()
    inputs = np.column_stack([*(table[name].cast(pl.Float64).to_numpy() for name in columns), kinds])
    modes = np.column_stack([table[name].to_numpy() == 1 for name in MODES])
    return Milled(inputs, modes, modes.any(axis=1) | (table["Machine failure"].to_numpy() == 1))


def folds(of: Milled) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to learn from and to be asked for; each has its share of failures."""
    return list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(of.inputs, of.failed))


def regions(inputs: np.ndarray) -> np.ndarray:
    """Whether each mode's published rule says that it comes, bool [n, 5]; of wear that it may, of chance never."""
    air, process, speed, torque, wear, kind = inputs.T
    power_w = torque * speed * 2.0 * np.pi / 60.0
    return np.column_stack(
        [
            wear >= 200.0,
            (process - air < 8.6) & (speed < 1380.0),
            (power_w < 3500.0) | (power_w > 9000.0),
            wear * torque > OVERSTRAIN[kind.astype(int)],
            np.zeros(len(inputs), bool),
        ]
    )


def in_region(inputs: np.ndarray) -> np.ndarray:
    """Where a mode comes that settings bring about, bool [n]."""
    found = regions(inputs)
    return np.asarray(found[:, [MODES.index(one) for one in SETTABLE]].any(axis=1))


def by_kind(of: Milled) -> Learned:
    """Our learner's, a kind for each mode; a row of several counts for the first of MODES."""
    named = np.where(of.modes.any(axis=1), of.modes.argmax(axis=1) + 1, 0)
    ones = np.ones(len(named), int)
    table = Table(of.inputs, ones, of.failed.astype(int), named, ("", *MODES), ones - 2)
    steps = tuple(STEPS.get(at, 0.0) for at in range(len(INPUTS)))
    return learn(table, Recipe(steps, half_life=FOREVER))


def chances_by_kind(model: Learned, inputs: np.ndarray) -> np.ndarray:
    """Of each mode, [n, 5]."""
    bent = bent_of(scaled(inputs, model.centres, model.scales))
    of = {one.kind: 1.0 / (1.0 + np.exp(-(bent @ one.weights[:, 0] + one.levels[0]))) for one in model.kinds}
    return np.column_stack([of[mode] for mode in MODES])


def said_by_kinds(of: Milled, asked: np.ndarray) -> np.ndarray:
    """Chances of each mode by our learner, [n, 5]."""
    return chances_by_kind(by_kind(of), asked)


def said_by_boosters(of: Milled, asked: np.ndarray) -> np.ndarray:
    """By a LightGBM for each mode, [n, 5]."""
    each = [boosted_defects.boosters(of.inputs, of.modes[:, at].astype(float), bags=1) for at in range(len(MODES))]
    return np.column_stack([boosted_defects.chances(one, asked) for one in each])


class Found(NamedTuple):
    """By mode: failures that were called, failures in all, and calls."""

    right: np.ndarray
    failures: np.ndarray
    calls: np.ndarray

    @property
    def recall(self) -> np.ndarray:
        return self.right / np.maximum(1, self.failures)

    @property
    def precision(self) -> np.ndarray:
        return self.right / np.maximum(1, self.calls)


def called(of: Milled, calls: np.ndarray) -> Found:
    """Hold calls, bool [n, 5], against what came."""
    return Found((calls & of.modes).sum(axis=0), of.modes.sum(axis=0), calls.sum(axis=0))


def thresholds(chances: np.ndarray, came: np.ndarray) -> np.ndarray:
    """Of each mode, the chance from which calls have the best F1, [5]."""
    out = np.full(came.shape[1], np.inf)
    for at in range(came.shape[1]):
        order = np.argsort(-chances[:, at], kind="stable")
        right = np.cumsum(came[order, at])
        score = 2.0 * right / (np.arange(1, len(order) + 1) + max(1, right[-1]))
        if right[-1]:
            out[at] = chances[order[int(score.argmax())], at]
    return out


def inner(of: Milled, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Rows of what is learned from to choose a threshold with: those learned from then, and those held back."""
    held = np.random.default_rng(seed).random(len(of.failed)) < INNER_SHARE
    return np.flatnonzero(~held), np.flatnonzero(held)
