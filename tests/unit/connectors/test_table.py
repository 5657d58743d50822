"""CSV and Parquet files as feeds, by a map; the real bearing set where it is at hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from connectors.files import table
from connectors.files.table import MapError
from models.plant import parse
from models.records import Frame, Tick
from pipelines.driver import Driver
from pipelines.partition import Partition
from tests.kit.public import ROOT, public, why_not

EXAMPLE = ROOT / "infra" / "examples" / "bearings"
BEARINGS = public("ims_bearing", "merged_dataset_BearingTest_1.csv")

MAP = """
source = "s"
rows_per_frame = 2
[time]
column = "t"
unit = "s"
[assets.a]
x = { column = "X", scale = 10.0, offset = 1.0 }
[assets.b]
x = { column = "Y" }
"""


def files(folder: Path, data: dict, text: str = MAP) -> tuple[Path, table.Map]:
    (folder / "m.toml").write_text(text)
    pl.DataFrame(data).write_csv(folder / "d.csv")
    pl.DataFrame(data).write_parquet(folder / "d.parquet")
    return folder, table.read_map(folder / "m.toml")


@pytest.mark.parametrize("name", ["d.csv", "d.parquet"])
def test_columns_become_frames_with_ticks_before_them(tmp_path, name):
    folder, by = files(tmp_path, {"t": [1, 2, 3], "X": [0.5, None, 0.7], "Y": [1, 2, 3]})
    found = list(table.records(folder / name, by, "p"))
    assert [type(record) for record in found] == [Tick, Frame, Frame] * 2
    assert found[1] == Frame(
        plant="p", asset="a", source="s", times_us=[1_000_000, 2_000_000], signals={"x": [6.0, None]}
    )
    assert found[5].signals == {"x": [3.0]}
    assert table.count(folder / name) == 3


def test_a_file_that_is_not_sorted_by_time_is_refused(tmp_path):
    folder, by = files(tmp_path, {"t": [2, 1], "X": [1.0, 1.0], "Y": [1, 1]})
    with pytest.raises(MapError, match="sort the file"):
        list(table.records(folder / "d.csv", by, "p"))


def test_frames_that_span_too_long_are_refused(tmp_path):
    folder, by = files(tmp_path, {"t": [0, 601], "X": [1.0, 1.0], "Y": [1, 1]})
    with pytest.raises(MapError, match="rows_per_frame lower"):
        list(table.records(folder / "d.csv", by, "p"))


def test_a_column_that_is_not_there_is_named(tmp_path):
    folder, by = files(tmp_path, {"t": [0], "X": [1.0]})
    with pytest.raises(MapError, match="no columns \\['Y'\\]"):
        list(table.records(folder / "d.csv", by, "p"))


@pytest.mark.parametrize("name", ["nofile.csv", "nofile.parquet", "half.parquet"])
def test_a_file_that_cannot_be_read_is_an_error_that_names_it(tmp_path, name):
    (tmp_path / "half.parquet").write_bytes(b"PAR1")
    with pytest.raises(MapError, match=f"{name} cannot be read"):
        table.count(tmp_path / name)


def test_a_value_that_is_no_number_is_an_error_that_names_its_column(tmp_path):
    folder, by = files(tmp_path, {"t": [0], "X": ["warm"], "Y": [1]})
    with pytest.raises(MapError, match="'X'"):
        list(table.records(folder / "d.csv", by, "p"))


def test_a_map_that_is_not_there_is_an_error_that_names_an_example(tmp_path):
    with pytest.raises(MapError, match=r"no.toml cannot be read .*infra/examples/bearings/map.toml"):
        table.read_map(tmp_path / "no.toml")


def test_a_wrong_map_is_refused_with_its_place(tmp_path):
    with pytest.raises(MapError, match="months"):
        files(tmp_path, {"t": [0]}, MAP.replace('unit = "s"', 'unit = "months"'))
    with pytest.raises(MapError, match="colum"):
        files(tmp_path, {"t": [0]}, MAP.replace('column = "t"', 'colum = "t"'))


@pytest.mark.skipif(not BEARINGS.exists(), reason=why_not(BEARINGS))
def test_the_real_bearing_set_streams_through_a_partition():
    plant = parse((EXAMPLE / "plant.toml").read_text())
    by = table.read_map(EXAMPLE / "map.toml")
    partition = Partition(plant, {})
    Driver([partition]).run(table.records(BEARINGS, by, plant.plant))
    ledger = partition.ledger
    assert (ledger.rows_read, ledger.rows_stored, ledger.values_stored) == (4 * 2156, 4 * 2156, 8 * 2156)
    assert ledger.rows_late == 0
