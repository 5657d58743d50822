"""What was learned of an asset type, by kind of model, and how a model's files are told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec
import numpy as np

from models.failure.draft import Draft
from models.failure.hazard import Card, Hazard, read_card
from models.failure.health import HealthCard, HealthModel
from models.features import Spec
from models.figures.card import KINDS, FigureCard
from models.figures.model import FigureModel
from models.inference import ModelError
from models.release import Kind

Model = Hazard | HealthModel | FigureModel
Lister = Model | Draft
"""What a name can stand for: each lists what it looks at."""
NONE: Mapping[Kind, FigureModel] = MappingProxyType({})


class Learned(NamedTuple):
    """The models of a type, None for a kind that it has none of. Hazard and health rest on the same feature rows.

    A shadow says beside the hazard what it would say, and nothing comes of it.

    A draft is there alone: rows are made for a model that is yet to be trained. `figures` are models of other kinds,
    which take inputs of their own and which no stage asks yet.
    """

    hazard: Hazard | None = None
    health: HealthModel | None = None
    draft: Draft | None = None
    shadow: Hazard | None = None
    figures: Mapping[Kind, FigureModel] = NONE

    @property
    def spec(self) -> Spec | None:
        """The features that its models look at, or that are drafted."""
        lister = self.hazard or self.health or self.draft
        return lister.spec if lister else None


class _Kind(msgspec.Struct):
    """What only cards of some kinds have: of health models, and of those that give figures."""

    components: int | None = None
    kind: str | None = None


def card_of(card: bytes) -> Card | HealthCard | FigureCard:
    """A card of any kind, as it says. Raises ModelError."""
    try:
        found = msgspec.json.decode(card, type=_Kind)
        if found.kind in KINDS:
            return msgspec.json.decode(card, type=FigureCard)
        return read_card(card) if found.components is None else msgspec.json.decode(card, type=HealthCard)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise ModelError(f"the card is not a model card: {wrong}") from wrong


def load(onnx: bytes, card: bytes, cases: bytes = b"") -> Model:
    """A model of any kind, as its card says; `cases` is the file of past cases, if any. Raises ModelError."""
    match found := card_of(card):
        case FigureCard():
            return FigureModel(onnx, found)
        case HealthCard():
            return HealthModel(onnx, found)
        case _:
            return Hazard(onnx, found, cases)


def warm(model: Model, counts: Sequence[int]) -> None:
    """Run so many rows of nothing but missing values through a model, so that none that counts is its first."""
    width = len(model.card.inputs) if isinstance(model, FigureModel) else len(model.spec.names)
    for count in counts:
        rows = np.full((count, width), np.nan, np.float32)
        _ = model.scores(rows) if isinstance(model, HealthModel) else model.run(rows)
