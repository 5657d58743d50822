"""A net in static int8, by onnxruntime's own tool, and whether it may be offered.

What rocket counts stays exact: its whole numbers are int8 as they are, its taps are -1, 0 and 2, and the step from 0
to 1 is where int8 saturates. So only shares (255 steps), the head's weights and its units are rounded. Scales are
fixed beforehand: dynamic quantisation would take them from whoever shares a batch.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from msgspec import Struct
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from models.inference import INPUT
from onnx_export.net_graph import SHARES, WHOLE

MOST_SIZE, LEAST_SPEED, MOST_LOSS = 0.26, 2.3, 0.005
"""Asked for: of float32's bytes, times as fast at the served batch, and average precision given up."""
CALIBRATION_ROWS = 2048
"""Training windows by which the range of units is found, evenly from all. Our choice."""
BATCH = 256
ROUNDED = ("Conv", "Clip", "GlobalAveragePool", "Concat", "Flatten", "Gemm", "Relu")
"""What comes before them may be NaN, and the tool would look for a range in it."""
PREPARED = {"onnx.quant.pre_process": "onnxruntime.quant"}
"""Said to the tool: the graph needs no rewriting beforehand, its nodes are those that int8 kernels are made of."""
STEP = {"rmin": np.float32(0.0), "rmax": np.float32(1.0)}
WHOLE_RANGE = {"rmin": np.float32(-128.0), "rmax": np.float32(127.0)}
"""256 steps of 1."""
EXACT = {"scale": np.array(1.0, np.float32), "zero_point": np.array(0, np.int8)}


class Refusal(StrEnum):
    """Why an int8 net is not offered."""

    SIZE = "over 26 % of float32's size"
    SPEED = "less than 2.3 times as fast as float32"
    PRECISION = "gives up over 0.005 of average precision"
    BITS = "a row's bits depend on its batch"


class Measured(Struct, frozen=True, kw_only=True):
    """An int8 net beside the float32 net that it was made of; `size` and `speed` are ratios of int8 to float32."""

    size: float
    speed: float
    loss: float
    rows_differing_by_batch: int

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """Why it is not offered; none where it is. A figure that is no number holds no bar."""
        holds = {
            Refusal.SIZE: self.size <= MOST_SIZE,
            Refusal.SPEED: self.speed >= LEAST_SPEED,
            Refusal.PRECISION: self.loss <= MOST_LOSS,
            Refusal.BITS: self.rows_differing_by_batch == 0,
        }
        return tuple(why for why, held in holds.items() if not held)


class _Windows(CalibrationDataReader):
    """Training windows, a batch after another."""

    def __init__(self, rows: np.ndarray) -> None:
        self._batches: Iterator[np.ndarray] = (rows[at : at + BATCH] for at in range(0, len(rows), BATCH))

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next batch, None at the end."""
        rows = next(self._batches, None)
        return None if rows is None else {INPUT: rows}


def to_int8(graph: bytes, windows: np.ndarray) -> bytes:
    """The int8 graph of a float32 one of rocket and head, by flat training windows, float32 [rows, width].

    Weights are quantised a column at a time, units over the range that they have at the windows.
    """
    model = onnx.load_from_string(graph)
    helper.set_model_props(model, PREPARED)
    groups = sum(node.op_type == "Conv" for node in model.graph.node)
    ranges: dict[str, list[Any]] = {WHOLE: [WHOLE_RANGE], "side_by_side": [STEP], SHARES: [STEP]}
    for at in range(groups):
        ranges |= {f"{name}_{at}": [STEP] for name in ("over", "above", "share")} | {f"taps_{at}": [EXACT]}
    first = next(at for at, node in enumerate(model.graph.node) if node.op_type == "Conv")
    last = next(at for at, node in enumerate(model.graph.node) if node.output[0] == "scores")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "int8.onnx"
        quantize_static(
            model, file, _Windows(windows[:: max(len(windows) // CALIBRATION_ROWS, 1)]),
            quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            op_types_to_quantize=list(ROUNDED),
            nodes_to_quantize=[node.name for node in model.graph.node[first : last + 1]],
            per_channel=True,
            extra_options={"TensorQuantOverrides": ranges},
        )  # fmt: skip
        made = onnx.load(file)
    return _tidied(made, graph)


def _tidied(made: onnx.ModelProto, graph: bytes) -> bytes:
    """The tool's graph with scores left in float32, without zero points that are 0 anyway, under short names."""
    _keep_float(made, "scores")
    zeros = {
        tensor.name
        for tensor in made.graph.initializer
        if tensor.data_type == TensorProto.INT32 and not numpy_helper.to_array(tensor).any()
    }
    for node in made.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[2] in zeros:
            del node.input[2]
    used = {name for node in made.graph.node for name in node.input}
    kept = [tensor for tensor in made.graph.initializer if tensor.name in used]
    del made.graph.initializer[:]
    made.graph.initializer.extend(kept)
    del made.graph.value_info[:]
    del made.metadata_props[:]
    _shorten(made)
    made.producer_name, made.producer_version = onnx.load_from_string(graph).producer_name, ""
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def _keep_float(made: onnx.ModelProto, name: str) -> None:
    """Take the rounding of one tensor out again."""
    (down,) = [node for node in made.graph.node if node.op_type == "QuantizeLinear" and node.input[0] == name]
    (up,) = [node for node in made.graph.node if node.op_type == "DequantizeLinear" and node.input[0] == down.output[0]]
    for node in made.graph.node:
        for at, source in enumerate(node.input):
            if source == up.output[0]:
                node.input[at] = name
    made.graph.node.remove(down)
    made.graph.node.remove(up)


def _shorten(made: onnx.ModelProto) -> None:
    """Number tensors instead of naming them: names were a fortieth of the file."""
    outside = {value.name for value in (*made.graph.input, *made.graph.output)}
    short: dict[str, str] = {}

    def named(name: str) -> str:
        return name if name in outside else short.setdefault(name, f"t{len(short)}")

    for node in made.graph.node:
        node.name = ""
        for names in (node.input, node.output):
            names[:] = [named(name) for name in names]
    for tensor in made.graph.initializer:
        tensor.name = named(tensor.name)
