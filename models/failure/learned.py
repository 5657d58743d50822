"""What was learned of an asset type, by kind of model, and how a model's files are told apart."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from models.failure.hazard import Hazard
from models.failure.health import HealthModel
from models.features import Spec
from models.inference import ModelError

Model = Hazard | HealthModel


class Learned(NamedTuple):
    """The models of a type, None for a kind that it has none of. Both rest on the same feature rows."""

    hazard: Hazard | None = None
    health: HealthModel | None = None

    @property
    def spec(self) -> Spec | None:
        """The features that its models look at."""
        model = self.hazard or self.health
        return model.spec if model else None


class _Kind(msgspec.Struct):
    """What only a health model's card has."""

    components: int | None = None


def load(onnx: bytes, card: bytes, cases: bytes = b"") -> Model:
    """A model of either kind, as its card says; `cases` is the file of past cases, if any. Raises ModelError."""
    try:
        kind = msgspec.json.decode(card, type=_Kind)
    except msgspec.DecodeError as wrong:
        raise ModelError(f"the card is not a model card: {wrong}") from wrong
    return Hazard.load(onnx, card, cases) if kind.components is None else HealthModel.load(onnx, card)
