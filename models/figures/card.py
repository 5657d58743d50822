"""The card of a model that gives figures: what it takes, with units, what it gives, and where it comes from.

Such a model need not look at features of ours: whoever asks it feeds it by the names of its inputs.
"""

from __future__ import annotations

import hashlib
import re

import msgspec
from msgspec import Struct

from models.inference import ModelError
from models.release import Kind, version_of

KINDS = (Kind.ANOMALY, Kind.ENERGY, Kind.DEFECT)
"""Kinds whose card this is."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Of a model: it names files."""


class Input(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one column of the graph's input is: `unit` as UCUM writes it, "1" for what has none."""

    name: str
    unit: str


class FigureCard(Struct, frozen=True, kw_only=True):
    """What a model is, where it comes from and how it did: the JSON beside the ONNX file.

    `outputs` are names and widths of what the graph gives, in its order.
    """

    name: str
    kind: Kind
    sha256: str
    inputs: tuple[Input, ...]
    features_sha256: str
    outputs: dict[str, int]
    basis: str
    trained_on: str
    command: str
    scores: dict[str, float] = {}

    @property
    def version(self) -> str:
        """Name and the beginning of the file's hash."""
        return version_of(self.name, self.sha256)


def sha256_of(inputs: tuple[Input, ...]) -> str:
    """Of a list of inputs with their units, in order."""
    return hashlib.sha256(msgspec.json.encode(inputs)).hexdigest()


def check(card: FigureCard) -> None:
    """Raise ModelError where a card contradicts itself."""
    names = [one.name for one in card.inputs]
    unnamed = [one.name for one in card.inputs if not (one.name and one.unit)]
    wrong = None
    if card.kind not in KINDS:
        wrong = f"a {card.kind} model has another card"
    elif not NAME.fullmatch(card.name):
        wrong = f"the name '{card.name}' is to be letters, digits and . _ -, and names the files"
    elif not names or len(set(names)) < len(names):
        wrong = f"inputs must be some, each once, but are {names}"
    elif unnamed:
        wrong = f"inputs need a name and a unit, 1 for none, which {unnamed} lack"
    elif card.features_sha256 != sha256_of(card.inputs):
        wrong = f"features_sha256 is not that of its inputs, {sha256_of(card.inputs)}"
    if wrong:
        raise ModelError(f"the card of '{card.name}' is wrong: {wrong}")
