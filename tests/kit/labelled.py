"""Labelled feature rows of machines made up here: two signals, failures that one of them foretells, in many files.

And readings of such machines with their failures and repairs, as history has them. Nothing is simulated: `heat` rises
over the last days before a failure of `comp1`, `volt` before one of `comp2`.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from models.failure.draft import Draft
from models.features import Spec
from models.plant import Plant, parse

BEGIN_US = 1_735_689_600_000_000
"""2025-01-01 00:00 UTC."""
HOUR_US = 3_600_000_000
PLANT_TOML = """
plant = "made-up"
[types.press.signals.heat]
kind = "gauge"
unit = "degC"
[types.press.signals.volt]
kind = "gauge"
unit = "V"
"""
MODES = {"comp1": ("heat",), "comp2": ("volt",)}
RISES_H = 96.0
MIDDLES = {"heat": 60.0, "volt": 400.0}


def plant() -> Plant:
    return parse(PLANT_TOML + "".join(f'[assets.press-{n:02}]\ntype = "press"\n' for n in range(6)))


def draft() -> Draft:
    return Draft.of("press", "press", plant().types["press"])


def spec() -> Spec:
    return draft().spec


def table(machines: int = 6, days: int = 120, every_h: int = 2, life_days: float = 25.0, seed: int = 3) -> pl.DataFrame:
    """Rows of machines that fail about every `life_days`, by asset and time, labelled as of the end."""
    random = np.random.default_rng(seed)
    end_us = BEGIN_US + days * 24 * HOUR_US
    return pl.concat([_machine(f"press-{n:02}", random, days, every_h, life_days, end_us) for n in range(machines)])


def _machine(
    asset: str, random: np.random.Generator, days: int, every_h: int, life_days: float, end_us: int
) -> pl.DataFrame:
    lives_h = np.cumsum(random.uniform(0.5, 1.5, 2 + round(2 * days / life_days)) * life_days * 24)
    lives_h = np.round(lives_h[lives_h < days * 24])
    modes = random.integers(2, size=len(lives_h) + 1)
    hours = np.arange(every_h, days * 24, every_h, dtype=np.float64)
    life = np.searchsorted(lives_h, hours)
    fails = life < len(lives_h)
    until = np.where(fails, np.append(lives_h, days * 24.0)[life] - hours, np.inf)
    began = np.append(0.0, lives_h)[life]
    worn = np.clip(1.0 - until / RISES_H, 0.0, 1.0)
    columns = {name: random.normal(0.0, 1.0, len(hours)) for name in spec().names}
    for number, signal in enumerate(("heat", "volt")):
        columns[f"{signal}.mean_1h"] += 6.0 * worn * (modes[life] == number)
    columns["completeness_72h"] = np.ones(len(hours))
    columns["running_h"] = hours - began
    known_h = np.minimum(until, (end_us - BEGIN_US) / HOUR_US - hours)
    return pl.DataFrame(
        {
            "asset": [asset] * len(hours),
            "window_end_us": BEGIN_US + (hours * HOUR_US).astype(np.int64),
            "since_us": BEGIN_US + (began * HOUR_US).astype(np.int64),
            **{name: values.astype(np.float32) for name, values in columns.items()},
            "failed_in_h": pl.Series(np.where(fails, until, np.nan)).fill_nan(None),
            "mode": [f"comp{modes[at] + 1}" if fail else None for at, fail in zip(life, fails, strict=True)],
            "known_h": known_h,
        }
    )


class History(NamedTuple):
    """Readings as a store has them, by asset and time, and what happened."""

    rows: pl.DataFrame
    events: pl.DataFrame


def history(machines: int = 6, days: int = 90, every_min: int = 30, life_days: float = 18.0, seed: int = 4) -> History:
    """Machines that fail about every `life_days` and are repaired within an hour."""
    random, rows, events = np.random.default_rng(seed), [], []
    hours = np.arange(0, days * 24, every_min / 60)
    for asset in (f"press-{n:02}" for n in range(machines)):
        lives_h = np.cumsum(random.uniform(0.5, 1.5, 2 + round(2 * days / life_days)) * life_days * 24)
        modes = random.integers(2, size=len(lives_h))
        life = np.searchsorted(lives_h, hours)
        worn = np.clip(1.0 - (lives_h[life] - hours) / RISES_H, 0.0, 1.0)
        read = {
            signal: random.normal(middle, 1.0, len(hours)) + 6.0 * worn * (modes[life] == number)
            for number, (signal, middle) in enumerate(MIDDLES.items())
        }
        rows.append(pl.DataFrame({"asset": asset, "time_us": BEGIN_US + (hours * HOUR_US).astype(np.int64), **read}))
        for at_h, mode in zip(lives_h[lives_h < days * 24].tolist(), modes.tolist(), strict=False):
            time_us = BEGIN_US + round(at_h * HOUR_US)
            events += [(asset, time_us, "failed", f"comp{mode + 1}"), (asset, time_us + HOUR_US, "repaired", "")]
    return History(pl.concat(rows), pl.DataFrame(events, ["asset", "time", "action", "mode"], orient="row"))


def write(folder: Path, rows: pl.DataFrame, files: int = 3, ending: str = "parquet") -> Path:
    """The rows in some files of about the same size, machines cut across them."""
    folder.mkdir(parents=True, exist_ok=True)
    ordered = rows.sort("window_end_us", "asset")
    size = -(-len(ordered) // files)
    for number in range(files):
        part = ordered.slice(number * size, size)
        path = folder / f"part-{number:03}.{ending}"
        if ending == "parquet":
            part.write_parquet(path)
        else:
            part.write_csv(path)
    return folder
