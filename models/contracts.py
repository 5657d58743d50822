"""What each kind of model gives: its outputs with their widths, and which rows of them are sound. One table.

Bytes are checked by it, files tried by it, and other teams' files wrapped by it. Nothing is loaded or run here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from models.failure.hazard import Card
from models.failure.health import INDEX_DECIMALS, LEAST_COMPLETE, SPANS, HealthCard
from models.figures.card import FigureCard
from models.inference import MODES, OUTPUT, ModelError
from models.records import HORIZONS_H
from models.release import Kind

AnyCard = Card | HealthCard | FigureCard
Figures = Mapping[str, np.ndarray]
"""Outputs by name, float [rows, width]."""
ANOMALY, DEFECT, SPREAD = "anomaly", "defect", "spread"
QUANTILES = {"q10_kw": 0.1, "q50_kw": 0.5, "q90_kw": 0.9}
"""Outputs of an energy model: the load that stays below with this chance, step by step."""
STEP_MIN = 15
"""Of a load forecast: the imbalance settlement period of Regulation (EU) 2017/2195, article 53."""
MOST_STEPS = 7 * 24 * 60 // STEP_MIN
"""A week ahead. Our choice."""
SHOWN = 6
"""Figures of an output that a refusal shows."""


class Output(NamedTuple):
    """One output: its name, and its width by a card; an output of no width is not there."""

    name: str
    width: Callable[[Any], int]


class Contract(NamedTuple):
    """What a kind gives; `wrong` says which rows are not sound, bool [rows], and `sound` what sound ones have."""

    outputs: tuple[Output, ...]
    wrong: Callable[[Figures], np.ndarray]
    sound: str


def _one(_: object) -> int:
    return 1


def _targets(card: HealthCard) -> int:
    return len(card.expected)


def _steps(card: FigureCard) -> int:
    return card.outputs.get("q50_kw", 0)


def _wrong_chances(said: Figures) -> np.ndarray:
    chances = said[OUTPUT]
    within = ((chances >= 0.0) & (chances <= 1.0)).all(axis=1)
    return np.logical_or(~within, (np.diff(chances, axis=1) < 0.0).any(axis=1))


def _wrong_healths(said: Figures) -> np.ndarray:
    """Of rows that too little is known of, nothing is asked: no index is told of them."""
    index = np.round(said["index"][:, 0].astype(np.float64), INDEX_DECIMALS)
    finite = np.isfinite(said["t2"][:, 0]) & np.isfinite(said["spe"][:, 0])
    enough = 1.0 - (said["known"] < 0.5).mean(axis=1) >= LEAST_COMPLETE
    return ~((index >= 0.0) & (index <= 100.0) & finite) & enough


def _wrong_anomalies(said: Figures) -> np.ndarray:
    return np.logical_or(said[ANOMALY] < 0.0, ~(said[ANOMALY] <= 1.0))[:, 0]


def _wrong_loads(said: Figures) -> np.ndarray:
    loads = np.stack([said[name] for name in QUANTILES])
    crossing = (np.diff(loads, axis=0) < 0.0).any(axis=(0, 2))
    return np.logical_or(~np.isfinite(loads).all(axis=(0, 2)), crossing)


def _wrong_defects(said: Figures) -> np.ndarray:
    chance, spread = said[DEFECT][:, 0], said[SPREAD][:, 0]
    return np.logical_or(~((chance >= 0.0) & (chance <= 1.0)), ~(np.isfinite(spread) & (spread >= 0.0)))


CONTRACTS: Mapping[Kind, Contract] = {
    Kind.FAILURE: Contract(
        (Output(OUTPUT, lambda _: len(HORIZONS_H)), Output(MODES, lambda card: len(card.modes))),
        _wrong_chances,
        "finite chances in 0 to 1 that never fall",
    ),
    Kind.HEALTH: Contract(
        (
            *(Output(name, _one) for name in ("index", "t2", "spe")),
            *(Output(name, _targets) for name in ("contributions", "over")),
            Output("known", lambda card: len(SPANS) * len(card.expected)),
            Output("own", _targets),
        ),
        _wrong_healths,
        "an index in 0 to 100 and finite distances",
    ),
    Kind.ANOMALY: Contract(
        (Output(ANOMALY, _one),), _wrong_anomalies, "an anomaly in 0 to 1, the share of healthy rows that are less odd"
    ),
    Kind.ENERGY: Contract(
        tuple(Output(name, _steps) for name in QUANTILES),
        _wrong_loads,
        "finite loads in kW whose quantiles never cross",
    ),
    Kind.DEFECT: Contract(
        (Output(DEFECT, _one), Output(SPREAD, _one)),
        _wrong_defects,
        "a chance of a defect in 0 to 1 with a finite spread of 0 or more",
    ),
}


def kind_of(card: AnyCard) -> Kind:
    """Which contract a card is of."""
    match card:
        case FigureCard():
            return card.kind
        case HealthCard():
            return Kind.HEALTH
        case _:
            return Kind.FAILURE


def outputs_of(card: AnyCard) -> dict[str, int]:
    """Names and widths of what a graph gives, in their order."""
    widths = {output.name: output.width(card) for output in CONTRACTS[kind_of(card)].outputs}
    return {name: width for name, width in widths.items() if width}


def check_outputs(card: FigureCard) -> None:
    """Raise ModelError where a card's outputs are not those of its kind."""
    wanted = outputs_of(card)
    if list(card.outputs.items()) != list(wanted.items()) or not wanted:
        names = ", ".join(output.name for output in CONTRACTS[card.kind].outputs)
        raise ModelError(
            f"the card of '{card.name}' is wrong: one of kind {card.kind} gives {names}, all [rows, the same width], "
            f"not {card.outputs}"
        )
    if max(wanted.values()) > MOST_STEPS:
        raise ModelError(f"'{card.name}' gives {max(wanted.values())} steps of {STEP_MIN} min, at most {MOST_STEPS}")


def unsound(kind: Kind, said: Figures) -> str | None:
    """What is wrong with some rows of a kind's outputs, for people; None where all are sound."""
    contract = CONTRACTS[kind]
    wrong = contract.wrong(said)
    if not wrong.any():
        return None
    at = int(wrong.argmax())
    shown = "; ".join(
        f"{one.name} {said[one.name][at, :SHOWN].tolist()}" for one in contract.outputs[:3] if one.name in said
    )
    return f"{int(wrong.sum())} of {len(wrong)} rows do not have {contract.sound}; the first has {shown}"
