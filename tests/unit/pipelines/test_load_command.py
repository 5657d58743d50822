"""`forewarn model load-forecast`: from a meter's CSV file to a model, or to what is wrong with the file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from models.energy.load import STEPS, forecast
from models.energy.wall import DAY_STEPS, STEP_US, Calendar
from models.figures.card import FigureCard
from models.figures.model import FigureModel
from models.inference import ModelError
from onnx_export import load_learn
from onnx_export.load import fitting
from pipelines.cli import app
from pipelines.cli.loading import Wanted, series_of

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
DAYS = 44


def file_of(folder: Path, days: int = DAYS, stamp: str = "%Y-%m-%dT%H:%M:%SZ", kw: str = "") -> Path:
    random = np.random.default_rng(1)
    lines = ["begin,load_kw,orders_t"]
    for at in range(days * DAY_STEPS):
        told = BEGIN + timedelta(minutes=15 * at)
        load = kw or f"{20 + 30 * (6 <= told.hour < 18) + random.normal(0, 2):.3f}"
        lines.append(f"{told.strftime(stamp)},{load},{told.day}")
    path = folder / "meter.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def wanted(path: Path, **changes) -> Wanted:
    asked = {"file": path, "time": "begin", "kw": "load_kw", "zone": "UTC", "holidays": (), "known": (),
             "out": path.parent, "name": "site"}  # fmt: skip
    return Wanted(**asked | changes)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch):
    """Few trees, of few rows."""
    recipe = load_learn.Recipe(trees=10, medians=1, every=96, share=0.2, share_later=0.05, folds=2)
    monkeypatch.setattr("onnx_export.load.fitting", lambda series, _recipe: fitting(series, recipe))


def test_a_csv_file_becomes_a_model_that_forecasts_72_h(tmp_path: Path, quick):
    path = file_of(tmp_path)
    words = ["--from", str(path), "--time", "begin", "--kw", "load_kw", "--known", "orders_t:t", "--holiday",
             "2025-01-01", "--out", str(tmp_path / "out"), "--name", "site", "--json"]  # fmt: skip
    done = CliRunner().invoke(app, ["model", "load-forecast", *words], catch_exceptions=False)
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["version"].startswith("site@") and told["scores"]["error_24h_kw"] < 10.0
    onnx = (tmp_path / "out" / "site.onnx").read_bytes()
    card = msgspec.json.decode((tmp_path / "out" / "site.json").read_bytes(), type=FigureCard)
    assert "--known orders_t:t" in card.command and card.trained_on.startswith("44 days of meter.csv")
    series = series_of(wanted(path, known=("orders_t:t",)))
    at = 40 * DAY_STEPS
    found = forecast(FigureModel(onnx, card), series.kw[:at], series.begin_us + at * STEP_US, Calendar())
    assert len(found.q50_kw) == STEPS and abs(found.q50_kw[12 * 4] - 50.0) < 15.0


def test_what_is_printed_names_the_file_and_how_far_it_is_off(tmp_path: Path, quick):
    path = file_of(tmp_path)
    words = ["--from", str(path), "--time", "begin", "--kw", "load_kw", "--out", str(tmp_path), "--name", "site"]
    done = CliRunner().invoke(app, ["model", "load-forecast", *words], catch_exceptions=False)
    assert "site.onnx: site@" in done.stdout and "24 h ahead: off by" in done.stdout


def test_times_without_a_zone_are_of_the_plants_wall(tmp_path: Path):
    path = file_of(tmp_path, days=2, stamp="%Y-%m-%d %H:%M")
    found = series_of(wanted(path, zone="Europe/Brussels"))
    assert found.begin_us == int(BEGIN.timestamp() - 3600) * 1_000_000 and len(found.kw) == 2 * DAY_STEPS


def test_rows_more_often_are_averaged_and_gaps_are_missing(tmp_path: Path):
    path = tmp_path / "often.csv"
    told = ("00:00Z,1", "00:05Z,3", "00:30Z,x", "00:45Z,7")
    path.write_text("\n".join(["begin,load_kw", *(f"2025-01-01T{one}" for one in told)]))
    assert np.array_equal(series_of(wanted(path)).kw, [2.0, np.nan, np.nan, 7.0], equal_nan=True)


def test_what_is_known_ahead_may_reach_further_than_the_load(tmp_path: Path):
    path = tmp_path / "ahead.csv"
    path.write_text("begin,load_kw,orders\n2025-01-01T00:00Z,1,5\n2025-01-01T00:15Z,,6\n")
    found = series_of(wanted(path, known=("orders:t",)))
    assert found.kw.tolist() == [1.0] and found.ahead["orders"].values.tolist() == [5.0, 6.0]


@pytest.mark.parametrize(
    ("change", "told"),
    [({"kw": "power"}, "no column power: it has begin, load_kw, orders_t"), ({"zone": "Mars"}, "--zone"),
     ({"holidays": ("1.1.2025",)}, "--holiday"), ({"known": ("orders_t",)}, "COLUMN:UNIT"),
     ({"time": "load_kw"}, "is no time"), ({"file": Path("nowhere.csv")}, "cannot be read")],
)  # fmt: skip
def test_what_is_wrong_is_told(tmp_path: Path, change: dict, told: str):
    with pytest.raises(ModelError, match=told):
        series_of(wanted(file_of(tmp_path, days=1), **change))


def test_a_column_without_a_number_is_told(tmp_path: Path):
    with pytest.raises(ModelError, match="has no number"):
        series_of(wanted(file_of(tmp_path, days=1, kw="-")))
