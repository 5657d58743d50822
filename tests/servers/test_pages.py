"""A warning's page, a month's value and a week's figures on real servers, by the command line alone."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time

import pytest

from models.records import Frame, Maintenance, MaintenanceAction, Tick
from pipelines.cli import environment
from pipelines.cli.spans import week_of
from tests.kit import tiny
from tests.kit.installation import ROOT, Installation
from tests.kit.streams import MINUTE_US, START_US

pytestmark = pytest.mark.servers
PLANT = (
    tiny.PLANT_TOML.replace('plant = "tiny"\n', 'plant = "tiny"\ncurrency = "EUR"\n')
    .replace("[assets.lathe-01]\n", '[assets.lathe-01]\ndowntime_cost_per_h = 900\nfunctional_location = "L-01"\n')
    .replace("[types.lathe.operating]", '[types.lathe.care.any]\nfirst_check = "feel it"\n[types.lathe.operating]')
)


def forewarn(installation: Installation, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments],
        cwd=ROOT, env=environment(installation.settings) | {"COLUMNS": "160"}, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert not done.returncode, done.stderr + done.stdout + installation.told()
    return done.stdout


def hot(minutes: int) -> list[Frame | Tick]:
    """A lathe over its limit, minute by minute."""
    out: list[Frame | Tick] = []
    for at in range(minutes):
        time_us = START_US + at * MINUTE_US
        signals: dict = {"pressure_bar": [5.0], "temp_degc": [75.0], "mode": ["auto"]}
        out.append(Frame(plant="tiny", asset="lathe-01", source="t", times_us=[time_us + 1], signals=signals))
        out.append(Tick(plant="tiny", time_us=time_us + MINUTE_US))
    return out


def test_a_warning_has_its_page_and_once_it_is_closed_its_value_and_its_week(servers, tmp_path):
    with Installation(tmp_path, "18") as installation:
        (installation.folder / "plant.toml").write_text(PLANT)
        worker = installation.worker()
        installation.send(hot(60))
        installation.finish()
        (opened,) = json.loads(forewarn(installation, "alerts", "list", "--json"))
        named, by = opened["id"][:8], ("--by", "kim")
        file = tmp_path / "page.html"
        forewarn(installation, "alerts", "page", named, "--to", str(file))
        text = forewarn(installation, "alerts", "page", named, "--text")
        forewarn(installation, "alerts", "move", named, "acknowledge", *by)
        close = ("close", "--outcome", "found-and-repaired", "--found", "worn lip")
        forewarn(installation, "alerts", "move", named, *close, *by)
        now_us = time.time_ns() // 1000
        failed = Maintenance(plant="tiny", asset="fan-01", time_us=now_us, action=MaintenanceAction.FAILED, mode="belt")
        installation.send([failed])
        installation.finish()
        month = time.strftime("%Y-%m", time.gmtime(now_us // 1_000_000))
        asked = ("--month", month, "--hours", "10", "--csv", str(tmp_path / "value.csv"), "--json")
        value = json.loads(forewarn(installation, "value", *asked))
        week = json.loads(forewarn(installation, "alerts", "kpis", "--week", week_of(now_us, "UTC").name, "--json"))
        installation.stop(worker)

    page = file.read_text()
    assert page.count("<svg") == 1
    assert "temp_degc" in page
    for told in ("Functional location: L-01.", "First check: feel it.", "of all rows, standing included", "NE 107"):
        assert told in text
    assert "75" in next(line for line in text.splitlines() if "temp_degc" in line and "first day" not in line)
    entries = [(one["kind"], one["asset"], one["mode"], one["amount"]) for one in value["entries"]]
    assert entries == [
        ("missed failure", "fan-01", "belt", None),
        ("confirmed save", "lathe-01", opened["mode"], 9000.0),
    ]
    rows = list(csv.DictReader((tmp_path / "value.csv").read_text("utf-8-sig").splitlines()))
    assert [(row["asset"], row["closed_by"], row["found"]) for row in rows] == [
        ("fan-01", "", ""), ("lathe-01", "kim", "worn lip"),
    ]  # fmt: skip
    (kim,) = week["engineers"]
    assert (kim["engineer"], kim["standing"], kim["inspected"], kim["found"]) == ("kim", 0, 1, 1)
