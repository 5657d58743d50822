"""Acceptance vectors into an ONNX file: the graph stays as it is, and the bytes are a function of both."""

from __future__ import annotations

import onnx

from models.acceptance import KEY, Vectors


def stamped(made: bytes, vectors: Vectors) -> bytes:
    """The file with these vectors among its metadata, in the place of others."""
    model = onnx.load_from_string(made)
    kept = {entry.key: entry.value for entry in model.metadata_props} | {KEY: vectors.packed()}
    onnx.helper.set_model_props(model, kept)
    return model.SerializeToString(deterministic=True)
