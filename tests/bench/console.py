"""What the console takes: 200 subscribers of its events, and the page of a machine: `make bench ONLY=console`.

Warnings go onto their topic, twenty a second, while 500 machines have a forecast a minute each; 200 connections read
the stream, and what counts is the time from before a warning is sent to when a subscriber has it whole. The page of a
machine is what a browser asks for at once: the machine, its history, its work, and 30 days of 8 signals with a row a
minute each (2.8 million values) from InfluxDB 2.7; then the same with 5 s between two rows for a day.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import numpy as np

from connectors.influx.store import InfluxStore
from connectors.kafka.plain import LogProducer
from infra.bin import services
from infra.bin.layout import Options
from models.records import Alert, Forecast, encode, key_of
from pipelines.main import influx_target
from pipelines.ports import Rows
from pipelines.topics import Topic, named, partition_of
from tests.kit.bench import Row, report
from tests.kit.consoled import Consoled
from tests.kit.followed import forecast
from tests.kit.installation import PARTITIONS
from tests.kit.warned import alert

SUBSCRIBERS, WARNINGS, A_SECOND = 200, 600, 20
MACHINES = 500
PUSH_P99_MS, PAGE_MS = 500.0, 500.0
"""Asked for."""
SIGNALS = tuple(f"signal_{at}_degc" for at in range(8))
DAYS, RUNS = 30, 20
MINUTE_US, DAY_US = 60_000_000, 86_400_000_000


def plant_text() -> str:
    """500 pumps of 8 signals."""
    signals = "\n".join(f'[types.pump.signals.{name}]\nkind = "gauge"\nunit = "degC"' for name in SIGNALS)
    assets = "\n".join(f'[assets.m{at:03}]\ntype = "pump"\nsite = "quay"' for at in range(MACHINES))
    return f'plant = "north"\n{signals}\n{assets}\n'


@contextmanager
def consoled() -> Iterator[Consoled]:
    """Servers, and a console on them."""
    with tempfile.TemporaryDirectory(prefix="forewarn-bench-") as held:
        options = Options(
            instance="bench", influx="2.7", instances=Path(held) / "instances", kafka_port=39092, influx_port=38086
        )
        started = services.up(options)
        try:
            assert started.kafka
            os.environ["FOREWARN_TEST_KAFKA"] = started.kafka.bootstrap
            os.environ["FOREWARN_TEST_INFLUX_27"] = json.dumps(started.settings())
            with Consoled(Path(held), plant=plant_text()) as made:
                yield made
        finally:
            services.down(options)


async def subscriber(console: Consoled, came: dict[str, list[float]], ready: asyncio.Semaphore) -> None:
    """Reads the stream, and keeps when each warning was there whole."""
    host, port = console.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 22)
    key = console.keys["viewer"]
    writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {key}\r\n\r\n".encode())
    assert b" 200 " in await reader.readline()
    while (await reader.readline()).strip():
        pass
    ready.release()
    is_warning = False
    while line := await reader.readline():
        if line.startswith(b"event: "):
            is_warning = line.strip() == b"event: warning"
        elif is_warning and line.startswith(b"data: "):
            at_s = time.monotonic()
            came[json.loads(line[6:])["id"]].append(at_s)


def send(producer: LogProducer, topic: Topic, prefix: str, record: Alert | Forecast) -> None:
    """Onto the partition of its asset, at once."""
    key = key_of(record.plant, record.asset)
    producer.send(named(prefix, topic), key, encode(record), partition_of(key, PARTITIONS))


def sent(console: Consoled) -> dict[str, float]:
    """When each warning was sent; forecasts flow beside them."""
    settings, out = console.installation.settings, {}
    begin_s = time.monotonic()
    with LogProducer(settings.kafka, linger_ms=0) as producer:
        for at in range(WARNINGS):
            time.sleep(max(0.0, begin_s + at / A_SECOND - time.monotonic()))
            for asset in range(at * MACHINES // (60 * A_SECOND), (at + 1) * MACHINES // (60 * A_SECOND)):
                hours = 10 + at / (3600 * A_SECOND)
                send(producer, Topic.FORECASTS, settings.topic_prefix, forecast(f"m{asset % MACHINES:03}", hours))
            one = alert(f"m{at % MACHINES:03}", opened_h=at / 3600, mode=f"mode-{at}")
            out[one.id] = time.monotonic()
            send(producer, Topic.ALERTS, settings.topic_prefix, one)
    return out


async def pushed(console: Consoled) -> list[float]:
    """Milliseconds from topic to subscriber, of each warning and each subscriber."""
    from collections import defaultdict

    came: list[dict[str, list[float]]] = [defaultdict(list) for _ in range(SUBSCRIBERS)]
    ready = asyncio.Semaphore(0)
    readers = [asyncio.create_task(subscriber(console, each, ready)) for each in came]
    for _ in range(SUBSCRIBERS):
        await asyncio.wait_for(ready.acquire(), 60)
    times = await asyncio.to_thread(sent, console)
    await asyncio.sleep(3)
    for reader in readers:
        reader.cancel()
    lost = sum(one not in each for one in times for each in came)
    twice = sum(len(found) > 1 for each in came for found in each.values())
    assert not lost and not twice, f"{lost} warnings did not come, {twice} came twice"
    return [1000 * (each[one][0] - times[one]) for one in times for each in came]


def rows_of(asset: str, end_us: int, days: float, step_us: int) -> Rows:
    """A machine's, evenly over time."""
    count = round(days * DAY_US) // step_us
    time_us = end_us - (np.arange(count, dtype=np.int64)[::-1] + 1) * step_us
    rng = np.random.default_rng(7)
    fields = {name: 60 + rng.standard_normal(count).cumsum() / 100 for name in SIGNALS}
    return Rows("pump", "north", (asset,), np.zeros(count, np.int64), time_us, fields)


async def stored(console: Consoled, rows: Sequence[Rows]) -> None:
    async with InfluxStore(influx_target(console.installation.settings)) as store:
        assert not await store.write(rows)


async def opened(console: Consoled, asset: str, days: float) -> float:
    """Milliseconds until all is there that a machine's page asks for at once."""
    headers = {"Authorization": f"Bearer {console.keys['viewer']}"}
    async with httpx2.AsyncClient(headers=headers) as client:
        began_s = time.monotonic()
        asked = ("", "/history", "/work", f"/signals?days={days}")
        answers = await asyncio.gather(
            *(client.get(f"{console.url}/api/v1/assets/{asset}{one}", timeout=60) for one in asked)
        )
        took_ms = 1000 * (time.monotonic() - began_s)
    assert all(one.status_code == 200 for one in answers), [one.text[:200] for one in answers]
    assert len(answers[-1].json()["time_us"]) > 500
    return took_ms


def run() -> None:
    """Both, on servers of their own."""
    with consoled() as console:
        settings = console.installation.settings
        now_us = int(forecast("m000", 0).window_end_us)
        with LogProducer(settings.kafka) as producer:
            for asset in ("m000", "m001"):
                send(producer, Topic.FORECASTS, settings.topic_prefix, forecast(asset, 0))
        rows = [rows_of("m000", now_us, DAYS, MINUTE_US), rows_of("m001", now_us, 1, 5_000_000)]
        asyncio.run(stored(console, rows))
        time.sleep(2)
        pages = [asyncio.run(opened(console, "m000", DAYS)) for _ in range(RUNS)]
        days = [asyncio.run(opened(console, "m001", 1)) for _ in range(RUNS)]
        took = np.array(asyncio.run(pushed(console)))
        p50, p99 = map(float, np.percentile(took, [50, 99]))
        memory_mb = int(Path(f"/proc/{console.process.pid}/statm").read_text().split()[1]) * 4096 / 1e6
    report("console", [
        Row(name=f"topic to {SUBSCRIBERS} subscribers, p50", value=p50, unit="ms"),
        Row(name=f"topic to {SUBSCRIBERS} subscribers, p99", value=p99, unit="ms", bar=PUSH_P99_MS, at_most=True),
        Row.of(pages, name="page of a machine, 30 days a row a minute, median", unit="ms", bar=PAGE_MS, at_most=True),
        Row(name="page of a machine, 30 days a row a minute, worst", value=max(pages), unit="ms", bar=PAGE_MS,
            at_most=True),
        Row.of(days, name="page of a machine, a day of rows 5 s apart, median", unit="ms"),
        Row(name="memory of the console", value=memory_mb, unit="MB"),
    ])  # fmt: skip


if __name__ == "__main__":
    run()
