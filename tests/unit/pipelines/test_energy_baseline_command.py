"""`forewarn energy baseline`: the model, its validity, savings, the chart; what is said of files that do not fit."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.cli.energy_baseline import Asked, EnergyError, find, lines
from pipelines.cli.planning import baseline_of


@pytest.fixture
def months(tmp_path):
    """Twelve months of a plant as it was and six after a tenth was saved."""
    random = np.random.default_rng(1)
    units, cold = random.uniform(800, 1600, 18), random.uniform(0, 400, 18)
    kwh = (5000 + 12 * units + 9 * cold + random.normal(0, 150, 18)) * np.where(np.arange(18) < 12, 1.0, 0.9)
    file = tmp_path / "months.csv"
    names = [f"month {at}" for at in range(18)]
    pl.DataFrame({"month": names, "kwh": kwh, "units": units, "cold": cold}).write_csv(file)
    return file


def ran(*arguments: object):
    return CliRunner().invoke(app, ["energy", "baseline", *map(str, arguments)], env={"COLUMNS": "200"})


def test_the_saving_of_a_tenth_after_twelve_months_is_found_with_its_interval(months):
    found = find(Asked(months, "kwh", ("units", "cold"), 12))
    assert found.saving.is_valid and found.saving.share == pytest.approx(0.1, abs=0.01)
    assert found.saving.low < found.saving.share < found.saving.high


def test_people_read_the_model_its_rules_and_the_saving(months):
    said = ran("--from", months, "--energy", "kwh", "--driver", "units", "--driver", "cold", "--baseline-rows", 12)
    assert said.exit_code == 0
    for part in ("units", "valid by the rules of EnPI Lite", "monthly limits kept", "saved in the rows after: "):
        assert part in said.output


def test_machines_read_json_with_the_cusum_of_every_row(months):
    said = json.loads(ran("--from", months, "--energy", "kwh", "--driver", "units", "--json").output)
    assert len(said["cusum_kwh"]) == 18 and said["saving"] is None
    assert said["cusum_kwh"][-1] == pytest.approx(0.0, abs=1e-6)


def test_the_indicator_of_a_tenth_saved_is_a_tenth_under_what_is_expected(months):
    found = find(Asked(months, "kwh", ("units", "cold"), 12, per="units"))
    (_, before), (_, after) = found.indicators
    assert (before.ratio, after.ratio) == (pytest.approx(1.0, abs=0.01), pytest.approx(0.9, abs=0.01))
    assert sum(line.startswith("EnPI of") for line in lines(found)) == 2


def test_a_baseline_is_kept_in_a_file_that_reads_back(months, tmp_path):
    kept = tmp_path / "baseline.json"
    assert ran("--from", months, "--energy", "kwh", "--driver", "units", "--out", kept).exit_code == 0
    assert baseline_of(kept).terms[0].driver == "units"


def test_a_baseline_that_breaks_a_rule_is_told_as_not_to_be_used(months, tmp_path):
    table = pl.read_csv(months).with_columns(kwh=pl.Series(9000.0 + np.arange(18) % 2))
    table.write_csv(tmp_path / "noise.csv")
    told = lines(find(Asked(tmp_path / "noise.csv", "kwh", ("units",), 12)))
    assert any(line.startswith("not to be used: it breaks f-test") for line in told)
    assert told[-1].startswith("no saving is claimed of the rows after")


def test_the_chart_is_drawn_the_same_each_time(months, tmp_path):
    files = [tmp_path / f"{at}.svg" for at in range(2)]
    for file in files:
        ran("--from", months, "--energy", "kwh", "--driver", "units", "--baseline-rows", 12, "--chart", file)
    assert "kWh over the baseline" in files[0].read_text() and files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("energy", "drivers", "rows", "said"),
    [
        ("kWh", ("units",), None, "has no column kWh: it has month, kwh, units, cold"),
        ("kwh", ("month",), None, "month is not of numbers only"),
        ("kwh", ("units", "units"), None, "named twice"),
        ("kwh", ("units",), 3, "no baseline can be made of 3 rows: 3 rows for 1 drivers"),
    ],
)
def test_what_is_wrong_with_columns_is_said(months, energy, drivers, rows, said):
    with pytest.raises(EnergyError, match=said):
        find(Asked(months, energy, drivers, rows))


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(EnergyError, match="cannot be read as CSV"):
        find(Asked(tmp_path / "none.csv", "kwh", ("units",)))


def test_a_chart_of_an_unknown_kind_is_said_before_anything_is_read(tmp_path):
    said = ran("--from", "none.csv", "--energy", "a", "--driver", "b", "--chart", tmp_path / "c.gif")
    assert isinstance(said.exception, EnergyError) and ".svg or .png" in str(said.exception)
