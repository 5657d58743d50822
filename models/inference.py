"""A model as bytes in, numbers out. The only importer of onnxruntime.

One thread inside an operator is a rule of correctness: with two, the same row gives other bits beside other rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime

INPUT, OUTPUT, MODES = "features", "chances", "modes"


class ModelError(ValueError):
    """The bytes are no model we can run; the message says why."""


class WrongEnds(ModelError):
    """Inputs or outputs are not what was asked for, by name or by width."""


class Graph:
    """An ONNX graph from float32 `features` [rows, n] to named float32 outputs, each [rows, a fixed number].

    Those named in `more` may follow the others, or not be there.
    """

    def __init__(self, onnx: bytes, outputs: Sequence[str], more: Sequence[str] = ()) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as wrong:  # onnxruntime's own exceptions share no base but this
            raise ModelError(f"onnxruntime cannot load the model: {wrong}") from wrong
        found = [node.name for node in self._session.get_inputs()], [node.name for node in self._session.get_outputs()]
        if found not in (([INPUT], list(outputs)), ([INPUT], [*outputs, *more])):
            wanted = ", ".join(f"'{name}'" for name in outputs)
            raise WrongEnds(f"the graph must go from '{INPUT}' to {wanted}, but goes from {found[0]} to {found[1]}")
        self.features = _width(self._session.get_inputs()[0])
        self.widths = tuple(_width(node) for node in self._session.get_outputs())
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.names = tuple(found[1])
        self.outputs = sum(self.widths)

    def run(self, rows: np.ndarray) -> list[np.ndarray]:
        """Each output, float32 [rows, its width]. A row's results do not depend on the others."""
        return self._session.run(list(self.names), {INPUT: rows})

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """What acceptance vectors are of: all outputs beside each other, float32 [rows, outputs]."""
        return np.concatenate(self.run(rows), axis=1)


class Predictor(Graph):
    """An ONNX graph from float32 `features` [rows, n] to float32 `chances` [rows, horizons].

    One that tells failure modes apart gives float32 `modes` [rows, modes] too: shares of a failure within the last
    horizon, which sum to 1.
    """

    def __init__(self, onnx: bytes) -> None:
        super().__init__(onnx, (OUTPUT,), (MODES,))
        self.outputs, self.modes = (*self.widths, 0)[:2]

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Chances, float32 [rows, horizons], of float32 feature rows. A row's result does not depend on the others."""
        return self.run(rows)[0]

    def both(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chances and shares of modes, by one run; shares are [rows, 0] where the graph tells no modes apart."""
        chances, *modes = self.run(rows)
        return chances, modes[0] if modes else np.empty((len(rows), 0), np.float32)


def _width(node: Any) -> int:
    shape = node.shape
    if len(shape) != 2 or not isinstance(shape[1], int):
        raise WrongEnds(f"'{node.name}' must be [rows, a fixed number], but is {shape}: export the model anew")
    return shape[1]
