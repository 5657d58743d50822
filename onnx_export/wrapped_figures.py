"""A team's own ONNX file as a model that gives figures: anomaly, energy or defect, by a map of its inputs and outputs.

The file's graph stays as it is, between a few nodes before and after. Quantiles that cross are put in order, which
never makes them worse (Chernozhukov, Fernandez-Val and Galichon 2010, Econometrica 78, 1093-1125). No more is held.
"""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
from msgspec import Struct
from msgspec.structs import replace
from onnx import helper

from models.acceptance import Vectors
from models.contracts import CONTRACTS, QUANTILES, check_outputs, unsound
from models.figures.card import FigureCard, Input, check, sha256_of
from models.inference import Graph, ModelError
from models.release import Kind
from onnx_export.around import OURS, Taken, graph_of, joined, read, rows_of, width_of
from onnx_export.stamp import stamped

TOLERANCE = 1e-5
"""Of a figure, by which another runtime may be off: a hundred roundings of float32, each of 6e-8, and room."""
VECTORS = 32


class Inputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the graph takes: its columns in order, and what it reads as a missing one, NaN where not said."""

    name: str
    features: tuple[Input, ...]
    missing: float | None = None


class From(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the graph gives an output of the contract: in which of its own, and in which columns: all, if not said."""

    name: str
    columns: tuple[int, ...] = ()


class FigureMap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a file is to be read, and what its card says of it; `outputs` are by their names in the contract."""

    kind: Kind
    name: str
    basis: str
    trained_on: str
    scores: dict[str, float] = {}
    input: Inputs
    outputs: dict[str, From]


def wrapped_figures(content: bytes, by: FigureMap, command: str) -> tuple[bytes, FigureCard]:
    """The file as a model of its kind, with acceptance vectors inside, and its card. Raises ModelError."""
    model = read(content)
    columns = _columns(model, by)
    card = FigureCard(
        name=by.name, kind=by.kind, sha256="", inputs=by.input.features, features_sha256=sha256_of(by.input.features),
        outputs={name: len(places) for name, places in columns.items()}, basis=by.basis, trained_on=by.trained_on,
        command=command, scores=by.scores,
    )  # fmt: skip
    check(card)
    check_outputs(card)
    made = _tried(_around(model, by, columns), card)
    return made, replace(card, sha256=hashlib.sha256(made).hexdigest())


def _columns(model: onnx.ModelProto, by: FigureMap) -> dict[str, tuple[int, ...]]:
    """The graph's columns of each output of the contract, in the contract's order."""
    wanted = [output.name for output in CONTRACTS[by.kind].outputs]
    if set(by.outputs) != set(wanted):
        raise ModelError(
            f"[outputs]: one of kind {by.kind} gives {', '.join(wanted)}: not {', '.join(by.outputs) or 'none'}"
        )
    out = {}
    for name in wanted:
        of = by.outputs[name]
        width = width_of(f"[outputs.{name}]", model, of.name)
        out[name] = of.columns or tuple(range(width))
        if not width or not all(0 <= at < width for at in out[name]):
            raise ModelError(
                f"[outputs.{name}] columns: '{of.name}' is to be [rows, a fixed number of columns] of numbers, and has "
                f"{width} columns, not {list(of.columns) or 'one at least'}: a classifier is exported without ZipMap"
            )
    return out


def _around(model: onnx.ModelProto, by: FigureMap, columns: dict[str, tuple[int, ...]]) -> bytes:
    given = {name: f"{OURS}said {at}" for at, name in enumerate(dict.fromkeys(of.name for of in by.outputs.values()))}
    constants: dict[str, np.ndarray] = {}
    nodes: list[onnx.NodeProto] = []
    for name, places in columns.items():
        constants[f"{OURS}columns {name}"] = np.array(places, np.int64)
        ends = [given[by.outputs[name].name], f"{OURS}columns {name}"], [f"{OURS}{name}"]
        nodes.append(helper.make_node("Gather", *ends, axis=1))
    nodes += _in_order() if by.kind is Kind.ENERGY else [
        helper.make_node("Identity", [f"{OURS}{name}"], [name]) for name in columns
    ]  # fmt: skip
    begin = [(at, width_of("[outputs]", model, name)) for name, at in given.items()]
    after = graph_of(nodes, constants, begin, [(name, len(places)) for name, places in columns.items()])
    taken = Taken(by.input.name, range(len(by.input.features)), by.input.missing)
    return joined(model, len(by.input.features), taken, after, given, list(columns))


def _in_order() -> list[onnx.NodeProto]:
    """Three quantiles from the lowest to the highest."""
    low, middle, high = QUANTILES
    first, second, third = (f"{OURS}{name}" for name in QUANTILES)
    return [
        helper.make_node("Min", [first, second, third], [low]),
        helper.make_node("Max", [first, second, third], [high]),
        helper.make_node("Min", [first, second], [f"{OURS}lower"]),
        helper.make_node("Max", [first, second], [f"{OURS}higher"]),
        helper.make_node("Min", [f"{OURS}higher", third], [f"{OURS}lower of both"]),
        helper.make_node("Max", [f"{OURS}lower", f"{OURS}lower of both"], [middle]),
    ]


def _tried(graph: bytes, card: FigureCard) -> bytes:
    """The graph with vectors, once its figures are sound where some inputs are missing, too."""
    loaded, rows = Graph(graph, tuple(card.outputs)), rows_of(len(card.inputs))
    whole = ~np.isnan(rows).any(axis=1)
    for chosen, do in (
        (whole, "have the file say what its kind says, in these units, and export it anew"),
        (~whole, "say in [input] missing which value the file takes for a missing one"),
    ):
        if wrong := unsound(card.kind, dict(zip(loaded.names, loaded.run(rows[chosen]), strict=True))):
            raise ModelError(f"[outputs]: {wrong}: {do}")
    return stamped(graph, Vectors.of(rows[:VECTORS], loaded.predict(rows[:VECTORS]), TOLERANCE))
