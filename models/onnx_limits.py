"""What an ONNX file of ours may hold: standard operators that compute numbers from numbers, within opsets and sizes.

Judged from the bytes, before a session is made of them.
"""

from __future__ import annotations

from collections.abc import Set
from enum import StrEnum

from msgspec import Struct

from models.onnx_file import Contents

STANDARD, TREES = "", "ai.onnx.ml"
IR_VERSIONS = range(7, 11)
OPSETS = {STANDARD: range(13, 22), TREES: range(1, 4)}
"""Up to what onnxruntime 1.20 reads, the oldest that Forewarn runs on (its compatibility page: opset 21, IR 10), and
from where quantised weights have a scale a channel (opset 13)."""
MOST_BYTES = 32 * 2**20
"""A hundred starters, or a net of 8 million float32 weights; a worker holds two while it changes one. Our choice."""
MOST_NODES = 2000
"""The starter has 4, the health model 35, a net of MiniRocket's some hundreds. Our choice."""
_TREES = ("TreeEnsembleClassifier", "TreeEnsembleRegressor")
OPERATORS = frozenset((TREES, name) for name in _TREES) | frozenset(
    (STANDARD, name)
    for name in (
        # arithmetic, a number at a time
        "Abs", "Add", "Ceil", "Clip", "Cos", "Div", "Erf", "Exp", "Floor", "HardSigmoid", "IsInf", "IsNaN", "LeakyRelu",
        "Log", "Max", "Min", "Mod", "Mul", "Neg", "Pow", "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign",
        "Sin", "Softplus", "Sqrt", "Sub", "Tanh",
        # comparisons and choices
        "And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or", "Where", "Xor",
        # over a row
        "ArgMax", "AveragePool", "BatchNormalization", "Conv", "CumSum", "Gemm", "GlobalAveragePool", "GlobalMaxPool",
        "LayerNormalization", "LogSoftmax", "MatMul", "MaxPool", "Mean", "ReduceMax", "ReduceMean", "ReduceMin",
        "ReduceProd", "ReduceSum", "Softmax", "Sum", "TopK",
        # places and shapes
        "Cast", "Concat", "Constant", "ConstantOfShape", "Expand", "Flatten", "Gather", "GatherElements", "Identity",
        "Pad", "Reshape", "ScatterElements", "Shape", "Slice", "Split", "Squeeze", "Tile", "Transpose", "Unsqueeze",
        # static int8: a scale that was fixed when the file was made
        "DequantizeLinear", "QuantizeLinear",
    )
)  # fmt: skip
"""Not among them: DynamicQuantizeLinear (its scale depends on who shares the batch), draws of random numbers, loops and
branches, strings, sequences, images, and whatever a runtime adds of its own."""


class Limit(StrEnum):
    """What a file breaks."""

    SIZE = "size"
    NODES = "nodes"
    IR_VERSION = "IR version"
    OPSET = "opset"
    OPERATOR = "operator"
    SUBGRAPH = "subgraph"
    FUNCTION = "function"
    TRAINING = "training"
    EXTERNAL_DATA = "external data"


class Broken(Struct, frozen=True):
    """A limit that is broken, and how."""

    reason: Limit
    detail: str


def broken(found: Contents, operators: Set[tuple[str, str]] = OPERATORS) -> tuple[Broken, ...]:
    """All limits that a file breaks, none of a good one."""
    strange = sorted(
        f"{domain or 'ai.onnx'}.{name}" for domain, name in found.operators if (domain, name) not in operators
    )
    opsets = [f"{domain or 'ai.onnx'} {found.opsets.get(domain)}" for domain in sorted(_off_opset(found))]
    asked = {
        Limit.SIZE: (found.size_bytes > MOST_BYTES, f"{found.size_bytes:,} bytes, at most {MOST_BYTES:,}"),
        Limit.NODES: (found.nodes > MOST_NODES, f"{found.nodes:,} nodes, at most {MOST_NODES:,}"),
        Limit.IR_VERSION: (found.ir_version not in IR_VERSIONS, f"{found.ir_version}, not {_span(IR_VERSIONS)}"),
        Limit.OPSET: (bool(opsets), f"{', '.join(opsets)}, not {_span(OPSETS[STANDARD])} and {_span(OPSETS[TREES])}"),
        Limit.OPERATOR: (bool(strange), f"{', '.join(strange)}: not among those allowed"),
        Limit.SUBGRAPH: (found.subgraphs > 0, f"{found.subgraphs} graphs inside of nodes"),
        Limit.FUNCTION: (found.functions > 0, f"{found.functions} functions of its own"),
        Limit.TRAINING: (found.training > 0, f"{found.training} graphs of training"),
        Limit.EXTERNAL_DATA: (found.external > 0, f"{found.external} tensors in other files"),
    }
    return tuple(Broken(limit, detail) for limit, (wrong, detail) in asked.items() if wrong)


def _off_opset(found: Contents) -> set[str]:
    """Standard domains that nodes are of, in a version that is not allowed."""
    used = {domain for domain, _ in found.operators} & set(OPSETS)
    return {domain for domain in used if found.opsets.get(domain) not in OPSETS[domain]}


def _span(allowed: range) -> str:
    return f"{allowed.start} to {allowed.stop - 1}"
