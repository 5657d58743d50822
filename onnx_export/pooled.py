"""One hazard for all components of a machine: each is judged by its own signals, events and age, by the same trees.

Failures are few, and those of four components teach one model four times as well as four models. A machine fails with
the first of its components: the chances of none are multiplied, as of competing risks that do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import lightgbm
import numpy as np
import onnx
from msgspec import Struct
from onnx import TensorProto, helper, numpy_helper

from models.inference import INPUT, OUTPUT
from onnx_export.convert import CLASS_CHANCES, IR_VERSION, OPSET, OPSET_ML, PRODUCER, ensemble

MODES = "modes"
"""Output of a graph: the share of each component in a failure within the last horizon, float32 [rows, modes]."""
COMPONENT = "component"
"""The last column that the trees see: which component it is, by number."""


class Pool(Struct, frozen=True):
    """Which columns of a machine's row make the row of each of its components.

    `columns` [components, names] are places in the machine's row; behind its end there are a column of NaN, for what a
    component lacks, and then the number of each component.
    """

    modes: tuple[str, ...]
    names: tuple[str, ...]
    columns: tuple[tuple[int, ...], ...]

    def rows(self, features: np.ndarray) -> np.ndarray:
        """Rows of components, float32 [rows x components, names], those of a machine one behind another."""
        behind = np.broadcast_to(self.constants, (len(features), len(self.modes) + 1))
        row = np.concatenate([features, behind], axis=1)
        return row[:, np.array(self.columns).ravel()].reshape(-1, len(self.names))

    @property
    def constants(self) -> np.ndarray:
        """What stands behind the end of a machine's row, float32 [1, components + 1]."""
        return np.array([[np.nan, *range(len(self.modes))]], np.float32)


def pool_of(names: Sequence[str], components: Mapping[str, Sequence[str]]) -> Pool:
    """The pool of feature `names` where each component owns some signals, events and the like, in the same order.

    The first that one component owns stands where the first of another does. What nobody owns is seen by all. Raises
    ValueError where two own the same or one owns what is not there.
    """
    owned = [owner for owners in components.values() for owner in owners]
    told = {name.rpartition(".")[0] for name in names}
    wrong = sorted({owner for owner in owned if owned.count(owner) > 1 or owner not in told})
    if wrong or not components:
        raise ValueError(
            f"components must be some, and own features, each once; wrong are: {', '.join(wrong) or 'none'}"
        )
    place = {name: at for at, name in enumerate(names)}
    keys = dict.fromkeys(
        (at, name.rpartition(".")[2])
        for owners in components.values()
        for at, owner in enumerate(owners)
        for name in names
        if name.rpartition(".")[0] == owner
    )
    shared = [name for name in names if name.rpartition(".")[0] not in owned]
    missing = len(names)
    columns = tuple(
        (
            *(place.get(f"{owners[at]}.{what}", missing) if at < len(owners) else missing for at, what in keys),
            *(place[name] for name in shared),
            missing + 1 + number,
        )
        for number, owners in enumerate(components.values())
    )
    return Pool(tuple(components), (*(f"own{at}.{what}" for at, what in keys), *shared, COMPONENT), columns)


def chances(pool: Pool, within: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A machine's chances [rows, horizons], and each component's share in a failure within the last [rows, modes].

    `within` [rows x components, horizons] are the chances of components.
    """
    of_component = within.reshape(-1, len(pool.modes), within.shape[1])
    last = of_component[:, :, -1]
    return 1.0 - np.prod(1.0 - of_component, axis=1), last / last.sum(axis=1, keepdims=True)


def to_onnx(model: lightgbm.Booster, pool: Pool, features: int, horizons: int) -> bytes:
    """The graph from a machine's float32 `features` [rows, n] to its chances and modes. Give it a floored model."""
    graph = helper.make_graph(
        [*_head(), ensemble(model, "rows"), *_tail()],
        PRODUCER,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, features])],
        [
            helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, horizons]),
            helper.make_tensor_value_info(MODES, TensorProto.FLOAT, [None, len(pool.modes)]),
        ],
        list(_constants(pool, horizons)),
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


def _tail() -> list[onnx.NodeProto]:
    """Class chances of components to the chances of the machine, and whose failure it would be."""
    return [
        helper.make_node("Slice", [CLASS_CHANCES, "first", "last", "axis"], ["of_classes"]),
        helper.make_node("CumSum", ["of_classes", "cum_axis"], ["added"]),
        helper.make_node("Min", ["added", "one"], ["within"]),
        helper.make_node("Reshape", ["within", "machine_shape"], ["of_component"]),
        helper.make_node("Sub", ["one", "of_component"], ["survives"]),
        helper.make_node("ReduceProd", ["survives"], ["all_survive"], axes=[1], keepdims=0),
        helper.make_node("Sub", ["one", "all_survive"], [OUTPUT]),
        helper.make_node("Slice", ["of_component", "later", "end", "last_axis"], ["within_last"]),
        helper.make_node("ReduceSum", ["within_last", "axis"], ["of_all"], keepdims=1),
        helper.make_node("Div", ["within_last", "of_all"], ["shares"]),
        helper.make_node("Squeeze", ["shares", "last_axis"], [MODES]),
    ]


def _constants(pool: Pool, horizons: int) -> Iterable[onnx.TensorProto]:
    modes = len(pool.modes)
    constants: dict[str, np.ndarray] = {
        "width": np.array([modes + 1], np.int64),
        "constants": pool.constants,
        "columns": np.array(pool.columns, np.int64).ravel(),
        "rows_shape": np.array([-1, len(pool.names)], np.int64),
        "machine_shape": np.array([-1, modes, horizons], np.int64),
        "first": np.array([0], np.int64),
        "last": np.array([horizons], np.int64),
        "axis": np.array([1], np.int64),
        "cum_axis": np.array(1, np.int64),
        "one": np.array(1.0, np.float32),
        "later": np.array([horizons - 1], np.int64),
        "end": np.array([horizons], np.int64),
        "last_axis": np.array([2], np.int64),
    }
    return (numpy_helper.from_array(value, name) for name, value in constants.items())
