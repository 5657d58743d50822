"""Actions on real servers: commands list, acknowledge and close a warning, and InfluxDB has it as it was moved."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from models.records import Frame, Tick
from pipelines.cli import environment
from pipelines.told import ALERTS
from tests.kit.installation import ROOT, Installation
from tests.kit.streams import MINUTE_US, START_US

pytestmark = pytest.mark.servers


def forewarn(installation: Installation, *arguments: str, fails: bool = False) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "alerts", *arguments],
        cwd=ROOT, env=environment(installation.settings), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert bool(done.returncode) == fails, done.stderr + done.stdout + installation.told()
    return done.stderr if fails else done.stdout


def hot(first: int, last: int) -> list[Frame | Tick]:
    """A lathe over its limit, minute by minute."""
    out: list[Frame | Tick] = []
    for at in range(first, last):
        time_us = START_US + at * MINUTE_US
        signals: dict = {"pressure_bar": [5.0], "temp_degc": [75.0], "mode": ["auto"]}
        out.append(Frame(plant="tiny", asset="lathe-01", source="t", times_us=[time_us + 1], signals=signals))
        out.append(Tick(plant="tiny", time_us=time_us + MINUTE_US))
    return out


def test_a_warning_is_acknowledged_assigned_and_closed_and_the_store_has_each_move(servers, tmp_path):
    with Installation(tmp_path, "18") as installation:
        worker = installation.worker()
        installation.send(hot(0, 60))
        installation.finish()
        (opened,) = json.loads(forewarn(installation, "list", "--json"))
        named, by = opened["id"][:8], ("--by", "kim")
        forewarn(installation, "move", named, "acknowledge", *by)
        forewarn(installation, "move", named, "assign", "--to", "lee", *by)
        installation.finish()
        again = forewarn(installation, "move", named, "acknowledge", *by)
        refused = forewarn(installation, "move", named, "close", *by, fails=True)
        forewarn(installation, "move", named, "close", "--outcome", "inspected-and-nothing-found", *by)
        installation.finish()
        left = json.loads(forewarn(installation, "list", "--json"))
        (closed,) = json.loads(forewarn(installation, "list", "--all", "--json"))
        made_again = json.loads(forewarn(installation, "explain", named, "--json"))
        rows = installation.stored(ALERTS)
        installation.stop(worker)
    assert (opened["state"], opened["by"], left) == ("unacknowledged", "", [])
    assert "so already" in again and "what became of it" in refused
    assert (closed["state"], closed["assigned"], closed["outcome"]["reason"], closed["outcome"]["by"]) == (
        "closed", "lee", "inspected-and-nothing-found", "kim",
    )  # fmt: skip
    assert {one["matches"] for one in made_again["checks"]} == {True} and made_again["record"].isdigit()
    told = rows.sort("revision").select("reason", "state", "by").rows()
    assert told[-3:] == [
        ("acknowledged", "acknowledged", "kim"), ("assigned", "acknowledged", "kim"), ("closed", "closed", "kim"),
    ]  # fmt: skip
