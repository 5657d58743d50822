"""Where suggestions lead on the milling machine: from each row, a few within steps and rails, held to published rules.

Speed and torque are set, all else stays as it was in that row. A peer moves both to the mean of rows that did not fail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from models.figures.card import Input
from models.figures.model import FigureModel
from models.plant.tuning import Parameter, Station
from models.tuning.limits import HOUR_US, Context, Limits, Proposal
from models.tuning.rails import PassedTogether, judge_together
from models.tuning.search import Ask, Found, Space, Tried, search
from models.tuning.stated import limits_of
from onnx_export.defect_graph import exported, to_onnx
from tests.kit import boosted_defects
from tests.kit.ai4i import INPUTS, MODES, SPEED, STEPS, TORQUE, Milled, by_kind, in_region, regions

MOST = 5
"""Suggestions one after another."""
COLUMNS = (SPEED, TORQUE)
NAMES = tuple(list(INPUTS)[at] for at in COLUMNS)
ASSET = "mill-01"

Move = Callable[[np.ndarray], np.ndarray | None]
"""From a row's inputs [6] to those with settings as suggested; None where nothing is."""


class Led(NamedTuple):
    """Of each row begun at: whether anything was suggested, modes whose region it was in, and whether it is in any.

    `modes` bool [n, 5], of `before`, `first` and `last` bool [n] the latter two are after one suggestion, and at last.
    Where nothing was suggested a row stays where it was.
    """

    moved: np.ndarray
    modes: np.ndarray
    before: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @property
    def kept_off(self) -> float:
        """Share of rows with a suggestion whose last settings are in no region; NaN where nothing was suggested."""
        return float(1.0 - self.last[self.moved].mean()) if self.moved.any() else float("nan")

    @property
    def got_out(self) -> float:
        """Share of rows begun in a region that are in none at last."""
        return float(1.0 - self.last[self.before].mean())

    @property
    def out_at_once(self) -> float:
        """The same after one suggestion."""
        return float(1.0 - self.first[self.before].mean())

    def got_out_of(self, mode: str) -> float:
        """Share of rows begun in a mode's region that are in no region at last."""
        return float(1.0 - self.last[self.modes[:, MODES.index(mode)]].mean())

    @property
    def got_in(self) -> float:
        """Share of rows begun in no region that are in one at last."""
        return float(self.last[~self.before].mean())


def led(move: Move, rows: np.ndarray) -> Led:
    """Follow suggestions from each row, [n, 6]."""
    trails = [_trail(move, row) for row in rows]
    moved = np.array([len(one) > 1 for one in trails])
    first, last = (np.stack([one[min(at, len(one) - 1)] for one in trails]) for at in (1, MOST))
    return Led(moved, regions(rows), in_region(rows), in_region(first), in_region(last))


def _trail(move: Move, row: np.ndarray) -> list[np.ndarray]:
    out = [row]
    while len(out) <= MOST and (after := move(out[-1])) is not None:
        out.append(after)
    return out


def station(of: Milled) -> Station:
    """Bounds are what was seen of what is learned from; a quarter of a step is the least."""
    units = list(INPUTS.items())
    parameters = {
        units[at][0]: Parameter(
            unit=units[at][1], low=float(of.inputs[:, at].min()), high=float(of.inputs[:, at].max()), step=STEPS[at],
            least_step=STEPS[at] / 4,
        )
        for at in COLUMNS
    }  # fmt: skip
    return Station(parameters=parameters, inputs=INPUTS, evidence=1)


def suggested(model: FigureModel, of: Milled) -> Move:
    """What the search finds with a model, past the rails."""
    place = station(of)
    space, limits = Space(NAMES, place.parameters, tuple(INPUTS), {}), limits_of(place, "")
    ask = _ask(model)

    def move(row: np.ndarray) -> np.ndarray | None:
        tried = Tried(tuple(float(row[at]) for at in COLUMNS), row[None])
        found = search(space, tried, ask, lambda _name, _by: 1.0)
        return _past_rails(found, row, limits) if isinstance(found, Found) else None

    return move


def to_mean(of: Milled) -> Move:
    """A step at most towards the mean of rows that did not fail."""
    mean = of.inputs[~of.failed].mean(axis=0)

    def move(row: np.ndarray) -> np.ndarray | None:
        after = row.copy()
        for at in COLUMNS:
            after[at] += np.clip(mean[at] - row[at], -STEPS[at], STEPS[at])
        return after if np.abs(after - row).max() > 1e-9 else None

    return move


def ours(of: Milled) -> FigureModel:
    """Our learner's model by its file."""
    inputs = tuple(Input(name=name, unit=unit) for name, unit in INPUTS.items())
    return FigureModel(*exported(by_kind(of), "mill-defects", inputs, "one part of a set", "", {}))


def boosted(of: Milled) -> FigureModel:
    """Bagged boosters by their file."""
    return boosted_defects.model(_bagged(of), INPUTS)


def both(of: Milled) -> FigureModel:
    """The mean of our learner's and of bagged boosters, by one file."""
    return boosted_defects.model(boosted_defects.both(to_onnx(by_kind(of)), _bagged(of), len(INPUTS)), INPUTS)


def _bagged(of: Milled) -> bytes:
    return boosted_defects.to_onnx(boosted_defects.boosters(of.inputs, of.failed.astype(float)), len(INPUTS))


def _ask(model: FigureModel) -> Ask:
    def ask(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        said = model.run(rows)
        return said["defect"][:, 0], said["spread"][:, 0]

    return ask


def _past_rails(found: Found, row: np.ndarray, limits: dict[str, Limits]) -> np.ndarray | None:
    now = {name: float(row[at]) for name, at in zip(NAMES, COLUMNS, strict=True)}
    proposals = [
        Proposal(asset=ASSET, parameter=name, now=now[name], proposed=value, evidence=1, time_us=0, until_us=HOUR_US)
        for name, value in found.settings.items()
    ]
    passed = judge_together(proposals, limits, Context(settings=now))
    if not isinstance(passed, PassedTogether):
        return None
    after = row.copy()
    for name, value in passed.values.items():
        after[COLUMNS[NAMES.index(name)]] = value
    return after
