"""The tiny plant with pumps whose model looks at all groups of features, and streams that tell of all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec.structs import replace

from models.failure.hazard import Hazard
from models.features import Expected, Fleet, Groups, Spec
from models.plant import Plant, parse
from models.records import AnyInput, Frame, Maintenance, MaintenanceAction, WorkOrder, WorkOrderKind
from pipelines.driver import Driver
from pipelines.partition import Partition
from pipelines.topics import Topic
from tests.kit import streams, tiny

SIGNALS = """
product = "product"
components = { bearing = ["BRD"], seal = ["ELP", "leak"] }
[types.pump.signals.error]
kind = "event"
alarms = ["E1", "E2"]
[types.pump.signals.product]
kind = "state"
sampling = "on-change"
max_silence = "2h"
words = ["sand", "clay"]
"""
TOML = tiny.PLANT_TOML.replace('[types.pump]\nmodel = "tiny"\n', f'[types.pump]\nmodel = "grouped"{SIGNALS}')
EXPECTED = Expected("temp_degc", 10.0, (("pressure_bar", 10.0),))
FLEET = Fleet("temp_degc", 1.5, 2.0, 1.5)
GROUPS = Groups(
    fleet=(FLEET,),
    siblings=True,
    counted=("error", "error:E1"),
    components=("bearing", "seal"),
    product="product",
    types=("gear", "pump"),
)
SPEC = Spec(("pressure_bar", "temp_degc"), expected=(EXPECTED,), shares=("product=sand", "product=clay"), groups=GROUPS)
MODES = ("BRD", "bearing", "leak", "ELP", "", "OHE")
STREAM = ("pump-01", "pump-02", "mixer-01")


def plant() -> Plant:
    """The tiny plant whose pumps have errors, a product and components."""
    return parse(TOML)


def hazard(spec: Spec = SPEC, limit: float = 0.55, failures: int = 0) -> Hazard:
    """A small hazard of a list of features."""
    data = tiny.graph(len(spec.names))
    card = replace(
        tiny.hazard(limit).card,
        name="grouped",
        sha256=hashlib.sha256(data).hexdigest(),
        **{name: getattr(spec, name) for name in spec.__struct_fields__ if name != "groups"},
        groups=spec.groups_told,
        features_sha256=spec.sha256,
        failures=failures,
    )
    return Hazard(data, card)


def models(spec: Spec = SPEC, **more: float) -> dict:
    """All models that the plant names."""
    return tiny.models() | {"grouped": hazard(spec, **more)}  # type: ignore[arg-type]


LATE_S, IN_TIME_S = (0, 180, 600, 60_000), (0, 30, 60)
"""How long after a work was done its order comes."""


def stream(seed: int, minutes: int = 200, told_after_s: Sequence[int] = LATE_S) -> list[AnyInput]:
    """A stream of the tiny plant in which pumps say errors and products, and are worked on."""
    random = np.random.default_rng([seed, 1])
    out: list[AnyInput] = [_more(random, record) for record in streams.stream(seed, minutes, STREAM)]
    for number in range(12):
        asset, mode = str(random.choice(["pump-01", "pump-02"])), str(random.choice(MODES))
        at = int(random.integers(len(out)))
        finished_us = streams.time_of(out[at]) - int(random.choice(told_after_s)) * 1_000_000
        out.insert(at, order(asset, mode, finished_us, f"{number}"))
    return out


def _more(random: np.random.Generator, record: AnyInput) -> AnyInput:
    if isinstance(record, Maintenance) and record.action is MaintenanceAction.REPAIRED and random.random() < 0.7:
        return replace(record, mode="BRD")
    if not (isinstance(record, Frame) and record.asset.startswith("pump")):
        return record
    signals, rows = dict(record.signals), len(record.times_us)
    if random.random() < 0.1:
        signals["error"] = [str(random.choice(["E1", "E2", "E3"])) for _ in range(rows)]
    if random.random() < 0.1:
        signals["product"] = [str(random.choice(["sand", "clay", "loam"])) for _ in range(rows)]
    return replace(record, signals=signals)


def order(asset: str, mode: str, finished_us: int, number: str = "1") -> WorkOrder:
    """A finished service."""
    dates = {"reported_us": finished_us, "started_us": finished_us, "finished_us": finished_us}
    return WorkOrder(plant="tiny", asset=asset, order=number, kind=WorkOrderKind.SERVICE, mode=mode, **dates)


def partitions(count: int = 1) -> list[Partition]:
    """Fresh partitions of the plant."""
    return [Partition(plant(), models()) for _ in range(count)]


def published(records: Iterable[AnyInput], batch: int = 50, count: int = 1) -> dict[Topic, list[bytes]]:
    """All that a fresh driver publishes for these records, by topic, in order."""
    out: dict[Topic, list[bytes]] = {topic: [] for topic in Topic}
    for _, effects in Driver(partitions(count), batch=batch).feed(records):
        for output in effects.outputs:
            out[output.topic].append(output.value)
    return out
