"""How fast history is worked off: `make bench ONLY=backfill`, some ten minutes.

1. A machine-year of 1-minute data of 100 assets and 8 signals as Parquet: features and chances once an hour by
   `forewarn backfill`, two processes, results as Parquet; and the same of 10 assets and of one, which is one lane.
2. Where one lane of it spends its time, in this process.
3. January of some assets: one lane of ours beside a loop over rows and Quix Streams (tests/bench/peers), one process
   each, in turn; figures are medians, and starting up is counted for none.
4. Rows a second apart in InfluxDB 2.7, their forecasts each minute back into it, two processes.

Rates of 1 and 4 run from the start of the command to the end of its last lane, and processor time is of all of the
command. `BENCH_QUICK=1` makes all small and `BENCH_MONTHS=3` the year shorter, for trying: starting up is much of that,
and bars may not hold.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from connectors.influx import admin
from connectors.influx.store import InfluxStore
from infra.bin.processes import last_lines
from models.failure.hazard import Hazard
from pipelines import due
from pipelines.backfill.kept import LaneFolder
from pipelines.backfill.plan import Into, What
from pipelines.cli.backfill import work
from pipelines.cli.backfill.asked import Asked, Source
from pipelines.collector import spare_the_collector
from pipelines.main import influx_target
from pipelines.partition import Partition
from pipelines.ports import Rows
from pipelines.settings import STARTER, Settings
from pipelines.topics import Topic, named
from tests.kit import backfill_picture, peers, year
from tests.kit.backfill_measured import Ran, command, lane
from tests.kit.bench import ROOT, Row, report
from tests.kit.ground import QUICK, installation, servers, topics
from tests.kit.loads import PLANT, SECOND_US, SIGNALS, names, send
from tests.kit.timers import Timers, replaced

MONTHS = int(os.environ.get("BENCH_MONTHS", "1" if QUICK else "12"))
IS_FULL = not QUICK and MONTHS == year.MONTHS
BREADTHS = (1, 5, 20) if QUICK else (1, 10, 100)
PEER_ASSETS, ROUNDS = (2, 1) if QUICK else (10, 3)
SECONDS = 2_400 if QUICK else 60_000
STORED_ASSETS, STEP_S = 50, 1_200
EVERY_MIN = 60
MOST_MIB, FLAT = 2048.0, 1.3
"""Of a parent and its lanes; most that a row may cost with 100 assets in what it costs with ten, as in `ingest`."""
OURS, LOOP, QUIX = "Forewarn", "loop over rows", "Quix Streams"
READING, STEP, FEATURES, INFERENCE, WRITING = (
    "waiting for rows", "step without these", "feature windows", "inference", "writing results",
)  # fmt: skip
PLACES = (
    (work, "ahead", READING), (Partition, "take", STEP), (due, "compute", FEATURES), (Hazard, "chances", INFERENCE),
    (LaneFolder, "take", WRITING), (LaneFolder, "take_table", WRITING), (LaneFolder, "keep", WRITING),
)  # fmt: skip


class Pace(NamedTuple):
    """How quick a program is: rows a second, and processor seconds a million rows."""

    rate: float
    cpu_s: float

    @classmethod
    def of(cls, rows: int, took_s: float, spent_s: float) -> Pace:
        """Of so many rows."""
        return cls(rows / took_s, spent_s / rows * 1e6)


def say(text: str) -> None:
    """How far it is."""
    print(text, file=sys.stderr, flush=True)


def told(name: str, ran: Ran) -> None:
    """What a command took."""
    say(
        f"{name}: {ran.rows:,} rows in {ran.seconds:.1f} s, {ran.rate:,.0f} rows/s, all of it {ran.whole_s:.1f} s; "
        f"{ran.cpu_s:.2f} CPU-s a million, {ran.peak_mib:,.0f} MiB, a lane {ran.lane_mib:,.0f} MiB"
    )


def a_year(folder: Path, given: Mapping[str, str]) -> dict[int, Ran]:
    """By number of assets: features and chances of the year."""
    found = {}
    for assets in BREADTHS:
        began = time.monotonic()
        rows = year.written(folder / f"year-{assets}", assets, MONTHS)
        say(f"{assets} assets: {rows:,} rows drawn and written in {time.monotonic() - began:.1f} s")
        words = ["--source", "parquet", "--files", f"{folder}/year-{assets}/*.parquet", "--every", str(EVERY_MIN)]
        words += ["--from", f"{year.YEAR}-01-01", "--to", end_of(MONTHS), "--what", "features,forecasts"]
        settings = installation("year", folder, given, assets)
        found[assets] = command(settings, words, rows, folder / f"runs-{assets}")
        told(f"{assets} assets", found[assets])
    return found


def end_of(months: int) -> str:
    """The day after so many months of the year."""
    return f"{year.YEAR + months // 12}-{months % 12 + 1:02}-01"


def asked(data: Path, out: Path, months: int, processes: int) -> Asked:
    """The same job, for a lane in this process."""
    return Asked(
        from_us=year.month_us(0), to_us=year.month_us(months), source=Source.PARQUET, files=(f"{data}/*.parquet",),
        what=(What.FEATURES, What.FORECASTS), into=(Into.PARQUET,), every_min=EVERY_MIN, processes=processes, out=out,
    )  # fmt: skip


def shares(folder: Path, given: Mapping[str, str]) -> dict[str, float]:
    """Percent of the time of one of two lanes over the largest breadth; the rest is what no timer counts."""
    timers, assets = Timers(), BREADTHS[-1]
    places = [
        (owner, name, partial(timers.of_items if name == "ahead" else timers.of, what)) for owner, name, what in PLACES
    ]
    job = asked(folder / f"year-{assets}", folder / "lane", MONTHS, processes=2)
    with replaced(places):
        rows, took_s = lane(installation("year", folder, given, assets), job)
    say(f"one lane of two in this process: {rows:,} rows in {took_s:.1f} s")
    found = {what: timers.seconds[what] / took_s * 100 for what in (READING, STEP, FEATURES, INFERENCE, WRITING)}
    return {**found, "the rest": 100 - sum(found.values())}


def beside(folder: Path, given: Mapping[str, str]) -> tuple[dict[str, list[Pace]], float]:
    """The paces of each program by round, and seconds that it took to produce what Quix Streams reads."""
    data = folder / "january"
    rows = year.written(data, PEER_ASSETS, 1)
    settings = installation("replay", folder, given, PEER_ASSETS, partitions=1)
    topics(settings)
    produced_s = asyncio.run(send(settings, year.messages(data)))
    say(f"{rows:,} rows onto a topic in {produced_s:.1f} s")
    trials: dict[str, Callable[[int], Pace]] = {
        OURS: partial(ours, settings, data, folder),
        LOOP: partial(loop, data, rows, folder),
        QUIX: partial(quix, settings, rows, folder),
    }
    found: dict[str, list[Pace]] = {name: [] for name in trials}
    for number in range(ROUNDS):
        for name in trials:
            try:
                found[name].append(trials[name](number))
            except (AssertionError, subprocess.TimeoutExpired) as failed:  # told here, and no figure in the table
                say(f"{name}: {failed}")
                found[name].append(Pace(math.nan, math.nan))
            one = found[name][-1]
            say(f"round {number + 1}, {name}: {one.rate:,.0f} rows/s, {one.cpu_s:.1f} CPU-s a million")
    return found, produced_s


def ours(settings: Settings, data: Path, folder: Path, number: int) -> Pace:
    """One lane of ours over all assets."""
    before_s = time.process_time()
    rows, took_s = lane(settings, asked(data, folder / f"ours-{number}", 1, processes=1))
    return Pace.of(rows, took_s, time.process_time() - before_s)


def loop(data: Path, rows: int, folder: Path, number: int) -> Pace:
    """The loop over the same files."""
    file = str(peers.FOLDER / "loop.py")
    said = peer([file, str(data), str(folder / f"loop-{number}.parquet")], {}, folder / f"loop-{number}.log")
    assert said["rows"] == rows, f"it read {said['rows']} rows, not {rows}"
    return Pace.of(rows, said["seconds"], said["cpu_s"])


def quix(settings: Settings, rows: int, folder: Path, number: int) -> Pace:
    """Quix Streams; the last hour never closes, so it and its rows are not waited for."""
    group = f"quix-{number}"
    windows = rows // 60 - PEER_ASSETS
    environ = {
        "BENCH_KAFKA": settings.kafka,
        "BENCH_TOPIC": named(settings.topic_prefix, Topic.RECORDS),
        "BENCH_GROUP": group,
        "BENCH_SIGNALS": ",".join(year.MIDDLE_SPREAD),
        "BENCH_STATE": str(folder / group),
        "BENCH_WINDOWS": str(windows),
    }
    said = peer([str(peers.FOLDER / "quix_windows.py")], environ, folder / f"{group}.log")
    assert said["scored"] >= windows, f"it closed {said['scored']} windows, not {windows}"
    return Pace.of(windows * 60, said["seconds"], said["cpu_s"])


def peer(words: list[str], environ: Mapping[str, str], log: Path) -> dict[str, float]:
    """What another program says of itself, in the last line that it prints."""
    env = {**os.environ, **environ, "BENCH_MODEL": str(STARTER / "pump.onnx")}
    with log.open("wb") as output:
        done = subprocess.run(
            [str(peers.python()), *words], env=env, stdout=subprocess.PIPE, stderr=output, check=False, timeout=600
        )
    assert done.returncode == 0, f"it ended with {done.returncode}. {last_lines(log)}"
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


def from_influx(folder: Path, given: Mapping[str, str]) -> Ran:
    """Forecasts of what is stored, each minute, back into the bucket."""
    settings = installation("stored", folder, {**given, "influx_bucket": "stored"}, STORED_ASSETS)
    admin.ensure(influx_target(settings))
    began = time.monotonic()
    asyncio.run(store(settings))
    rows = STORED_ASSETS * SECONDS
    say(f"{rows:,} rows into InfluxDB in {time.monotonic() - began:.1f} s")
    words = ["--source", "influx", "--from", f"{year.YEAR}-01-01", "--to", f"{year.YEAR}-01-02", "--to", "influx"]
    ran = command(settings, [*words, "--what", "forecasts"], rows, folder / "runs-influx")
    told("InfluxDB to InfluxDB", ran)
    return ran


async def store(settings: Settings) -> None:
    """Rows of four signals a second apart."""
    random, assets = np.random.default_rng(1), np.arange(STORED_ASSETS)
    async with InfluxStore(influx_target(settings)) as influx:
        for first in range(0, SECONDS, STEP_S):
            seconds = np.repeat(np.arange(first, min(first + STEP_S, SECONDS)), STORED_ASSETS)
            time_us, asset = year.month_us(0) + seconds * SECOND_US, np.resize(assets, len(seconds))
            fields = {
                name: np.round(random.normal(*year.MIDDLE_SPREAD[name], len(seconds)), 3)  # as sensors tell
                for name in SIGNALS
            }
            rows = Rows("pump", PLANT, tuple(names(STORED_ASSETS)), asset, time_us, fields)
            refused = await influx.write([rows])
            assert not refused, f"InfluxDB refuses {len(refused)} rows, the first for {refused[0].reason}"


def figures(name: str, ran: Ran, bar: float | None) -> list[Row]:
    """Of a command; `bar` is of its rate."""
    return [
        Row(name=f"{name}: read", value=ran.rows, unit="rows"),
        Row(name=f"{name}: rate", value=ran.rate, unit="rows/s", bar=bar),
        Row(name=f"{name}: with report", value=ran.whole_s, unit="s"),
        Row(name=f"{name}: cost", value=ran.cpu_s, unit="CPU-s a million"),
        Row(name=f"{name}: parent, lanes", value=ran.peak_mib, unit="MiB", bar=MOST_MIB, at_most=True),
        Row(name=f"{name}: largest lane", value=ran.lane_mib, unit="MiB"),
    ]


def of_years(by_assets: Mapping[int, Ran]) -> list[Row]:
    """Figures of the years, the last of which has the bar, and whether they are flat."""
    rows = [Row(name="time of each asset", value=MONTHS, unit="months")]
    for assets, ran in by_assets.items():
        rows += figures(f"{assets} asset{'s' * (assets > 1)}", ran, 2_000_000 if assets == BREADTHS[-1] else None)
    some, most = BREADTHS[-2:]
    times = by_assets[most].cpu_s / by_assets[some].cpu_s
    return [*rows, Row(name=f"cost, {most} assets over {some}", value=times, unit="x", bar=FLAT, at_most=True)]


def of_peers(paces: Mapping[str, list[Pace]], produced_s: float) -> list[Row]:
    """One process each, and in how many times ours is quicker."""
    rows = [Row(name="January, one process each", value=PEER_ASSETS, unit="assets")]
    rate, cost = (statistics.median(figures) for figures in zip(*paces[OURS], strict=True))
    for who, each in paces.items():
        rates, costs = zip(*each, strict=True)
        peer = None if who == OURS else who
        rows += [
            Row.of(rates, name=f"{who}: rate", unit="rows/s", peer=peer, ours=rate if peer else None),
            Row.of(
                costs, name=f"{who}: cost", unit="CPU-s a million", at_most=True, peer=peer, ours=cost if peer else None
            ),
        ]
        if peer:
            rows.append(Row(name=f"{OURS} over {who}", value=rate / rows[-2].value, unit="x", peer=peer))
    return [*rows, Row(name="onto the topic, not counted", value=produced_s, unit="s", peer=QUIX)]


def main() -> None:
    spare_the_collector()  # as a lane's process does
    with tempfile.TemporaryDirectory() as named_folder, servers(Path(named_folder)) as given:
        folder = Path(named_folder)
        by_assets = a_year(folder, given)
        spent = shares(folder, given)
        paces, produced_s = beside(folder, given)
        influx = from_influx(folder, given)
    picture = ROOT / ("infra/pictures/backfill.svg" if IS_FULL else "build/bench/backfill.svg")
    rates = {who: statistics.median(pace.rate for pace in each) for who, each in paces.items()}
    backfill_picture.draw(rates, spent, picture)
    rows = of_years(by_assets)
    rows += [Row(name=f"time: {what}", value=share, unit="%") for what, share in spent.items()]
    rows += of_peers(paces, produced_s) + figures("InfluxDB", influx, 200_000)
    report("backfill", rows, quick=not IS_FULL)


if __name__ == "__main__":
    main()
