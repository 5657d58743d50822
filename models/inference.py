"""A model as bytes in, chances out. The only importer of onnxruntime.

One thread inside an operator is a rule of correctness: with two, the same row gives other bits beside other rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

INPUT, OUTPUT = "features", "chances"


class ModelError(ValueError):
    """The bytes are no model we can run; the message says why."""


class Predictor:
    """An ONNX graph from float32 `features` [rows, n] to float32 `chances` [rows, horizons]."""

    def __init__(self, onnx: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        except Exception as wrong:  # onnxruntime's own exceptions share no base but this
            raise ModelError(f"onnxruntime cannot load the model: {wrong}") from wrong
        names = [node.name for node in self._session.get_inputs()], [node.name for node in self._session.get_outputs()]
        if names != ([INPUT], [OUTPUT]):
            raise ModelError(f"the graph must go from '{INPUT}' to '{OUTPUT}', but goes from {names[0]} to {names[1]}")
        self.features = _width(self._session.get_inputs()[0])
        self.outputs = _width(self._session.get_outputs()[0])

    def predict(self, rows: np.ndarray) -> np.ndarray:
        """Chances, float32 [rows, horizons], of float32 feature rows. A row's result does not depend on the others."""
        return self._session.run([OUTPUT], {INPUT: rows})[0]


def _width(node: Any) -> int:
    shape = node.shape
    if len(shape) != 2 or not isinstance(shape[1], int):
        raise ModelError(f"'{node.name}' must be [rows, a fixed number], but is {shape}: export the model anew")
    return shape[1]
