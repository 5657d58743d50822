"""One trial on a real broker: a log of its own, a feed, worker processes, and what they left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from kafka import KafkaAdminClient
from kafka.structs import TopicPartition

from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.plain import Compression, LogProducer, read
from connectors.kafka.snapshots import KafkaSnapshots
from pipelines.topics import Topic, named
from tests.servers.kafka.counting import expected, whole

BURST = 10
PAUSE_S = 0.02
SNAPSHOT_S = 0.3
ROOT = Path(__file__).parents[3]


class Event(NamedTuple):
    """A line of a worker's journal: it opened a partition at an offset, or read records from an offset."""

    pid: int
    at_s: float
    what: str
    partition: int
    offset: int
    records: int


class Trial:
    """A context manager; leaving it kills the workers and deletes the topics."""

    def __init__(self, address: str, prefix: str, folder: Path, partitions: int = 2) -> None:
        self.address = address
        self.prefix = prefix
        self.partitions = partitions
        self.records = named(prefix, Topic.RECORDS)
        self.sent: dict[int, list[str]] = {p: [] for p in range(partitions)}
        self._folder = folder
        self._journal = folder / f"{prefix}journal"
        self._workers: list[subprocess.Popen[bytes]] = []
        self._feed: threading.Thread | None = None
        self._admin = KafkaAdmin(address, prefix)

    def __enter__(self) -> Trial:
        self._admin.create_topics(self.partitions)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        if self._feed is not None:
            self._feed.join()
        self._admin.delete_all()
        self._admin.close()

    def send(self, count: int, compression: Compression | None = None) -> None:
        """Put `count` records on each partition at once."""
        with LogProducer(self.address, compression) as producer:
            self._burst(producer, count)

    def send_value(self, value: str) -> None:
        """Put one record on the first partition that nothing is expected of."""
        with LogProducer(self.address) as producer:
            producer.send(self.records, b"test/k", value.encode(), 0)

    def forget(self, offset: int) -> None:
        """Have the broker delete what lies before this offset on each partition."""
        with contextlib.closing(KafkaAdminClient(bootstrap_servers=self.address)) as client:
            client.delete_records({TopicPartition(self.records, p): offset for p in range(self.partitions)})

    def make_anew(self) -> None:
        """Delete `records` and create it again, empty, as someone may do by hand."""
        with contextlib.closing(KafkaAdminClient(bootstrap_servers=self.address)) as client:
            client.delete_topics([self.records])
        wait_for(lambda: Topic.RECORDS not in self._admin.partitions(), 20)
        self._admin.create_topics(self.partitions)

    def feed(self, bursts: int) -> None:
        """Go on sending in the background, a burst every few milliseconds."""

        def run() -> None:
            with LogProducer(self.address) as producer:
                for _ in range(bursts):
                    self._burst(producer, BURST)
                    producer.flush()
                    time.sleep(PAUSE_S)

        self._feed = threading.Thread(target=run)
        self._feed.start()

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker; its log is in the trial's folder."""
        command = [sys.executable, "-m", "tests.servers.kafka.worker"]
        command += ["--bootstrap", self.address, "--group", f"{self.prefix}g", "--prefix", self.prefix]
        command += ["--journal", str(self._journal), "--partitions", str(self.partitions)]
        command += ["--snapshot-s", str(SNAPSHOT_S), *options]
        log = (self._folder / f"worker-{self.prefix}{len(self._workers)}.log").open("wb")
        started = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        self._workers.append(started)
        return started

    def opened(self, worker: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """The worker, once it works all partitions."""
        wait_for(lambda: len(self.events("open", worker.pid)) >= self.partitions, 30, self.told)
        return worker

    def events(self, what: str, pid: int | None = None) -> list[Event]:
        """What the workers wrote down."""
        if not self._journal.exists():
            return []
        lines = [line.split() for line in self._journal.read_text().splitlines()]
        found = [Event(int(p), float(at_s), w, int(part), int(at), int(n)) for p, at_s, w, part, at, n in lines]
        return [event for event in found if event.what == what and pid in (None, event.pid)]

    def outputs(self) -> dict[int, list[bytes]]:
        """What was published, by partition, repeats and all."""
        found: dict[int, list[bytes]] = {p: [] for p in range(self.partitions)}
        for record in read(self.address, named(self.prefix, Topic.FORECASTS)):
            found[record.partition].append(record.value or b"")
        return found

    def dead_letters(self) -> list[str]:
        """What was rejected, of all partitions, repeats and all."""
        return [(record.value or b"").decode() for record in read(self.address, named(self.prefix, Topic.DEAD_LETTERS))]

    def finish(self, timeout_s: float = 40.0) -> None:
        """Wait until the feed is out and the group has kept a snapshot of everything."""
        if self._feed is not None:
            self._feed.join()
        wait_for(lambda: not any(self._admin.lag(f"{self.prefix}g").values()), timeout_s, self.told)

    def check_outputs(self, repeats: bool = True) -> None:
        """Outputs are those of an undisturbed run; with `repeats`, equal bytes may come again."""
        for partition, found in self.outputs().items():
            wanted = expected(self.sent[partition])
            kept = list(dict.fromkeys(found)) if repeats else found
            assert kept == wanted, f"partition {partition}: {len(kept)} outputs, not {len(wanted)}; {self.told()}"

    def check_state(self) -> None:
        """The last snapshots count every record once."""
        for partition, counts in asyncio.run(self._states()).items():
            keys = Counter(value.partition("|")[0] for value in self.sent[partition])
            assert {key: count for key, (count, _) in counts.items()} == keys

    def read_again(self) -> int:
        """How many records were read more than once."""
        total = sum(event.records for event in self.events("read"))
        return total - sum(len(values) for values in self.sent.values())

    def may_be_read_again(self, dead: Sequence[int]) -> int:
        """What the dead workers had read in their last two snapshot intervals."""
        total = 0
        for pid in dead:
            events = self.events("read", pid)
            last_s = max((event.at_s for event in events), default=0.0)
            total += sum(event.records for event in events if event.at_s >= last_s - 2 * SNAPSHOT_S)
        return total

    def told(self) -> str:
        """The workers' logs, for a failure."""
        tails = [path.read_text()[-3000:] for path in sorted(self._folder.glob("worker-*.log"))]
        return "\n--- worker\n".join(["", *tails])

    def _burst(self, producer: LogProducer, count: int) -> None:
        for partition, values in self.sent.items():
            for _ in range(count):
                value = f"k{len(values) % 7}|{len(values)}"
                producer.send(self.records, b"test/k", value.encode(), partition)
                values.append(value)

    async def _states(self) -> dict[int, dict[str, list[int]]]:
        snapshots = KafkaSnapshots(self.address, f"{self.prefix}g", self.prefix)
        try:
            states = {p: await snapshots.open(p) for p in range(self.partitions)}
        finally:
            await snapshots.stop()
        return {p: json.loads(whole(s).rstrip(b"\0")) for p, s in states.items() if s is not None}


def wait_for(true: Callable[[], bool], timeout_s: float, told: Callable[[], str] = str) -> float:
    """Seconds until it is true; fails with the workers' logs when it takes too long."""
    began = time.monotonic()
    while not true():
        if time.monotonic() - began > timeout_s:
            raise AssertionError(f"still not so after {timeout_s} s {told()}")
        time.sleep(0.05)
    return time.monotonic() - began


def stop(*workers: subprocess.Popen[bytes]) -> None:
    """End workers as an operator does; each must say that all went well."""
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        assert worker.wait(20) == 0


def kill(worker: subprocess.Popen[bytes]) -> None:
    """End a worker as a power cut does."""
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()


def pids(events: Sequence[Event]) -> set[int]:
    """Which workers these events are of."""
    return {event.pid for event in events}
