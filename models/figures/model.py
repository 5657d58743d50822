"""A loaded model that gives figures: rows of its inputs to arrays by the name of each output.

Shapes are held to the card here; whether figures are sound was tried before it was loaded (`models.contracts`).
"""

from __future__ import annotations

import copy
import hashlib

import numpy as np

from models import acceptance
from models.contracts import check_outputs
from models.failure.hazard import agree
from models.figures.card import FigureCard, check
from models.inference import Graph


class FigureModel:
    """Raises ModelError where file, card and this program disagree."""

    stands_in = False
    """Whether it speaks in the place of a release that cannot be loaded: what rests on it is of low confidence."""

    def __init__(self, onnx: bytes, card: FigureCard) -> None:
        self.card = card
        check(card)
        check_outputs(card)
        agree("the file's sha256", hashlib.sha256(onnx).hexdigest(), card.sha256)
        self._graph = Graph(onnx, tuple(card.outputs))
        agree("the number of inputs", self._graph.features, len(card.inputs))
        agree("the widths of the outputs", self._graph.widths, tuple(card.outputs.values()))
        self.vectors = acceptance.check(self._graph)

    def standing_in(self) -> FigureModel:
        """The same in the place of another."""
        other = copy.copy(self)
        other.stands_in = True
        return other

    def run(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs, float64 [rows, its width], of float32 rows [rows, inputs] in the card's order; NaN is missing."""
        if not len(rows):
            return {name: np.empty((0, width)) for name, width in self.card.outputs.items()}
        found = zip(self.card.outputs, self._graph.run(rows), strict=True)
        return {name: values.astype(np.float64) for name, values in found}
