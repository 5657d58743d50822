"""The card of a model: what it is, where it comes from and how it did, beside its ONNX file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from msgspec import UNSET, UnsetType

from models.failure.hazard import Card, card_json
from models.failure.interval import Levels
from models.features import Spec
from models.passed import Passed
from models.records import HORIZONS_H
from onnx_export.parity import Parity

__all__ = ["card_json", "card_of"]


def card_of(
    *,
    name: str,
    onnx: bytes,
    asset_type: str,
    spec: Spec,
    limit: float,
    basis: str,
    failures: int = 0,
    trained_on: str,
    command: str,
    seeds: Mapping[str, Sequence[int]],
    parity: Parity,
    scores: Mapping[str, float],
    modes: Sequence[str] = (),
    interval: Levels | None = None,
    cases: bytes = b"",
    gate: Passed | UnsetType = UNSET,
) -> Card:
    """A card that fits the file: hashes are taken here, so they cannot be wrong. `failures` are real ones.

    `cases` is the file of past cases beside it, if there is one.
    """
    return Card(
        name=name,
        sha256=hashlib.sha256(onnx).hexdigest(),
        asset_type=asset_type,
        signals=spec.signals,
        counters=spec.counters,
        expected=spec.expected,
        shares=spec.shares,
        events=spec.events,
        rolls_over_at=spec.rolls_over_at,
        groups=spec.groups_told,
        features_sha256=spec.sha256,
        horizons_h=HORIZONS_H,
        warning_limit=limit,
        basis=basis,
        failures=failures,
        trained_on=trained_on,
        command=command,
        seeds={use: tuple(numbers) for use, numbers in seeds.items()},
        parity=parity.figures(),
        scores=dict(scores),
        modes=tuple(modes),
        interval=interval,
        cases_sha256=hashlib.sha256(cases).hexdigest() if cases else "",
        gate=gate,
    )
