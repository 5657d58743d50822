"""A small net from features to chances, as numpy and as ONNX, and what spoils a graph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from models.inference import INPUT, OUTPUT
from models.passed import Kind
from models.records import HORIZONS_H
from onnx_export.gate import Candidate
from onnx_export.resolution import resolutions
from onnx_export.trials import trials

FEATURES, HIDDEN, CLASSES = 12, 64, len(HORIZONS_H) + 1
RANDOM = np.random.default_rng(3)
FIRST = RANDOM.normal(0, 0.5, (FEATURES, HIDDEN)).astype(np.float32)
SECOND = RANDOM.normal(0, 0.5, (HIDDEN, CLASSES)).astype(np.float32)
GROUPS = {"a": np.arange(6), "b": np.arange(6, 12)}


def rows(count: int = 500) -> np.ndarray:
    return np.random.default_rng(4).normal(0, 1, (count, FEATURES)).astype(np.float32)


def native(given: np.ndarray) -> np.ndarray:
    """Chances in float64; a missing feature counts as 0."""
    hidden = np.maximum(np.nan_to_num(given.astype(np.float64)) @ FIRST, 0.0)
    scores = hidden @ SECOND
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.minimum(np.cumsum((powers / powers.sum(axis=1, keepdims=True))[:, : len(HORIZONS_H)], axis=1), 1.0)


def net(operators: Sequence[onnx.NodeProto] = (), **more: Any) -> bytes:
    """The same as a graph; `operators` stand before all others, from `features` to `given`."""
    first = list(operators) or [helper.make_node("Identity", [INPUT], ["given"])]
    nodes = [
        *first,
        helper.make_node("IsNaN", ["given"], ["none"]),
        helper.make_node("Where", ["none", "zero", "given"], ["known"]),
        helper.make_node("MatMul", ["known", "first"], ["sums"]),
        helper.make_node("Relu", ["sums"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "second"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["classes"], axis=1),
        helper.make_node("Slice", ["classes", "from", "to", "columns"], ["within"]),
        helper.make_node("CumSum", ["within", "axis"], ["added"]),
        helper.make_node("Min", ["added", "one"], [OUTPUT]),
    ]
    constants = {
        "first": FIRST, "second": SECOND, "zero": np.float32(0), "one": np.float32(1), "from": np.array([0]),
        "to": np.array([len(HORIZONS_H)]), "columns": np.array([1]), "axis": np.array(1),
    }  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, FEATURES])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, len(HORIZONS_H)])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = more.pop("opset_imports", [helper.make_opsetid("", 15)])
    return helper.make_model(
        graph, opset_imports=opsets, ir_version=more.pop("ir_version", 8), **more
    ).SerializeToString()


def dynamic(folder: Path) -> bytes:
    """The net, quantised dynamically to int8 by onnxruntime's own tool."""
    quantize_dynamic(onnx.load_from_string(net()), folder / "dynamic.onnx", weight_type=QuantType.QInt8)
    return (folder / "dynamic.onnx").read_bytes()


def candidate(made: bytes, **more: Any) -> Candidate:
    names = [f"f{at}" for at in range(FEATURES)]
    asked: dict[str, Any] = {
        "onnx": made, "kind": Kind.MINIROCKET, "native": native, "trials": trials(rows(), GROUPS, largest=1e3),
        "resolutions": resolutions(rows(), names),
    }  # fmt: skip
    return Candidate(**(asked | more))


def before(made: bytes, *nodes: onnx.NodeProto, **constants: np.ndarray) -> bytes:
    """A graph of ours with nodes from `features` to `changed` in front of all that read features."""
    model = onnx.load_from_string(made)
    for node in model.graph.node:
        for at, name in enumerate(node.input):
            if name == INPUT:
                node.input[at] = "changed"
    kept = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend([*nodes, *kept])
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    return model.SerializeToString()
