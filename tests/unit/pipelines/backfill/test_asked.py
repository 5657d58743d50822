"""What a user may get wrong in asking for a backfill: one line that says what to do, and exit status 1 or 2."""

from __future__ import annotations

import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.cli.faults import told
from tests.kit import tiny

CSV = ("--source", "csv", "--files", "rows.csv")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A plant, its model and a file; no server answers."""
    tiny.write(tmp_path)
    (tmp_path / "plant.toml").write_text(tiny.PLANT_TOML)
    (tmp_path / "rows.csv").write_text("asset,time,temp_degc\npump-01,2026-01-01T00:00:00Z,60\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOREWARN_PLANT", "plant.toml")
    monkeypatch.setenv("FOREWARN_MODELS", str(tmp_path))
    monkeypatch.setenv("FOREWARN_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("FOREWARN_INFLUX_URL", "http://127.0.0.1:1")
    return tmp_path


def line(*arguments: str, begin: str = "2026-01-01", to: str = "2026-01-02") -> str:
    """What the command says went wrong."""
    done = CliRunner().invoke(app, ["backfill", "--from", begin, "--to", to, *arguments])
    assert done.exception is not None
    said = told(done.exception)
    assert said is not None, repr(done.exception)
    assert "\n" not in said
    return said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--source", "influx"), "InfluxDB at http://127.0.0.1:1 does not answer"),
        (("--source", "kafka"), "start one with `forewarn up` or set FOREWARN_KAFKA"),
        (("--source", "oracle"), "use one of influx, parquet, csv, kafka"),
        (("--source", "csv"), "give --files 'history/**/*.csv'"),
        (("--source", "csv", "--files", "none-*.csv"), "no file matches 'none-*.csv'"),
        ((*CSV, "--shape", "none.toml"), "none.toml cannot be read"),
        ((*CSV, "--events", "none.csv"), "none.csv cannot be read"),
        ((*CSV, "--asset", "zebra-*"), "--asset zebra-* is none of the plant file's assets, which are fan-01, gear-01"),
        ((*CSV, "--asset", "fan-*"), "no type of these assets has a model"),
        ((*CSV, "--to", "mars"), "--to mars: use one or more of parquet, influx, topics"),
        ((*CSV, "--what", "dreams"), "--what dreams: use one or more of ingest, forecasts, alerts, features"),
        ((*CSV, "--what", "plans"), "nothing makes plans yet"),
        ((*CSV, "--model", "tiny@ffff"), "--model tiny@ffff: {place} has tiny.health@"),
        ((*CSV, "--model", "other@ffff"), "no asset type has a model 'other'; they have tiny"),
        ((*CSV, "--to", "topics"), "start one with `forewarn up` or set FOREWARN_KAFKA"),
        ((*CSV, "--to", "influx"), "no InfluxDB at http://127.0.0.1:1"),
        ((*CSV, "--as-of"), "start one with `forewarn up` or set FOREWARN_KAFKA"),
    ],
    ids=lambda given: "-".join(given).replace("--", "") if isinstance(given, tuple) else "",
)
def test_what_is_wrong_is_one_line_that_says_what_to_do(place, arguments, says):
    assert says.format(place=place) in line(*arguments)


@pytest.mark.parametrize(
    ("begin", "to", "says"),
    [
        ("yesterday", "2026-01-02", "--from yesterday is no time: write 2026-01-31"),
        ("2026-01-01", "influx", "give one --to with the time at which to end"),
        ("2026-01-01", "2026-01-01", "--to 2026-01-01 is not after --from 2026-01-01"),
    ],
)
def test_times_that_are_none_say_how_to_write_them(place, begin, to, says):
    assert says in line(*CSV, begin=begin, to=to)


def test_a_span_of_which_files_have_nothing_is_told_before_it_starts(place):
    (place / "rows.csv").unlink()
    pl.DataFrame({"asset": ["pump-01"], "time": [tiny.ROWS_BEGIN_US], "temp_degc": [60.0]}).write_parquet("a.parquet")
    said = line("--source", "parquet", "--files", "*.parquet", begin="2024-01-01", to="2024-01-02")
    assert said == ("*.parquet has no rows from 1970-01-01 00:00 to 2024-01-02 00:00 UTC: are times and source right?")


def test_a_model_that_is_not_there_is_told(place):
    (place / "tiny.onnx").unlink()
    assert "set FOREWARN_MODELS" in line(*CSV)


def test_two_ways_to_choose_models_are_one_too_many(place):
    done = CliRunner().invoke(
        app, ["backfill", "--from", "2026-01-01", "--to", "2026-01-02", *CSV, "--model", "a", "--as-of"]
    )
    assert done.exit_code == 2
    assert "exclude one another" in done.output


def test_a_plan_alone_starts_nothing_and_needs_no_server(place):
    done = CliRunner().invoke(app, ["backfill", "--from", "2026-01-01", "--to", "2026-01-02", *CSV, "--dry-run"])
    assert done.exit_code == 0
    assert not (place / "build").exists()
