"""Baselines on real servers: a worker tells them, people propose another from InfluxDB, and approve it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from models.records import Frame, Tick
from pipelines.cli import environment
from tests.kit.installation import ROOT, Installation
from tests.kit.streams import MINUTE_US, START_US

pytestmark = pytest.mark.servers

OF = ("--asset", "lathe-01", "--rule", "leaves its usual")


def forewarn(installation: Installation, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "baseline", *arguments],
        cwd=ROOT, env=environment(installation.settings), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr + done.stdout + installation.told()
    return done.stdout


def day() -> list[Frame | Tick]:
    """A lathe that runs for 26 h and says so every 5 minutes."""
    out: list[Frame | Tick] = []
    for at in range(26 * 12):
        time_us = START_US + at * 5 * MINUTE_US
        signals: dict = {"pressure_bar": [5.0 + at % 2 / 10], "temp_degc": [60.0], "mode": ["auto"]}
        out.append(Frame(plant="tiny", asset="lathe-01", source="t", times_us=[time_us + 1], signals=signals))
        out.append(Tick(plant="tiny", time_us=time_us + MINUTE_US))
    return out


def test_a_baseline_is_told_proposed_from_the_store_and_approved(servers, tmp_path):
    file = tmp_path / "baselines.json"
    with Installation(tmp_path, "18") as installation:
        worker = installation.worker()
        installation.send(day())
        installation.finish()
        (own,) = json.loads(forewarn(installation, "list", "--json"))
        span = ("--from", "2026-01-01T02:00Z", "--to", "2026-01-01T20:00Z")
        (made,) = json.loads(forewarn(installation, "propose", *OF, *span, "--file", str(file), "--json"))
        forewarn(installation, "approve", str(file), "--by", "Ann")
        installation.finish()
        (now,) = json.loads(forewarn(installation, "list", "--json"))
        installation.stop(worker)
    assert (own["number"], own["origin"], own["approved_by"]) == (1, "recent-quiet-time", "")
    assert (made["number"], made["minutes"], made["mean"]) == (0, 18 * 12, pytest.approx(5.05))
    assert (now["number"], now["origin"], now["approved_by"], now["confidence"]) == (2, "chosen", "Ann", "high")
    assert now["mean"] == made["mean"]
