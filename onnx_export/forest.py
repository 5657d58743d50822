"""The trees of a hazard, read back from its ONNX file: where rows go, what leaves say, and other values.

A leaf adds one value to the logits of each interval of its tree's group (`trees.ensemble`), so the file has all that a
refit needs. Sums here are float64, without onnxruntime: what the gate holds a refitted graph to. Nothing is learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

from models.failure.hazard import Card
from models.inference import INPUT, OUTPUT
from onnx_export.convert import LOGITS
from onnx_export.pooled import Pool, chances, plain
from onnx_export.survival import INTERVALS, within_of
from onnx_export.trees import LEAF

AT_MOST = "BRANCH_LEQ"
COLUMNS = ("treeids", "modes", "featureids", "values", "truenodeids", "falsenodeids", "missing_value_tracks_true")


class NotTrees(ValueError):
    """The file is no hazard of trees as `convert.to_onnx` writes it; the message says what is other."""


class Tree(NamedTuple):
    """Nodes by number: rows at most `value` in `column` go on to `true`. A leaf goes on to itself.

    `leaf` is its number among the leaves of all trees, -1 of a split; `group` are the intervals that leaves add to.
    """

    column: np.ndarray  # int64 [nodes]
    value: np.ndarray  # float32
    true: np.ndarray  # int64
    false: np.ndarray  # int64
    missing_goes_true: np.ndarray  # bool
    leaf: np.ndarray  # int64
    group: tuple[int, ...]

    def leaves(self, rows: np.ndarray) -> np.ndarray:
        """The leaf of each row, int64 [rows]."""
        at = np.zeros(len(rows), np.int64)
        going = np.arange(len(rows)) if self.leaf[0] < 0 else np.empty(0, np.int64)
        while len(going):
            node = at[going]
            seen = rows[going, self.column[node]]
            true = np.where(np.isnan(seen), self.missing_goes_true[node], seen <= self.value[node])
            at[going] = np.where(true, self.true[node], self.false[node])
            going = going[self.leaf[at[going]] < 0]
        return self.leaf[at]


@dataclass(frozen=True)
class Forest:
    """The trees of one file, how a machine's row becomes theirs, and what each leaf adds, float64 [leaves].

    `entry` is the leaf of each weight that the file keeps: one a leaf and interval.
    """

    onnx: bytes
    trees: tuple[Tree, ...]
    pool: Pool
    values: np.ndarray
    entry: np.ndarray

    def leaves(self, features: np.ndarray) -> np.ndarray:
        """Leaves of machines' rows, int32 [rows x components, trees]."""
        rows = self.pool.rows(features)
        out = np.empty((len(rows), len(self.trees)), np.int32, order="F")
        for at, tree in enumerate(self.trees):
            out[:, at] = tree.leaves(rows)
        return out

    def scores(self, leaves: np.ndarray, values: np.ndarray | None = None) -> np.ndarray:
        """Logits of each interval, float64 [rows x components, intervals]; by other values where some are given."""
        values = self.values if values is None else values
        out = np.zeros((len(leaves), INTERVALS))
        for at, tree in enumerate(self.trees):
            out[:, tree.group] += values[leaves[:, at]][:, None]
        return out

    def chances(self, features: np.ndarray) -> np.ndarray:
        """Chances of machines within each horizon, float64 [rows, horizons]."""
        return chances(self.pool, within_of(self.scores(self.leaves(features))))[0]

    @cached_property
    def thresholds(self) -> list[tuple[int, float]]:
        """Every (column, threshold), in order and without doubles; columns are a machine's."""
        found = {
            (int(column), float(value))
            for tree in self.trees
            for column, value in zip(tree.column[tree.leaf < 0], tree.value[tree.leaf < 0], strict=True)
        }
        return self.pool.thresholds(sorted(found))

    @cached_property
    def first(self) -> np.ndarray:
        """Leaves of the first trees that together add to every interval once, bool [leaves]: what an offset moves."""
        out, left = np.zeros(len(self.values), bool), set(range(INTERVALS))
        for tree in self.trees:
            if not left:
                break
            out[tree.leaf[tree.leaf >= 0]] = True
            left -= set(tree.group)
        return out

    def with_values(self, values: np.ndarray) -> Forest:
        """The same trees with other values, in float32 as a file keeps them; all else in the file stays."""
        kept = values.astype(np.float32)
        model = onnx.load_from_string(self.onnx)
        (weights,) = (one for one in _node(model).attribute if one.name == "target_weights")
        weights.floats[:] = kept[self.entry].tolist()
        made = model.SerializeToString(deterministic=True)
        return Forest(made, self.trees, self.pool, kept.astype(np.float64), self.entry)

    def with_more(self, trees: NodeProto) -> Forest:
        """The same trees and those of an ensemble behind them; all else in the file stays."""
        model = onnx.load_from_string(self.onnx)
        node = _node(model)
        _behind(node, trees)
        return replace(_read(model.SerializeToString(deterministic=True), node), pool=self.pool)


def _behind(own: onnx.NodeProto, more: onnx.NodeProto) -> None:
    """Put the trees of an ensemble behind those of another, which numbers them on."""
    theirs = {one.name: one for one in more.attribute}
    mine = {one.name: one for one in own.attribute}
    count = max(mine["nodes_treeids"].ints) + 1
    for name, one in mine.items():
        if not name.startswith(("nodes_", "target_")):
            continue
        one.ints.extend(at + (count if name.endswith("_treeids") else 0) for at in theirs[name].ints)
        one.floats.extend(theirs[name].floats)
        one.strings.extend(theirs[name].strings)


def read(made: bytes, card: Card) -> Forest:
    """The trees of a file. Raises NotTrees."""
    try:
        model = onnx.load_from_string(made)
    except Exception as error:  # protobuf's own, which carries no types
        raise NotTrees(f"the file is no ONNX file: {error}") from error
    found = _read(made, _node(model))
    return replace(found, pool=_pool(model, card))


def _read(made: bytes, node: onnx.NodeProto) -> Forest:
    """Trees of plain machines, as a node has them."""
    of = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    if of["n_targets"] != INTERVALS or of["aggregate_function"] != b"SUM" or of["post_transform"] != b"NONE":
        raise NotTrees(
            f"trees of {of['n_targets']} targets: expected sums of a logit for each of {INTERVALS} intervals"
        )
    if wrong := set(of["nodes_modes"]) - {AT_MOST.encode(), LEAF.encode()}:
        raise NotTrees(f"trees with splits {sorted(wrong)}: expected {AT_MOST} alone")
    values, leaf_of, groups, entry = _leaves(of)
    return Forest(made, tuple(_trees(of, leaf_of, groups)), plain(0), values, entry)


def _node(model: onnx.ModelProto) -> onnx.NodeProto:
    found = [node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor"]
    if len(found) != 1 or list(found[0].output) != [LOGITS]:
        told = ", ".join(sorted({node.op_type for node in model.graph.node}))
        raise NotTrees(f"the graph has {told}: expected one ensemble of trees whose sums are '{LOGITS}'")
    if [one.name for one in model.graph.input] != [INPUT] or model.graph.output[0].name != OUTPUT:
        raise NotTrees(f"the graph must go from '{INPUT}' to '{OUTPUT}'")
    return found[0]


Leaves = dict[tuple[int, int], int]


def _leaves(of: dict[str, Any]) -> tuple[np.ndarray, Leaves, dict[int, tuple[int, ...]], np.ndarray]:
    """Values, numbers by tree and node, intervals by tree, and the leaf of each weight in the file."""
    number: Leaves = {}
    targets: dict[tuple[int, int], list[int]] = {}
    values: list[float] = []
    entry = []
    names = ("treeids", "nodeids", "ids", "weights")
    for tree, node, target, weight in zip(*(of[f"target_{name}"] for name in names), strict=True):
        at = number.setdefault((tree, node), len(values))
        if at == len(values):
            values.append(weight)
        if values[at] != weight:
            raise NotTrees(f"leaf {node} of tree {tree} adds different values to intervals: expected one")
        targets.setdefault((tree, node), []).append(target)
        entry.append(at)
    groups: dict[int, tuple[int, ...]] = {}
    for (tree, node), mine in targets.items():
        if groups.setdefault(tree, tuple(mine)) != tuple(mine):
            raise NotTrees(f"leaf {node} of tree {tree} adds to other intervals than the rest of its tree")
    return np.array(values, np.float64), number, groups, np.array(entry, np.int64)


def _trees(of: dict[str, Any], leaf_of: Leaves, groups: dict[int, tuple[int, ...]]) -> Iterator[Tree]:
    ids, modes, column, value, true, false, missing = (np.asarray(of[f"nodes_{name}"]) for name in COLUMNS)
    node_ids = np.asarray(of["nodes_nodeids"])
    for tree in dict.fromkeys(ids.tolist()):
        mine = np.flatnonzero(ids == tree)
        if node_ids[mine].tolist() != list(range(len(mine))):
            raise NotTrees(f"nodes of tree {tree} are not numbered from 0 in order")
        ends = modes[mine] == LEAF.encode()
        leaf = np.array([leaf_of.get((tree, at), -1) if end else -1 for at, end in enumerate(ends)], np.int64)
        if tree not in groups or (leaf[ends] < 0).any():
            raise NotTrees(f"tree {tree} has leaves that add nothing")
        here = np.arange(len(mine))
        yield Tree(
            column[mine], value[mine].astype(np.float32), np.where(ends, here, true[mine]),
            np.where(ends, here, false[mine]), missing[mine].astype(bool), leaf, groups[tree],
        )  # fmt: skip


def _pool(model: onnx.ModelProto, card: Card) -> Pool:
    """How a machine's row becomes those of its components, from the constants of the graph; plain without any."""
    features = model.graph.input[0].type.tensor_type.shape.dim[1].dim_value
    of = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    if not card.modes:
        return plain(features)
    width = int(of["rows_shape"][1])
    columns: Sequence[Sequence[int]] = of["columns"].reshape(-1, width).tolist()
    names = tuple(f"f{at}" for at in range(width))
    return Pool(card.modes, names, tuple(tuple(row) for row in columns), features)
