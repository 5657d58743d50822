"""A plant whose rules look at changes from baselines, and logs in which these are repaired, recalibrated, approved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from models.plant import Plant, parse
from models.records import (
    OF_SENSORS,
    AnyInput,
    Confidence,
    Frame,
    HealthyBaseline,
    Maintenance,
    MaintenanceAction,
    Origin,
    Tick,
    decode,
    encode,
)
from pipelines.partition import Partition
from pipelines.ports import Output, RawRecord
from pipelines.topics import Topic
from tests.kit.streams import MINUTE_US, START_US

HOUR_US = 60 * MINUTE_US
STEP_US = 10 * MINUTE_US
TOML = """
plant = "tiny"
[types.filler.signals.vib]
kind = "gauge"
max_silence = "30min"
[types.filler.signals.temp]
kind = "gauge"
max_silence = "30min"
[types.filler.signals.product]
kind = "state"
sampling = "on-change"
words = ["beer", "cola"]
max_silence = "1h"
[[types.filler.rules]]
name = "temp moves"
of = "change"
signals = ["temp"]
warning_high = 3
for = "30min"
clears_after = "30min"
[[types.filler.rules]]
name = "vib moves"
of = "change"
signals = ["vib"]
per = "product"
warning_high = 2
for = "30min"
clears_after = "30min"
[[types.filler.limits]]
signal = "temp"
warning_high = 80
[assets.filler-1]
type = "filler"
[assets.filler-2]
type = "filler"
"""


def plant() -> Plant:
    """Two fillers of two products."""
    return parse(TOML)


def rows(asset: str, temps: Sequence[float], products: Sequence[str] = ("beer",), begin_h: float = 0) -> list[AnyInput]:
    """Ten minutes apart, a tick after each; products come in turn. Of beer the machine shakes by 1, of cola by 4."""
    out: list[AnyInput] = []
    for at, temp in enumerate(temps):
        word, time_us = products[at % len(products)], START_US + round(begin_h * HOUR_US) + at * STEP_US
        signals: dict = {"temp": [temp], "vib": [(1.0 if word == "beer" else 4.0) + at % 3 / 10], "product": [word]}
        out.append(Frame(plant="tiny", asset=asset, source="t", times_us=[time_us + 1], signals=signals))
        out.append(Tick(plant="tiny", time_us=time_us + MINUTE_US))
    return out


def work(asset: str, hours: float, action: MaintenanceAction, signal: str = "") -> Maintenance:
    """What was done to a machine, at these hours."""
    time_us = START_US + round(hours * HOUR_US)
    return Maintenance(plant="tiny", asset=asset, time_us=time_us, action=action, mode=signal)


def approved(asset: str, rule: str = "temp moves", mean: float = 60.0, **others) -> HealthyBaseline:
    """One that somebody approved."""
    said: dict = {
        "plant": "tiny", "asset": asset, "rule": rule, "from_us": START_US, "to_us": START_US + HOUR_US, "mean": mean,
        "spread": 0.5, "minutes": 100, "origin": Origin.CHOSEN, "approved_by": "Ann", "confidence": Confidence.LOW,
    }  # fmt: skip
    return HealthyBaseline(**(said | others))


def log(seed: int, days: int = 7) -> list[AnyInput]:
    """Both fillers with gaps, changes of product and of level, repairs, recalibrations, some told late, approvals."""
    random = np.random.default_rng(seed)
    timed: list[tuple[float, AnyInput]] = []
    for asset in ("filler-1", "filler-2"):
        steps = np.cumsum(random.random(days * 144) < 0.004) * 4.0
        temps = np.round(60 + 25 * (seed % 2) + steps + random.normal(0, 0.5, days * 144), 2).tolist()
        turn = int(random.integers(20, 90))
        every = rows(asset, temps, ["beer"] * 2 * turn + ["cola"] * turn)
        timed += ((at / 2, record) for at, record in enumerate(every) if random.random() > 0.02)
        for action in map(MaintenanceAction, random.choice(list(MaintenanceAction), 5).tolist()):
            hours, signal = random.random() * days * 24, str(random.choice(["", "temp", "vib"]))
            told = hours * 6 + random.choice([0.1, 0.1, 30])
            timed.append((told, work(asset, hours, action, signal if action in OF_SENSORS else "")))
        for rule in random.choice(["temp moves", "vib moves [beer]", "vib moves [cola]", "no rule"], 3):
            mean = float(random.choice([1.0, 60.0, 85.0]))
            timed.append((random.random() * days * 144, approved(asset, str(rule), mean)))
    return [record for _, record in sorted(timed, key=lambda pair: pair[0])]


def taken(
    records: Iterable[AnyInput | bytes],
    batches: Callable[[list[RawRecord]], Iterable[Sequence[RawRecord]]],
    *,
    restores=False,
) -> tuple[list[Output], Partition]:
    """What a partition publishes, and where it ends; restored from its snapshots now and then."""
    values = (record if isinstance(record, bytes) else encode(record) for record in records)
    raw = [RawRecord(at, 0, value) for at, value in enumerate(values)]
    partition, kept, out = Partition(plant(), {}), None, []
    for number, batch in enumerate(batches(raw)):
        out += partition.receive(batch).outputs
        partition.acknowledged()
        if restores and number % 3 == 0 and (snapshot := partition.snapshot()) is not None:
            kept = snapshot.onto(kept)
            partition = Partition.restore(plant(), {}, kept)
    return out, partition


def said(outputs: Iterable[Output], topic: Topic = Topic.BASELINES) -> list:
    """Records of a topic."""
    return [decode(output.value) for output in outputs if output.topic is topic]


def at_once(raw: list[RawRecord]) -> list[list[RawRecord]]:
    """All in one batch."""
    return [raw]
