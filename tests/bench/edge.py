"""What a box at a line needs: `forewarn edge`, worker, deliveries and page in one process: `make bench ONLY=edge`.

20 pumps of the starter's plant send a row a second each, four signals of eight, for minutes, after six hours of them
at once; three browsers hear events, and a machine's page is asked for now and then.
Memory is the highest that the system saw of the process and its children. Kafka and InfluxDB beside it are not
counted. `BENCH_QUICK=1` is for trying.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import numpy as np

from connectors.console.keys import Role, new_key
from pipelines.cli import environment
from pipelines.settings import Settings
from tests.bench.latency import Feed, waits_ms
from tests.kit.bench import Row, report
from tests.kit.gauges import peak_mib
from tests.kit.ground import QUICK, installation, servers, topics
from tests.kit.hooked import Receiver
from tests.kit.ports import free_port

ASSETS, RATE, BROWSERS = 20, 20.0, 3
PAST_ROWS, PAST_S = (72_000, 10.0) if QUICK else (432_000, 60.0)
"""Six hours at once, as after an outage; and in how many seconds."""
SECONDS = 75.0 if QUICK else 180.0
ASK_EVERY_S = 2.0


@contextmanager
def edge(settings: Settings, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The process, once its page answers."""
    command = [sys.executable, "-m", "pipelines.cli", "edge", "--port", str(port)]
    with (folder / "edge.log").open("wb") as log:
        started = subprocess.Popen(command, env=environment(settings), cwd=folder, stdout=log, stderr=log)
        try:
            until_s = time.monotonic() + 60
            while not _answers(port):
                assert started.poll() is None and time.monotonic() < until_s, (folder / "edge.log").read_text()[-3000:]
                time.sleep(0.2)
            yield started
        finally:
            started.terminate()
            started.wait(60)


def _answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/").status_code == 200
    except httpx2.TransportError:
        return False


class Browsers:
    """Some that hear events, and one that asks for machines' pages."""

    def __init__(self, port: int, key: str) -> None:
        self._url, self._headers = f"http://127.0.0.1:{port}/api/v1", {"Authorization": f"Bearer {key}"}
        self._ended = threading.Event()
        self.events = self.answers = 0
        listeners = [threading.Thread(target=self._listen, daemon=True) for _ in range(BROWSERS)]
        self._threads = [*listeners, threading.Thread(target=self._ask, daemon=True)]

    def __enter__(self) -> Browsers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._threads[-1].join(10)

    def _listen(self) -> None:
        with httpx2.stream("GET", f"{self._url}/events", headers=self._headers, timeout=None) as reply:
            for line in reply.iter_lines():
                self.events += line.startswith("id:")
                if self._ended.is_set():
                    return

    def _ask(self) -> None:
        while not self._ended.wait(ASK_EVERY_S):
            reply = httpx2.get(f"{self._url}/overview", headers=self._headers, timeout=30)
            self.answers += reply.status_code == 200


def main() -> None:
    with tempfile.TemporaryDirectory() as name, servers(Path(name)) as given, ExitStack() as held:
        folder, port = Path(name), free_port()
        hook, (key, told) = held.enter_context(Receiver()), new_key("bench", Role.OPERATOR, ())
        subscriptions = folder / "subscriptions.toml"
        subscriptions.write_text(
            f'[sinks.desk]\nkind = "webhook"\nurl = "{hook.url}"\n[subscriptions.desk]\nsink = "desk"\n'
        )
        settings = installation(
            "edge", folder, given, ASSETS, api_keys=told, subscriptions=subscriptions, cache=folder / "cache"
        )
        topics(settings)
        with edge(settings, folder, port) as process, Browsers(port, key) as browsers:
            feed = Feed(settings)
            feed.send(PAST_ROWS / PAST_S, PAST_S)
            filled = peak_mib(process.pid)
            sent, began_ms, ended_ms = feed.send(RATE, SECONDS)
            waits = list(waits_ms(settings, began_ms, ended_ms))
            peak = peak_mib(process.pid)
    report(
        "edge (quick)" if QUICK else "edge",
        [
            Row(name="memory at the peak", value=peak, unit="MiB", bar=300, at_most=True),
            Row(name="memory after the first hours of rows", value=filled, unit="MiB"),
            Row(name="sent", value=sent, unit="rows/s", bar=0.95 * RATE),
            Row(name="forecasts", value=len(waits), unit="", bar=1),
            Row(name="record to forecast, p99", value=float(np.percentile(waits or [np.inf], 99)), unit="ms"),
            Row(name="events heard by browsers", value=browsers.events, unit="", bar=1),
            Row(name="overviews answered", value=browsers.answers, unit="", bar=1),
        ],
    )


if __name__ == "__main__":
    main()
