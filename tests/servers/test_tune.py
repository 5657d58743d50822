"""Process tuning on real servers: parts and results by files, a model learned, released and swapped in, a suggestion.

A simulated weld cell makes the parts; `forewarn tune` is a process, and people answer by the command line.
"""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka.plain import LogProducer, read
from models.physics import weld
from models.records import (
    EffectVerdict,
    QualityResult,
    Suggestion,
    SuggestionEffect,
    SuggestionRefused,
    SuggestionState,
    decode,
    encode,
    key_of,
)
from pipelines.cli import environment
from pipelines.topics import Topic, named, partition_of
from tests.kit.installation import ROOT, Installation
from tests.kit.weld_loop import ASSET, PRODUCT, records_of

pytestmark = pytest.mark.servers
PLANT = (Path(__file__).parents[1] / "kit" / "weld_plant.toml").read_text()
PATIENCE_S = 60.0
STEP_US = 3_000_000
SECRET = "0123456789abcdef-secret"
WARMER = weld.Settings(current_ka=8.95, force_kn=2.75, weld_ms=240.0, boost_ka=0.05)
"""A setting that parts were made at before, so that a model knows something of which way is better."""


@pytest.fixture
def cell(servers, tmp_path) -> Iterator[Installation]:
    with Installation(
        tmp_path, plant=PLANT, mask_key=SECRET, registry=str(tmp_path / "registry"), unsigned_releases=True
    ) as made:
        yield made


def ran(at: Installation, *arguments: str, as_json: bool = True) -> Any:
    command = [sys.executable, "-m", "pipelines.cli", *arguments, *(["--json"] if as_json else [])]
    done = subprocess.run(command, cwd=ROOT, env=environment(at.settings), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if as_json else done.stdout


def said(at: Installation, kind: type) -> list[Any]:
    found = read(at.settings.kafka, named(at.settings.topic_prefix, Topic.SUGGESTIONS))
    return [one for record in found if isinstance(one := decode(record.value or b""), kind)]


def until(at: Installation, kind: type, fits) -> Any:
    given_up = time.monotonic() + PATIENCE_S
    while True:
        found = [one for one in said(at, kind) if fits(one)]
        if found:
            return found[-1]
        logs = "\n".join(log.read_text()[-2000:] for log in at.folder.glob("worker-*.log"))
        assert time.monotonic() < given_up, logs
        time.sleep(0.2)


def put(at: Installation, records: list[Any]) -> None:
    with LogProducer(at.settings.kafka) as producer:
        for one in records:
            key = key_of("body-shop", one.asset)
            producer.send(
                named(at.settings.topic_prefix, Topic.QUALITY), key, encode(one),
                partition_of(key, at.settings.partitions),
            )  # fmt: skip
        producer.flush()


def made(cell: weld.Cell, settings: weld.Settings, count: int) -> list[Any]:
    pairs = list(records_of(cell.make(settings, count), settings, STEP_US, plant="body-shop"))
    return [one for pair in pairs for one in pair]


def files_of(folder: Path, records: list[Any]) -> tuple[Path, Path]:
    """The same parts and results as CSV files, with whoever worked there by name."""
    parts, results = folder / "parts.csv", folder / "results.csv"
    of = [one for one in records if hasattr(one, "settings")]
    with parts.open("w", newline="") as file:
        names = [f"set_{name}" for name in of[0].settings] + list(of[0].measured)
        table = csv.writer(file)
        table.writerow(["asset", "part", "product", "time", "lot", "operator", *names])
        for one in of:
            table.writerow([one.asset, one.part, one.product, when(one.time_us), one.lot, "Erika Mustermann",
                            *one.settings.values(), *one.measured.values()])  # fmt: skip
    with results.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["asset", "part", "defects", "found", "kind"])
        for one in records:
            if not hasattr(one, "settings"):
                table.writerow([one.asset, one.part, one.defects, when(one.found_us), one.kind])
    return parts, results


def when(time_us: int) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat()


def learned(at: Installation, folder: Path) -> None:
    ran(at, "model", "defects", ASSET, "--product", PRODUCT, "--out", str(folder), "--publish", "--promote",
        as_json=False)  # fmt: skip


def test_from_files_to_a_released_model_a_suggestion_its_acceptance_and_its_effect(cell, tmp_path):
    at, line = cell, weld.Cell(1)
    parts, results = files_of(tmp_path, [*made(line, WARMER, 2000), *made(line, weld.START, 3000)])
    assert ran(at, "quality", "parts", str(parts)) == {"parts": 5000, "operators": 1}
    assert ran(at, "quality", "results", str(results))["results"] == 5000
    topic = read(at.settings.kafka, named(at.settings.topic_prefix, Topic.QUALITY))
    assert not any(b"Erika" in (record.value or b"") for record in topic)
    at.worker_at_work()
    role = at.worker(program=("pipelines.cli", "tune"))
    time.sleep(2)
    assert said(at, Suggestion) == []  # there is no model yet
    learned(at, tmp_path / "models")
    first = until(at, Suggestion, lambda one: one.state is SuggestionState.OPEN)
    assert first.model.startswith("bracket-defects@")
    assert first.expected[0].after < first.expected[0].before
    ran(at, "suggestions", "accept", first.id, "--by", "anna")
    until(at, Suggestion, lambda one: one.id == first.id and one.state is SuggestionState.ACCEPTED)
    now = weld.START._replace(**{one.parameter: one.proposed for one in first.settings})
    put(at, made(line, now, 1000))
    effect = until(at, SuggestionEffect, lambda one: one.suggestion == first.id and one.after.parts >= 300)
    assert effect.before.parts == 3000
    assert effect.verdict in tuple(EffectVerdict)
    shown = ran(at, "suggestions", "list")
    assert shown["suggestions"][0]["id"]
    role.send_signal(signal.SIGTERM)
    assert role.wait(timeout=20) == 0


def test_a_suggestion_comes_within_two_seconds_of_the_result_that_makes_it_and_one_alone_is_open(cell, tmp_path):
    at, line = cell, weld.Cell(1)
    put(at, [*made(line, WARMER, 3000), *made(line, weld.START, 550)])
    at.worker_at_work()
    learned(at, tmp_path / "models")
    role = at.worker(program=("pipelines.cli", "tune"))
    time.sleep(5)
    assert said(at, Suggestion) == []  # 550 parts are less evidence than 600
    put(at, made(line, weld.START, 300))
    until(at, Suggestion, lambda one: one.state is SuggestionState.OPEN)
    results = times(at, Topic.QUALITY, QualityResult)
    enough = results[3599]  # the 600th at this setting
    assert times(at, Topic.SUGGESTIONS, Suggestion)[0] - enough <= 2000
    put(at, made(line, weld.START, 900))
    time.sleep(3)
    assert len({one.id for one in said(at, Suggestion)}) == 1
    assert role.poll() is None


def times(at: Installation, topic: Topic, kind: type) -> list[int]:
    """When records came to their topic, by the broker's clock in ms."""
    found = read(at.settings.kafka, named(at.settings.topic_prefix, topic))
    return [record.timestamp_ms for record in found if isinstance(decode(record.value or b""), kind)]


def test_the_kill_switch_withdraws_what_is_open_and_a_wish_past_a_rail_is_refused_by_its_name(cell, tmp_path):
    at, line = cell, weld.Cell(1)
    put(at, [*made(line, WARMER, 2000), *made(line, weld.START, 3000)])
    at.worker_at_work()
    learned(at, tmp_path / "models")
    at.worker(program=("pipelines.cli", "tune"))
    first = until(at, Suggestion, lambda one: one.state is SuggestionState.OPEN)
    one = first.settings[0]
    ran(at, "suggestions", "modify", first.id, "--set", f"{one.parameter}={one.now + 10 * (one.proposed - one.now)}")
    refused = until(at, SuggestionRefused, lambda each: each.suggestion == first.id)
    assert refused.rail in ("step", "bounds", "qualified-window")
    assert not [each for each in said(at, Suggestion) if each.state is not SuggestionState.OPEN]
    ran(at, "suggestions", "stop", "--why", "a new tool is tried")
    gone = until(at, Suggestion, lambda each: each.state is SuggestionState.WITHDRAWN)
    assert gone.ended == "suggestions are stopped"


def test_a_role_that_is_killed_goes_on_where_it_was_and_says_nothing_twice(cell, tmp_path):
    at, line = cell, weld.Cell(1)
    put(at, [*made(line, WARMER, 2000), *made(line, weld.START, 3000)])
    at.worker_at_work()
    learned(at, tmp_path / "models")
    first = at.worker(program=("pipelines.cli", "tune"))
    one = until(at, Suggestion, lambda each: each.state is SuggestionState.OPEN)
    first.kill()
    first.wait()
    at.worker(program=("pipelines.cli", "tune"))
    ran(at, "suggestions", "accept", one.id, "--by", "anna")
    until(at, Suggestion, lambda each: each.id == one.id and each.state is SuggestionState.ACCEPTED)
    assert [(each.id, each.revision) for each in said(at, Suggestion)] == [(one.id, 0), (one.id, 1)]
