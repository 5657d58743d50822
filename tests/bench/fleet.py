"""One, two and three workers on 24 partitions: `make bench ONLY=fleet`.

Workers share the partitions before the load comes, so that no rebalance is measured; the load is made before, too. On
one machine they share its cores with Kafka and InfluxDB: what has to hold here is that a row costs no more processor
time with more workers and that they share the work; how the rate rises is told. `BENCH_QUICK=1` is for trying.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connectors.influx import admin as influx_admin
from connectors.kafka.admin import KafkaAdmin
from pipelines.cli import environment
from pipelines.main import influx_target
from pipelines.settings import Settings
from tests.kit.bench import Row, report
from tests.kit.contest import Measured, watch
from tests.kit.gauges import points_stored
from tests.kit.ground import QUICK, installation, servers, topics
from tests.kit.loads import MINUTE_S, SECOND_US, Load, Round, rounds, send

PARTITIONS, ASSETS, WORKERS = 24, 240, (1, 2, 3)
ROWS, ROUNDS = (240_000, 1) if QUICK else (1_440_000, 3)
PORT, JOIN_S = 29800, 60.0
FLAT = 1.3
"""Most that a row may cost with three workers, in what it costs with one: as much as is allowed from 10 to 10,000
assets in `ingest`."""
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Fleet:
    """So many workers, and what was measured of them: by round, and rows by worker of the last round."""

    workers: int
    found: list[Measured] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def median(self, of: str) -> float:
        """Of the rounds."""
        return statistics.median(getattr(one, of) for one in self.found)

    @property
    def busiest(self) -> float:
        """Rows of the worker that has most, in those of a fair share."""
        return max(self.rows) * self.workers / sum(self.rows)


@contextmanager
def worker(settings: Settings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process; its metrics are at the port that the settings name."""
    with log.open("wb") as output:
        command = [sys.executable, "-m", "pipelines.cli", "worker"]
        started = subprocess.Popen(command, env=environment(settings), cwd=log.parent, stdout=output, stderr=output)
        try:
            yield started
        finally:
            started.kill()
            started.wait()


def told(port: int, metric: str) -> dict[int, int]:
    """A worker's metric by partition; nothing while it starts."""
    try:
        with _direct.open(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
            text = reply.read().decode()
    except OSError:
        return {}
    found = re.findall(rf'^{metric}{{partition="(\d+)"}} (\S+)$', text, re.MULTILINE)
    return {int(partition): round(float(value)) for partition, value in found}


def shared(ports: list[int]) -> None:
    """Returns when each worker has its share of the partitions."""
    deadline = time.monotonic() + JOIN_S
    while True:
        owned = [set(told(port, "forewarn_next_offset")) for port in ports]
        fair = PARTITIONS // len(ports)
        if all(len(mine) == fair for mine in owned) and len(set().union(*owned)) == PARTITIONS:
            return
        assert time.monotonic() < deadline, f"workers own {[len(mine) for mine in owned]} partitions"
        time.sleep(0.2)


def run(fleet: Fleet, settings: Settings, load: Load, made: list[Round], folder: Path) -> None:
    """Measure it once, on topics and in a bucket of its own, which are deleted."""
    topics(settings)
    ports = [PORT + 10 * number for number in range(fleet.workers)]
    target = influx_target(settings)
    try:
        with ExitStack() as stack:
            processes = []
            for port in ports:
                log = folder / f"{settings.topic_prefix}{port}.log"
                processes.append(stack.enter_context(worker(settings.model_copy(update={"metrics_port": port}), log)))
            shared(ports)
            before = points_stored(target)
            sender = threading.Thread(target=lambda: asyncio.run(send(settings, made)))
            sender.start()
            fleet.found.append(watch(processes, target, before, load.total, log))
            sender.join()
            time.sleep(0.5)
            fleet.rows = [sum(told(port, "forewarn_rows_stored_total").values()) for port in ports]
            assert sum(fleet.rows) == load.total, f"workers count {fleet.rows} rows, not {load.total} together"
    finally:
        influx_admin.drop(target)
        with KafkaAdmin(settings.kafka, settings.topic_prefix) as admin:
            admin.delete_all()


def measured(given: Mapping[str, str], folder: Path) -> list[Fleet]:
    """All fleets, in turn."""
    fleets = [Fleet(workers) for workers in WORKERS]
    load = Load(rows=ROWS, assets=ASSETS)
    for number in range(ROUNDS):
        for fleet in fleets:
            name = f"fleet-{fleet.workers}-{number}"
            bucket = {**given, "influx_bucket": name}
            settings = installation(name, folder, bucket, ASSETS, partitions=PARTITIONS)
            begin_us = (int(time.time()) // MINUTE_S * MINUTE_S - load.seconds) * SECOND_US
            run(fleet, settings, load, list(rounds(load, begin_us, PARTITIONS)), folder)
            one = fleet.found[-1]
            said = f"{one.rate:,.0f} rows/s, {one.cpu_s:.1f} CPU-s a million, by worker {fleet.rows}"
            print(f"round {number + 1}, {fleet.workers} worker(s): {said}", file=sys.stderr, flush=True)
    return fleets


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, servers(Path(folder)) as given:
        fleets = measured(given, Path(folder))
    flat = fleets[-1].median("cpu_s") / fleets[0].median("cpu_s")
    rows = []
    for fleet in fleets:
        name = f"{fleet.workers} worker(s)"
        rows += [
            Row.of([one.rate for one in fleet.found], name=f"{name}: single rows", unit="rows/s"),
            Row.of([one.cpu_s for one in fleet.found], name=f"{name}: cost", unit="CPU-s a million rows"),
            Row(name=f"{name}: rows of the busiest", value=fleet.busiest, unit="fair shares"),
            *(
                Row(name=f"{name}: rows of worker {at + 1}", value=rows_of, unit="rows")
                for at, rows_of in enumerate(fleet.rows)
            ),
        ]
    rows.append(Row(name="cost with 3 workers over 1", value=flat, unit="x", bar=FLAT, at_most=True))
    report("fleet", rows, quick=QUICK)


if __name__ == "__main__":
    main()
