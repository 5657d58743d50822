"""How fast a partition steps, without servers: `make bench ONLY=step`.

One partition of the demo's model, 50 pumps that run, rows a second apart, as single rows and as frames of 60. Each
figure is the median of three rounds, the kinds interleaved.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.plant import parse
from models.records import Frame, Tick, encode
from pipelines.main import read_named
from pipelines.partition import Partition
from pipelines.ports import RawRecord
from pipelines.settings import STARTER
from tests.kit.bench import Row, report
from tests.kit.streams import MINUTE_US, START_US

PUMPS, MINUTES, BATCH, ROUNDS = 50, 10, 1000, 3


def plant():
    text = (STARTER / "pumps.toml").read_text().partition("[assets")[0].replace('settle = "2h"', 'settle = "0s"')
    return parse(text + "\n".join(f'[assets.p{number}]\ntype = "pump"' for number in range(PUMPS)))


def records(rows_a_frame: int) -> Iterator[bytes]:
    random = np.random.default_rng(1)
    signals = list(plant().types["pump"].signals)[:4]
    for start in range(0, MINUTES * 60, rows_a_frame):
        yield encode(Tick(plant="demo", time_us=START_US + start // 60 * MINUTE_US))
        times = [START_US + second * 1_000_000 for second in range(start, start + rows_a_frame)]
        for pump in range(PUMPS):
            values = np.round(random.normal(5, 1, (4, rows_a_frame)), 3).tolist()
            columns: dict = dict(zip(signals, values, strict=True))
            if start == 0:
                columns["run_state"] = ["running"] * rows_a_frame
            yield encode(Frame(plant="demo", asset=f"p{pump}", source="bench", times_us=times, signals=columns))


def once(log: list[RawRecord]) -> tuple[float, float]:
    """Rows and forecasts a second of one pass."""
    partition = Partition(plant(), read_named(plant(), Path(STARTER)))
    begun = time.perf_counter()
    for at in range(0, len(log), BATCH):
        partition.receive(log[at : at + BATCH])
        partition.acknowledged()
    took_s = time.perf_counter() - begun
    return partition.ledger.rows_read / took_s, partition.ledger.forecasts / took_s


def main() -> None:
    logs = {n: [RawRecord(at, 0, value) for at, value in enumerate(records(n))] for n in (1, 60)}
    found: dict[int, list[tuple[float, float]]] = {n: [] for n in logs}
    for _ in range(ROUNDS):
        for n, log in logs.items():
            found[n].append(once(log))
    rows = [Row.of([rate for rate, _ in found[n]], name=f"{n} row(s) a frame", unit="rows/s of 4 values") for n in logs]
    forecasts = [rate for _, rate in found[60]]
    report("step", [*rows, Row.of(forecasts, name="forecasts beside 60-row frames", unit="forecasts/s")])


if __name__ == "__main__":
    main()
