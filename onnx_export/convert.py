"""A LightGBM hazard to an ONNX graph: logits of the intervals, survivals multiplied.

A product of numbers from 0 to 1 never grows, so chances never fall with the horizon, by construction. The bytes are a
function of the model: no dates, no paths, no random names.
"""

from __future__ import annotations

from collections.abc import Iterable

import lightgbm
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.inference import INPUT, MODES, OUTPUT
from onnx_export.pooled import Pool, plain
from onnx_export.survival import INTERVALS
from onnx_export.trees import ensemble

OPSET = 15
OPSET_ML = 3
IR_VERSION = 8
"""What onnxruntime has read since 1.13 (2022); newer ones buy nothing here and shut out older runtimes."""
PRODUCER = "forewarn"
LOGITS = "logits"


def to_onnx(model: lightgbm.Booster, pool: Pool | None = None) -> bytes:
    """The graph from float32 `features` [rows, n] to float32 `chances` [rows, horizons]. Give it a floored model.

    With components, `modes` [rows, modes] too: each one's share in a failure within the last horizon.
    """
    pool = pool or plain(model.num_feature() - 1)
    outputs = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, INTERVALS])]
    if pool.modes:
        outputs.append(helper.make_tensor_value_info(MODES, TensorProto.FLOAT, [None, len(pool.modes)]))
    head, rows, tail = (_head(), "rows", _of_components()) if pool.modes else ([], INPUT, _of_machines())
    graph = helper.make_graph(
        [*head, ensemble(model, rows, LOGITS, INTERVALS, OPSET), *_survivals(), *tail],
        PRODUCER,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, pool.features])],
        outputs,
        list(_constants(pool)),
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", OPSET_ML)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=PRODUCER)
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def _head() -> list[onnx.NodeProto]:
    """A machine's row to the rows of its components."""
    return [
        helper.make_node("Shape", [INPUT], ["shape"], end=1),
        helper.make_node("Concat", ["shape", "width"], ["behind_shape"], axis=0),
        helper.make_node("Expand", ["constants", "behind_shape"], ["behind"]),
        helper.make_node("Concat", [INPUT, "behind"], ["row"], axis=1),
        helper.make_node("Gather", ["row", "columns"], ["gathered"], axis=1),
        helper.make_node("Reshape", ["gathered", "rows_shape"], ["rows"]),
    ]


def _survivals() -> list[onnx.NodeProto]:
    """The trees' chances of passing each interval, multiplied from the first on: `survives` [rows x components, n]."""
    passed = [f"passed_{at}" for at in range(INTERVALS)]
    through = [passed[0], *(f"through_{at}" for at in range(1, INTERVALS))]
    return [
        helper.make_node("Neg", [LOGITS], ["against"]),
        helper.make_node("Sigmoid", ["against"], ["passes"]),
        helper.make_node("Split", ["passes"], passed, axis=1),
        *(helper.make_node("Mul", [through[at - 1], passed[at]], [through[at]]) for at in range(1, INTERVALS)),
        helper.make_node("Concat", through, ["survives"], axis=1),
    ]


def _of_machines() -> list[onnx.NodeProto]:
    return [helper.make_node("Sub", ["one", "survives"], [OUTPUT])]


def _of_components() -> list[onnx.NodeProto]:
    """Components' survivals to the chances of the machine, and whose failure it would be."""
    return [
        helper.make_node("Reshape", ["survives", "machine_shape"], ["of_component"]),
        helper.make_node("ReduceProd", ["of_component"], ["all_survive"], axes=[1], keepdims=0),
        helper.make_node("Sub", ["one", "all_survive"], [OUTPUT]),
        helper.make_node("Slice", ["of_component", "later", "end", "last_axis"], ["survives_all"]),
        helper.make_node("Sub", ["one", "survives_all"], ["fails"]),
        helper.make_node("ReduceSum", ["fails", "axis"], ["of_all"], keepdims=1),
        helper.make_node("Div", ["fails", "of_all"], ["shares"]),
        helper.make_node("Squeeze", ["shares", "last_axis"], [MODES]),
    ]


def _constants(pool: Pool) -> Iterable[onnx.TensorProto]:
    constants: dict[str, np.ndarray] = {"one": np.array(1.0, np.float32)}
    if pool.modes:
        constants |= {
            "width": np.array([pool.constants.shape[1]], np.int64),
            "constants": pool.constants,
            "columns": np.array(pool.columns, np.int64).ravel(),
            "rows_shape": np.array([-1, len(pool.names)], np.int64),
            "axis": np.array([1], np.int64),
            "machine_shape": np.array([-1, len(pool.modes), INTERVALS], np.int64),
            "later": np.array([INTERVALS - 1], np.int64),
            "end": np.array([INTERVALS], np.int64),
            "last_axis": np.array([2], np.int64),
        }
    return (numpy_helper.from_array(value, name) for name, value in constants.items())
