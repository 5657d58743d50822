"""How chances do on assets that no model was trained on, and which of two kinds of model is kept."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from msgspec import Struct

from models.records import HORIZONS_H
from onnx_export.history import History
from onnx_export.learning import outcomes_of
from onnx_export.survival import classes_of, log_loss

JUDGED_H = 72
"""The horizon that is judged."""
AT = HORIZONS_H.index(JUDGED_H)


class Held(Struct, frozen=True, kw_only=True):
    """Figures of one model on held-out rows.

    Average precision and Brier score are of failing within 72 h, on `rows` of which that is known; `log_loss` is in
    nats, over all horizons, with rows censored where their history ends.
    """

    rows: int
    failing: int
    average_precision: float
    brier: float
    log_loss: float


def held_out(histories: Sequence[History], chances: np.ndarray) -> Held:
    """Hold chances [rows, horizons] of all rows of the histories, one after another, against what came."""
    from sklearn.metrics import average_precision_score  # for this module alone, and slow to load

    before, allowed = outcomes_of(histories)
    hours = np.concatenate([history.hours for history in histories])[before]
    known_h = np.concatenate([history.known_h for history in histories])[before]
    chances = chances[before].astype(np.float64)
    known = (hours <= known_h) | (known_h >= JUDGED_H)
    came, said = hours[known] <= JUDGED_H, chances[known, AT]
    return Held(
        rows=len(came),
        failing=int(came.sum()),
        average_precision=float(average_precision_score(came, said)),
        brier=float(np.square(said - came).mean()),
        log_loss=log_loss(classes_of(chances), allowed),
    )


class Verdict(StrEnum):
    """Whether a mixture is kept beside the plain net."""

    KEPT = "better on held-out assets"
    NOT_PRECISE = "average precision is not better on held-out assets"
    NOT_LIKELY = "log loss is not better on held-out assets"


def verdict(plain: Sequence[Held], mixture: Sequence[Held]) -> Verdict:
    """A mixture is kept where it is better by both figures, on average over seeds, seed beside seed."""

    def better(figure: str) -> float:
        pairs = zip(plain, mixture, strict=True)
        return float(np.mean([getattr(ours, figure) - getattr(one, figure) for one, ours in pairs]))

    if not better("average_precision") > 0.0:
        return Verdict.NOT_PRECISE
    return Verdict.KEPT if better("log_loss") < 0.0 else Verdict.NOT_LIKELY
