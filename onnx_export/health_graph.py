"""What healthy machines taught, in float64, and the same as an ONNX graph of plain arithmetic in float32.

`said` is what the graph must say; the parity gate holds the two together. No training and no files here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.failure.health import LIMIT, OUTPUTS, SPANS
from models.features import Spec
from models.inference import INPUT, Graph
from onnx_export.convert import IR_VERSION, OPSET, PRODUCER
from onnx_export.parity import ParityError

CHANGE = "change_24h"
"""Of a target: how far its last 24 h are from its own usual."""
TOLERANCE = 1e-4
"""Of what is over 1 as a share of it. The index travels with 2 decimals, shares with 4; float32 sums differ by less."""
BATCH = 256
ALIGNED = 4
"""Of widths under it and multiples of it, ReduceSum gives a row the same bits wherever it lies in a batch; of others it
does not, and MatMul does (onnxruntime on x86-64, tried up to 39). The gate refuses a graph of which that is not so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Learned:
    """Spreads of inputs, own and fleet's; components and their variances; limits before and with the budget's factor.

    Inputs are SPANS of each target, all targets of the first span first. `floor` is the root of the combined statistic
    in which healthy machines lie half of the time: up to there a machine is as ever.
    """

    own: np.ndarray  # float64 [inputs]
    fleet: np.ndarray  # float64 [inputs]
    loadings: np.ndarray  # float64 [inputs, components]
    variances: np.ndarray  # float64 [components]
    t2_limit: float
    spe_limit: float
    factor: float = 1.0
    floor: float = 0.0

    @property
    def residual(self) -> np.ndarray:
        """Projection beside the components, float64 [inputs, inputs]."""
        return np.eye(len(self.own)) - self.loadings @ self.loadings.T

    @property
    def within(self) -> np.ndarray:
        """Components by which T2 comes out as a share of its limit, float64 [inputs, components]."""
        return self.loadings / np.sqrt(self.variances * self.t2_limit * self.factor)

    @property
    def beside(self) -> np.ndarray:
        """Projection by which SPE comes out as a share of its limit, float64 [inputs, inputs]."""
        return self.residual / np.sqrt(self.spe_limit * self.factor)

    @property
    def combined(self) -> np.ndarray:
        """The matrix of the combined statistic, float64 [inputs, inputs]."""
        return self.within @ self.within.T + self.beside.T @ self.beside


@dataclass(frozen=True, slots=True)
class Said:
    """The outputs of the graph, in its order: float64 [rows, width] each."""

    index: np.ndarray
    t2: np.ndarray
    spe: np.ndarray
    contributions: np.ndarray
    over: np.ndarray
    known: np.ndarray
    own: np.ndarray


def columns(spec: Spec, what: str) -> np.ndarray:
    """Places of a feature of each target."""
    return np.array([spec.column(f"{one.target}.{what}") for one in spec.expected], np.int64)


def distances(spec: Spec, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What inputs read over the own usual and over what is expected, float64 [rows, inputs] each, NaN where unknown."""
    hour, day, change = (rows[:, columns(spec, what)].astype(np.float64) for what in (*SPANS, CHANGE))
    return np.concatenate([hour - (day - change), change], axis=1), np.concatenate([hour, day], axis=1)


def inputs_of(learned: Learned, spec: Spec, rows: np.ndarray) -> np.ndarray:
    """Inputs in spreads: against the own usual where it is known, against the fleet's otherwise; NaN where unknown."""
    own, fleet = distances(spec, rows)
    return np.where(np.isnan(own), fleet / learned.fleet, own / learned.own)


def said(learned: Learned, spec: Spec, rows: np.ndarray) -> Said:
    """What the graph must say, in float64."""
    inputs = inputs_of(learned, spec, rows)
    known = ~np.isnan(inputs)
    inputs = np.where(known, inputs, 0.0)
    t2 = np.square(inputs @ learned.within).sum(axis=1, keepdims=True)
    spe = np.square((inputs @ learned.beside) * known).sum(axis=1, keepdims=True)
    parts = np.square((inputs @ learned.combined) * known) / np.diag(learned.combined)
    day, change = (rows[:, columns(spec, what)].astype(np.float64) for what in (SPANS[1], CHANGE))
    own = ~np.isnan(change)
    by_span = parts.reshape(len(rows), len(SPANS), -1)
    over = np.where(own, change, day)
    return Said(index_of(t2 + spe, learned.floor), t2, spe, by_span.sum(axis=1), over, known * 1.0, own * 1.0)


def index_of(combined: np.ndarray, floor: float) -> np.ndarray:
    """100 as far out as healthy machines are, 50 at the limit, and on in a line of the distance down to 0."""
    return np.clip(100.0 - LIMIT * (np.sqrt(combined) - floor) / (1.0 - floor), 0.0, 100.0)


def to_onnx(learned: Learned, spec: Spec) -> bytes:
    """The graph from float32 `features` [rows, n] to OUTPUTS. The bytes are a function of what was learned."""
    targets = len(spec.expected)
    widths = (1, 1, 1, targets, targets, targets * len(SPANS), targets)
    graph = helper.make_graph(
        [*_distances(), *_statistics(learned), *_outputs()],
        PRODUCER,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, len(spec.names)])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
            for name, width in zip(OUTPUTS, widths, strict=True)
        ],
        _constants(learned, spec),
    )
    opsets = [helper.make_opsetid("", OPSET)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name=PRODUCER)
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString(deterministic=True)


def _node(kind: str, inputs: str, output: str, **more: Any) -> onnx.NodeProto:
    return helper.make_node(kind, inputs.split(), [output], name=output, **more)


def _distances() -> list[onnx.NodeProto]:
    """Inputs in spreads, 0 where unknown; a distance in its unit by target."""
    return [
        _node("Gather", f"{INPUT} hour_columns", "hour", axis=1),
        _node("Gather", f"{INPUT} day_columns", "day", axis=1),
        _node("Gather", f"{INPUT} change_columns", "change", axis=1),
        _node("Sub", "day change", "usual"),
        _node("Sub", "hour usual", "hour_change"),
        _node("Concat", "hour_change change", "of_own", axis=1),
        _node("Concat", "hour day", "of_fleet", axis=1),
        _node("Mul", "of_own by_own", "own_spreads"),
        _node("Mul", "of_fleet by_fleet", "fleet_spreads"),
        _node("IsNaN", "of_own", "no_own"),
        _node("Where", "no_own fleet_spreads own_spreads", "spreads"),
        _node("IsNaN", "spreads", "unknown"),
        _node("Where", "unknown zero spreads", "inputs"),
        _node("IsNaN", "change", "no_usual"),
        _node("Where", "no_usual day change", "over"),
        _node("Where", "no_usual zero one", "own"),
        _node("Where", "unknown zero one", "known"),
    ]


def _is_aligned(width: int) -> bool:
    return width < ALIGNED or width % ALIGNED == 0


def _sum(of: str, output: str, width: int) -> onnx.NodeProto:
    """Of each row, with the same bits whatever rows are beside it."""
    if _is_aligned(width):
        return _node("ReduceSum", f"{of} columns_axis", output, keepdims=1)
    return _node("MatMul", f"{of} {output}_ones", output)


def _statistics(learned: Learned) -> list[onnx.NodeProto]:
    """T2, SPE and what each signal contributes to both. What is unknown counts nothing."""
    return [
        _node("MatMul", "inputs within", "components"),
        _node("Mul", "components components", "components2"),
        _sum("components2", "t2", len(learned.variances)),
        _node("MatMul", "inputs beside", "errors"),
        _node("Mul", "errors known", "known_errors"),
        _node("Mul", "known_errors known_errors", "errors2"),
        _sum("errors2", "spe", len(learned.own)),
        _node("MatMul", "inputs combined", "pulls"),
        _node("Mul", "pulls known", "known_pulls"),
        _node("Mul", "known_pulls known_pulls", "pulls2"),
        _node("Mul", "pulls2 by_self", "parts"),
        _node("Gather", "parts first_span", "first_parts", axis=1),
        _node("Gather", "parts second_span", "second_parts", axis=1),
        _node("Add", "first_parts second_parts", "contributions"),
    ]


def _outputs() -> list[onnx.NodeProto]:
    """The index."""
    return [
        _node("Add", "t2 spe", "combined_share"),
        _node("Sqrt", "combined_share", "distance"),
        _node("Sub", "distance floor", "beyond"),
        _node("Mul", "beyond fall", "fallen"),
        _node("Sub", "hundred fallen", "unbounded"),
        _node("Min", "unbounded hundred", "at_most"),
        _node("Max", "at_most zero", "index"),
    ]


def _constants(learned: Learned, spec: Spec) -> list[onnx.TensorProto]:
    targets = len(spec.expected)
    whole = {
        "hour_columns": columns(spec, SPANS[0]),
        "day_columns": columns(spec, SPANS[1]),
        "change_columns": columns(spec, CHANGE),
        "first_span": np.arange(targets),
        "second_span": np.arange(targets) + targets,
        "columns_axis": np.array([1]),
    }
    numbers = {
        "by_own": 1.0 / learned.own, "by_fleet": 1.0 / learned.fleet,
        "within": learned.within, "beside": learned.beside, "combined": learned.combined,
        "by_self": 1.0 / np.diag(learned.combined), "floor": learned.floor, "fall": LIMIT / (1.0 - learned.floor),
        "zero": 0.0, "one": 1.0, "hundred": 100.0,
    }  # fmt: skip
    widths = {"t2": len(learned.variances), "spe": len(learned.own)}
    numbers |= {f"{name}_ones": np.ones((width, 1)) for name, width in widths.items() if not _is_aligned(width)}
    return [
        *(numpy_helper.from_array(value.astype(np.int64), name) for name, value in whole.items()),
        *(numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in numbers.items()),
    ]


def gate(learned: Learned, spec: Spec, made: bytes, rows: np.ndarray) -> dict[str, float]:
    """Figures of a graph that may ship; raises ParityError where it may not.

    Compared are all outputs with `said`, and rows in batches with rows alone, bit for bit.
    """
    graph, wanted = Graph(made, OUTPUTS), said(learned, spec, rows)
    batched, alone = _run(graph, rows, BATCH), _run(graph, rows, 1)
    bits = zip(alone, batched, strict=True)
    other = np.any([np.any(one.view(np.int32) != many.view(np.int32), axis=1) for one, many in bits], axis=0)
    off = {name: _off(got, getattr(wanted, name)) for name, got in zip(OUTPUTS, batched, strict=True)}
    figures = {
        "rows": float(len(rows)),
        "rows_with_missing": float(np.any(wanted.known < 1.0, axis=1).sum()),
        "largest_difference": max(off.values()),
        "rows_differing_by_batch": float(np.count_nonzero(other)),
    }
    if not figures["largest_difference"] <= TOLERANCE or figures["rows_differing_by_batch"]:
        raise ParityError(f"the graph is not what was learned: {figures}, by output {off}: do not ship it")
    return figures


def _run(graph: Graph, rows: np.ndarray, batch: int) -> list[np.ndarray]:
    """Each output of all rows, so many at a time."""
    parts = [graph.run(rows[at : at + batch]) for at in range(0, len(rows), batch)]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


def _off(got: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference, of values over 1 as a share; infinite where one is known and the other is not."""
    if np.any(np.isnan(got) != np.isnan(wanted)):
        return float("inf")
    return float(np.nanmax(np.abs(got - wanted) / np.maximum(1.0, np.abs(wanted)), initial=0.0))
