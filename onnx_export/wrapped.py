"""A team's own ONNX file as a hazard: its inputs fed from our features, its outputs read as chances within horizons.

The file's graph stays as it is, between a few nodes before and after. Where it says nothing of a horizon, the hazard
between those that it does is held to be constant (Cox and Oakes 1984, Analysis of Survival Data, 2.2), before the first
and after the last, too. Chances that would fall with the horizon are held at what they were.
"""

from __future__ import annotations

import hashlib

import numpy as np
import onnx
from msgspec import Struct
from onnx import helper

from models.acceptance import Vectors
from models.failure.hazard import Card
from models.features import Spec
from models.figures.card import NAME
from models.inference import OUTPUT, ModelError, Predictor
from models.records import HORIZONS_H
from models.release import Kind
from onnx_export.around import OURS, Taken, graph_of, joined, read, rows_of, width_of
from onnx_export.stamp import stamped

MOST = 1.0 - 1e-6
"""A chance of 1 has no hazard; DECIMALS of a forecast are as many."""
TOLERANCE = 1e-6
VECTORS = 32


class Inputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the graph takes: features of ours in its order, and what it reads as a missing one, NaN where not said."""

    name: str
    features: tuple[str, ...]
    missing: float | None = None


class Outputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the graph gives: of which output, and in which of its columns is the chance within so many hours."""

    name: str
    columns: dict[int, int]


class Map(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a file is to be read as a hazard, and what its card says of it.

    `failures` are the independent real ones that it learned from.
    """

    kind: Kind = Kind.FAILURE
    name: str
    warning_limit: float
    basis: str
    trained_on: str
    failures: int = 0
    input: Inputs
    output: Outputs


def wrapped(content: bytes, by: Map, spec: Spec, asset_type: str, command: str) -> tuple[bytes, Card]:
    """The file as a hazard, with acceptance vectors inside, and its card. Raises ModelError."""
    _check(by, spec)
    graph = _around(read(content), by, spec)
    rows = rows_of(len(spec.names))
    if not np.isfinite(Predictor(graph).predict(rows)).all():
        raise ModelError(
            "[input] missing: rows that lack features have no chances: say which value the file takes for a missing one"
        )
    made = stamped(graph, Vectors.of(rows[:VECTORS], Predictor(graph).predict(rows[:VECTORS]), TOLERANCE))
    card = Card(
        name=by.name, sha256=hashlib.sha256(made).hexdigest(), asset_type=asset_type, signals=spec.signals,
        counters=spec.counters, expected=spec.expected, shares=spec.shares, events=spec.events,
        rolls_over_at=spec.rolls_over_at, groups=spec.groups_told, features_sha256=spec.sha256, horizons_h=HORIZONS_H,
        warning_limit=by.warning_limit, basis=by.basis, failures=by.failures, trained_on=by.trained_on, command=command,
        seeds={}, parity={"rows": float(len(rows))}, scores={},
    )  # fmt: skip
    return made, card


def _check(by: Map, spec: Spec) -> None:
    if not NAME.fullmatch(by.name):
        raise ModelError(f"name: '{by.name}' is to be letters, digits and . _ -, and names the files")
    unknown = sorted(set(by.input.features) - set(spec.names))
    if unknown:
        raise ModelError(
            f"[input] features: {', '.join(unknown)} are none of the feature list's, which `forewarn model card "
            "--json` names"
        )
    strange = sorted(set(by.output.columns) - set(HORIZONS_H))
    if strange or not by.output.columns:
        hours = ", ".join(map(str, HORIZONS_H))
        raise ModelError(f"[output.columns]: give hours of {hours}, one at least: not {strange}")


def _around(model: onnx.ModelProto, by: Map, spec: Spec) -> bytes:
    """Our nodes before and after the graph, of its own opsets."""
    places = [spec.names.index(name) for name in by.input.features]
    after = _after(by.output, _width(model, by.output))
    taken = Taken(by.input.name, places, by.input.missing)
    return joined(model, len(spec.names), taken, after, {by.output.name: f"{OURS}said"}, [OUTPUT])


def _width(model: onnx.ModelProto, of: Outputs) -> int:
    width = width_of("[output]", model, of.name)
    if width <= max(of.columns.values()):
        raise ModelError(
            f"[output] name: '{of.name}' is to be [rows, more than {max(of.columns.values())} columns] of numbers, and "
            f"has {width} columns: a classifier is exported without ZipMap"
        )
    return width


def _after(of: Outputs, width: int) -> onnx.GraphProto:
    """The graph's columns to chances within all horizons: what is outlived never rises, and powers of it in between.

    By powers, not by logarithms: onnxruntime's of many at once has other bits than its of few.
    """
    given = sorted(of.columns)
    constants: dict[str, np.ndarray] = {
        f"{OURS}columns": np.array([of.columns[hours] for hours in given], np.int64),
        f"{OURS}least": np.array(0.0, np.float32), f"{OURS}most": np.array(MOST, np.float32),
        f"{OURS}one": np.array(1.0, np.float32),
    }  # fmt: skip
    nodes = [
        helper.make_node("Gather", [f"{OURS}said", f"{OURS}columns"], [f"{OURS}chances"], axis=1),
        helper.make_node("Clip", [f"{OURS}chances", f"{OURS}least", f"{OURS}most"], [f"{OURS}within"]),
        helper.make_node("Sub", [f"{OURS}one", f"{OURS}within"], [f"{OURS}outlives"]),
    ]
    left = ""
    for at, powers in enumerate(between(given).astype(np.float32)):
        constants |= {f"{OURS}{at}": np.array([at], np.int64), f"{OURS}powers {at}": powers}
        nodes.append(helper.make_node("Gather", [f"{OURS}outlives", f"{OURS}{at}"], [f"{OURS}own {at}"], axis=1))
        held = [f"{OURS}own {at}", *([f"{OURS}held {at - 1}"] if at else [])]
        nodes.append(helper.make_node("Min", held, [f"{OURS}held {at}"]))
        nodes.append(helper.make_node("Pow", [f"{OURS}held {at}", f"{OURS}powers {at}"], [f"{OURS}part {at}"]))
        if left:
            nodes.append(helper.make_node("Mul", [left, f"{OURS}part {at}"], [f"{OURS}left {at}"]))
        left = f"{OURS}left {at}" if left else f"{OURS}part {at}"
    nodes += [
        helper.make_node("Sub", [f"{OURS}one", left], [f"{OURS}lost"]),
        helper.make_node("Clip", [f"{OURS}lost", f"{OURS}least", f"{OURS}one"], [f"{OURS}all"]),
        *_never_falling(constants),
    ]
    return graph_of(nodes, constants, [(f"{OURS}said", width)], [(OUTPUT, len(HORIZONS_H))])


def _never_falling(constants: dict[str, np.ndarray]) -> list[onnx.NodeProto]:
    """Each chance at least the one before it: powers of one number may differ by a rounding."""
    nodes, last = [], f"{OURS}all"
    constants[f"{OURS}before"] = np.array([0, *range(len(HORIZONS_H) - 1)], np.int64)
    for at in range(1, len(HORIZONS_H)):
        to = OUTPUT if at == len(HORIZONS_H) - 1 else f"{OURS}all {at}"
        nodes.append(helper.make_node("Gather", [last, f"{OURS}before"], [f"{OURS}earlier {at}"], axis=1))
        nodes.append(helper.make_node("Max", [last, f"{OURS}earlier {at}"], [to]))
        last = to
    return nodes


def between(given: list[int]) -> np.ndarray:
    """Weights [given, horizons] by which cumulative hazards at some horizons add up to those at all."""
    out = np.zeros((len(given), len(HORIZONS_H)))
    for column, hours in enumerate(HORIZONS_H):
        after = next((at for at, known in enumerate(given) if known >= hours), None)
        if after is None:
            out[:, column] = _beyond(given, hours)
        elif after == 0:
            out[0, column] = hours / given[0]
        else:
            share = (hours - given[after - 1]) / (given[after] - given[after - 1])
            out[after - 1, column], out[after, column] = 1.0 - share, share
    return out


def _beyond(given: list[int], hours: int) -> np.ndarray:
    """The hazard between the last two goes on; of one alone, its own."""
    out = np.zeros(len(given))
    if len(given) == 1:
        out[0] = hours / given[0]
    else:
        more = (hours - given[-1]) / (given[-1] - given[-2])
        out[-1], out[-2] = 1.0 + more, -more
    return out
