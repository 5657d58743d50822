"""What was learned of an asset type, by kind of model, and how a model's files are told apart."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from models.failure.draft import Draft
from models.failure.hazard import Card, Hazard, read_card
from models.failure.health import HealthCard, HealthModel
from models.features import Spec
from models.inference import ModelError

Model = Hazard | HealthModel
Lister = Model | Draft
"""What says which features are looked at."""


class Learned(NamedTuple):
    """The models of a type, None for a kind that it has none of. All rest on the same feature rows.

    A shadow says beside the hazard what it would say, and nothing comes of it.

    A draft is there alone: rows are made for a model that is yet to be trained.
    """

    hazard: Hazard | None = None
    health: HealthModel | None = None
    draft: Draft | None = None
    shadow: Hazard | None = None

    @property
    def spec(self) -> Spec | None:
        """The features that its models look at, or that are drafted."""
        lister = self.hazard or self.health or self.draft
        return lister.spec if lister else None


class _Kind(msgspec.Struct):
    """What only a health model's card has."""

    components: int | None = None


def card_of(card: bytes) -> Card | HealthCard:
    """A card of either kind, as it says. Raises ModelError."""
    try:
        kind = msgspec.json.decode(card, type=_Kind)
        return read_card(card) if kind.components is None else msgspec.json.decode(card, type=HealthCard)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise ModelError(f"the card is not a model card: {wrong}") from wrong


def load(onnx: bytes, card: bytes, cases: bytes = b"") -> Model:
    """A model of either kind, as its card says; `cases` is the file of past cases, if any. Raises ModelError."""
    found = card_of(card)
    return HealthModel(onnx, found) if isinstance(found, HealthCard) else Hazard(onnx, found, cases)
