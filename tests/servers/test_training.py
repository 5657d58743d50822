"""`forewarn model train --influx` on a real InfluxDB 2.7: history in, model out, the same bytes as of files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from models.failure.hazard import Hazard
from pipelines.cli import environment
from pipelines.cli.training import newest
from tests.kit import labelled
from tests.kit.installation import ROOT, Installation

pytestmark = pytest.mark.servers

PLANT = labelled.PLANT_TOML + "".join(f'[assets.press-{n:02}]\ntype = "press"\n' for n in range(6))
SPAN = ("--from", "2025-01-01", "--to", "2025-04-01", "--every", "120")


@pytest.fixture
def plant(servers, tmp_path: Path) -> Iterator[Installation]:
    """A plant whose history is in files, and nowhere else yet."""
    told = labelled.history()
    told.rows.write_parquet(tmp_path / "rows.parquet")
    told.events.write_csv(tmp_path / "events.csv")
    with Installation(tmp_path, plant=PLANT) as installation:
        yield installation


def forewarn(plant: Installation, *arguments: str) -> None:
    """Run a command to its end."""
    command = [sys.executable, "-m", "pipelines.cli", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(plant.settings), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def of_files(plant: Installation, folder: Path, out: Path, *what: str) -> None:
    """Run a backfill of the files."""
    files = ("--source", "parquet", "--files", str(folder / "rows.parquet"), "--events", str(folder / "events.csv"))
    forewarn(plant, "backfill", *SPAN, *files, "--out", str(out), *what)


def trained(plant: Installation, out: Path, *data: str) -> tuple[bytes, dict]:
    """The ONNX file, and what its card says but for the command that made it; it has the hash of past cases."""
    into = ("--type", "press", "--out", str(out), "--runs", str(out / "runs"), "--trees", "20")
    forewarn(plant, "model", "train", *data, *into)
    onnx, card, cases = ((out / f"press.{kind}").read_bytes() for kind in ("onnx", "json", "cases.json"))
    Hazard.load(onnx, card, cases)
    return onnx, {name: said for name, said in msgspec.json.decode(card).items() if name != "command"}


def test_history_in_influxdb_gives_the_model_that_the_same_history_in_files_gives(plant, tmp_path) -> None:
    stored, rows = tmp_path / "stored", tmp_path / "rows"
    of_files(plant, tmp_path, tmp_path / "ingested", "--what", "ingest", "--to", "influx")
    of_influx = trained(plant, stored, "--influx", *SPAN)
    spec = str(stored / "press.spec.json")
    of_files(plant, tmp_path, rows, "--what", "features", "--spec", spec)
    assert of_influx[1]["failures"] > 15
    assert trained(plant, tmp_path / "read", str(newest(rows)), "--spec", spec) == of_influx
