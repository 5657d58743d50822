"""Two hundred changes of a model on a worker under load: `make bench ONLY=swaps`. `BENCH_QUICK=1` is for trying.

A worker scores single rows of 50 simulated pumps. First nothing is changed, then two releases of the shipped pump model
take each other's place by `promote`, then nothing again. Held are: no row lost or read twice, no forecast by another
version than the log had at its record, time from record to forecast, and memory. The two releases are the same trees
under other metadata, so that only the change itself is measured.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import onnx
from rich.console import Console

from connectors.kafka.plain import read
from connectors.releases import keys
from models.failure.hazard import read_card
from models.failure.learned import Lister
from models.records import Forecast, ModelChange, decode
from models.release import Channel, File, Role
from pipelines.cli import releasing
from pipelines.cli.board import board_of, offices
from pipelines.main import read_model
from pipelines.releases.moves import Who
from pipelines.settings import STARTER, Settings
from pipelines.topics import Topic, named
from tests.bench.latency import AGO_S, waits_ms
from tests.kit.bench import Row, report
from tests.kit.ground import QUICK, drained, installation, servers, topics, worker
from tests.kit.held import Held, held
from tests.kit.installation import ledger_of
from tests.kit.loads import MINUTE_S, SECOND_US, Load, rounds, send

ASSETS, RATE, EVERY_S = 50, 5_000, 0.01
SWAPS, EARLY, QUIET_S = (12, 4, 6) if QUICK else (200, 50, 30)
"""How many, after how many memory is looked at first, and seconds without any, before and after."""
WORDS = ("a", "b")
WHO = Who("bench", "to measure")


def variants(folder: Path) -> list[Path]:
    """Two releases of the shipped model, each with a word of its own in its metadata."""
    out = []
    for word in WORDS:
        made = onnx.load(STARTER / "pump.onnx")
        made.metadata_props.add(key="variant", value=word)
        content = made.SerializeToString(deterministic=True)
        path = folder / word / "pump.onnx"
        path.parent.mkdir()
        path.write_bytes(content)
        card = msgspec.structs.replace(read_card((STARTER / "pump.json").read_bytes()), sha256=File.of(content).sha256)
        path.with_suffix(".json").write_bytes(msgspec.json.encode(card))
        cases = STARTER / "pump.cases.json"
        if cases.is_file():
            path.with_suffix(".cases.json").write_bytes(cases.read_bytes())
        out.append(path)
    return out


def loaded(folder: Path) -> dict[str, Lister]:
    """Those two by version, as a worker's shelf has them."""
    found = [read_model(folder / word, "pump") for word in WORDS]
    return {one.card.version: one for one in found}


def rss_mib(pid: int) -> float:
    """Resident memory of a process now."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found, "the worker is gone"
    return int(found[1]) / 1024


class Feed(threading.Thread):
    """Sends at one rate until told to stop."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.rows, self.stopped = 0, False
        self._settings = settings

    def run(self) -> None:
        """A few seconds of rows at a time."""
        next_us = (int(time.time() - AGO_S) // MINUTE_S * MINUTE_S) * SECOND_US
        while not self.stopped:
            load = Load(rows=RATE * 4, assets=ASSETS)
            made = list(rounds(load, next_us, self._settings.partitions, rows=round(RATE * EVERY_S)))
            asyncio.run(send(self._settings, made, EVERY_S))
            next_us += load.seconds * SECOND_US
            self.rows += load.total


def swap(settings: Settings, versions: list[str], pid: int) -> tuple[list[float], list[float]]:
    """Seconds that each change took until all partitions had met it, and memory after EARLY and after all."""
    took, memory = [], []
    for number in range(SWAPS):
        began = time.monotonic()
        offices(settings).promote(versions[number % 2], WHO)
        took.append(time.monotonic() - began)
        if number + 1 in (EARLY, SWAPS):
            memory.append(rss_mib(pid))
    return took, memory


class Log:
    """The records topic as it came to be: offsets at which each partition changed its model, and to which."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.rows = settings, 0
        self.at: dict[int, list[int]] = {p: [] for p in range(settings.partitions)}
        self.to: dict[int, list[str]] = {p: [] for p in range(settings.partitions)}
        for record in read(settings.kafka, named(settings.topic_prefix, Topic.RECORDS)):
            one = decode(record.value or b"")
            if isinstance(one, ModelChange) and one.role is Role.CHAMPION:
                self.at[record.partition].append(record.offset)
                self.to[record.partition].append(one.version)

    def wrong(self, first: str) -> tuple[int, int, int]:
        """Forecasts, those by another version than was meant at their record, and those published twice or more."""
        count = wrong = 0
        seen: Counter[tuple[str, int]] = Counter()
        for record in read(self.settings.kafka, named(self.settings.topic_prefix, Topic.FORECASTS)):
            one, headers = decode(record.value or b""), dict(record.headers)
            assert isinstance(one, Forecast)
            place = bisect_left(self.at[record.partition], int(headers["offset"]))
            meant = self.to[record.partition][place - 1] if place else first
            count, wrong = count + 1, wrong + (one.model != meant)
            seen[one.id, one.revision] += 1
        return count, wrong, sum(times > 1 for times in seen.values())


def now_ms() -> int:
    return time.time_ns() // 10**6


def measured(settings: Settings, folder: Path, signing: str) -> list[Row]:
    """All of it, on an installation of its own."""
    topics(settings)
    spans: list[tuple[int, int]] = []
    with worker(settings, folder) as pid:
        feed = Feed(settings)
        feed.start()
        time.sleep(8.0)
        published = []
        for path in variants(folder):
            began = time.monotonic()
            releasing.publish(settings, path, releasing.Signer(signing), Console(quiet=True), channel=Channel.SPARE)
            published.append(time.monotonic() - began)
        versions = list(board_of(settings).releases)
        began = now_ms()
        time.sleep(QUIET_S)
        spans.append((began, now_ms()))
        began = now_ms()
        took, memory = swap(settings, versions, pid)
        spans.append((began, now_ms()))
        began = now_ms()
        time.sleep(QUIET_S)
        spans.append((began, now_ms()))
        feed.stopped = True
        feed.join()
        drained(settings)
    log = Log(settings)
    first = read_card((STARTER / "pump.json").read_bytes()).version
    forecasts, wrong, doubled = log.wrong(first)
    quiet, swapping, after = (np.fromiter(waits_ms(settings, *span), float) for span in spans)
    without = np.concatenate([quiet, after])
    return waits(held(folder, loaded(folder), ASSETS, SWAPS)) + rows(
        published,
        took,
        memory,
        feed.rows - ledger_of(settings).rows_read,
        (forecasts, wrong, doubled),
        without,
        swapping,
    )


def rows(
    published: list[float], took: list[float], memory: list[float], lost: int, said: tuple[int, int, int],
    without: np.ndarray, swapping: np.ndarray,
) -> list[Row]:  # fmt: skip
    """The table."""
    forecasts, wrong, doubled = said
    quiet_ms, swap_ms = (float(np.percentile(each, 99)) for each in (without, swapping))
    return [
        Row(name="published to loaded, slower of two", value=max(published), unit="s", bar=2, at_most=True),
        Row(name="changes", value=len(took), unit="", bar=SWAPS),
        Row(name="asked to met by all partitions, median", value=float(np.median(took)), unit="s"),
        Row(name="rows sent and not in the ledger", value=abs(lost), unit="", bar=0, at_most=True),
        Row(name="forecasts", value=forecasts, unit="", bar=1),
        Row(name="forecasts by another version than the log's", value=wrong, unit="", bar=0, at_most=True),
        Row(name="forecasts published twice", value=doubled, unit="", bar=0, at_most=True),
        Row(name="record to forecast without changes, p99", value=quiet_ms, unit="ms"),
        Row(name="record to forecast with changes, p99", value=swap_ms, unit="ms", bar=quiet_ms + 50, at_most=True),
        Row(name=f"memory after change {EARLY}", value=memory[0], unit="MiB"),
        Row(name=f"memory after change {SWAPS}", value=memory[1], unit="MiB", bar=1.05 * memory[0], at_most=True),
    ]


def waits(held_up: Held) -> list[Row]:
    """What a change adds to a partition's steps: its own, and the first minute of rows after it less a usual one."""
    usual_ms = float(np.median(held_up.second_ms))
    each_ms = np.array(held_up.change_ms) + np.maximum(np.array(held_up.first_ms) - usual_ms, 0.0)
    return [
        Row(name="a change's own step, median", value=float(np.median(held_up.change_ms)), unit="ms"),
        Row(name="a minute of rows, median", value=usual_ms, unit="ms"),
        Row(name="the first one after a change, median", value=float(np.median(held_up.first_ms)), unit="ms"),
        Row(name="wait that a change adds, longest", value=float(each_ms.max()), unit="ms", bar=50, at_most=True),
    ]


def main() -> None:
    with tempfile.TemporaryDirectory() as named_folder, servers(Path(named_folder)) as given:
        folder = Path(named_folder)
        pem, public = keys.new_key("bench")
        (folder / "bench.pem").write_bytes(pem)
        more: Mapping[str, str] = {
            "release_keys": public, "registry": str(folder / "registry"), "cache": str(folder / "cache"),
        }  # fmt: skip
        settings = installation("swaps", folder, given, ASSETS, **more)
        found = measured(settings, folder, f"bench:{folder / 'bench.pem'}")
    report("swaps", found, quick=QUICK)


if __name__ == "__main__":
    main()
