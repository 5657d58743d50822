"""The constants of `forewarn size`, and whether they foretell one, two and three workers: `make bench ONLY=sizing`.

Some 12 minutes on two cores. It writes `models/sizing.json`, which the command reads, and fails where the prediction of
the cores that one or two workers take is off by more than a quarter; three of them, on two cores, are told as they are.
Rows, messages, values and forecasts are told apart by five loads of a backlog that differ in one of them each; what
assets, workers and partitions take beside that, by rows that come as they are made. Processor time of Kafka and
InfluxDB is theirs over a run; what other programs take meanwhile is told, since figures then say rather too much.
`python -m tests.bench.sizing --fleets` holds the constants that are there against workers once more; `BENCH_QUICK=1`
is for trying and writes into build/bench.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from connectors.influx import admin as influx_admin
from connectors.influx.target import Target
from connectors.kafka.plain import Compression, LogProducer
from models import sizing
from models.records import key_of
from models.sizing import Codec, Constants, Cost, Figure, Wait
from pipelines.cli import environment
from pipelines.main import influx_target
from pipelines.topics import Topic, named
from tests.bench import fleet as fleets
from tests.bench.latency import Feed, waits_ms
from tests.kit.bench import ROOT, Row, report
from tests.kit.contest import Contender, measure
from tests.kit.gauges import cpu_s, tree
from tests.kit.ground import QUICK, drained, installation, servers, topics, worker
from tests.kit.loads import MINUTE_S, PLANT, SECOND_US, SIGNALS, Load, fill, names, rounds, send, write_plant

ROWS = 150_000 if QUICK else 400_000
FRAME = 60
ASSETS, MINUTES = (10, 200, 1_000) if QUICK else (10, 1_000, 5_000), 3
LOG_MESSAGES = 4_000 if QUICK else 20_000
SHARES, PACED_S = (0.25, 0.5), 8.0 if QUICK else 14.0
LIVE = ((100, 1), (400, 1), (100, 2)) if QUICK else ((200, 1), (1_500, 1), (200, 2))
"""Assets and workers, by which what they take each second is told apart."""
LIVE_S, LIVE_FROM = (14, 5) if QUICK else (75, 15)
"""Seconds, and from which on processor time counts: a whole minute, so that each asset's minute closes once."""
FLEET_ASSETS = 400 if QUICK else 2_500
"""Of a worker, in fleets that the constants are held against: more than they were measured with."""
SPENT = ("worker_cpu_us", "kafka_cpu_us", "influx_cpu_us")
OFF = 0.25
"""Most that the prediction for one and two workers may be off."""
OUT = ROOT / ("build/bench/sizing-quick.json" if QUICK else "models/sizing.json")
_CODECS = {Codec.NONE: Compression.NONE, Codec.SNAPPY: Compression.SNAPPY}
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, kw_only=True)
class Run:
    """A load and what it took: processor microseconds a row of worker, Kafka (its filling too) and InfluxDB."""

    load: Load
    scored: bool
    rate: float
    peak_mib: float
    worker_us: float
    kafka_us: float
    influx_us: float
    influx_bytes: float
    """A value, on disk."""
    forecast_bytes: float


class Ground:
    """Servers of this bench, and what they and others took of the machine."""

    def __init__(self, folder: Path, given: Mapping[str, str]) -> None:
        self.folder, self.given = folder, given
        made = {name: json.loads((folder / "bench" / f"{name}.json").read_text()) for name in ("kafka", "influx")}
        self.kafka, self.influx = made["kafka"]["pid"], made["influx"]["pid"]

    def busy_s(self) -> float:
        """Processor seconds of all cores since the machine started, without those that none wanted. proc(5), stat."""
        user, nice, system, _idle, _wait, *more = map(int, Path("/proc/stat").read_text().split()[1:9])
        return (user + nice + system + sum(more[:2])) / os.sysconf("SC_CLK_TCK")

    def topic_bytes(self, name: str) -> int:
        """Of a topic's segments on disk."""
        return sum(part.stat().st_size for part in self.folder.rglob(f"{name}-[0-9]*/*.log"))

    def bucket_bytes(self, target: Target) -> int:
        """Of a bucket's rows on disk, once InfluxDB has written what it still holds in memory."""
        (bucket,) = _asked(target, f"/api/v2/buckets?name={target.bucket}&org={target.org}")["buckets"]
        data = next(self.folder.rglob(f"engine/data/{bucket['id']}"))
        for shard in data.glob("autogen/*"):
            _asked_raw(target, f"/api/v2/backup/shards/{shard.name}")  # a backup begins with that
        return sum(file.stat().st_size for file in data.rglob("*.tsm"))


def _asked_raw(target: Target, path: str) -> bytes:
    request = urllib.request.Request(target.url + path, headers={"Authorization": f"Token {target.token}"})
    with _direct.open(request, timeout=120) as reply:
        return bytes(reply.read())


def _asked(target: Target, path: str) -> dict:
    return dict(json.loads(_asked_raw(target, path)))


def run(ground: Ground, name: str, load: Load, *, scored: bool = True) -> Run:
    """One worker over a load that is there, in a bucket and topics of its own."""
    more = {"plant": write_plant(ground.folder, load.assets, scored)}
    given = {**ground.given, "influx_bucket": name}
    settings = installation(name, ground.folder, given, load.assets, partitions=fleets.PARTITIONS)
    settings = settings.model_copy(update=more)
    topics(settings)
    target = influx_target(settings)
    kafka_s = cpu_s(ground.kafka)
    fill(settings, load)
    influx_s = cpu_s(ground.influx)
    fields = SIGNALS[: load.signals]
    contender = Contender(
        name=name, command=[sys.executable, "-m", "pipelines.cli", "worker"], environ=environment(settings),
        target=target, rows=load.total, fields=fields,
    )  # fmt: skip
    kept: list[int] = []
    found = measure(contender, ground.folder / f"{name}.log", lambda: kept.append(ground.bucket_bytes(target)))
    said = ground.topic_bytes(named(settings.topic_prefix, Topic.FORECASTS))
    minutes = load.total / 60
    made = Run(
        load=load, scored=scored, rate=found.rate, peak_mib=found.peak_mib, worker_us=found.cpu_s,
        kafka_us=(cpu_s(ground.kafka) - kafka_s) / load.total * 1e6,
        influx_us=(cpu_s(ground.influx) - influx_s) / load.total * 1e6,
        influx_bytes=kept[0] / (load.total * load.signals), forecast_bytes=said / minutes,
    )  # fmt: skip
    print(f"{name}: {made}", file=sys.stderr, flush=True)
    return made


def told_apart(runs: list[Run], of: str, how: str) -> Cost:
    """Microseconds of a message, a row, a value and a forecast, by least squares; none is below 0."""
    parts = [[1 / one.load.rows_a_frame, 1.0, float(one.load.signals), one.scored / 60] for one in runs]
    wanted = [getattr(one, of) for one in runs]
    return Cost(
        unit="us", how=how, **_least(np.array(parts), np.array(wanted), ("message", "row", "value", "forecast"))
    )


def _least(parts: np.ndarray, wanted: np.ndarray, names_of: tuple[str, ...]) -> dict[str, float]:
    """Least squares without what comes out below 0, which is noise: it is left out, and the rest found again."""
    used = list(range(len(names_of)))
    while True:
        found, *_ = np.linalg.lstsq(parts[:, used], wanted, rcond=None)
        if (found >= 0).all() or len(used) == 1:
            return {names_of[at]: round(max(0.0, float(value)), 4) for at, value in zip(used, found, strict=True)}
        used.pop(int(np.argmin(found)))


def log_bytes(ground: Ground, codec: Codec) -> Cost:
    """Bytes on the topic of a message, a row and a value, as a producer of ours sends them with 5 ms of linger."""
    shapes = [(1, 4), (1, 1), (FRAME, 4), (FRAME, 1)]
    parts, wanted = [], []
    for rows, signals in shapes:
        topic = f"bytes-{codec}-{rows}-{signals}"
        with closing(KafkaAdminClient(bootstrap_servers=ground.given["kafka"])) as client:
            client.create_topics([NewTopic(name=topic, num_partitions=6, replication_factor=1)])
        messages = LOG_MESSAGES if rows == 1 else LOG_MESSAGES // 10
        load = Load(rows=messages * rows, rows_a_frame=rows, signals=signals)
        begin_us = int(time.time()) // MINUTE_S * MINUTE_S * SECOND_US
        keys = [key_of(PLANT, name) for name in names(load.assets)]
        with LogProducer(ground.given["kafka"], _CODECS[codec]) as producer:
            for asset, message in load.messages(begin_us):
                producer.send(topic, keys[asset], message)
        parts.append([1 / rows, 1.0, float(signals)])
        wanted.append(ground.topic_bytes(topic) / load.total)
    how = "segments of topics with rows of 1 and 4 values, alone and 60 a message, by a producer with 5 ms of linger"
    return Cost(unit="bytes", how=how, **_least(np.array(parts), np.array(wanted), ("message", "row", "value")))


def live(ground: Ground, assets: int, workers: int) -> dict[str, float]:
    """Processor microseconds a second of workers, Kafka and InfluxDB, while each asset sends a row a second."""
    load = Load(rows=assets * LIVE_S, assets=assets)
    name = f"live-{workers}-{assets}"
    given = {**ground.given, "influx_bucket": name}
    settings = installation(name, ground.folder, given, assets, partitions=fleets.PARTITIONS)
    topics(settings)
    ports = [fleets.PORT + 10 * number for number in range(workers)]
    sent = list(rounds(load, int(time.time()) * SECOND_US, fleets.PARTITIONS, rows=assets))
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                fleets.worker(settings.model_copy(update={"metrics_port": port}), ground.folder / f"{name}-{port}.log")
            )
            for port in ports
        ]
        fleets.shared(ports)
        pids = dict(zip(SPENT, ([one.pid for one in processes], [ground.kafka], [ground.influx]), strict=True))
        asyncio.run(send(settings, sent[:LIVE_FROM], 1.0))
        before = {name: sum(map(cpu_s, of)) for name, of in pids.items()}
        asyncio.run(send(settings, sent[LIVE_FROM:], 1.0))
        spent = {name: (sum(map(cpu_s, of)) - before[name]) / (LIVE_S - LIVE_FROM) * 1e6 for name, of in pids.items()}
        drained(settings)
    influx_admin.drop(influx_target(settings))
    print(f"{workers} worker(s), {assets:,} assets, a row a second: {spent}", file=sys.stderr, flush=True)
    return spent


def with_live(ground: Ground, made: Constants) -> Constants:
    """The constants with what assets, workers and partitions take each second, which rows do not explain."""
    spent = [live(ground, assets, workers) for assets, workers in LIVE]
    told = ", ".join(f"{assets:,} assets on {workers} worker(s)" for assets, workers in LIVE)
    out = {}
    for name in SPENT:
        cost: Cost = getattr(made, name)
        rest = [
            us[name] - cost.of_backlog(sizing.Load(assets=assets, signals=len(SIGNALS)))
            for (assets, _), us in zip(LIVE, spent, strict=True)
        ]
        parts = np.array([[float(assets), float(workers), float(fleets.PARTITIONS)] for assets, workers in LIVE])
        found = _least(parts, np.array(rest), ("asset", "worker", "partition"))
        how = f"{cost.how}; assets, workers and partitions by {told}, a row a second for {LIVE_S - LIVE_FROM} s"
        out[name] = msgspec.structs.replace(cost, how=how, **found)
    return msgspec.structs.replace(made, **out)


def waits(ground: Ground, rate: float) -> tuple[Wait, ...]:
    """What forecasts wait for at shares of the highest rate."""
    found = []
    settings = installation("paced", ground.folder, {**ground.given, "influx_bucket": "paced"}, 50)
    topics(settings)
    with worker(settings, ground.folder):
        feed = Feed(settings)
        feed.send(SHARES[0] * rate, 4.0)  # starting up
        for share in SHARES:
            _, began_ms, ended_ms = feed.send(share * rate, PACED_S)
            ms = list(waits_ms(settings, began_ms, ended_ms))
            found.append(Wait(share=share, p50_ms=float(np.percentile(ms, 50)), p99_ms=float(np.percentile(ms, 99))))
            print(found[-1], file=sys.stderr, flush=True)
    influx_admin.drop(influx_target(settings))
    return tuple(found)


class Others:
    """What other programs take of the machine while this is entered."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.theirs = 0.0
        """Cores, on the average."""

    def __enter__(self) -> Others:
        self.began_s, self.busy_s, self.ours_s = time.monotonic(), self.ground.busy_s(), self._ours_s()
        return self

    def __exit__(self, *_: object) -> None:
        took_s = time.monotonic() - self.began_s
        ours_s, busy_s = self._ours_s() - self.ours_s, self.ground.busy_s() - self.busy_s
        self.theirs = max(0.0, busy_s - ours_s) / took_s

    def _ours_s(self) -> float:
        """Of this process, workers that it started, also those that ended, and both servers."""
        ours = tree(os.getpid())
        return cpu_s(os.getpid()) + sum(
            cpu_s(pid) for pid in (self.ground.kafka, self.ground.influx) if pid not in ours
        )


def memory(ground: Ground) -> tuple[Figure, Figure]:
    """MiB of a worker without assets, and of an asset, by the peaks of workers with few and many."""
    peaks = []
    for assets in ASSETS:
        load = Load(rows=max(assets * 60 * MINUTES, ROWS // 2), assets=assets, rows_a_frame=FRAME)
        peaks.append(run(ground, f"memory-{assets}", load).peak_mib)
    slope, base = np.polyfit(ASSETS, peaks, 1)
    told = ", ".join(f"{peak:,.0f} MiB with {assets:,}" for assets, peak in zip(ASSETS, peaks, strict=True))
    how = f"highest resident size with a backlog, 4 signals, {fleets.PARTITIONS} partitions: {told}; a line by them"
    return (
        Figure(value=round(float(base), 1), unit="MiB", how=how),
        Figure(value=round(float(slope), 4), unit="MiB an asset", how="the same line"),
    )


def measured(ground: Ground) -> Constants:
    """All constants."""
    runs = [
        run(ground, "single", Load(rows=ROWS, assets=fleets.ASSETS)),
        run(ground, "frames", Load(rows=2 * ROWS, rows_a_frame=FRAME, assets=fleets.ASSETS)),
        run(ground, "unscored", Load(rows=ROWS, assets=fleets.ASSETS), scored=False),
        run(ground, "one-signal", Load(rows=ROWS, signals=1, assets=fleets.ASSETS), scored=False),
        run(
            ground,
            "one-signal-frames",
            Load(rows=2 * ROWS, signals=1, rows_a_frame=FRAME, assets=fleets.ASSETS),
            scored=False,
        ),
    ]
    worker_mib, asset_mib = memory(ground)
    how = (
        f"processor time over {ROWS:,} to {2 * ROWS:,} rows of a backlog, {fleets.ASSETS} assets on "
        f"{fleets.PARTITIONS} partitions: alone or {FRAME} a message, 1 or 4 values, scored or not"
    )
    made = Constants(
        made=time.strftime("%Y-%m-%d", time.gmtime()),
        commit=subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip(),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, servers beside it",
        others_cores=0.0,
        worker_cpu_us=told_apart(runs, "worker_us", how),
        kafka_cpu_us=told_apart(runs, "kafka_us", f"{how}; taking records in and giving them to one worker"),
        influx_cpu_us=told_apart(runs, "influx_us", f"{how}; writing"),
        log_bytes={codec: log_bytes(ground, codec) for codec in Codec},
        influx_bytes=Figure(
            value=round(float(np.median([one.influx_bytes for one in runs])), 3), unit="bytes a value",
            how="TSM files once InfluxDB wrote what it held in memory, not compacted further; noise of 3 decimals",
        ),
        forecast_bytes=Figure(
            value=round(float(np.median([one.forecast_bytes for one in runs if one.scored])), 1),
            unit="bytes a minute of an asset", how="segments of forecasts, with drivers where chances are high",
        ),
        worker_mib=worker_mib,
        asset_mib=asset_mib,
        waits=waits(ground, runs[0].rate),
        fleets=(),
        measured=sizing.Range(
            signals=len(SIGNALS), rows_a_frame=FRAME, assets_a_worker=ASSETS[-1], workers=max(fleets.WORKERS)
        ),
    )  # fmt: skip
    return with_live(ground, made)


def held(ground: Ground, made: Constants) -> Constants:
    """The constants with what fleets took, and what they foretell of it."""
    found = []
    for workers in fleets.WORKERS:
        load = sizing.Load(assets=FLEET_ASSETS * workers, signals=len(SIGNALS))
        told_us = made.worker_cpu_us.of(load, workers, fleets.PARTITIONS)
        took_us = live(ground, load.assets, workers)["worker_cpu_us"]
        found.append(
            sizing.Fleet(
                workers=workers, partitions=fleets.PARTITIONS, assets=load.assets, cores=round(took_us / 1e6, 4),
                predicted_cores=round(told_us / 1e6, 4),
            )
        )  # fmt: skip
    return msgspec.structs.replace(made, fleets=tuple(found))


def main() -> None:
    with tempfile.TemporaryDirectory() as named_folder, servers(Path(named_folder)) as given:
        ground = Ground(Path(named_folder), given)
        if "--fleets" in sys.argv:
            made = msgspec.json.decode(OUT.read_bytes(), type=Constants)
        else:
            with Others(ground) as others:
                made = measured(ground)
            made = msgspec.structs.replace(made, others_cores=round(others.theirs, 2))
        made = held(ground, made)
        OUT.parent.mkdir(parents=True, exist_ok=True)
        OUT.write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n")
    rows = [
        Row(name="cores of other programs meanwhile", value=made.others_cores, unit="cores"),
        Row(name="InfluxDB", value=made.influx_bytes.value, unit=made.influx_bytes.unit),
        Row(name="a worker without assets", value=made.worker_mib.value, unit="MiB"),
        Row(name="an asset", value=made.asset_mib.value, unit="MiB"),
    ]
    for one in made.fleets:
        name, is_bar = f"{one.workers} worker(s)", one.workers < max(fleets.WORKERS)
        bar = {"bar": OFF, "at_most": True} if is_bar else {}  # three on two cores are told as they are
        rows += [
            Row(name=f"{name}: took", value=one.cores, unit="cores"),
            Row(name=f"{name}: prediction", value=one.predicted_cores, unit="cores"),
            Row(name=f"{name}: prediction is off by", value=abs(one.off), unit="", **bar),
        ]
    report("sizing (quick)" if QUICK else "sizing", rows)


if __name__ == "__main__":
    main()
