"""From the arrival of the record that closes a minute to its forecast on its topic: `make bench ONLY=latency`.

A worker is fed single rows of 50 assets at 25, 50 and 75 % of the highest rate it reads them at, which is measured
first. Both moments are the broker's append times: of the record, which the forecast's header `arrived_ms` repeats, and
of the forecast. Messages are made before the clock runs and go out every 10 ms. `BENCH_QUICK=1` is for trying.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from connectors.kafka.plain import read
from pipelines.cli import environment
from pipelines.main import influx_target
from pipelines.settings import Settings
from pipelines.topics import Topic, named
from tests.kit.bench import ROOT, Row, report
from tests.kit.contest import Contender, measure
from tests.kit.ground import QUICK, drained, installation, servers, topics, worker
from tests.kit.loads import MINUTE_S, SECOND_US, Load, fill, rounds, send

ASSETS, SHARES, EVERY_S = 50, (0.25, 0.5, 0.75), 0.01
ROWS, SECONDS, ROUNDS = (300_000, 8, 1) if QUICK else (1_500_000, 20, 3)
SETTLE_S, AGO_S = 3.0, 14 * 86_400
"""What the first seconds of each level bring is left out. Plant time runs faster than ours, so it begins long ago."""


@dataclass
class Level:
    """A share of the highest rate: rows a second sent, and milliseconds to each forecast, by round."""

    share: float
    wanted: float
    sent: list[float] = field(default_factory=list)
    rounds_ms: list[list[int]] = field(default_factory=list)

    @property
    def waits_ms(self) -> list[int]:
        """Of all rounds."""
        return [ms for each in self.rounds_ms for ms in each]

    def percentile(self, of: float) -> float:
        """Milliseconds, of all rounds together."""
        return float(np.percentile(self.waits_ms, of))

    def spread(self, of: float) -> dict[str, Any]:
        """The least and the most of the rounds, of those that brought about a forecast."""
        each = [float(np.percentile(ms, of)) for ms in self.rounds_ms if ms]
        return {"low": min(each), "high": max(each), "runs": len(each)} if each else {}


class Feed:
    """Sends level after level; the plant's time goes on from one to the next."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._next_us = (int(time.time() - AGO_S) // MINUTE_S * MINUTE_S) * SECOND_US

    def send(self, rate: float, seconds: float) -> tuple[float, int, int]:
        """Rows a second that went out, and when that began and ended in milliseconds; returns when all is worked."""
        load = Load(rows=round(rate * seconds), assets=ASSETS)
        made = list(rounds(load, self._next_us, self._settings.partitions, rows=round(rate * EVERY_S)))
        self._next_us += load.seconds * SECOND_US
        every_s = seconds / len(made)
        began_ms = time.time_ns() // 10**6
        took_s = asyncio.run(send(self._settings, made, every_s))
        ended_ms = time.time_ns() // 10**6
        drained(self._settings)
        return load.total / took_s, began_ms, ended_ms


def waits_ms(settings: Settings, began_ms: int, ended_ms: int) -> Iterator[int]:
    """Of the forecasts that records arriving between the two moments brought about."""
    for record in read(settings.kafka, named(settings.topic_prefix, Topic.FORECASTS), began_ms):
        arrived_ms = int(dict(record.headers)["arrived_ms"])
        if began_ms + SETTLE_S * 1000 <= arrived_ms <= ended_ms:
            yield record.timestamp_ms - arrived_ms


def highest_rate(settings: Settings, folder: Path) -> float:
    """Rows a second of a worker that has a backlog."""
    topics(settings)
    load = Load(rows=ROWS, assets=ASSETS)
    fill(settings, load)
    contender = Contender(
        name="Forewarn", command=[sys.executable, "-m", "pipelines.cli", "worker"], environ=environment(settings),
        target=influx_target(settings), rows=load.total,
    )  # fmt: skip
    return measure(contender, folder / "highest.log").rate


def main() -> None:
    with tempfile.TemporaryDirectory() as named_folder, servers(Path(named_folder)) as given:
        folder = Path(named_folder)
        highest = highest_rate(installation("highest", folder, {**given, "influx_bucket": "highest"}, ASSETS), folder)
        levels = [Level(share, share * highest) for share in SHARES]
        settings = installation("paced", folder, given, ASSETS)
        topics(settings)
        with worker(settings, folder):
            feed = Feed(settings)
            feed.send(levels[0].wanted, 5.0)  # starting up, and the first minutes
            for level in levels * ROUNDS:
                sent, began_ms, ended_ms = feed.send(level.wanted, SECONDS)
                level.sent.append(sent)
                level.rounds_ms.append(list(waits_ms(settings, began_ms, ended_ms)))
                p50, p99 = level.percentile(50), level.percentile(99)
                print(f"{level.share:.0%}: {sent:,.0f} rows/s, p50 {p50:.0f} ms, p99 {p99:.0f} ms", file=sys.stderr)
    draw(levels, ROOT / ("build/bench/latency.svg" if QUICK else "infra/pictures/latency.svg"))
    report("latency", rows(levels, highest), quick=QUICK)


def rows(levels: list[Level], highest: float) -> list[Row]:
    """The table; what was sent has to be what was meant, or the rest says nothing."""
    found = [Row(name="highest rate, single rows", value=highest, unit="rows/s")]
    for level in levels:
        name, half = f"at {level.share:.0%}", level.share == 0.5
        found += [
            Row(name=f"{name}: sent, slowest round", value=min(level.sent), unit="rows/s", bar=0.95 * level.wanted),
            Row(name=f"{name}: forecasts", value=len(level.waits_ms), unit="", bar=1),
            Row(name=f"{name}: p50", value=level.percentile(50), unit="ms", **level.spread(50)),
            Row(
                name=f"{name}: p99{', aim 50' if half else ''}", value=level.percentile(99), unit="ms",
                bar=200 if half else None, at_most=half, **level.spread(99),
            ),
        ]  # fmt: skip
    return found


def draw(levels: list[Level], path: Path) -> None:
    """The curve, as SVG."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
    rates = [level.wanted / 1000 for level in levels]
    for of, colour in ((99, "#b3331d"), (50, "#8d99ae")):
        axis.plot(rates, [level.percentile(of) for level in levels], "o-", color=colour, label=f"p{of}")
    axis.set_xticks(rates, [f"{rate:.0f}\n({level.share:.0%})" for rate, level in zip(rates, levels, strict=True)])
    axis.set_xlabel("1000 single rows/s (share of the highest rate)", fontsize=8)
    axis.set_ylabel("record's arrival to forecast, ms", fontsize=8)
    axis.set_ylim(bottom=0)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.legend(frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
