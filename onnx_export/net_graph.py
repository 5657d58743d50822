"""Rocket and head, or rocket and mixture, as one ONNX graph: flat raw windows in, chances out, nothing but arithmetic.

The step of a share, 1 where a convolution is above 0, is a clip to 0 and 1: its values are whole numbers. So it is
part of the convolution for onnxruntime, and in int8 it is what saturates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.inference import INPUT, OUTPUT
from models.records import HORIZONS_H
from onnx_export.convert import IR_VERSION, OPSET, PRODUCER
from onnx_export.mixture import ASKED, Mixture
from onnx_export.net import Head
from onnx_export.rocket import FAR, MOST, Rocket

WHOLE = "whole"
"""The tensor of whole numbers that all convolutions read."""
SHARES = "shares"


@dataclass(slots=True)
class Drawing:
    """Nodes and constants of a graph as they are put down."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def node(self, kind: str, inputs: str, output: str, **more: Any) -> str:
        """Put a node down; inputs are names with spaces between. Returns its output."""
        self.nodes.append(helper.make_node(kind, inputs.split(), [output], name=output, **more))
        return output

    def number(self, name: str, value: np.ndarray | float) -> str:
        """Put a float32 constant down; returns its name."""
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def index(self, name: str, value: list[int]) -> str:
        """Put an int64 constant down; returns its name."""
        self.constants.append(numpy_helper.from_array(np.array(value, np.int64), name))
        return name


def to_onnx(rocket: Rocket, head: Head | Mixture) -> bytes:
    """The float32 graph from `features` [rows, channels * steps] to `chances` [rows, horizons].

    Bytes are a function of what was learned.
    """
    drawing, width = Drawing(), rocket.channels * rocket.steps
    _whole(drawing, rocket)
    _shares(drawing, rocket)
    places = np.concatenate([group.places for group in rocket.groups()])
    if isinstance(head, Mixture):
        _mixture(drawing, head, places)
    else:
        _head(drawing, head, places)
    _chances(drawing)
    graph = helper.make_graph(
        drawing.nodes,
        PRODUCER,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, len(HORIZONS_H)])],
        drawing.constants,
    )
    opsets = [helper.make_opsetid("", OPSET)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=PRODUCER)
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def _whole(drawing: Drawing, rocket: Rocket) -> None:
    """As `Curve.whole`, operation by operation."""
    curve = rocket.curve
    drawing.index("window", [-1, rocket.channels, rocket.steps])
    drawing.number("centre", curve.centre[:, None])
    drawing.number("by_halfway", (np.float32(1) / curve.halfway)[:, None])
    for name, value in {"zero": 0.0, "one": 1.0, "far": FAR, "far_below": -FAR, "most": MOST}.items():
        drawing.number(name, value)
    drawing.node("Reshape", f"{INPUT} window", "windows")
    drawing.node("Sub", "windows centre", "from_centre")
    drawing.node("Mul", "from_centre by_halfway", "off")
    drawing.node("IsNaN", "off", "unknown")
    drawing.node("Where", "unknown zero off", "told")
    drawing.node("Clip", "told far_below far", "near")
    drawing.node("Abs", "near", "size")
    drawing.node("Add", "size one", "size_and_one")
    drawing.node("Div", "near size_and_one", "along")
    drawing.node("Mul", "along most", "curved")
    drawing.node("Round", "curved", WHOLE)


def _shares(drawing: Drawing, rocket: Rocket) -> None:
    """A convolution, a clip and a mean a group, side by side."""
    names = []
    for at, group in enumerate(rocket.groups()):
        drawing.number(f"taps_{at}", group.weight)
        drawing.number(f"floor_{at}", -group.floor)
        drawing.node(
            "Conv", f"{WHOLE} taps_{at} floor_{at}", f"over_{at}",
            kernel_shape=[group.weight.shape[2]], dilations=[group.dilation], pads=[group.padding] * 2,
        )  # fmt: skip
        drawing.node("Clip", f"over_{at} zero one", f"above_{at}")
        names.append(drawing.node("GlobalAveragePool", f"above_{at}", f"share_{at}"))
    drawing.node("Concat", " ".join(names), "side_by_side", axis=1)
    drawing.node("Flatten", "side_by_side", SHARES, axis=1)


def _head(drawing: Drawing, head: Head, places: np.ndarray) -> None:
    drawing.number("first", head.first[places])
    drawing.number("first_bias", head.first_bias)
    drawing.number("second", head.second)
    drawing.number("second_bias", head.second_bias)
    drawing.node("Gemm", f"{SHARES} first first_bias", "raw_units")
    drawing.node("Relu", "raw_units", "units")
    drawing.node("Gemm", "units second second_bias", "scores")


def _mixture(drawing: Drawing, mixture: Mixture, places: np.ndarray) -> None:
    """All experts side by side; what is not asked is taken times 0."""
    gate = np.zeros((len(places), mixture.experts), np.float32)
    gate[mixture.columns] = mixture.gate
    each = len(mixture.first_bias) // mixture.experts
    drawing.number("gate", gate[places])
    drawing.number("gate_bias", mixture.gate_bias)
    drawing.number("first", mixture.first[places])
    drawing.number("first_bias", mixture.first_bias)
    drawing.number("second", mixture.second)
    drawing.number("second_bias", mixture.second_bias)
    drawing.number("to_units", np.repeat(np.eye(mixture.experts), each, axis=1))
    drawing.index("asked", [ASKED])
    drawing.node("Gemm", f"{SHARES} gate gate_bias", "gate_scores")
    drawing.nodes.append(helper.make_node("TopK", ["gate_scores", "asked"], ["best", "experts"], name="best", axis=1))
    drawing.node("Softmax", "best", "of_best", axis=1)
    drawing.node("Mul", "gate_scores zero", "none_asked")
    drawing.node("ScatterElements", "none_asked experts of_best", "gates", axis=1)
    drawing.node("Gemm", f"{SHARES} first first_bias", "raw_units")
    drawing.node("Relu", "raw_units", "units")
    drawing.node("MatMul", "gates to_units", "unit_gates")
    drawing.node("Mul", "units unit_gates", "weighed")
    drawing.node("MatMul", "weighed second", "of_experts")
    drawing.node("MatMul", "gates second_bias", "of_gates")
    drawing.node("Add", "of_experts of_gates", "scores")


def _chances(drawing: Drawing) -> None:
    """Classes before LATER, added up, and what rounding puts over 1 cut off."""
    drawing.index("begin", [0])
    drawing.index("end", [len(HORIZONS_H)])
    drawing.index("columns", [1])
    drawing.node("Softmax", "scores", "classes", axis=1)
    drawing.node("Slice", "classes begin end columns", "within")
    drawing.node("CumSum", "within columns", "added")
    drawing.node("Min", "added one", OUTPUT)
