"""`forewarn model compare --from`: a history in files scored by two models and compared, without servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pipelines.backfill.results import WHOLE
from tests.kit import tiny

ROOT = Path(__file__).parents[3]
HOURS = 8
CHAMPION, CANDIDATE = tiny.hazard(), tiny.hazard(slope=0.5)
FAILED_US = tiny.ROWS_BEGIN_US + 6 * 3600 * 10**6


@pytest.fixture
def place(tmp_path) -> Path:
    tiny.write(tmp_path)
    (tmp_path / "candidates").mkdir()
    other = tmp_path / "candidates" / "other"
    other.with_suffix(".onnx").write_bytes(tiny.graph(len(CANDIDATE.spec.names), 0, 0.5))
    other.with_suffix(".json").write_bytes(msgspec.json.encode(CANDIDATE.card))
    (tmp_path / "plant.toml").write_text(tiny.PLANT_TOML)
    rows = [
        f"pump-0{pump},{tiny.ROWS_BEGIN_US + s * 10**6},{5 + s % 7 / 10},{60 + s % 11}"
        for pump in (1, 2)
        for s in range(0, HOURS * 3600, 20)
    ]
    (tmp_path / "rows.csv").write_text("asset,time_us,pressure_bar,temp_degc\n" + "\n".join(rows))
    (tmp_path / "events.csv").write_text(f"asset,time,action,mode\npump-01,{FAILED_US},failed,bearing-wear\n")
    return tmp_path


def compare(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command over the files; nothing is at Kafka's address."""
    span = ("--from", "2026-01-01T04:00", "--to", "2026-01-02", "--source", "csv", "--files", str(place / "rows.csv"))
    options = (*span, "--events", str(place / "events.csv"), "--out", str(place / "runs"), "--json")
    environ = {
        "FOREWARN_PLANT": str(place / "plant.toml"), "FOREWARN_MODELS": str(place), "FOREWARN_KAFKA": "127.0.0.1:1",
        "FOREWARN_INFLUX_URL": "http://127.0.0.1:1", "FOREWARN_CACHE": str(place / "cache"), "COLUMNS": "200",
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "model", "compare", *options, *arguments],
        cwd=ROOT, env=os.environ | environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_history_is_scored_by_both_and_compared_and_resuming_scores_nothing_again(place):
    both = ("--champion", CHAMPION.card.version, "--candidate", CANDIDATE.card.version)
    ran = compare(place, *both)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["champion"], told["candidate"], told["machines"]) == (both[1], both[3], 2)
    champion, candidate = (told["sides"][version] for version in (both[1], both[3]))
    assert champion["failures"] == candidate["failures"] == 1
    assert champion["known"] == candidate["known"] > 100
    assert champion["expected"] > candidate["expected"]
    assert told["verdict"]["reason"] == "too-short"
    runs = sorted((place / "runs").glob(f"*/{WHOLE}"))
    assert len(runs) == 2
    parts = {part: part.stat().st_mtime_ns for part in (place / "runs").glob("*/lane-*/forecasts-*")}
    again = compare(place, *both, "--resume")
    alike = ("machines", "both", "days", "lead_gained_h")
    assert [json.loads(again.stdout)[name] for name in alike] == [told[name] for name in alike], again.stderr
    assert parts == {part: part.stat().st_mtime_ns for part in parts}


def test_a_candidate_that_is_nowhere_is_an_error_that_says_where_was_looked(place):
    ran = compare(place, "--champion", CHAMPION.card.version, "--candidate", "tiny@0123456789ab")
    assert ran.returncode == 1 and not ran.stdout
    assert "tiny@0123456789ab" in ran.stderr and "forewarn model releases" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_is_not_given_is_asked_of_kafka_which_is_told_where_it_is_away(place):
    ran = compare(place, "--champion", CHAMPION.card.version)
    assert ran.returncode == 1 and "127.0.0.1:1" in ran.stderr and "Traceback" not in ran.stderr
