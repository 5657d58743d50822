"""Seeded logs as no plant should send them: all that the contract still has to hold for.

Frames of many rows, unsorted, repeated, far too late or early; nulls, NaN, wrong kinds and ranges; gaps of days;
repairs on whole minutes, in bursts and days late; ticks every minute, irregular, backwards, or none at all; assets
rebuilt up to any time, asked for or not, and slices that are cut off; a plant that changes while it runs; clocks that
jump by hours, for good or for a while, and decisions about them.
"""

from __future__ import annotations

import json

import msgspec
import numpy as np

from models.records import (
    AnyInput,
    ClockDecision,
    Frame,
    Maintenance,
    MaintenanceAction,
    Notice,
    NoticeKind,
    NoticeState,
    Rebuilt,
    Tick,
)
from pipelines.partition import Partition
from pipelines.rebuild import Rebuilding, alone
from tests.kit import changes, tiny
from tests.kit.streams import MINUTE_US, START_US

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 86_400 * SECOND_US
ASSETS = ("pump-01", "pump-02", "gear-01", "fan-01", "mixer-01", "lathe-01")
MOST = 2_000
CHANGES = 6
"""Changes of the plant in a log, at most."""


def wild(seed: int, lateness_s: int) -> list[bytes]:
    """Values of one partition's log."""
    random = np.random.default_rng(seed)
    scale = int(random.choice([1, 5, 30]))
    span_us = int(random.choice([60, 300])) * MINUTE_US * scale // 5
    steady = random.random() < 0.3  # clocks are judged only where they are
    if steady:
        scale, span_us = 5, 300 * MINUTE_US
    timed = _ticks(random, span_us, steady)
    for asset in random.choice(ASSETS, int(random.integers(1, 5)), replace=False).tolist():
        timed += _life(random, asset, span_us, scale, lateness_s, steady)
    timed += _decisions(random, span_us)
    timed.sort(key=lambda pair: pair[0])
    timed = timed[:MOST]
    for _ in range(int(random.choice([0, 1, 3]))):
        place = int(random.integers(len(timed)))
        timed.insert(place, (timed[place][0], _rebuilt(random, timed[:place], timed[place][0], lateness_s)))
    values = [_encode(record) for _, record in timed]
    if random.random() < 0.5 and not steady:
        places = np.arange(len(values)) + (random.random(len(values)) * 12).astype(int)
        values = [values[at] for at in np.argsort(places, kind="stable")]
    for _ in range(int(random.integers(CHANGES + 1))):
        values.insert(int(random.integers(len(values) + 1)), changes.wild(random))
    return values


def _ticks(random: np.random.Generator, span_us: int, steady: bool) -> list[tuple[int, AnyInput]]:
    longest = 1 if steady else int(random.choice([0, 1, 20, 3000]))  # minutes between ticks, 0 for none
    out: list[tuple[int, AnyInput]] = []
    time_us = START_US
    while longest and time_us < START_US + span_us:
        back_us = int(random.integers(1, 3600)) * SECOND_US if random.random() < 0.05 else 0
        out.append((time_us, Tick(plant="tiny", time_us=time_us - back_us)))
        time_us += int(random.integers(1, longest + 1)) * MINUTE_US
    return out


def _life(
    random: np.random.Generator, asset: str, span_us: int, scale: int, lateness_s: int, steady: bool
) -> list[tuple[int, AnyInput]]:
    out: list[tuple[int, AnyInput]] = []
    time_us = START_US + (int(random.integers(span_us)) if random.random() < 0.3 else 0)
    whole_minutes, wear = random.random() < 0.3, random.random() * 3
    jump = _jump(random, span_us)
    while time_us < START_US + span_us:
        times = [time_us] if steady and random.random() < 0.95 else _times(random, time_us, whole_minutes)
        signals = _signals(random, asset, len(times), wear * (time_us - START_US) / 2e10 / scale)
        said = [at + _moved_us(random, time_us, *jump) for at in times]
        out.append((max(times), Frame(plant="tiny", asset=asset, source="w", times_us=said, signals=signals)))
        if random.random() < 0.02:
            out += _repairs(random, asset, time_us, lateness_s)
        time_us += int(random.choice([20, 61] if steady else [1, 7, 20, 61, 300, 900])) * SECOND_US * max(1, scale // 5)
        if random.random() < 0.003:
            time_us += int(random.choice([1, 3, 4, 6])) * DAY_US
    return out


def _jump(random: np.random.Generator, span_us: int) -> tuple[int, int, int, float]:
    """From when to when a clock is how many microseconds off, in which share of its frames."""
    if random.random() < 0.4:
        return 0, 0, 0, 0.0
    first, last = sorted(int(at) for at in START_US + random.integers(span_us, size=2))
    hours = int(random.choice([-5, -2, -1, -1, 1, 2]))
    return first, last if random.random() < 0.5 else START_US * 2, hours * HOUR_US, float(random.choice([0.5, 1.0]))


def _moved_us(random: np.random.Generator, time_us: int, first: int, last: int, moved_us: int, share: float) -> int:
    return moved_us if first <= time_us < last and random.random() < share else 0


def _decisions(random: np.random.Generator, span_us: int) -> list[tuple[int, AnyInput]]:
    out: list[tuple[int, AnyInput]] = []
    for _ in range(int(random.choice([0, 0, 1, 3]))):
        hours = random.choice([None, 0, 1, -1])
        assets = tuple(random.choice(ASSETS, int(random.choice([0, 0, 2])), replace=False).tolist())
        decision = ClockDecision(
            plant="tiny", source="w", shift_us=None if hours is None else hours * HOUR_US, assets=assets
        )
        out.append((START_US + int(random.integers(span_us)), decision))
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
    if random.random() < 0.1:
        out["flow_m3_h"] = random.normal(40, 3, rows).tolist()
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


def _rebuilt(random: np.random.Generator, before: list[tuple[int, AnyInput]], now_us: int, lateness_s: int) -> Rebuilt:
    """An asset as all its records so far make it, up to a minute that may be final, gone, or still to come."""
    until_us = now_us // MINUTE_US * MINUTE_US - int(random.integers(-2, 40)) * MINUTE_US
    known = sorted({record.asset for _, record in before if isinstance(record, Frame)}) or ["pump-01"]
    asset = str(random.choice(known))
    mine = [r for _, r in before if isinstance(r, Frame | Maintenance) and r.asset == asset and _last_us(r) < until_us]
    notice = Notice(
        plant="tiny", id="", revision=0, asset=asset, kind=NoticeKind.LATE_SPAN, state=NoticeState.OPEN, reason="",
        since_us=0, time_us=max(0, until_us), number=int(random.integers(0, 3)),
    )  # fmt: skip
    of = Partition(tiny.plant(), tiny.models(), lateness_s)
    work = Rebuilding(alone(of, asset), notice, int(random.choice([0, START_US])))
    work.take(sorted(mine, key=_last_us))
    made = work.finish().rebuilt
    cut_off = random.random() < 0.3
    return msgspec.structs.replace(made, content=made.content[:-50]) if cut_off else made


def _last_us(record: AnyInput) -> int:
    return max(record.times_us) if isinstance(record, Frame) else record.time_us


def _encode(record: AnyInput) -> bytes:
    """As JSON in which a NaN says NaN, as careless programs write it."""
    return json.dumps(msgspec.to_builtins(record)).encode()
