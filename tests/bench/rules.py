"""What a thousand rules cost a worker, without servers: `make bench ONLY=rules`.

The partition of `tests/bench/step.py`, 50 pumps with rows a second apart in frames of 60, with no rules, with 20 a pump
and with a thousand on every pump: processor time of whole passes, interleaved, medians.
"""

from __future__ import annotations

import statistics
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from models.plant import Plant, parse
from pipelines.main import read_named
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.settings import STARTER
from tests.bench.step import BATCH, PUMPS, records
from tests.kit.bench import Row, report

A_PUMP, MANY, ROUNDS = 20, 1000, 15
DEARER = 1.05
"""A twentieth more processor time is what nobody sees; that is for a thousand rules in all."""
KINDS = (
    "of = 'level'\nsignals = ['{0}']\nwarning_high = {level}\nalarm_high = {more}",
    "of = 'rate'\nsignals = ['{0}']\nspan = '1h'\nwarning_high = {level}",
    "of = 'ratio'\nsignals = ['{0}', '{1}']\nwarning_high = {level}",
    "of = 'change'\nsignals = ['{0}']\nwarning_high = {level}",
    "of = 'level'\nsignals = ['{0}']\nalarm_low = 1\nwarning_low = 2\nwarning_high = {level}",
)
SIGNALS = ("speed_rpm", "flow_m3_h", "discharge_pressure_bar", "oil_temp_degc")


def plant(rules: int) -> Plant:
    """The bench's pumps with so many rules of their type, of all kinds in turn."""
    text = (STARTER / "pumps.toml").read_text().partition("[assets")[0].replace('settle = "2h"', 'settle = "0s"')
    for at, kind in enumerate(islice(cycle(KINDS), rules)):
        signals = SIGNALS[at % 4], SIGNALS[(at + 1) % 4]
        told = kind.format(*signals, level=6 + at % 3, more=12 + at % 3)
        text += f"\n[[types.pump.rules]]\nname = 'rule {at}'\n{told}"
    return parse(text + "\n" + "\n".join(f'[assets.p{number}]\ntype = "pump"' for number in range(PUMPS)))


def once(asked: Plant, log: list[RawRecord], *, known: bool = False) -> float:
    """Seconds of processor time of one pass behind its first minute; with baselines `known`, or still being learned."""
    partition = Partition(asked, read_named(asked, Path(STARTER)))
    first = PUMPS + 1
    partition.receive(log[:first])
    partition.acknowledged()
    if known:
        marks = partition.state.blocks["pump"].marks
        marks.base_known[:] = marks.base_told[:] = True
        marks.base_count[:] = 1
    begun = time.process_time()
    for at in range(first, len(log), BATCH):
        partition.receive(log[at : at + BATCH])
        partition.acknowledged()
    return time.process_time() - begun


def spread(found: dict[str, list[float]], name: str) -> dict[str, Any]:
    """In times of the pass without a rule of the same round."""
    each = [one / none for one, none in zip(found[name], found["none"], strict=True)]
    return {"low": min(each), "high": max(each), "runs": len(each)}


def main() -> None:
    log = [RawRecord(at, 0, value) for at, value in enumerate(records(60))]
    plants = {rules: plant(rules) for rules in (0, A_PUMP, MANY)}
    asked = {"none": (0, False), "learning": (A_PUMP, False), "known": (A_PUMP, True), "many": (MANY, True)}
    found: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(ROUNDS):
        for name, (rules, known) in asked.items():
            found[name].append(once(plants[rules], log, known=known))
    none, learning, known_, many = (statistics.median(found[name]) for name in asked)
    minutes = (len(log) - PUMPS - 1) * PUMPS // (PUMPS + 1)
    few, all_of = f"{A_PUMP * PUMPS:,} rules, {A_PUMP} a pump", f"{MANY * PUMPS:,} rules, {MANY} a pump"
    times: dict[str, Any] = {"unit": "times that", "bar": DEARER, "at_most": True}
    report(
        "rules",
        [
            Row.of(found["none"], name="without a rule", unit="s of processor time"),
            Row(name=f"{few}, baselines known", value=known_ / none, **times, **spread(found, "known")),
            Row(name=f"{few}, in their first day", value=learning / none, **times, **spread(found, "learning")),
            Row(name=all_of, value=many / none, unit="times that", **spread(found, "many")),
            Row(name="of these, one rule", value=(many - none) / (minutes * MANY) * 1e9, unit="ns a minute"),
        ],
    )


if __name__ == "__main__":
    main()
