"""Seeded streams of records for the tiny plant, and the ways a log may present them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec.structs import replace

from models.records import AnyInput, Frame, Maintenance, MaintenanceAction, Tick, decode
from pipelines.driver import Driver
from pipelines.partition import Partition
from pipelines.topics import Topic
from tests.kit import tiny

START_US = 1_767_225_600_000_000
"""2026-01-01 00:00 UTC."""
MINUTE_US = 60_000_000
ASSETS = ("pump-01", "pump-02", "fan-01", "mixer-01", "lathe-01")


def stream(seed: int, minutes: int = 240, assets: Sequence[str] = ASSETS) -> list[AnyInput]:
    """Frames of one to twenty rows, in order of time per asset, ticks each minute, failures and repairs at times."""
    random = np.random.default_rng(seed)
    timed: list[tuple[int, AnyInput]] = [
        (START_US + m * MINUTE_US, Tick(plant="tiny", time_us=START_US + m * MINUTE_US)) for m in range(minutes)
    ]
    for asset in assets:
        timed += _frames(random, asset, minutes)
        if random.random() < 0.7:
            time_us = START_US + int(random.integers(minutes * MINUTE_US))
            if random.random() < 0.5:
                time_us = time_us // MINUTE_US * MINUTE_US  # as a CMMS tells it
            repair = Maintenance(plant="tiny", asset=asset, time_us=time_us, action=MaintenanceAction.REPAIRED)
            timed.append((time_us, repair))
            failed_us = max(START_US, time_us - int(random.integers(30 * MINUTE_US)))
            failure = Maintenance(plant="tiny", asset=asset, time_us=failed_us, action=MaintenanceAction.FAILED)
            timed.append((failed_us, failure))
    return [record for _, record in sorted(timed, key=lambda pair: pair[0])]


def _frames(random: np.random.Generator, asset: str, minutes: int) -> list[tuple[int, AnyInput]]:
    out: list[tuple[int, AnyInput]] = []
    time_us, wear, runs = START_US, random.random() * 3, True
    while time_us < START_US + minutes * MINUTE_US:
        rows = int(random.choice([1, 1, 1, 4, 20]))
        gap_us = int(random.choice([1_000_000, 10_000_000, 30_000_000, 600_000_000], p=[0.5, 0.3, 0.15, 0.05]))
        times = [time_us + at * min(gap_us, 3_000_000) for at in range(rows)]
        turned = random.random() < 0.03
        runs = runs ^ turned
        out.append((times[-1], _frame(random, asset, times, wear * (time_us - START_US) / 1e10, runs, turned)))
        time_us = times[-1] + gap_us
    return out


def _frame(
    random: np.random.Generator, asset: str, times: list[int], wear: float, runs: bool = True, turned: bool = False
) -> Frame:
    rows = len(times)
    if asset.startswith("fan"):
        signals: dict = {"speed_rpm": np.round(random.normal(1400, 5, rows), 1).tolist()}
    else:
        stands = asset.startswith("mixer") and not runs
        pressure = np.round(np.abs(random.normal(0.6 if stands else 5 + wear, 0.3, rows)), 3).tolist()
        signals = {"pressure_bar": [None if random.random() < 0.02 else p for p in pressure]}
        if random.random() < 0.8:
            signals["temp_degc"] = np.round(random.normal(60 + 10 * wear, 2, rows), 2).tolist()
        if random.random() < 0.2:
            signals["is_running"] = [True] * rows
        if asset.startswith(("mixer", "lathe")):
            signals.pop("is_running", None)
        if asset.startswith("mixer") and random.random() < 0.1:
            signals["temp_degc"] = [60.0 if random.random() < 0.8 else 95.0] * rows
        if asset.startswith("lathe") and (turned or random.random() < 0.05):
            words = ("auto", "manual") if runs else ("stop", "wait", "service", "word of nobody")
            signals["mode"] = [str(random.choice(words)) for _ in range(rows)]
    return Frame(plant="tiny", asset=asset, source="test", times_us=times, signals=signals)


def cut(random: np.random.Generator, records: Sequence, most: int = 60) -> list[Sequence]:
    """Records in batches of random sizes."""
    out, at = [], 0
    while at < len(records):
        size = int(random.integers(1, most + 1))
        out.append(records[at : at + size])
        at += size
    return out


def shuffled(random: np.random.Generator, records: Sequence[AnyInput], within_us: int) -> list[AnyInput]:
    """Records out of order, none displaced by more than `within_us`; ticks stay in order among themselves."""
    delay = random.integers(0, within_us, len(records))
    keyed = [
        (time_of(record) + (0 if isinstance(record, Tick) else int(d)), i)
        for i, (record, d) in enumerate(zip(records, delay, strict=True))
    ]
    return [records[i] for _, i in sorted(keyed)]


def time_of(record: AnyInput) -> int:
    """When a record would have been sent: the time of its last row."""
    return record.times_us[-1] if isinstance(record, Frame) else record.time_us


def moved(record: AnyInput, by_us: int) -> AnyInput:
    """The same record so much later."""
    if isinstance(record, Frame):
        return replace(record, times_us=[time_us + by_us for time_us in record.times_us])
    return replace(record, time_us=record.time_us + by_us)


def partitions(count: int = 1, limit: float = 0.55) -> list[Partition]:
    """Fresh partitions of the tiny plant."""
    hazard = tiny.hazard(limit)
    return [Partition(tiny.plant(), tiny.models() | {"tiny": hazard}) for _ in range(count)]


def published(records: Iterable[AnyInput], batch: int = 50, count: int = 1) -> dict[Topic, list[bytes]]:
    """All that a fresh driver publishes for these records, by topic, in order."""
    out: dict[Topic, list[bytes]] = {topic: [] for topic in Topic}
    for _, effects in Driver(partitions(count), batch=batch).feed(records):
        for output in effects.outputs:
            out[output.topic].append(output.value)
    return out


def by_asset(values: Iterable[bytes]) -> dict[str, list[bytes]]:
    """Outputs per asset, in order."""
    out: dict[str, list[bytes]] = {}
    for value in values:
        out.setdefault(getattr(decode(value), "asset", ""), []).append(value)
    return out


def weeks(seed: int, days: int = 14, assets: Sequence[str] = ("pump-01", "pump-02", "mixer-01")) -> list[AnyInput]:
    """Single rows ten minutes apart, with gaps and repairs: many windows of 72 h, few records."""
    random = np.random.default_rng(seed)
    step_us = 10 * MINUTE_US
    timed: list[tuple[int, AnyInput]] = []
    for number in range(days * 144):
        timed.append((START_US + number * step_us, Tick(plant="tiny", time_us=START_US + number * step_us)))
    for asset in assets:
        born = 0
        for number in range(days * 144):
            time_us = START_US + number * step_us + int(random.integers(MINUTE_US))
            if random.random() < 1 / 600:
                born = number
                repair = Maintenance(plant="tiny", asset=asset, time_us=time_us, action=MaintenanceAction.REPAIRED)
                timed.append((time_us, repair))
            elif number % 500 > 20:
                timed.append((time_us, _frame(random, asset, [time_us], (number - born) / 150, number % 90 > 12)))
    return [record for _, record in sorted(timed, key=lambda pair: pair[0])]
