"""A store of rows in memory, as `pipelines.plan.ports.Rows` has it, and a day of a machine that makes parts."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

MINUTE_US = 60_000_000


class MemoryRows:
    """Rows by measurement; `fails` is raised once."""

    def __init__(self, **tables: pl.DataFrame) -> None:
        self.tables = tables
        self.fails: Exception | None = None
        self.asked: list[tuple[str, int, int]] = []

    async def read(
        self, measurement: str, from_us: int, to_us: int, assets: Collection[str] | None = None
    ) -> pl.DataFrame:
        if self.fails is not None:
            fault, self.fails = self.fails, None
            raise fault
        self.asked.append((measurement, from_us, to_us))
        table = self.tables.get(measurement)
        if table is None:
            return pl.DataFrame({"asset": [], "time_us": []}, schema={"asset": pl.String, "time_us": pl.Int64})
        found = table.filter(pl.col("time_us").is_between(from_us, to_us, closed="left"))
        return found if assets is None else found.filter(pl.col("asset").is_in(list(assets)))


def shift_of_a_press(
    asset: str, begin_us: int, days: int = 7, seed: int = 1, longest_idle_min: int = 50
) -> pl.DataFrame:
    """A press by the minute: off at night, a start of 20 min at 15 kW, then runs of an hour and idle times between.

    Running takes 14 kW and 0.25 kWh a part at 80 to 100 parts an hour, idle 12 kW, off 1 kW; parts are of `cover`.
    """
    random = np.random.default_rng(seed)
    power, parts, total = [], [], 0.0
    for _ in range(days):
        day = [(15.0, 0.0)] * 20
        while len(day) < 15 * 60:
            rate = random.uniform(60, 110)
            day += [(14.0 + 0.25 * rate, rate / 60)] * 60 + [(12.0, 0.0)] * int(random.integers(4, longest_idle_min))
        day += [(1.0, 0.0)] * (24 * 60 - len(day[: 24 * 60]))
        for kw, made in day[: 24 * 60]:
            total += made
            power.append(kw + random.normal(0.0, 0.2))
            parts.append(np.floor(total))
    times = begin_us + np.arange(len(power)) * MINUTE_US
    return pl.DataFrame({
        "asset": [asset] * len(power), "time_us": times, "power_kw": power, "parts": parts,
        "product": ["cover"] * len(power),
    })  # fmt: skip
