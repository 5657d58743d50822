"""Draws of a defect model as one ONNX graph: inputs centred, bent, each kind's logits, the chance that any happens.

Wrapped by `wrapped_figures` like any other team's, which holds it to the contract. Bytes are a function of the model.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.figures.card import FigureCard, Input
from models.inference import INPUT
from models.release import Kind
from onnx_export.convert import IR_VERSION, OPSET, PRODUCER
from onnx_export.defect_learn import DRAWS, FURTHEST, LEAST, Learned, pairs
from onnx_export.wrapped_figures import FigureMap, From, Inputs, wrapped_figures

CHANCE, SPREAD = "chance", "disagreement"


def exported(
    model: Learned, name: str, inputs: tuple[Input, ...], trained_on: str, command: str, scores: dict[str, float]
) -> tuple[bytes, FigureCard]:
    """The ONNX file with its acceptance vectors, and its card. Raises ModelError."""
    by = FigureMap(
        kind=Kind.DEFECT, name=name, basis="Bayesian logistic models by kind of defect, draws of the posterior",
        trained_on=trained_on, scores=scores, input=Inputs(name=INPUT, features=inputs),
        outputs={"defect": From(name=CHANCE), "spread": From(name=SPREAD)},
    )  # fmt: skip
    return wrapped_figures(to_onnx(model), by, command)


def to_onnx(model: Learned) -> bytes:
    """The graph from float32 `features` [rows, d] to CHANCE and SPREAD, float32 [rows, 1]."""
    inputs = len(model.centres)
    graph = helper.make_graph(
        [*_bent(), *(node for at in range(len(model.kinds)) for node in _kind(at)), *_told(len(model.kinds))],
        PRODUCER,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, inputs])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in (CHANCE, SPREAD)],
        [numpy_helper.from_array(value, name) for name, value in _constants(model).items()],
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name=PRODUCER
    )
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def _constants(model: Learned) -> dict[str, np.ndarray]:
    first, second = pairs(len(model.centres))
    out: dict[str, np.ndarray] = {
        "centres": model.centres.astype(np.float32),
        "scales": model.scales.astype(np.float32),
        "first": first.astype(np.int64),
        "second": second.astype(np.int64),
        "zero": np.array(0.0, np.float32),
        "one": np.array(1.0, np.float32),
        "floor": np.array(LEAST, np.float32),
        "parts": np.array([1, DRAWS], np.int64),
        "least": np.array(-FURTHEST, np.float32),
        "most": np.array(FURTHEST, np.float32),
    }
    for at, kind in enumerate(model.kinds):
        out |= {f"weights{at}": kind.weights.astype(np.float32), f"levels{at}": kind.levels.astype(np.float32)}
    return out


def _bent() -> list[onnx.NodeProto]:
    """A missing input is its centre."""
    return [
        helper.make_node("Sub", [INPUT, "centres"], ["off"]),
        helper.make_node("Div", ["off", "scales"], ["far"]),
        helper.make_node("IsNaN", ["far"], ["missing"]),
        helper.make_node("Where", ["missing", "zero", "far"], ["known"]),
        helper.make_node("Clip", ["known", "least", "most"], ["scaled"]),
        helper.make_node("Gather", ["scaled", "first"], ["left"], axis=1),
        helper.make_node("Gather", ["scaled", "second"], ["right"], axis=1),
        helper.make_node("Mul", ["left", "right"], ["products"]),
        helper.make_node("Concat", ["scaled", "products"], ["bent"], axis=1),
    ]


def _kind(at: int) -> list[onnx.NodeProto]:
    """Its chance by the exponential, whose float32 is as good for small chances as for large; Sigmoid's is not."""
    return [
        helper.make_node("MatMul", ["bent", f"weights{at}"], [f"weighed{at}"]),
        helper.make_node("Add", [f"weighed{at}", f"levels{at}"], [f"logits{at}"]),
        helper.make_node("Neg", [f"logits{at}"], [f"against{at}"]),
        helper.make_node("Exp", [f"against{at}"], [f"odds{at}"]),
        helper.make_node("Add", [f"odds{at}", "one"], [f"all{at}"]),
        helper.make_node("Reciprocal", [f"all{at}"], [f"chance{at}"]),
    ]


def _told(kinds: int) -> list[onnx.NodeProto]:
    """The mode's chance, and how far draws of its logarithm are apart, times it.

    The chance that any kind happens grows by what each adds: one less the product of the others loses small ones.
    """
    nodes, before = [], "chance0"
    for at in range(1, kinds):
        nodes += [
            helper.make_node("Sub", ["one", before], [f"rest{at}"]),
            helper.make_node("Mul", [f"chance{at}", f"rest{at}"], [f"more{at}"]),
            helper.make_node("Add", [before, f"more{at}"], [f"any{at}"]),
        ]
        before = f"any{at}"
    return [
        *nodes,
        helper.make_node("Clip", [before, "floor", "one"], ["within"]),
        helper.make_node("Split", ["within", "parts"], [CHANCE, "draws"], axis=1),
        helper.make_node("Log", ["draws"], ["logs"]),
        helper.make_node("ReduceMean", ["logs"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["logs", "mean"], ["apart"]),
        helper.make_node("Mul", ["apart", "apart"], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["variance"], axes=[1], keepdims=1),
        helper.make_node("Sqrt", ["variance"], ["log_spread"]),
        helper.make_node("Mul", ["log_spread", CHANCE], [SPREAD]),
    ]
