"""A pump station as a plant really sends it, seeded, beside its clean twin: all simulated, on pumps that do not wear.

Each pump has its own trouble (see `TROUBLE`), so that what is found of one can be compared with the twin's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from connectors.scada import simulator
from connectors.scada.feed import Read, Reading
from connectors.scada.history import History
from connectors.scada.mapping import Mapper
from connectors.scada.simulator import START_US, Outage
from models.physics.faults import FaultLaw
from models.physics.fleet import FleetSpec
from models.physics.wear import WearLaw
from models.plant import Plant, parse
from models.records import AnyInput, Frame, Tick
from pipelines.settings import STARTER

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
SOUND = WearLaw(family="uniform", mean_life_days=3000.0, shape=0.1, first_life_used=(0.0, 0.0))
RENAMED, GATEWAY, SENSORS, DOUBLED, CLEAN, CLOCK = (f"pump-{number:02d}" for number in range(1, 7))
TROUBLE = {
    RENAMED: "its tags are renamed on day 5, and one's unit changes from degF to degC on day 4",
    GATEWAY: "its gateway is away for 60 h, and sends what it kept afterwards",
    SENSORS: "sensors are stuck, jump, say NaN, null, what is out of range and what is no number",
    DOUBLED: "every frame comes twice",
    CLEAN: "none, but that it starts and stops as all do",
    CLOCK: "its clock falls back by an hour for half a day",
}
DAYS = 9
RENAMED_US, UNIT_US = START_US + 5 * DAY_US, START_US + 4 * DAY_US
AWAY = Outage(first_us=START_US + 4 * DAY_US, hours=60.0, assets=(1,))
BACK_US = START_US + 5 * DAY_US + 2 * HOUR_US, START_US + 5 * DAY_US + 14 * HOUR_US
HEAT = "oil_temp_degc"
FAHRENHEIT = 'unit = "degF"\nscale = 0.5555555555555556\noffset = -17.77777777777778'
GHOST = b'{"type":"frame","plant":"demo","asset":"ghost","source":"x","times_us":[1],"signals":{"speed_rpm":[1.0]}}'
RUBBISH = (b"{", b"[]", b'{"type":"frame"}', b"\xff\xfe", GHOST)


def plant() -> Plant:
    """The demo's plant with the tags of the pump whose tags change."""
    return parse(plant_text())


def plant_text() -> str:
    """Its file."""
    text = (STARTER / "pumps.toml").read_text()
    signals = parse(text).types["pump"].signals
    tags = []
    for signal in signals:
        for address, begin, end in (("old", None, "2026-01-06"), ("new", "2026-01-06", None)):
            if signal == HEAT and address == "old":
                tags.append(
                    _tag(
                        f"old/{signal}",
                        signal,
                        None,
                        "2026-01-05",
                        'unit = "degF"\nscale = 0.5555555555555556\noffset = -17.77777777777778',
                    )
                )
                begin = "2026-01-05"
            tags.append(_tag(f"{address}/{signal}", signal, begin, end))
    return "\n".join([text, *tags])


def _tag(address: str, signal: str, begin: str | None, end: str | None, more: str = "") -> str:
    dates = [f"valid_{word} = {day}T00:00:00Z" for word, day in (("from", begin), ("to", end)) if day]
    return "\n".join(
        ["[[tags]]", f'address = "{address}"', f'asset = "{RENAMED}"', f'signal = "{signal}"', *dates, more]
    )


def history(folder: Path, seed: int) -> History:
    """Nine days of six pumps that start and stop."""
    spec = FleetSpec(start_us=START_US, n_pumps=6, days=DAYS, wear=SOUND, faults=FaultLaw.none())
    return simulator.simulate(spec, seed, folder)


def clean(told: History) -> list[AnyInput]:
    """What the twin sends, each pump by a source of its own."""
    return [_own_source(record) for record in simulator.records(told, "demo")]


def nasty(told: History, seed: int) -> list[AnyInput | bytes]:
    """What the plant sends."""
    random = np.random.default_rng(seed)
    mapper = Mapper(plant(), f"feed-{RENAMED}")
    out: list[AnyInput | bytes] = []
    for record in simulator.records(told, "demo", (AWAY,)):
        record = _own_source(record)
        if random.random() < 0.002:
            out.append(RUBBISH[int(random.integers(len(RUBBISH)))])
        if isinstance(record, Frame) and record.asset == RENAMED:
            out += mapper.frames(Read(list(_readings(record))))[0]
        elif isinstance(record, Frame) and record.asset == SENSORS:
            out.append(_spoilt(random, record))
        elif isinstance(record, Frame) and record.asset == DOUBLED:
            out += [record, record]
        elif isinstance(record, Frame) and record.asset == CLOCK:
            out.append(_fallen_back(record))
        else:
            out.append(record)
    return out


def _own_source(record: AnyInput) -> AnyInput:
    return replace(record, source=f"feed-{record.asset}") if isinstance(record, Frame) else record


def _readings(frame: Frame) -> Iterator[Reading]:
    """A frame of the renamed pump as its old and new tags say it."""
    for at, time_us in enumerate(frame.times_us):
        for signal, column in frame.signals.items():
            value = column[at]
            if signal == HEAT and time_us < UNIT_US and isinstance(value, float):
                value = value * 9 / 5 + 32
            yield Reading(f"{'old' if time_us < RENAMED_US else 'new'}/{signal}", time_us, value)


def _spoilt(random: np.random.Generator, frame: Frame) -> Frame | bytes:
    """A frame of the pump whose sensors fail: from day 3 on, one trouble a day."""
    day = (frame.times_us[0] - START_US) // DAY_US
    signals = dict(frame.signals)
    quality: dict[str, list[int]] = {}
    if day == 3:
        signals[HEAT] = [47.25] * len(frame.times_us)
    elif day == 4 and random.random() < 0.1:
        signals["thrust_bearing_temp_degc"] = [180.0] * len(frame.times_us)
    elif day == 5 and random.random() < 0.3:
        signals["flow_m3_h"] = [5000.0] * len(frame.times_us)
        signals["speed_rpm"] = [None] * len(frame.times_us)
    elif day == 6 and random.random() < 0.3:
        signals["discharge_pressure_bar"] = ["I/O Timeout"] * len(frame.times_us)
        quality["ambient_temp_degc"] = [4] * len(frame.times_us)
    return replace(frame, signals=signals, quality={name: of for name, of in quality.items() if name in signals})


def _fallen_back(frame: Frame) -> Frame:
    """A frame of the pump whose clock falls back, as sent."""
    if not BACK_US[0] <= frame.times_us[0] < BACK_US[1]:
        return frame
    return replace(frame, times_us=[time_us - HOUR_US for time_us in frame.times_us])


def arrivals_ms(records: Iterable[AnyInput | bytes]) -> list[int]:
    """When each record of a stream arrives: with the tick before it, as a plant's ticks tell of the present."""
    now_us, out = START_US, []
    for record in records:
        now_us = record.time_us if isinstance(record, Tick) else now_us
        out.append(now_us // 1000)
    return out
