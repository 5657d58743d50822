"""How fast rows of four numbers get into each InfluxDB, and back: `python -m tests.conformance.store_speed [rows]`.

A script, not a test: it prints what this machine does now.
"""

from __future__ import annotations

import asyncio
import sys
import time

import numpy as np

from connectors.influx.batches import into_lanes
from connectors.influx.lines import encode
from pipelines.ports import Rows
from tests.conformance.conftest import INFLUX

ASSETS, STEP = 100, 60_000
BEGIN_US = 1_700_000_000_000_000
OPTIONS = [(5_000, 4), (10_000, 2), (10_000, 4), (20_000, 4)]


def step(number: int) -> Rows:
    """60,000 rows of 100 assets, a second apart, of four values with nine digits."""
    rng = np.random.default_rng(number)
    seconds = number * (STEP // ASSETS) + np.repeat(np.arange(STEP // ASSETS), ASSETS)
    fields = {f"f{i}": np.round(rng.normal(50, 10, STEP), 7) for i in range(4)}
    names = tuple(f"pump-{i:02d}" for i in range(ASSETS))
    return Rows("pump", "demo", names, np.tile(np.arange(ASSETS), STEP // ASSETS), BEGIN_US + seconds * 10**6, fields)


def encoding() -> None:
    rows = step(0)

    def once() -> tuple[float, float]:
        begun = time.perf_counter()
        lines = encode(rows)
        encoded = time.perf_counter()
        for lane in into_lanes([rows], [lines], 4).values():
            for part in lane.cut(10_000):
                part.body()
        return encoded - begun, time.perf_counter() - encoded

    best = [min(times) / STEP * 1e6 for times in zip(*(once() for _ in range(15)), strict=True)]
    print(f"encode {best[0]:.2f} us a row, lanes and bodies {best[1]:.2f} us a row")


async def writing(version: str, count: int) -> None:
    steps = [step(number) for number in range(max(1, count // STEP))]
    total, end_us = len(steps) * STEP, BEGIN_US + len(steps) * STEP // ASSETS * 10**6
    for lines, lanes in OPTIONS:
        async with INFLUX[version].open(lines_per_post=lines, lanes=lanes) as (store, reader):
            begun, spent = time.perf_counter(), time.process_time()
            for rows in steps:
                await store.write([rows])
            wall, spent = time.perf_counter() - begun, time.process_time() - spent
            print(
                f"{version}: {total / wall:9,.0f} rows/s written, {lines} lines a post, {lanes} in flight, "
                f"{spent / total * 1e6:.2f} us of our CPU a row"
            )
            if (lines, lanes) == OPTIONS[-1]:
                begun = time.perf_counter()
                read = await reader.read("pump", BEGIN_US, end_us)
                wall = time.perf_counter() - begun
                print(f"{version}: {len(read) / wall:9,.0f} rows/s read back ({len(read):,} rows)")


if __name__ == "__main__":
    encoding()
    for version in INFLUX:
        asyncio.run(writing(version, int(sys.argv[1]) if sys.argv[1:] else 600_000))
