"""How fast rows of four numbers get into InfluxDB 2.7, and what that costs us: `make bench ONLY=store`.

Starts a server of its own. Encoding is measured without it.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import numpy as np

from connectors.influx.lines import encode
from connectors.influx.store import InfluxStore
from connectors.influx.target import Target
from infra.bin import services
from infra.bin.layout import Options
from pipelines.ports import Rows
from tests.kit.bench import Row, report

ASSETS, STEP, STEPS, ROUNDS = 100, 60_000, 5, 3
BEGIN_US = 1_700_000_000_000_000


def step(number: int) -> Rows:
    """60,000 rows of 100 assets, a second apart, of four values."""
    random = np.random.default_rng(number)
    seconds = number * (STEP // ASSETS) + np.repeat(np.arange(STEP // ASSETS), ASSETS)
    fields = {f"f{i}": np.round(random.normal(50, 10, STEP), 7) for i in range(4)}
    names = tuple(f"pump-{i:02d}" for i in range(ASSETS))
    return Rows("pump", "demo", names, np.tile(np.arange(ASSETS), STEP // ASSETS), BEGIN_US + seconds * 10**6, fields)


def encode_us() -> list[float]:
    """Microseconds a row to make lines, by round."""
    rows = step(0)

    def once() -> float:
        begun = time.perf_counter()
        encode(rows)
        return (time.perf_counter() - begun) / STEP * 1e6

    return [once() for _ in range(9)]


async def writing(target: Target) -> tuple[list[float], list[float]]:
    """Rows a second into the store, and microseconds of our CPU a row, by round."""
    found = []
    async with InfluxStore(target) as store:
        for round_number in range(ROUNDS):
            steps = [step(round_number * STEPS + number) for number in range(STEPS)]
            begun, spent = time.perf_counter(), time.process_time()
            for rows in steps:
                assert not await store.write([rows])
            total = STEP * STEPS
            found.append((total / (time.perf_counter() - begun), (time.process_time() - spent) / total * 1e6))
    return [rate for rate, _ in found], [cpu for _, cpu in found]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        options = Options(instance="bench", influx="2.7", only="influx", instances=Path(folder))
        server = services.up(options).influx
        try:
            assert server
            target = Target(server.url, server.token, server.org, server.bucket)
            rates, cpu_us = asyncio.run(writing(target))
        finally:
            services.down(options)
    report(
        "store",
        [
            Row.of(rates, name="written to InfluxDB 2.7", unit="rows/s of 4 values"),
            Row.of(cpu_us, name="our CPU a row", unit="us"),
            Row.of(encode_us(), name="lines encoded", unit="us a row"),
        ],
    )


if __name__ == "__main__":
    main()
