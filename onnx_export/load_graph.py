"""Boosted quantiles as one ONNX graph: trees in shares of the site's level, widened by horizon, times that level in kW.

Each part of the horizon has its own trees: those of one that told all of it were 4 % worse over the first day. They,
and what widens the interval, are chosen by splits on the step. Thresholds are to be floored to float32 before
(onnx_export.train). Quantiles that cross are put in order by `wrapped_figures`. Bytes are a function of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import lightgbm
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.inference import INPUT
from onnx_export.convert import IR_VERSION, OPSET, OPSET_ML, PRODUCER
from onnx_export.trees import DOMAIN, LEAF, Node

TOLD = ("q10", "q50", "q90")
MOST_KW = 1e7
"""No site takes 10 GW; a level beyond is taken for that, and none below 0, so that a graph never gives infinities."""


class Widening(NamedTuple):
    """How many times as far from the median as trees say the ends of the interval lie, up to and with a step."""

    until_step: int
    low: float
    high: float


class Part(NamedTuple):
    """Boosters of each quantile, whose mean counts, up to and with a step."""

    until_step: int
    boosters: tuple[Sequence[lightgbm.Booster], Sequence[lightgbm.Booster], Sequence[lightgbm.Booster]]


class Quantiles(NamedTuple):
    """Parts of the horizon, and how the interval is widened, both in order of steps."""

    parts: Sequence[Part]
    widening: Sequence[Widening]

    def said(self, rows: np.ndarray) -> np.ndarray:
        """What the graph is held to, in float64 kW: [3, rows] of float32 rows, whose last column is the level."""
        trees, of = np.empty((3, len(rows))), _place(self.parts, rows[:, 0])
        for at, part in enumerate(self.parts):
            for told, some in zip(trees, part.boosters, strict=True):
                if (of == at).any():
                    told[of == at] = np.mean([one.predict(rows[of == at, :-1]) for one in some], axis=0)
        return stretched(trees, self.widening, rows[:, 0]) * rows[:, -1].astype(np.float64)


def stretched(said: np.ndarray, widening: Sequence[Widening], steps: np.ndarray) -> np.ndarray:
    """Quantiles [3, n] of steps [n] with their ends moved, in order."""
    factors = np.array([(one.low, one.high) for one in widening])[_place(widening, steps)].T
    below, middle, above = said
    ends = middle + factors[0] * (below - middle), middle + factors[1] * (above - middle)
    return np.sort([ends[0], middle, ends[1]], axis=0)


def _place(of: Sequence[Part] | Sequence[Widening], steps: np.ndarray) -> np.ndarray:
    """Which one each step is of; a step that is missing is of the last."""
    ends = np.array([one.until_step for one in of[:-1]])
    return np.searchsorted(ends, steps, side="left")


def to_onnx(model: Quantiles, inputs: int) -> bytes:
    """The graph from float32 `features` [rows, inputs] to TOLD, float32 [rows, 1] in kW.

    The first input is the step and the last the level, which no tree looks at.
    """
    nodes = [_trees(model), *_after()]
    graph = helper.make_graph(
        nodes,
        PRODUCER,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, inputs])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in TOLD],
        [
            numpy_helper.from_array(np.array([inputs - 1], np.int64), "level_column"),
            numpy_helper.from_array(np.array(0.0, np.float32), "zero"),
            numpy_helper.from_array(np.array(1.0, np.float32), "one"),
            numpy_helper.from_array(np.array(MOST_KW, np.float32), "most"),
        ],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(DOMAIN, OPSET_ML)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=PRODUCER)
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def _after() -> list[onnx.NodeProto]:
    """Shares to kW; a level that is missing is 1 kW, as of a meter of which nothing is known."""
    parts = ["below", "middle", "above", "low", "high"]
    ends = []
    for end, by, name in (("below", "low", TOLD[0]), ("above", "high", TOLD[2])):
        ends += [
            helper.make_node("Sub", [end, "middle"], [f"{end}_off"]),
            helper.make_node("Mul", [f"{end}_off", by], [f"{end}_wide"]),
            helper.make_node("Add", ["middle", f"{end}_wide"], [f"{end}_share"]),
            helper.make_node("Mul", [f"{end}_share", "level"], [name]),
        ]
    return [
        helper.make_node("Split", ["shares"], parts, axis=1),
        helper.make_node("Gather", [INPUT, "level_column"], ["given_level"], axis=1),
        helper.make_node("IsNaN", ["given_level"], ["no_level"]),
        helper.make_node("Where", ["no_level", "one", "given_level"], ["some_level"]),
        helper.make_node("Clip", ["some_level", "zero", "most"], ["level"]),
        *ends,
        helper.make_node("Mul", ["middle", "level"], [TOLD[1]]),
    ]


def _trees(model: Quantiles) -> onnx.NodeProto:
    pieces, first = [], -1
    for number, part in enumerate(model.parts):
        last = None if number == len(model.parts) - 1 else part.until_step
        pieces += [
            (_within(first, last, _read(tree["tree_structure"])), target, 1.0 / len(some))
            for target, some in enumerate(part.boosters)
            for booster in some
            for tree in booster.dump_model()["tree_info"]
        ]
        first = part.until_step
    pieces += [(_by_step(model.widening, side), 2 + side, 1.0) for side in (1, 2)]
    attributes: dict[str, Any] = _attributes(pieces)
    return helper.make_node(
        "TreeEnsembleRegressor", [INPUT], ["shares"], name="trees", domain=DOMAIN, n_targets=5,
        post_transform="NONE", aggregate_function="SUM", **attributes,
    )  # fmt: skip


def _read(structure: Mapping[str, Any]) -> list[Node]:
    """A LightGBM tree, the root first. What is missing goes where training sent it, and as 0 where it saw none."""
    out: list[Node | None] = []

    def put(node: Mapping[str, Any]) -> int:
        mine = len(out)
        out.append(None)
        if "split_feature" not in node:
            out[mine] = Node(LEAF, 0, 0.0, 0, 0, 0, node["leaf_value"])
            return mine
        value = float(node["threshold"])
        left = node["default_left"] if node["missing_type"] == "NaN" else value >= 0.0
        first, second = put(node["left_child"]), put(node["right_child"])
        out[mine] = Node("BRANCH_LEQ", node["split_feature"], value, first, second, int(left), 0.0)
        return mine

    put(structure)
    return [node for node in out if node is not None]


def _within(before: int, last: int | None, tree: list[Node]) -> list[Node]:
    """A tree that adds nothing outside of its part of the horizon, after one step and up to and with another."""
    nothing = Node(LEAF, 0, 0.0, 0, 0, 0, 0.0)
    if before >= 0:
        tree = [Node("BRANCH_LEQ", 0, float(before), 1, 2, 0, 0.0), nothing, *_moved(tree, 2)]
    if last is not None:
        tree = [Node("BRANCH_LEQ", 0, float(last), 2, 1, 0, 0.0), nothing, *_moved(tree, 2)]
    return tree


def _moved(tree: Sequence[Node], by: int) -> list[Node]:
    return [node if node.mode == LEAF else node._replace(true=node.true + by, false=node.false + by) for node in tree]


def _by_step(widening: Sequence[Widening], side: int) -> list[Node]:
    """A tree of the step: a leaf for each horizon."""
    out: list[Node] = []
    for one in widening[:-1]:
        at = len(out)
        out += [
            Node("BRANCH_LEQ", 0, float(one.until_step), at + 1, at + 2, 0, 0.0),
            Node(LEAF, 0, 0.0, 0, 0, 0, one[side]),
        ]
    return [*out, Node(LEAF, 0, 0.0, 0, 0, 0, widening[-1][side])]


def _attributes(pieces: Sequence[tuple[Sequence[Node], int, float]]) -> dict[str, list]:
    rows = [(tree, at, node) for tree, (nodes, _, _) in enumerate(pieces) for at, node in enumerate(nodes)]
    leaves = [
        (tree, at, pieces[tree][1], node.weight * pieces[tree][2]) for tree, at, node in rows if node.mode == LEAF
    ]
    target = [list(column) for column in zip(*leaves, strict=True)]
    names = ("target_treeids", "target_nodeids", "target_ids", "target_weights")
    return dict(zip(names, target, strict=True)) | {
        "nodes_treeids": [tree for tree, _, _ in rows],
        "nodes_nodeids": [at for _, at, _ in rows],
        "nodes_modes": [node.mode for _, _, node in rows],
        "nodes_featureids": [node.feature for _, _, node in rows],
        "nodes_values": [node.value for _, _, node in rows],
        "nodes_truenodeids": [node.true for _, _, node in rows],
        "nodes_falsenodeids": [node.false for _, _, node in rows],
        "nodes_missing_value_tracks_true": [node.missing_goes_true for _, _, node in rows],
    }
