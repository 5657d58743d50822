"""Small models of other teams, one of each kind that gives figures: files, maps and releases, and a plant of them."""

from __future__ import annotations

import msgspec
import numpy as np
import onnx
from msgspec import Raw
from onnx import TensorProto, helper, numpy_helper

from models.contracts import MOST_STEPS
from models.figures.card import Input
from models.figures.model import FigureModel
from models.records import ModelChange, Release
from models.release import Kind, Part
from onnx_export.wrapped_figures import FigureMap, From, Inputs, wrapped_figures
from pipelines.releases.check import manifest_of
from tests.kit import tiny

NAMES = {Kind.ANOMALY: "odd", Kind.ENERGY: "line-load", Kind.DEFECT: "weld"}
PLANT_TOML = tiny.PLANT_TOML.replace(
    '[types.pump]\nmodel = "tiny"\n',
    '[types.pump]\nmodel = "tiny"\nmodels = { anomaly = "odd", energy = "line-load", defect = "weld" }\n',
)
INPUTS = (Input(name="ambient_degc", unit="Cel"), Input(name="hour_of_day", unit="h"), Input(name="speed", unit="1"))
STEPS = 4
OUTPUTS = {
    Kind.ANOMALY: {"anomaly": From(name="p", columns=(1,))},
    Kind.ENERGY: {f"q{share}_kw": From(name="z", columns=tuple(range(at, at + STEPS)))
                  for share, at in ((10, 0), (50, STEPS), (90, 2 * STEPS))},
    Kind.DEFECT: {"defect": From(name="p", columns=(0,)), "spread": From(name="p", columns=(2,))},
}  # fmt: skip
assert STEPS < MOST_STEPS


def theirs(slope: float = 1.0, columns: int = 3 * STEPS) -> bytes:
    """Sums `z` of three inputs, and `p`, their logistic function; another slope makes another model."""
    weights = (np.linspace(-0.02, 0.03, 3 * columns, dtype=np.float32) * np.float32(slope)).reshape(3, columns)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Sigmoid", ["z"], ["p"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width])
            for name, width in (("x", 3), ("z", columns), ("p", columns))]  # fmt: skip
    graph = helper.make_graph(nodes, "theirs", ends[:1], ends[1:], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def map_of(kind: Kind, **changes) -> FigureMap:
    """How those files are read."""
    inputs = Inputs(name="x", features=INPUTS, missing=0.0)
    told: dict = {"basis": "team B", "trained_on": "line 2", "input": inputs, "outputs": OUTPUTS[kind]}
    return FigureMap(kind=kind, name=NAMES[kind], **told | changes)


def files(kind: Kind, slope: float = 1.0) -> dict[Part, bytes]:
    """A release's files."""
    made, card = wrapped_figures(theirs(slope), map_of(kind), "command")
    return {Part.ONNX: made, Part.CARD: msgspec.json.encode(card)}


def model(kind: Kind, slope: float = 1.0) -> FigureModel:
    """The same, loaded."""
    return FigureModel(*wrapped_figures(theirs(slope), map_of(kind), "command"))


def release(kind: Kind, slope: float = 1.0, made_us: int = 1) -> Release:
    """A record that offers them."""
    made = manifest_of("tiny", files(kind, slope), made_us)
    return Release(plant="tiny", name=made.name, version=made.version, manifest=Raw(made.encoded()), signatures=())


def to(made: FigureModel | str, kind: Kind, number: int = 1, **more) -> ModelChange:
    """A record of the log that has a kind's name mean a model."""
    version = made if isinstance(made, str) else made.card.version
    return ModelChange(plant="tiny", name=NAMES[kind], version=version, number=number, **more)
