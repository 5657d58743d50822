"""Stretches of files: every row once and in order, however files are cut and wherever one begins."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.files import history as of_files
from connectors.files import marks, staged
from connectors.files.shape import Shape
from tests.unit.connectors.files.history_kit import ASSETS, BEGIN_US, END_US, MINUTE_US, at, history, rows_of, stretches

ROW = st.tuples(
    st.sampled_from(ASSETS),
    st.integers(0, 40).map(lambda halves: at(halves / 2)),
    st.one_of(st.none(), st.integers(-5, 5).map(float)),
)
FILES = st.lists(st.tuples(st.lists(ROW, max_size=12), st.booleans(), st.booleans()), min_size=1, max_size=4)


def written(folder: Path, files) -> list[tuple]:
    """Files of rows, as CSV or Parquet, sorted by time or not; all their rows."""
    for number, (rows, is_parquet, is_sorted) in enumerate(files):
        made = pl.DataFrame(
            rows, schema={"asset": pl.String, "time_us": pl.Int64, "temp_degc": pl.Float64}, orient="row"
        )
        made = made.sort("time_us", maintain_order=True) if is_sorted else made
        if is_parquet:
            made.write_parquet(folder / f"{number}.parquet", row_group_size=3)
        else:
            made.write_csv(folder / f"{number}.csv")
    return [row for rows, _, _ in files for row in rows]


def given_by(found) -> list[tuple]:
    return [
        row
        for each in found
        for table in each.tables.values()
        for row in table.select("asset", "time_us", "temp_degc").rows()
    ]


def order(row: tuple) -> tuple:
    return row[1], row[0], -99.0 if row[2] is None else row[2]


@pytest.fixture
def small_steps(monkeypatch):
    """A mark at each second row, runs of some rows, and no more than two files or runs at once."""
    monkeypatch.setattr(marks, "STEP", 2)
    monkeypatch.setattr(marks, "ROWS_A_READ", 6)
    monkeypatch.setattr(staged, "RUN_BYTES", 100)
    monkeypatch.setattr(staged, "CELLS_A_READ", 20)
    monkeypatch.setattr(staged, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(of_files, "MOST_AT_ONCE", 2)


@pytest.mark.usefixtures("small_steps")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES, rows=st.integers(1, 30))
def test_every_row_is_given_once_in_order_of_time(files, rows):
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        expected = written(folder, files)
        found = stretches(history(folder, "[0-9].*"), rows)
        assert sorted(given_by(found), key=order) == sorted(expected, key=order)
        begin_us = 0
        for each in found:
            assert each.until_us % MINUTE_US == 0
            for table in each.tables.values():
                assert table["time_us"].is_between(begin_us, each.until_us, closed="left").all()
                assert table.select("asset", "time_us").rows() == sorted(table.select("asset", "time_us").rows())
            begin_us = each.until_us
        assert begin_us == END_US


@pytest.mark.usefixtures("small_steps")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES, rows=st.integers(1, 10), after=st.integers(0, 8))
def test_what_begins_at_the_end_of_a_stretch_gives_the_same_rest(files, rows, after):
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        written(folder, files)
        whole = stretches(history(folder, "[0-9].*"), rows)
        place = min(after, len(whole) - 1)
        rest = stretches(history(folder, "[0-9].*"), rows, from_us=whole[place].until_us)
        expected = whole[place + 1 :]
        assert given_by(rest) == given_by(expected)
        if expected:
            assert [each.until_us for each in rest] == [each.until_us for each in expected]


def test_stretches_have_about_as_many_rows_as_were_asked_for(tmp_path):
    made = pl.DataFrame(
        {"asset": ["pump-1"] * 1000, "time_us": [at(m) for m in range(1000)], "temp_degc": [1.0] * 1000}
    )
    made.write_parquet(tmp_path / "a.parquet")
    found = stretches(history(tmp_path, "*.parquet"), 100)
    assert [len(each.tables["pump"]) for each in found] == [100] * 10


def test_rows_of_other_times_and_assets_are_left_out(tmp_path):
    made = pl.DataFrame(
        {"asset": ["pump-1", "pump-2"] * 5, "time_us": [at(m) for m in range(10)], "temp_degc": [1.0] * 10}
    )
    made.write_parquet(tmp_path / "a.parquet")
    made.write_csv(tmp_path / "b.csv")
    for name in ("a.parquet", "b.csv"):
        found = stretches(history(tmp_path, name), assets=["pump-1"], from_us=at(2), to_us=at(8))
        assert [(row["asset"], row["minute"]) for row in rows_of(found)] == [("pump-1", m) for m in (2.0, 4.0, 6.0)]
        assert found[-1].until_us == at(8)


def test_a_stage_is_made_once_and_found_again(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"asset,time_us,temp_degc\npump-1,{at(0)},1\n")
    told: list[tuple[int, int]] = []
    for _ in range(2):
        of = history(tmp_path, progress=lambda done, of: told.append((done, of)))
        assert rows_of(stretches(of)) == [{"asset": "pump-1", "minute": 0.0, "temp_degc": 1.0}]
    size = path.stat().st_size
    assert told == [(size, size)]


def test_a_stage_without_its_marker_is_made_anew(tmp_path):
    (tmp_path / "a.csv").write_text(f"asset,time_us,temp_degc\npump-1,{at(0)},1\n")
    stretches(history(tmp_path))
    (marker,) = (tmp_path / "work").glob("*/done.json")
    marker.unlink()
    told: list[int] = []
    assert len(rows_of(stretches(history(tmp_path, progress=lambda done, _: told.append(done))))) == 1
    assert told


@pytest.mark.parametrize("change", ["file", "tags"])
def test_a_stage_of_other_files_or_tags_is_another(tmp_path, change):
    path = tmp_path / "a.csv"
    path.write_text(f"asset,time_us,temp_degc\npump-1,{at(0)},1\n")
    stretches(history(tmp_path))
    if change == "file":
        path.write_text(f"asset,time_us,temp_degc\npump-1,{at(0)},1\npump-1,{at(1)},2\n")
    tags = '[[tags]]\naddress = "a"\nasset = "fan-1"\nsignal = "temp_degc"\n' if change == "tags" else ""
    stretches(history(tmp_path, tags=tags))
    assert sum(each.is_dir() for each in (tmp_path / "work").iterdir()) == 2


def test_what_there_is_is_found_before_a_stage_as_far_as_can_be(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"asset,time_us,temp_degc\npump-1,{at(3)},1\npump-1,{at(0)},1\n")
    of = history(tmp_path)
    found = of.found(0, END_US)
    assert (found.rows, found.size, found.first_us, found.parts) == (None, path.stat().st_size, None, 1)
    of.stage()
    found = of.found(0, END_US)
    assert (found.rows, found.first_us, found.last_us) == (2, at(0), at(3))
    assert of.found(BEGIN_US, at(2)).rows == 1


def test_stretches_of_wide_files_are_short_enough_for_all_their_assets(tmp_path):
    tags = "".join(f'[[tags]]\naddress = "{one}"\nasset = "{one}"\nsignal = "temp_degc"\n' for one in ASSETS)
    made = pl.DataFrame({"time": [at(m) for m in range(100)]} | {asset: [1.0] * 100 for asset in ASSETS})
    made.write_parquet(tmp_path / "a.parquet")
    found = stretches(history(tmp_path, "*.parquet", tags=tags, shape=Shape(form="wide")), 60)
    assert [sum(map(len, each.tables.values())) for each in found] == [60] * 5


@pytest.mark.usefixtures("small_steps")
def test_runs_that_overlap_are_merged_until_few_do(tmp_path):
    for number in range(9):
        made = pl.DataFrame({"asset": ["pump-1"] * 20, "time_us": [at(m) for m in range(20)], "temp_degc": [1.0] * 20})
        made.write_csv(tmp_path / f"{number}.csv")
    found = stretches(history(tmp_path, "*.csv"), 30)
    assert sum(len(each.tables["pump"]) for each in found) == 180
    (folder,) = (each for each in (tmp_path / "work").iterdir() if each.is_dir())
    stage = staged.found(folder)
    assert stage is not None
    assert marks.depths([run.first_us for run in stage.runs], [run.last_us for run in stage.runs]).max() <= 2
    assert {path.name for path in folder.glob("*.parquet")} == {run.name for run in stage.runs}


def test_a_stage_of_which_a_run_is_cut_off_is_made_anew(tmp_path):
    (tmp_path / "a.csv").write_text(f"asset,time_us,temp_degc\npump-1,{at(0)},1\n")
    stretches(history(tmp_path))
    (run,) = (tmp_path / "work").glob("*/*.parquet")
    run.write_bytes(run.read_bytes()[:-10])
    assert len(rows_of(stretches(history(tmp_path)))) == 1


def test_sorted_files_of_the_same_times_are_read_as_they_are_only_where_they_are_few(tmp_path):
    for number in range(of_files.MOST_AT_ONCE + 1):
        made = pl.DataFrame({"asset": ["pump-1"], "time_us": [at(0)], "temp_degc": [float(number)]})
        made.write_parquet(tmp_path / f"{number}.parquet")
    assert len(rows_of(stretches(history(tmp_path, "[1-9].parquet")))) == of_files.MOST_AT_ONCE
    assert not (tmp_path / "work").exists()
    assert len(rows_of(stretches(history(tmp_path, "*.parquet")))) == of_files.MOST_AT_ONCE + 1
    assert (tmp_path / "work").exists()
