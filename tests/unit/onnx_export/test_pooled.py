from __future__ import annotations

from functools import cache

import lightgbm
import numpy as np
import onnxruntime
import pytest

from onnx_export.convert import to_onnx
from onnx_export.pooled import Pool, chances, plain, pool_of
from onnx_export.survival import Outcomes, fit, scores_of, within_of
from onnx_export.train import PARAMETERS, floored
from onnx_export.trees import Node, _groups, _without

NAMES = ("volt.mean", "volt.slope", "error1.count", "speed.mean", "heat.mean", "error2.count", "error3.count", "age")
COMPONENTS = {"comp1": ("volt", "error1"), "comp2": ("heat", "error2", "error3")}


def machines(rows: int = 300) -> np.ndarray:
    out = np.random.default_rng(5).normal(size=(rows, len(NAMES))).astype(np.float32)
    out[::9, 0] = np.nan
    return out


@cache
def pool() -> Pool:
    return pool_of(NAMES, COMPONENTS)


@cache
def model() -> lightgbm.Booster:
    """The second component fails the sooner the larger its own first column is, the first one never."""
    rows = pool().rows(machines())
    first = np.where((rows[:, -1] == 1) & (rows[:, 0] > 0), 1, 6)
    outcomes = Outcomes(first, np.full(len(rows), 6), np.ones(len(rows)))._replace(last=np.where(first < 6, first, 6))
    return floored(fit(rows, outcomes, PARAMETERS | {"min_data_in_leaf": 10}, 10))


def of_machines() -> tuple[np.ndarray, np.ndarray]:
    return chances(pool(), within_of(scores_of(model(), pool().rows(machines()))))


def run(rows: np.ndarray) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    onnx = to_onnx(model(), pool())
    return onnxruntime.InferenceSession(onnx, options).run(["chances", "modes"], {"features": rows})


def test_a_components_row_has_its_own_columns_in_order_then_what_nobody_owns_and_its_number():
    assert pool().names == ("own0.mean", "own0.slope", "own1.count", "own2.count", "speed.mean", "age", "component")
    row = np.arange(8, dtype=np.float32)[None]
    first, second = pool().rows(row)
    assert first == pytest.approx([0, 1, 2, np.nan, 3, 7, 0], nan_ok=True)
    assert second == pytest.approx([4, np.nan, 5, 6, 3, 7, 1], nan_ok=True)


@pytest.mark.parametrize("components", [{}, {"a": ("volt",), "b": ("volt",)}, {"a": ("nothing",)}])
def test_components_that_are_none_own_the_same_or_own_nothing_are_refused(components: dict[str, tuple[str, ...]]):
    with pytest.raises(ValueError, match="components must be some"):
        pool_of(NAMES, components)


def test_thresholds_of_trees_are_those_of_every_component_that_has_the_column():
    assert pool().thresholds([(0, 0.5), (3, 1.5), (6, 0.5)]) == [(0, 0.5), (4, 0.5), (6, 1.5)]
    assert plain(3).thresholds([(2, 0.5)]) == [(2, 0.5)]


def test_a_machine_fails_with_the_first_of_its_components():
    found, shares = chances(pool(), np.array([[0.1, 0.3], [0.5, 0.6]]))
    assert found == pytest.approx(np.array([[1 - 0.9 * 0.5, 1 - 0.7 * 0.4]]))
    assert shares == pytest.approx(np.array([[0.3 / 0.9, 0.6 / 0.9]]))


def test_the_graph_says_what_the_trees_say_of_each_component():
    found, modes = run(machines())
    expected, shares = of_machines()
    assert np.abs(found - expected).max() < 1e-6
    assert np.abs(modes - shares).max() < 1e-6
    assert (np.diff(found, axis=1) >= 0).all()


def test_the_component_whose_own_signal_is_high_is_named():
    found, modes = run(machines())
    ill = machines()[:, NAMES.index("heat.mean")] > 0.2
    assert (modes[ill, 1] > 0.6).all()
    assert found[ill, 1].min() > found[~ill, 1].mean()


def test_a_row_gives_the_same_bits_alone_and_among_others():
    together = run(machines())
    alone = [run(machines()[at : at + 1]) for at in range(0, 300, 37)]
    for at, (one, modes) in zip(range(0, 300, 37), alone, strict=True):
        assert one.tobytes() == together[0][at : at + 1].tobytes()
        assert modes.tobytes() == together[1][at : at + 1].tobytes()


def test_a_tree_is_asked_once_for_the_intervals_that_it_does_not_tell_apart():
    pieces = list(_groups(tree(), interval=1, intervals=6))
    assert pieces == [[0, 1], [2, 3, 4, 5]]
    early, late = (_without(tree(), 1, group[0]) for group in pieces)
    assert [(node.mode, node.weight) for node in early] == [("BRANCH_LEQ", 0.0), ("LEAF", 1.0), ("LEAF", 2.0)]
    assert [(node.true, node.false) for node in early[:1]] == [(1, 2)]
    assert [(node.mode, node.weight) for node in late] == [("BRANCH_LEQ", 0.0), ("LEAF", 1.0), ("LEAF", 3.0)]


def tree() -> dict[int, Node]:
    """On the left of feature 0 a leaf; on its right, intervals up to 1.5 say 2 and later ones 3."""
    leaf = Node("LEAF", 0, 0.0, 0, 0, 0, 0.0)
    return {
        0: Node("BRANCH_LEQ", 0, 0.5, 1, 2, 0, 0.0),
        1: leaf._replace(weight=1.0),
        2: Node("BRANCH_LEQ", 1, 1.5, 3, 4, 0, 0.0),
        3: leaf._replace(weight=2.0),
        4: leaf._replace(weight=3.0),
    }
