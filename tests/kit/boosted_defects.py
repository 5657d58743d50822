"""A defect model of bagged LightGBM boosters as one ONNX graph: the mean of their chances, and how far they are apart.

The other model of defects to hold ours against, through the same contract. Each booster learns from a draw of rows
with replacement (Breiman 1996, bagging); the spread is of logarithms of their chances, times the mean, as ours has it.
"""

from __future__ import annotations

from collections.abc import Sequence

import lightgbm
import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from models.figures.card import Input
from models.figures.model import FigureModel
from models.inference import INPUT
from models.release import Kind
from onnx_export.convert import IR_VERSION, OPSET, OPSET_ML, PRODUCER
from onnx_export.trees import ensemble
from onnx_export.wrapped_figures import FigureMap, From, Inputs, wrapped_figures

BAGS, ROUNDS, SEED = 8, 60, 1
RECIPE = {
    "objective": "binary", "learning_rate": 0.08, "num_leaves": 15, "min_data_in_leaf": 5, "lambda_l2": 1.0,
    "verbosity": -1, "num_threads": 1, "deterministic": True, "force_col_wise": True, "seed": SEED,
}  # fmt: skip
LEAST = 1e-6
CHANCE, SPREAD = "chance", "disagreement"


def boosters(rows: np.ndarray, found: np.ndarray, bags: int = BAGS) -> list[lightgbm.Booster]:
    """One for each draw of rows [n, d]; a column of zeros behind them stands where other models have an interval."""
    random, wide = np.random.default_rng(SEED), _wide(rows)
    out = []
    for _ in range(bags):
        drawn = random.integers(0, len(rows), len(rows)) if bags > 1 else np.arange(len(rows))
        out.append(lightgbm.train(RECIPE, lightgbm.Dataset(wide[drawn], found[drawn]), ROUNDS))
    return out


def chances(of: Sequence[lightgbm.Booster], rows: np.ndarray) -> np.ndarray:
    """The mean of boosters', [n]."""
    return np.mean([one.predict(_wide(rows)) for one in of], axis=0)


def model(graph: bytes, inputs: dict[str, str]) -> FigureModel:
    """Loaded as any other team's file: inputs by name and unit."""
    by = FigureMap(
        kind=Kind.DEFECT, name="boosted-defects", basis="bagged LightGBM boosters", trained_on="one part of a set",
        input=Inputs(name=INPUT, features=tuple(Input(name=name, unit=unit) for name, unit in inputs.items())),
        outputs={"defect": From(name=CHANCE), "spread": From(name=SPREAD)},
    )  # fmt: skip
    return FigureModel(*wrapped_figures(graph, by, command="make bench ONLY=tuning_sets"))


def to_onnx(of: Sequence[lightgbm.Booster], inputs: int) -> bytes:
    """The graph from float32 `features` [rows, d] to CHANCE and SPREAD, float32 [rows, 1]."""
    logits = [f"logits{at}" for at in range(len(of))]
    trees = [ensemble(one, INPUT, name, 1, OPSET) for one, name in zip(of, logits, strict=True)]
    for at, one in enumerate(trees):
        one.name = f"trees{at}"
    constants = [
        numpy_helper.from_array(np.array(value, np.float32), name) for name, value in (("least", LEAST), ("one", 1.0))
    ]
    return _made([*trees, helper.make_node("Concat", logits, ["logits"], axis=1), *_told()], constants, inputs)


def both(one: bytes, other: bytes, inputs: int) -> bytes:
    """Two such graphs as one: the mean of their chances, and of their spreads as if they erred apart."""
    parts = [compose.add_prefix(onnx.load_from_string(of), name) for of, name in ((one, "a."), (other, "b."))]
    nodes = [helper.make_node("Identity", [INPUT], [f"{name}{INPUT}"]) for name in ("a.", "b.")]
    nodes += [node for part in parts for node in part.graph.node]
    for at, name in enumerate((CHANCE, SPREAD)):
        nodes.append(helper.make_node("Concat", [f"a.{name}", f"b.{name}"], [f"two{at}"], axis=1))
    nodes.append(helper.make_node("ReduceMean", ["two0"], [CHANCE], axes=[1], keepdims=1))
    nodes.append(helper.make_node("ReduceL2", ["two1"], ["together"], axes=[1], keepdims=1))
    nodes.append(helper.make_node("Mul", ["together", "half"], [SPREAD]))
    constants = [tensor for part in parts for tensor in part.graph.initializer]
    return _made(nodes, [*constants, numpy_helper.from_array(np.array(0.5, np.float32), "half")], inputs)


def _made(nodes: Sequence[onnx.NodeProto], constants: Sequence[onnx.TensorProto], inputs: int) -> bytes:
    graph = helper.make_graph(
        list(nodes),
        PRODUCER,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, inputs])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in (CHANCE, SPREAD)],
        list(constants),
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", OPSET_ML)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=PRODUCER)
    onnx.checker.check_model(made)
    return made.SerializeToString(deterministic=True)


def _told() -> list[onnx.NodeProto]:
    return [
        helper.make_node("Sigmoid", ["logits"], ["raw"]),
        helper.make_node("Clip", ["raw", "least", "one"], ["each"]),
        helper.make_node("ReduceMean", ["each"], [CHANCE], axes=[1], keepdims=1),
        helper.make_node("Log", ["each"], ["logs"]),
        helper.make_node("ReduceMean", ["logs"], ["mean"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["logs", "mean"], ["apart"]),
        helper.make_node("Mul", ["apart", "apart"], ["squares"]),
        helper.make_node("ReduceMean", ["squares"], ["variance"], axes=[1], keepdims=1),
        helper.make_node("Sqrt", ["variance"], ["log_spread"]),
        helper.make_node("Mul", ["log_spread", CHANCE], [SPREAD]),
    ]


def _wide(rows: np.ndarray) -> np.ndarray:
    return np.hstack([rows.astype(np.float32).astype(np.float64), np.zeros((len(rows), 1))])
