"""A plant of five asset types and a small ONNX hazard for it, made here in milliseconds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from models.failure.hazard import Card, Hazard
from models.failure.health import HealthCard, HealthModel
from models.failure.interval import Levels
from models.failure.learned import Model
from models.features import Expected, Spec
from models.inference import INPUT, MODES, OUTPUT
from models.plant import Plant, parse
from models.records import HORIZONS_H, Frame
from onnx_export.health_graph import Learned, to_onnx

ROWS_BEGIN_US = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC."""

PLANT_TOML = """
plant = "tiny"

[types.pump]
model = "tiny"
[types.pump.signals.pressure_bar]
kind = "gauge"
unit = "bar"
range = [0, 25]
[types.pump.signals.temp_degc]
kind = "gauge"
unit = "degC"
range = [-40, 200]
[types.pump.signals.is_running]
kind = "boolean"
[types.pump.signals.mode]
kind = "text"

[types.gear]
model = "tiny"
[types.gear.signals.temp_degc]
kind = "gauge"
sampling = "on-change"
max_silence = "45min"
[types.gear.signals.pressure_bar]
kind = "gauge"
max_silence = "40min"

[types.mixer]
model = "tiny"
[types.mixer.signals.pressure_bar]
kind = "gauge"
range = [0, 25]
max_silence = "15min"
stuck_after = "6min"
[types.mixer.signals.temp_degc]
kind = "gauge"
max_step = 20
stuck_after = "8min"
[types.mixer.operating]
signal = "pressure_bar"
running_above = 4.2
off_below = 1
hysteresis = 0.4
settle = "3min"

[types.lathe]
model = "tiny"
health = "tiny.health"
[types.lathe.signals.pressure_bar]
kind = "gauge"
range = [0, 25]
[types.lathe.signals.temp_degc]
kind = "gauge"
sampling = "compressed"
stepped = false
max_silence = "2h"
[types.lathe.signals.mode]
kind = "text"
sampling = "on-change"
max_silence = "2h"
[types.lathe.operating]
signal = "mode"
states = { running = ["auto", "manual"], off = ["stop"], idle = ["wait"], maintenance = ["service"] }
settle = "2min"

[types.fan.signals.speed_rpm]
kind = "gauge"
unit = "rpm"
[[types.fan.rules]]
name = "fast"
signals = ["speed_rpm"]
warning_high = 1399
for = "1min"
clears_after = "1min"

[[types.pump.rules]]
name = "pressed"
signals = ["pressure_bar"]
warning_high = 6.5
alarm_high = 7.5
hysteresis = 0.2
for = "3min"
clears_after = "4min"
[[types.pump.rules]]
name = "heats up"
of = "rate"
signals = ["temp_degc"]
span = "30min"
warning_high = 2
for = "2min"
clears_after = "5min"
[[types.pump.rules]]
name = "hot for its pressure"
of = "ratio"
signals = ["temp_degc", "pressure_bar"]
warning_high = 12.2
for = "2min"
clears_after = "2min"
mode = "OHE"
[[types.pump.rules]]
name = "runs on"
signals = ["is_running"]
warning_high = 0.5
for = "40min"
[[types.mixer.rules]]
name = "idles under pressure"
signals = ["pressure_bar"]
states = ["idle", "off"]
warning_high = 0.6
for = "1min"
clears_after = "1min"
[[types.mixer.rules]]
name = "hot while pressed"
of = "difference"
signals = ["temp_degc", "pressure_bar"]
warning_high = 70
for = "2min"
clears_after = "2min"
when = [{ signal = "pressure_bar", above = 4.0 }]
[[types.lathe.limits]]
signal = "temp_degc"
warning_high = 75
[[types.lathe.rules]]
name = "leaves its usual"
of = "change"
signals = ["pressure_bar"]
warning_high = 0.3
for = "2min"
clears_after = "2min"

[assets.pump-01]
type = "pump"
[assets.pump-02]
type = "pump"
[assets.pump-03]
type = "pump"
[assets.gear-01]
type = "gear"
[assets.fan-01]
type = "fan"
[assets.mixer-01]
type = "mixer"
[assets.lathe-01]
type = "lathe"
[[assets.lathe-01.limits]]
signal = "temp_degc"
warning_high = 68
alarm_high = 80
"""


def plant() -> Plant:
    """Pumps, a gear, a mixer that runs by its pressure and a lathe by its mode with a model, a fan without."""
    return parse(PLANT_TOML)


def rule(name: str) -> str:
    """What the plant file says of a rule."""
    at = PLANT_TOML.index(f'name = "{name}"')
    return PLANT_TOML[PLANT_TOML.rindex("[[", 0, at) : PLANT_TOML.index("\n[", at) + 1]


def without_health() -> Plant:
    """The same with hazards alone."""
    return parse(PLANT_TOML.replace('health = "tiny.health"\n', ""))


def fleet(pumps: int) -> Plant:
    """A plant of so many of its pumps and nothing else."""
    types = PLANT_TOML.partition("[assets")[0]
    return parse(types + "\n".join(f'[assets.pump-{number:03}]\ntype = "pump"' for number in range(pumps)))


def row(asset: str, second: int) -> Frame:
    """A row of a pump, so long after the first of them."""
    signals: dict[str, list] = {"pressure_bar": [5.0 + second % 7 / 10], "temp_degc": [60.0]}
    return Frame(plant="tiny", asset=asset, source=asset, times_us=[ROWS_BEGIN_US + second * 10**6], signals=signals)


def graph(features: int, modes: int = 0, slope: float = 1.0) -> bytes:
    """Chances that rise with the mean of the features and with the horizon; NaN counts as 0.

    Another `slope` makes another model of the same features. With some modes, the first features' sizes beside each
    other are their shares.
    """
    weights = np.linspace(0.01, 0.06, features, dtype=np.float32)[:, None] * np.linspace(0.5, 1.0, 6, dtype=np.float32)
    weights *= np.float32(slope)
    nodes = [
        helper.make_node("IsNaN", [INPUT], ["missing"]),
        helper.make_node("Where", ["missing", "zero", INPUT], ["known"]),
        helper.make_node("MatMul", ["known", "weights"], ["scores"]),
        helper.make_node("Abs", ["scores"], ["sizes"]),
        helper.make_node("Add", ["sizes", "one"], ["above"]),
        helper.make_node("Div", ["sizes", "above"], [OUTPUT]),
    ]
    constants: dict[str, object] = {"zero": np.float32(0.0), "one": np.float32(1.0), "weights": weights}
    outputs = [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [None, len(HORIZONS_H)])]
    if modes:
        constants |= {"first": np.array([0]), "last": np.array([modes]), "axis": np.array([1])}
        nodes += [
            helper.make_node("Slice", ["known", "first", "last", "axis"], ["parts"]),
            helper.make_node("Abs", ["parts"], ["sizes of parts"]),
            helper.make_node("ReduceSum", ["sizes of parts", "axis"], ["whole"]),
            helper.make_node("Div", ["sizes of parts", "whole"], [MODES]),
        ]
        outputs.append(helper.make_tensor_value_info(MODES, TensorProto.FLOAT, [None, modes]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, features])],
        outputs,
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def hazard(
    limit: float = 0.55,
    signals: tuple[str, ...] = ("pressure_bar", "temp_degc"),
    modes: tuple[str, ...] = (),
    interval: Levels | None = None,
    slope: float = 1.0,
) -> Hazard:
    """The small hazard, loaded; `limit` is where its warnings open, `modes` are the failure modes it tells apart."""
    expected = (Expected("temp_degc", 10.0, (("pressure_bar", 10.0),)),) if len(signals) == 2 else ()
    spec = Spec(signals, expected=expected)
    data = graph(len(spec.names), len(modes), slope)
    card = Card(
        name="tiny",
        sha256=hashlib.sha256(data).hexdigest(),
        asset_type="pump",
        signals=spec.signals,
        expected=spec.expected,
        features_sha256=spec.sha256,
        horizons_h=HORIZONS_H,
        warning_limit=limit,
        basis="nothing",
        trained_on="nothing",
        command="none",
        seeds={},
        parity={},
        scores={},
        modes=modes,
        interval=interval,
    )
    return Hazard(data, card)


def _health_graph() -> bytes:
    """Temperatures over what is expected, in spreads made up."""
    spreads, axis = np.array([2.0, 1.5]), np.array([[1.0], [1.0]]) / np.sqrt(2)
    learned = Learned(
        own=spreads, fleet=2 * spreads, loadings=axis, variances=np.array([1.5]), t2_limit=4.0, spe_limit=2.0
    )
    return to_onnx(learned, hazard().spec)


def health() -> HealthModel:
    """A small health model of the same features, loaded."""
    spec, data = hazard().spec, _health_graph()
    card = HealthCard(
        name="tiny.health",
        sha256=hashlib.sha256(data).hexdigest(),
        asset_type="pump",
        signals=spec.signals,
        expected=spec.expected,
        features_sha256=spec.sha256,
        components=1,
        basis="nothing",
        trained_on="nothing",
        command="none",
        seeds={},
        parity={},
        scores={},
    )
    return HealthModel(data, card)


def models(limit: float = 0.55) -> dict[str, Model]:
    """All models that the plant names."""
    return {"tiny": hazard(limit), "tiny.health": health()}


def write(folder: Path, stem: str = "tiny", made: Hazard | None = None) -> None:
    """A hazard's two files, as workers read them; without one, the small hazard's, and those of the small health."""
    made = made or hazard()
    (folder / f"{stem}.onnx").write_bytes(graph(len(made.spec.names), len(made.card.modes)))
    (folder / f"{stem}.json").write_bytes(msgspec.json.encode(made.card))
    write_health(folder)


def write_health(folder: Path) -> None:
    """The small health model's two files."""
    (folder / "tiny.health.onnx").write_bytes(_health_graph())
    (folder / "tiny.health.json").write_bytes(msgspec.json.encode(health().card))
