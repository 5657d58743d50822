"""Acceptance vectors: rows with what the gate saw come of them, inside the ONNX file, run again wherever it is loaded.

Where a runtime or a processor computes something else, the model says so before it has scored a machine.
"""

from __future__ import annotations

import base64

import msgspec
import numpy as np
from msgspec import Struct

from models.inference import Graph, ModelError

KEY = "forewarn.acceptance"
"""Name among the file's metadata_props."""
LARGEST_TOLERANCE = 1e-3
"""No file may ask for less than the gate itself does (onnx_export.gate)."""


class Vectors(Struct, frozen=True):
    """Rows and their chances, or other figures, little-endian float32 in base64.

    `tolerance` is how far another runtime may be off: of figures beyond 1, in shares of them.
    """

    features: int
    horizons: int
    rows: str
    chances: str
    tolerance: float

    @classmethod
    def of(cls, rows: np.ndarray, chances: np.ndarray, tolerance: float) -> Vectors:
        """Of float32 rows [rows, features] and their float32 chances [rows, horizons]."""
        return cls(rows.shape[1], chances.shape[1], _packed(rows), _packed(chances), tolerance)

    def packed(self) -> str:
        """As the file keeps it."""
        return msgspec.json.encode(self).decode()


def check(predictor: Graph) -> int:
    """Run a model's own vectors; returns how many there are, 0 where it has none.

    Raises ModelError where a chance is off. Bits are not asked for: other runtimes and processors add in another order.
    """
    text = predictor.metadata.get(KEY)
    if text is None:
        return 0
    try:
        vectors = msgspec.json.decode(text, type=Vectors)
        rows, wanted = _unpacked(vectors.rows, vectors.features), _unpacked(vectors.chances, vectors.horizons)
    except (msgspec.DecodeError, ValueError) as wrong:
        raise ModelError(f"its acceptance vectors cannot be read: {wrong}: export the model anew") from wrong
    _fits(predictor, vectors, rows, wanted)
    off = float((np.abs(predictor.predict(rows).astype(np.float64) - wanted) / np.maximum(1.0, np.abs(wanted))).max())
    if not off <= vectors.tolerance:  # a NaN is wrong too
        raise ModelError(
            f"its acceptance vectors come out {off:.3g} off here, {vectors.tolerance:g} is allowed: this onnxruntime "
            "or processor computes something else; use the onnxruntime of the card, or export the model anew here"
        )
    return len(rows)


def _fits(predictor: Graph, vectors: Vectors, rows: np.ndarray, wanted: np.ndarray) -> None:
    found = (vectors.features, vectors.horizons, len(wanted))
    if found != (predictor.features, predictor.outputs, len(rows)) or not len(rows):
        raise ModelError(
            f"its acceptance vectors are {len(rows)} rows of {vectors.features} features with {len(wanted)} of "
            f"{vectors.horizons} chances, which the graph's do not match: export the model anew"
        )
    if not 0.0 <= vectors.tolerance <= LARGEST_TOLERANCE:
        raise ModelError(f"its acceptance vectors allow {vectors.tolerance:g}, at most {LARGEST_TOLERANCE:g} is sound")


def _packed(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values, "<f4").tobytes()).decode()


def _unpacked(text: str, columns: int) -> np.ndarray:
    flat = np.frombuffer(base64.b64decode(text, validate=True), "<f4").astype(np.float32)
    if columns < 1 or len(flat) % columns:
        raise ValueError(f"{len(flat)} numbers are no rows of {columns}")
    return flat.reshape(-1, columns)
