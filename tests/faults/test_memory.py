"""Memory of a worker: bounded where the store is slow, flat where time goes by."""

from __future__ import annotations

import statistics
import threading
import time
from pathlib import Path
from typing import Self

import pytest

from connectors.kafka.plain import Compression
from models.records import AnyInput, Frame, Tick, encode
from tests.faults.trace import taken_over
from tests.kit import streams
from tests.kit.influx_proxy import Fault, InfluxProxy, plan
from tests.kit.installation import PARTITIONS, Installation, check

pytestmark = pytest.mark.servers

MIB = 1024 * 1024
REPEATS = 15_000
MOST_MIB = 300
"""Of growth from a worker that has done nothing yet: what its libraries take when they are first used, and a bounded
number of bounded batches."""
SECOND_US = 1_000_000


class Watched:
    """Resident memory of a process in MiB, several times a second."""

    def __init__(self, pid: int) -> None:
        self.mib: list[float] = []
        self._status = Path(f"/proc/{pid}/status")
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def now(self) -> float:
        """As it is."""
        (line,) = (line for line in self._status.read_text().splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def _watch(self) -> None:
        while not self._end.wait(0.2):
            self.mib.append(self.now())


def test_a_store_ten_times_too_slow_loses_nothing(servers, tmp_path, records, undisturbed, influx_url):
    with InfluxProxy(influx_url) as proxy, Installation(tmp_path, influx_url=proxy.url) as installation:
        worker = installation.worker_at_work()
        proxy.bytes_per_s = 120_000
        began_s = time.monotonic()
        installation.feed(records, 1.0)
        installation.finish()
        took_s = time.monotonic() - began_s
        installation.stop(worker)
        check(installation, undisturbed, repeats=False)
    print(f"sent in 1 s, stored in {took_s:.1f} s")
    assert took_s > 10


def test_before_a_slow_store_memory_is_bounded_however_well_the_log_is_compressed(servers, tmp_path, influx_url):
    times = [streams.START_US + at * SECOND_US for at in range(240)]
    signals: dict = {
        "pressure_bar": [5.25 + at / 77 for at in range(240)],
        "temp_degc": [20.123 + at / 7 for at in range(240)],
    }
    frames = [
        Frame(plant="tiny", asset=asset, source="test", times_us=times, signals=signals)
        for asset in ("pump-01", "pump-02", "pump-03", "gear-01")
    ]
    sent_mib = sum(len(encode(frame)) for frame in frames) * REPEATS / MIB
    with InfluxProxy(influx_url) as proxy, Installation(tmp_path, influx_url=proxy.url) as installation:
        proxy.bytes_per_s = 200_000
        installation.send([Tick(plant="tiny", time_us=streams.START_US)])
        installation.send(frames * REPEATS, compression=Compression.ZSTD)
        worker = installation.worker()
        installation.wait(lambda: len(taken_over(installation, 0)) == PARTITIONS, 30)
        with Watched(worker.pid) as watched:
            begun = watched.now()
            installation.wait(lambda: proxy.did[Fault.NONE] > 0, 60)
            time.sleep(10)
        left = sum(installation.lag().values())
        worker.kill()
    print(f"{sent_mib:.0f} MiB on the log; {begun:.0f} MiB at first, then", [round(mib) for mib in watched.mib[::5]])
    assert left > len(frames) * REPEATS // 2
    assert max(watched.mib) - begun < MOST_MIB < sent_mib / 2


FILLED = 8
"""Parts of 15 h each until the rings of 72 h, whose memory is taken as it is first written, are full."""


@pytest.mark.soak
def test_memory_is_flat_for_ten_minutes(servers, tmp_path, influx_url):
    faults, hours = plan(3, {Fault.DOWN: 0.02, Fault.UNANSWERED: 0.02}), streams.stream(40, minutes=900)

    def part(number: int) -> list[AnyInput]:
        return [streams.moved(record, number * 900 * streams.MINUTE_US) for record in hours]

    with InfluxProxy(influx_url, faults) as proxy, Installation(tmp_path, influx_url=proxy.url) as installation:
        worker = installation.worker_at_work()
        for number in range(FILLED):
            installation.send(part(number), 10.0)
        installation.finish()
        with Watched(worker.pid) as watched:
            for number in range(FILLED, FILLED + 10):
                installation.send(part(number), 60.0)
        installation.finish()
        installation.stop(worker)
        assert installation.ledger().balances
    each = len(watched.mib) // 10
    minutes = [statistics.median(watched.mib[at * each : (at + 1) * each]) for at in range(10)]
    print("resident MiB, each minute's median:", [round(mib) for mib in minutes])
    assert minutes[9] < 1.02 * minutes[2]
