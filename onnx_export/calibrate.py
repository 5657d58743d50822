"""Chances that are what they say: one scaling for the trees' scores, and tables that hold chances to outcomes.

The scaling goes into the trees themselves, as a factor on every leaf and an offset of the first tree, so that the graph
and the parity gate see an ordinary model. It keeps the order of rows and teaches the model nothing else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import lightgbm
import numpy as np
from msgspec import Struct

from onnx_export.history import History
from onnx_export.survival import Outcomes, likelihood, within_of
from onnx_export.train import rows_of

COLDEST, HOTTEST, MOST_OFFSET = 0.25, 4.0, 3.0
"""Temperatures and offsets that are searched; one at an end means that the model has learned nothing. Our choice."""
TURNS = 4
"""Of the search; more changed no digit that is kept where it was tried."""
STEPS = 24
"""Golden-section steps: each leaves 0.618 of the range of 2.8 in the logarithm, so the last is under 0.0001 wide."""
DECIMALS = 3
"""Of a scaling: what the last bits of exp and log differ by between CPUs does not get through."""
BINS = 10
"""Of the reliability table, each as wide as the next."""
ROW_EVERY = 6
"""One row in six is looked at, an hour apart: those between say the same again."""


class Scaling(NamedTuple):
    """Scores over the temperature, plus the offset (Platt 1999, Advances in Large Margin Classifiers, 61-74)."""

    temperature: float = 1.0
    offset: float = 0.0


class Bin(Struct, frozen=True):
    """Rows whose chance of failing within a horizon lies in `low` to `high`: mean chance, and share that did fail."""

    low: float
    high: float
    rows: int
    chance: float
    share: float


class Fit(Struct, frozen=True):
    """How chances fit outcomes: negative log likelihood in nats, and for each horizon Brier score and reliability.

    `known` are the rows of which it is known whether they failed within a horizon: the others count in its likelihood
    alone.
    """

    rows: int
    known: tuple[int, ...]
    log_loss: float
    brier: tuple[float, ...]
    bins: tuple[tuple[Bin, ...], ...]


class Calibration(Struct, frozen=True):
    """The scaling that was chosen, and how chances fit outcomes on other histories without and with it.

    `failures` are the independent ones in those histories: rows before the same failure say the same again.
    """

    scaling: Scaling
    failures: int
    before: Fit
    after: Fit

    def figures(self) -> dict[str, float]:
        """As a card tells them; Brier scores are of all horizons together."""
        return {
            "temperature": self.scaling.temperature,
            "offset": self.scaling.offset,
            "calibration_failures": float(self.failures),
            "log_loss_before": self.before.log_loss,
            "log_loss": self.after.log_loss,
            "brier_before": round(float(np.mean(self.before.brier)), 6),
            "brier": round(float(np.mean(self.after.brier)), 6),
        }


def thinned(histories: Sequence[History]) -> tuple[np.ndarray, Outcomes]:
    """Features and outcomes of one row in ROW_EVERY."""
    return rows_of(histories, ROW_EVERY)


def scaling_of(scores: np.ndarray, outcomes: Outcomes) -> Scaling:
    """The scaling with the largest likelihood: temperature and offset in turn, each by golden section."""
    power, offset = 0.0, 0.0

    def loss(power: float, offset: float) -> float:
        return likelihood(within_of(scaled(scores, Scaling(math.exp(power), offset))), outcomes)

    for _ in range(TURNS):
        power = _golden(partial(loss, offset=offset), math.log(COLDEST), math.log(HOTTEST))
        offset = _golden(partial(loss, power), -MOST_OFFSET, MOST_OFFSET)
    return Scaling(round(math.exp(power), DECIMALS), round(offset, DECIMALS))


def _golden(loss: Callable[[float], float], low: float, high: float) -> float:
    """Middle of the last interval of a golden-section search for a minimum (Kiefer 1953)."""
    share = (math.sqrt(5.0) - 1.0) / 2.0
    left, right = high - share * (high - low), low + share * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(STEPS):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - share * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + share * (high - low)
            at_right = loss(right)
    return (low + high) / 2.0


def cooled(model: lightgbm.Booster, scaling: Scaling) -> lightgbm.Booster:
    """The same model with every leaf divided by the temperature, and the offset in those of the first tree."""
    trees = iter(range(model.num_trees()))

    def leaves(found: re.Match[str]) -> str:
        more = 0.0 if next(trees) else scaling.offset
        return "leaf_value=" + " ".join(repr(float(word) / scaling.temperature + more) for word in found[1].split())

    text = re.sub(r"(?m)^leaf_value=(.*)$", leaves, model.model_to_string())
    # As in `train.floored`: the sizes of the trees' texts are wrong now, and without them it reads in order.
    return lightgbm.Booster(model_str=re.sub(r"(?m)^tree_sizes=.*\n", "", text))


def fit_of(within: np.ndarray, outcomes: Outcomes) -> Fit:
    """Hold chances within horizons [rows, horizons] to what came true."""
    told = [come(outcomes, at) for at in range(within.shape[1])]
    pairs = [(within[known, at], came[known]) for at, (came, known) in enumerate(told)]
    return Fit(
        rows=len(within),
        known=tuple(len(came) for _, came in pairs),
        log_loss=round(likelihood(within, outcomes), 6),
        brier=tuple(round(float(np.square(chance - came).mean()), 6) if len(came) else 0.0 for chance, came in pairs),
        bins=tuple(reliability(chance, came) for chance, came in pairs),
    )


def come(outcomes: Outcomes, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether each row failed within a horizon, by number, and whether that is known, bool [rows] each."""
    came = outcomes.known & (outcomes.first <= horizon)
    return came, came | (outcomes.first > horizon)


def reliability(chance: np.ndarray, came: np.ndarray) -> tuple[Bin, ...]:
    """Bins of chances that hold rows, with the share of them that came true."""
    place = np.minimum((chance * BINS).astype(int), BINS - 1)
    rows = np.bincount(place, minlength=BINS)
    chances, shares = (np.bincount(place, weights=values, minlength=BINS) for values in (chance, came))
    return tuple(
        Bin(
            low=at / BINS,
            high=(at + 1) / BINS,
            rows=int(rows[at]),
            chance=round(float(chances[at] / rows[at]), 4),
            share=round(float(shares[at] / rows[at]), 4),
        )
        for at in np.flatnonzero(rows).tolist()
    )


def calibration(scaling: Scaling, scores: np.ndarray, outcomes: Outcomes, failures: int) -> Calibration:
    """Figures of a scaling on rows that it was not chosen on; `scores` are those without it."""
    return Calibration(
        scaling=scaling,
        failures=failures,
        before=fit_of(within_of(scores), outcomes),
        after=fit_of(within_of(scaled(scores, scaling)), outcomes),
    )


def scaled(scores: np.ndarray, scaling: Scaling) -> np.ndarray:
    """Scores as the scaled model gives them."""
    return scores / scaling.temperature + scaling.offset
