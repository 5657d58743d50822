"""A LightGBM hazard to an ONNX graph: class chances from the trees, then chances within each horizon by adding up.

A running sum of numbers that are not negative never decreases, so chances rise with the horizon by construction. The
bytes are a function of the model: no dates, no paths, no random names.
"""

from __future__ import annotations

import lightgbm
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxmltools.convert.common.data_types import FloatTensorType
from onnxmltools.convert.lightgbm import convert

from models.inference import INPUT, OUTPUT
from models.records import HORIZONS_H

OPSET = 15
OPSET_ML = 3
IR_VERSION = 8
"""What onnxruntime has read since 1.13 (2022); newer ones buy nothing here and shut out older runtimes."""
PRODUCER = "forewarn"
CLASS_CHANCES = "class_chances"


def to_onnx(model: lightgbm.Booster) -> bytes:
    """The graph from float32 `features` [rows, n] to float32 `chances` [rows, horizons]. Give it a floored model."""
    features = model.num_feature()
    graph = helper.make_graph(
        [ensemble(model), *_tail()],
        PRODUCER,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, features])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, len(HORIZONS_H)])],
        _constants(),
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", OPSET_ML)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=PRODUCER)
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def ensemble(model: lightgbm.Booster, rows: str = INPUT) -> onnx.NodeProto:
    """The model's trees as one node from `rows` to CLASS_CHANCES: the converter's, without its labels and casts."""
    trees = convert(
        model,
        name=PRODUCER,
        initial_types=[(INPUT, FloatTensorType([None, model.num_feature()]))],
        target_opset=OPSET,
        zipmap=False,
    )
    nodes = [node for node in trees.graph.node if node.op_type == "TreeEnsembleClassifier"]
    if len(nodes) != 1 or list(nodes[0].input) != [INPUT]:
        raise ValueError(
            f"onnxmltools made {[n.op_type for n in trees.graph.node]}: expected one TreeEnsembleClassifier of {INPUT}"
        )
    node = onnx.NodeProto()
    node.CopyFrom(nodes[0])
    node.name, node.doc_string = "trees", ""
    node.input[:] = [rows]
    del node.output[:]
    node.output.extend(["label", CLASS_CHANCES])
    return node


def _tail() -> list[onnx.NodeProto]:
    """The classes before LATER, added up, and what rounding puts over 1 cut off."""
    return [
        helper.make_node("Slice", [CLASS_CHANCES, "first", "last", "columns"], ["within"], name="within"),
        helper.make_node("CumSum", ["within", "columns_axis"], ["added"], name="added"),
        helper.make_node("Min", ["added", "one"], [OUTPUT], name="cut"),
    ]


def _constants() -> list[onnx.TensorProto]:
    constants: dict[str, np.ndarray] = {
        "first": np.array([0], np.int64),
        "last": np.array([len(HORIZONS_H)], np.int64),
        "columns": np.array([1], np.int64),
        "columns_axis": np.array(1, np.int64),
        "one": np.array(1.0, np.float32),
    }
    return [numpy_helper.from_array(value, name) for name, value in constants.items()]
