"""Past cases that are like a row of features: what became of machines that once looked as this one does now.

A case is the row at which a life that a model learned from was first over the limit. They lie in a file beside the
model, NAME.cases.json, whose hash the card has; `onnx_export.past_cases` makes it.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from models.features import Spec
from models.inference import ModelError
from models.records import Became, Similar

NEIGHBOURS = 3
"""Past cases that are told. Our choice: one may be odd, and nobody reads ten."""
LEAST_SHARE = 0.5
"""Of the features, so many must be there in both: what is known of little else looks like all. Our choice."""
DECIMALS = 3
"""Of a distance; cases that are as far by these are told in their order in the file."""


class PastCase(Struct, frozen=True, kw_only=True):
    """What a machine's features were, null where missing, and what became of it: a failure `lead_h` later, or none."""

    values: tuple[float | None, ...]
    outcome: Became
    mode: str = ""
    lead_h: float | None = None


class PastCases(Struct, frozen=True, kw_only=True):
    """The file: features by name, how far each spreads from case to case, and the cases."""

    features: tuple[str, ...]
    scale: tuple[float, ...]
    cases: tuple[PastCase, ...]


class Past(NamedTuple):
    """Past cases as they are searched: columns in the feature row, scales, values [cases, features] with NaN."""

    columns: np.ndarray
    scale: np.ndarray
    values: np.ndarray
    cases: tuple[PastCase, ...]


def load(content: bytes, spec: Spec) -> Past:
    """From the file's bytes. Raises ModelError where it is none, or of other features."""
    try:
        found = msgspec.json.decode(content, type=PastCases)
    except msgspec.DecodeError as wrong:
        raise ModelError(f"the past cases cannot be read: {wrong}") from wrong
    wide = len(found.features)
    if missing := set(found.features) - set(spec.names):
        raise ModelError(f"the past cases are of features that the model has not: {', '.join(sorted(missing))}")
    if not wide or len(found.scale) != wide or any(len(case.values) != wide for case in found.cases):
        raise ModelError("each past case and the scales need a number for each of its features")
    if min(found.scale) <= 0.0:
        raise ModelError("the scales of past cases must be over 0")
    return Past(
        columns=np.array([spec.column(name) for name in found.features]),
        scale=np.array(found.scale),
        values=np.array([case.values for case in found.cases], np.float64).reshape(-1, wide),
        cases=found.cases,
    )


def nearest(past: Past, row: np.ndarray) -> tuple[Similar, ...]:
    """The NEIGHBOURS cases nearest to a feature row, the nearest first.

    The distance is the root of the mean square of what differs, each feature in its scale, over those in both.
    """
    apart = (past.values - row[past.columns].astype(np.float64)) / past.scale
    known = ~np.isnan(apart)
    count = known.sum(axis=1)
    squares = np.where(known, apart, 0.0) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.round(np.sqrt(squares.sum(axis=1) / count), DECIMALS)
    distance[count < LEAST_SHARE * len(past.scale)] = np.inf
    order = np.argsort(distance, kind="stable")[:NEIGHBOURS].tolist()
    return tuple(
        Similar(
            outcome=past.cases[at].outcome,
            mode=past.cases[at].mode,
            lead_h=past.cases[at].lead_h,
            distance=float(distance[at]),
        )
        for at in order
        if np.isfinite(distance[at])
    )
