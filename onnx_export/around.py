"""Nodes of ours around another team's ONNX graph, which stays as it is: what goes into it, what comes out.

Which figures those are is not known here: see `wrapped` for hazards, `wrapped_figures` for models of other kinds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from models.inference import INPUT, ModelError

OURS = "forewarn."
"""Before the names of what is put around the graph, which could meet its own."""
THEIRS = "theirs."
SEED = 20260105
End = tuple[str, int]
"""Name and width of float32 [rows, width]."""


class Taken(NamedTuple):
    """What the graph takes: its input's name, places of its columns among ours, its word for a missing one if any."""

    name: str
    places: Sequence[int]
    missing: float | None


def read(content: bytes) -> onnx.ModelProto:
    """A graph from its file's bytes. Raises ModelError."""
    try:
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model)
    except Exception as wrong:  # protobuf's and the checker's own share no base but this
        raise ModelError(f"the file is no ONNX model: {wrong}: export it anew") from wrong
    return model


def width_of(where: str, model: onnx.ModelProto, name: str) -> int:
    """Columns of one of the graph's outputs; 0 where that is not [rows, a fixed number]. Raises ModelError."""
    dims = {one.name: one.type.tensor_type.shape.dim for one in model.graph.output}
    if name not in dims:
        raise ModelError(f"{where} name: the graph gives {', '.join(dims)}, not '{name}'")
    return dims[name][1].dim_value if len(dims[name]) == 2 else 0


def joined(
    model: onnx.ModelProto,
    width: int,
    taken: Taken,
    after: onnx.GraphProto,
    said: Mapping[str, str],
    gives: Sequence[str],
) -> bytes:
    """The graph of `width` features of ours, with `after` fed by its outputs: `said` has inputs of `after` by output.

    Raises ModelError where names do not fit the graph.
    """
    _check_taken(model, taken)
    opset = next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx"))
    before = _model(_before(taken, width), opset, model.ir_version)
    behind = _model(after, opset, model.ir_version)
    try:
        theirs = compose.add_prefix(model, THEIRS, rename_functions=False)
        out = compose.merge_models(before, theirs, [(f"{OURS}given", f"{THEIRS}{taken.name}")])
        io = [(f"{THEIRS}{name}", at) for name, at in said.items()]
        out = compose.merge_models(out, behind, io, outputs=list(gives))
    except ValueError as wrong:
        raise ModelError(f"[input] and [output] do not fit the graph: {wrong}") from wrong
    out.ClearField("doc_string")
    return out.SerializeToString(deterministic=True)


def graph_of(
    nodes: Sequence[onnx.NodeProto], constants: Mapping[str, np.ndarray], begin: Sequence[End], end: Sequence[End]
) -> onnx.GraphProto:
    """Nodes as a graph from some float32 inputs to some outputs."""
    ends = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]) for name, width in side]
        for side in (begin, end)
    ]
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    return helper.make_graph(list(nodes), "wrapped", ends[0], ends[1], tensors)


def rows_of(features: int, count: int = 256) -> np.ndarray:
    """Float32 rows of no machine; one in four lacks some features."""
    random = np.random.default_rng(SEED)
    rows = random.normal(0.0, 20.0, (count, features)).astype(np.float32)
    rows[::4] = np.where(random.random(rows[::4].shape) < 0.3, np.float32(np.nan), rows[::4])
    return rows


def _check_taken(model: onnx.ModelProto, taken: Taken) -> None:
    """Raise ModelError where the graph's input is known to have another number of columns."""
    dims = {one.name: one.type.tensor_type.shape.dim for one in model.graph.input}.get(taken.name, ())
    wide = dims[1].dim_value if len(dims) == 2 else 0
    if wide and wide != len(taken.places):
        raise ModelError(f"[input] features: '{taken.name}' takes {wide} columns, and {len(taken.places)} are named")


def _model(graph: onnx.GraphProto, opset: int, ir_version: int) -> onnx.ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


def _before(taken: Taken, width: int) -> onnx.GraphProto:
    """Features of ours to the graph's columns, with its word for a missing value."""
    places = {f"{OURS}places": np.array(taken.places, np.int64)}
    nodes = [helper.make_node("Gather", [INPUT, f"{OURS}places"], [f"{OURS}chosen"], axis=1)]
    if taken.missing is None:
        nodes.append(helper.make_node("Identity", [f"{OURS}chosen"], [f"{OURS}given"]))
    else:
        places[f"{OURS}none"] = np.array(taken.missing, np.float32)
        nodes += [
            helper.make_node("IsNaN", [f"{OURS}chosen"], [f"{OURS}lacks"]),
            helper.make_node("Where", [f"{OURS}lacks", f"{OURS}none", f"{OURS}chosen"], [f"{OURS}given"]),
        ]
    return graph_of(nodes, places, [(INPUT, width)], [(f"{OURS}given", len(taken.places))])
