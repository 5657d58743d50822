"""Seeded logs as no plant should send them: all that the contract still has to hold for.

Frames of many rows, unsorted, repeated, far too late or early; nulls, NaN, wrong kinds and ranges; gaps of days;
repairs on whole minutes, in bursts and days late; ticks every minute, irregular, backwards, or none at all.
"""

from __future__ import annotations

import json

import msgspec
import numpy as np

from models.records import AnyInput, Frame, Maintenance, MaintenanceAction, Tick
from tests.kit.streams import MINUTE_US, START_US

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
ASSETS = ("pump-01", "pump-02", "gear-01", "fan-01", "mixer-01", "lathe-01")
MOST = 2_000


def wild(seed: int, lateness_s: int) -> list[bytes]:
    """Values of one partition's log."""
    random = np.random.default_rng(seed)
    scale = int(random.choice([1, 5, 30]))
    span_us = int(random.choice([60, 300])) * MINUTE_US * scale // 5
    timed = _ticks(random, span_us)
    for asset in random.choice(ASSETS, int(random.integers(1, 5)), replace=False).tolist():
        timed += _life(random, asset, span_us, scale, lateness_s)
    timed.sort(key=lambda pair: pair[0])
    values = [_encode(record) for _, record in timed[:MOST]]
    if random.random() < 0.5:
        places = np.arange(len(values)) + (random.random(len(values)) * 12).astype(int)
        values = [values[at] for at in np.argsort(places, kind="stable")]
    return values


def _ticks(random: np.random.Generator, span_us: int) -> list[tuple[int, AnyInput]]:
    longest = int(random.choice([0, 1, 20, 3000]))  # minutes between ticks, 0 for none
    out: list[tuple[int, AnyInput]] = []
    time_us = START_US
    while longest and time_us < START_US + span_us:
        back_us = int(random.integers(1, 3600)) * SECOND_US if random.random() < 0.05 else 0
        out.append((time_us, Tick(plant="tiny", time_us=time_us - back_us)))
        time_us += int(random.integers(1, longest + 1)) * MINUTE_US
    return out


def _life(
    random: np.random.Generator, asset: str, span_us: int, scale: int, lateness_s: int
) -> list[tuple[int, AnyInput]]:
    out: list[tuple[int, AnyInput]] = []
    time_us = START_US + (int(random.integers(span_us)) if random.random() < 0.3 else 0)
    whole_minutes, wear = random.random() < 0.3, random.random() * 3
    while time_us < START_US + span_us:
        times = _times(random, time_us, whole_minutes)
        signals = _signals(random, asset, len(times), wear * (time_us - START_US) / 2e10 / scale)
        out.append((max(times), Frame(plant="tiny", asset=asset, source="w", times_us=times, signals=signals)))
        if random.random() < 0.02:
            out += _repairs(random, asset, time_us, lateness_s)
        time_us += int(random.choice([1, 7, 20, 61, 300, 900])) * SECOND_US * max(1, scale // 5)
        if random.random() < 0.003:
            time_us += int(random.choice([1, 3, 4, 6])) * DAY_US
    return out


def _times(random: np.random.Generator, time_us: int, whole_minutes: bool) -> list[int]:
    rows, inner_us = int(random.choice([1, 1, 1, 3, 10, 40])), int(random.integers(0, 60)) * SECOND_US
    times = [time_us + at * inner_us for at in range(rows)]
    if whole_minutes:
        times = [at // MINUTE_US * MINUTE_US for at in times]
    if random.random() < 0.2:
        random.shuffle(times)
    if random.random() < 0.1:
        times = [at - int(random.integers(0, 4000)) * SECOND_US if random.random() < 0.5 else at for at in times]
    if random.random() < 0.05:
        times = times[:1] * rows
    if random.random() < 0.01:
        times[-1] += int(random.integers(5, 30)) * MINUTE_US
    return times


def _signals(random: np.random.Generator, asset: str, rows: int, wear: float) -> dict[str, list]:
    if asset.startswith("fan"):
        return {"speed_rpm": [_sample(random, 1400.0)] * rows}
    out: dict[str, list] = {}
    if random.random() < 0.9:
        out["pressure_bar"] = [_sample(random, abs(x)) for x in random.normal(5 + wear, 0.3, rows).tolist()]
    if random.random() < 0.7:
        out["temp_degc"] = [_sample(random, x) for x in random.normal(60 + 10 * wear, 2, rows).tolist()]
    if random.random() < 0.02:
        out = {name: [None] * rows for name in out}
    if random.random() < 0.2:
        out["is_running"] = [True] * rows
    if asset.startswith("mixer") and random.random() < 0.2:
        out["pressure_bar"] = [abs(x) for x in random.normal(0.6, 0.4, rows).tolist()]
    if random.random() < (0.15 if asset.startswith("lathe") else 0.05):
        out["mode"] = [random.choice(["auto", "auto", "stop", "wait", "service", None]) for _ in range(rows)]
    return out


def _sample(random: np.random.Generator, value: float) -> float | str | None:
    odds = random.random()
    for below, bad in ((0.05, None), (0.08, float("nan")), (0.1, "text"), (0.13, 99.0)):
        if odds < below:
            return bad
    return value


def _repairs(random: np.random.Generator, asset: str, now_us: int, lateness_s: int) -> list[tuple[int, AnyInput]]:
    out: list[tuple[int, AnyInput]] = []
    for _ in range(int(random.choice([1, 1, 2, 4]))):
        time_us = now_us + int(random.integers(-lateness_s, lateness_s + 1)) * SECOND_US
        if random.random() < 0.3:
            time_us -= int(random.integers(4 * 86_400)) * SECOND_US
        if random.random() < 0.4:
            time_us = time_us // MINUTE_US * MINUTE_US
        action = MaintenanceAction.REPAIRED if random.random() < 0.7 else MaintenanceAction.FAILED
        out.append((now_us, Maintenance(plant="tiny", asset=asset, time_us=time_us, action=action)))
    return out


def _encode(record: AnyInput) -> bytes:
    """As JSON in which a NaN says NaN, as careless programs write it."""
    return json.dumps(msgspec.to_builtins(record)).encode()
