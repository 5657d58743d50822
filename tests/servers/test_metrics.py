"""A worker on real servers, seen from outside: metrics, probes, notices of its own, its ledger in InfluxDB, its log."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import numpy as np
import pytest

from connectors.kafka.admin import KafkaAdmin
from infra.bin import services
from infra.bin.layout import Options
from models.records import NoticeKind
from pipelines.cli.notices import notices
from pipelines.ledger import COUNTS, Ledger
from pipelines.topics import Topic
from tests.kit import streams
from tests.kit.installation import PARTITIONS, Installation
from tests.unit.connectors.test_endpoint import asked
from tests.unit.connectors.test_metrics import scraped

PARTS = 10

pytestmark = pytest.mark.servers


def records(seed: int, minutes: int) -> list:
    return streams.shuffled(np.random.default_rng(seed), streams.stream(seed, minutes=minutes), 60_000_000)


@pytest.fixture
def influx(servers, tmp_path, monkeypatch) -> Options:
    """An InfluxDB of this test's own, which may be stopped."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("FOREWARN_KAFKA", "FOREWARN_INFLUX"))}
    own = Options(
        instance="own", influx="1.8", only="influx", instances=tmp_path / "instances", influx_port=28186,
        environ=environ | {"FOREWARN_SERVERS": "local"},
    )  # fmt: skip
    monkeypatch.setenv("FOREWARN_TEST_INFLUX_OWN", json.dumps(services.up(own).settings()))
    yield own
    services.down(own)


@contextmanager
def heard(folder: Path, monkeypatch) -> Iterator[list[bytes]]:
    """What worker processes tell systemd."""
    words: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(folder / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "3000000")

        def listen() -> None:
            while (word := listening.recv(100)) != b"end":
                words.append(word)

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield words
        finally:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
                to.sendto(b"end", str(folder / "notify"))
            thread.join()


def send_in_parts(installation: Installation, sent: list) -> None:
    """So that more batches come than may wait, and the partitions are not fetched any more."""
    size = len(sent) // PARTS + 1
    for at in range(0, len(sent), size):
        installation.send(sent[at : at + size])
        time.sleep(0.4)


def waits(installation: Installation, told: dict[str, float]) -> bool:
    """Whether the lag is all that lies on the log behind what was worked."""
    with KafkaAdmin(installation.settings.kafka, installation.settings.topic_prefix) as admin:
        ends = sum(admin.end_offsets(Topic.RECORDS).values())
    lag = summed(told, "forewarn_lag_records")
    return lag == ends - summed(told, "forewarn_next_offset") and lag > 0


def port_of(installation: Installation) -> int:
    log = (installation.folder / "worker-0.log").read_text()
    return int(re.findall(r"127\.0\.0\.1:(\d+)/metrics", log)[0])


def summed(told: dict[str, float], name: str) -> float:
    return sum(value for sample, value in told.items() if sample.split(" ")[0] == name)


def check_metrics(told: dict[str, float], ledger: Ledger) -> None:
    """What a worker serves once it has worked all off."""
    assert summed(told, "forewarn_rows_stored_total") == ledger.rows_stored > 0
    assert summed(told, "forewarn_forecasts_total") == ledger.forecasts > 0
    assert summed(told, "forewarn_step_seconds_sum") > 0
    assert [told[f"forewarn_lag_records partition={each}"] for each in range(PARTITIONS)] == [0] * PARTITIONS
    assert summed(told, "forewarn_batch_records_sum") == ledger.records_read
    published = ledger.forecasts + ledger.alerts + ledger.notices
    assert summed(told, "forewarn_latency_seconds_count") >= published
    assert summed(told, "forewarn_influx_posts_total") == told["forewarn_influx_posts_total answer=stored"] > 0
    assert told["forewarn_influx_failing_seconds"] == 0
    assert summed(told, "forewarn_state_assets") == 5 and summed(told, "forewarn_state_bytes") > 100_000
    assert summed(told, "forewarn_minutes_due_total") >= summed(told, "forewarn_minutes_scored_total") > 0


def ledger_rows(installation: Installation) -> dict[str, dict[str, Any]]:
    """The last row of each partition's ledger in InfluxDB 1.8, by its own query language."""
    given = installation.settings
    database, retention = given.influx_bucket.split("/")
    asked_for = f'SELECT * FROM "{database}"."{retention}"."forewarn_ledger" GROUP BY plant, partition'
    token = given.influx_token.get_secret_value()
    request = Request(f"{given.influx_url}/query?{urlencode({'db': database, 'q': asked_for})}")
    request.add_header("Authorization", f"Token {token}")
    with urlopen(request, timeout=10) as answer:
        (result,) = json.loads(answer.read())["results"]
    found = {}
    for series in result["series"]:
        assert series["tags"]["plant"] == "tiny"
        found[series["tags"]["partition"]] = dict(zip(series["columns"], series["values"][-1], strict=True))
    return found


def told(installation: Installation, kind: NoticeKind) -> Callable[[str], bool]:
    """Whether the notice of a kind, of which there is one at most, is in a state."""

    def is_so(state: str) -> bool:
        found = [notice for notice in notices(installation.settings) if notice.kind is kind]
        assert len(found) <= 1, found
        return [str(notice.state) for notice in found] == [state]

    return is_so


def test_a_worker_is_seen_from_outside_while_its_store_goes_and_comes_back(influx, tmp_path, monkeypatch):
    with heard(tmp_path, monkeypatch) as systemd, Installation(tmp_path, influx="OWN") as installation:
        installation.settings = installation.settings.model_copy(update={"notice_down_s": 2.0})
        installation.send(records(5, minutes=60))
        worker = installation.worker()
        installation.finish()
        installation.wait(lambda: b"READY=1" in systemd, 10)
        port, is_told = port_of(installation), told(installation, NoticeKind.STORE_DOWN)
        installation.wait(lambda: summed(scraped(port), "forewarn_ledger_balanced") == PARTITIONS, 15)
        check_metrics(scraped(port), installation.ledger())
        assert asked(port, "/healthz")[0] == asked(port, "/readyz")[0] == 200

        services.down(influx)
        send_in_parts(installation, records(6, minutes=120))
        down_s = installation.wait(lambda: asked(port, "/readyz")[0] == 503, 30)
        assert asked(port, "/readyz")[1]["reasons"].keys() == {"store"}
        installation.wait(lambda: is_told("open"), 30)
        assert asked(port, "/healthz")[0] == 200
        assert summed(scraped(port), "forewarn_influx_retries_total") > 0
        installation.wait(lambda: waits(installation, scraped(port)), 30)

        services.up(influx)
        back_s = installation.wait(lambda: asked(port, "/readyz")[0] == 200, 60)
        installation.wait(lambda: is_told("closed"), 30)
        installation.finish()
        check_the_rest(installation, systemd, worker)
        print(f"not ready {down_s:.1f} s after the store was stopped, ready {back_s:.1f} s after it was started")


def test_who_takes_over_closes_what_a_killed_worker_had_opened(influx, tmp_path):
    with Installation(tmp_path, influx="OWN") as installation:
        installation.settings = installation.settings.model_copy(update={"notice_down_s": 2.0})
        is_told = told(installation, NoticeKind.STORE_DOWN)
        first = installation.worker()
        installation.wait(lambda: "partition-taken-over" in installation.told(), 60)
        services.down(influx)
        installation.send(records(7, minutes=10))
        installation.wait(lambda: is_told("open"), 60)
        first.kill()
        first.wait()
        services.up(influx)
        second = installation.worker()
        installation.wait(lambda: is_told("closed"), 90)
        installation.finish()
        installation.stop(second)


def check_the_rest(installation: Installation, systemd: list[bytes], worker) -> None:
    """What is left when a worker has ended: its ledger in InfluxDB, its words to systemd, its log."""
    installation.stop(worker)
    ledger, rows = installation.ledger(), ledger_rows(installation)
    assert rows.keys() == {str(partition) for partition in range(PARTITIONS)}
    assert {name: sum(row[name] for row in rows.values()) for name in COUNTS} == {
        name: getattr(ledger, name) for name in COUNTS
    }
    assert systemd[-1] == b"STOPPING=1" and systemd.count(b"READY=1") == 1
    assert systemd.count(b"WATCHDOG=1") == len(systemd) - 2 > 10
    log = next(installation.folder.glob("worker-*.log")).read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert {0, 1, 2} == {line["partition"] for line in lines if line["event"] == "partition-taken-over"}
    assert any(line["event"] == "store-down" or line["event"] == "notice" for line in lines)
    secret = installation.settings.influx_token.get_secret_value()
    assert len(secret) > 4 and secret not in log and secret.partition(":")[2] not in log
