"""The trees of a hazard as one ONNX node that asks each once for all intervals between which it does not tell apart.

A tree that never looks at the interval says the same of all: it is asked once, and its leaves add to every logit. One
that does becomes a tree for each group of intervals that it treats alike, without those splits, whose leaves add to the
logits of that group alone. The sums are those of asking every tree once an interval, at about a third of the cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import lightgbm
import onnx
from onnx import helper
from onnxmltools.convert.common.data_types import FloatTensorType
from onnxmltools.convert.lightgbm import convert

from models.inference import INPUT

DOMAIN = "ai.onnx.ml"
LEAF = "LEAF"


class Node(NamedTuple):
    """A node of a tree: a leaf with its weight, or a split of a feature at a value and where rows go from there."""

    mode: str
    feature: int
    value: float
    true: int
    false: int
    missing_goes_true: int
    weight: float


Tree = Mapping[int, Node]


def ensemble(model: lightgbm.Booster, rows: str, logits: str, intervals: int, opset: int) -> onnx.NodeProto:
    """The node from `rows` [n, features] to `logits` [n, intervals] of a binary model.

    The last feature of the model is the interval, which is no input of the node.
    """
    found = _converted(model, opset)
    pieces = [
        (piece, group)
        for tree in found
        for group in _groups(tree, model.num_feature() - 1, intervals)
        for piece in (_without(tree, model.num_feature() - 1, group[0]),)
    ]
    attributes: dict[str, Any] = _nodes(pieces) | _targets(pieces)
    return helper.make_node(
        "TreeEnsembleRegressor",
        [rows],
        [logits],
        name="trees",
        domain=DOMAIN,
        n_targets=intervals,
        post_transform="NONE",
        aggregate_function="SUM",
        **attributes,
    )


def _converted(model: lightgbm.Booster, opset: int) -> list[Tree]:
    """The trees as the converter reads them. Raises ValueError where it makes something else of them."""
    made = convert(
        model, initial_types=[(INPUT, FloatTensorType([None, model.num_feature()]))], target_opset=opset, zipmap=False
    )
    nodes = [node for node in made.graph.node if node.op_type == "TreeEnsembleClassifier"]
    if len(nodes) != 1:
        raise ValueError(
            f"onnxmltools made {[n.op_type for n in made.graph.node]}: expected one TreeEnsembleClassifier"
        )
    of = {attribute.name: helper.get_attribute_value(attribute) for attribute in nodes[0].attribute}
    if of.get("base_values") or set(of["class_ids"]) - {0, 1}:
        raise ValueError("onnxmltools made trees of more than one class, or with a base: expected a binary model")
    places = zip(of["class_treeids"], of["class_nodeids"], of["class_weights"], strict=True)
    weight = {(tree, node): value for tree, node, value in places}
    trees: dict[int, dict[int, Node]] = {}
    columns = (
        "treeids", "nodeids", "modes", "featureids", "values", "truenodeids", "falsenodeids",
        "missing_value_tracks_true",
    )  # fmt: skip
    for tree, node, mode, *split in zip(*(of[f"nodes_{name}"] for name in columns), strict=True):
        feature, value, true, false, missing = split
        found = Node(mode.decode(), feature, value, true, false, missing, weight.get((tree, node), 0.0))
        trees.setdefault(tree, {})[node] = found
    return list(trees.values())


def _groups(tree: Tree, interval: int, intervals: int) -> Iterator[Sequence[int]]:
    """Intervals that a tree does not tell apart, together."""
    edges = {node.value for node in tree.values() if node.mode != LEAF and node.feature == interval}
    alike: dict[tuple[bool, ...], list[int]] = {}
    for at in range(intervals):
        alike.setdefault(tuple(at <= edge for edge in sorted(edges)), []).append(at)
    yield from alike.values()


def _without(tree: Tree, interval: int, at: int) -> list[Node]:
    """A tree of an interval, without the splits that look at it: nodes by number, the root first."""
    out: list[Node | None] = []

    def put(number: int) -> int:
        node = tree[number]
        while node.mode != LEAF and node.feature == interval:
            node = tree[node.true if at <= node.value else node.false]
        mine = len(out)
        out.append(None)
        if node.mode != LEAF:
            node = node._replace(true=put(node.true), false=put(node.false))
        out[mine] = node
        return mine

    put(0)
    return [node for node in out if node is not None]


Pieces = Sequence[tuple[list[Node], Sequence[int]]]


def _nodes(pieces: Pieces) -> dict[str, list]:
    rows = [(tree, at, node) for tree, (nodes, _) in enumerate(pieces) for at, node in enumerate(nodes)]
    return {
        "nodes_treeids": [tree for tree, _, _ in rows],
        "nodes_nodeids": [at for _, at, _ in rows],
        "nodes_modes": [node.mode for _, _, node in rows],
        "nodes_featureids": [node.feature for _, _, node in rows],
        "nodes_values": [node.value for _, _, node in rows],
        "nodes_truenodeids": [node.true for _, _, node in rows],
        "nodes_falsenodeids": [node.false for _, _, node in rows],
        "nodes_missing_value_tracks_true": [node.missing_goes_true for _, _, node in rows],
    }


def _targets(pieces: Pieces) -> dict[str, list]:
    rows = [
        (tree, at, target, node.weight)
        for tree, (nodes, group) in enumerate(pieces)
        for at, node in enumerate(nodes)
        if node.mode == LEAF
        for target in group
    ]
    names = ("target_treeids", "target_nodeids", "target_ids", "target_weights")
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
