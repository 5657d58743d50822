"""The three forms of files, in CSV and Parquet, as tables by asset type."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from connectors.files.shape import Columns, Shape, read_shape
from tests.unit.connectors.files.history_kit import (
    END_US,
    at,
    history,
    iso,
    letters_of,
    rows_of,
    stretches,
    write,
)

EXAMPLES = Path(__file__).parents[4] / "infra" / "examples" / "history"
ROWS = [
    {"asset": "fan-1", "minute": 1.0, "temp_degc": 30.0},
    {"asset": "pump-1", "minute": 0.0, "pressure_bar": 5.5, "is_running": True, "mode": "auto"},
    {"asset": "pump-1", "minute": 2.0, "temp_degc": 41.0, "is_running": False, "mode": "3"},
]


def test_rows_are_tables_by_asset_type(tmp_path):
    write(
        tmp_path / "a.csv",
        "asset,time_us,pressure_bar,temp_degc,is_running,mode\n"
        f"pump-1,{at(2)},,41,0,3.0\nfan-1,{at(1)},,30,,\npump-1,{at(0)},5.5,,TRUE,auto\n",
    )
    found = stretches(history(tmp_path))
    assert sorted(rows_of(found), key=str) == sorted(ROWS, key=str)
    assert found[0].tables["pump"].schema == {
        "asset": pl.String,
        "time_us": pl.Int64,
        "pressure_bar": pl.Float64,
        "temp_degc": pl.Float64,
        "is_running": pl.Boolean,
        "mode": pl.String,
    }
    assert letters_of(found) == []
    assert found[-1].until_us == END_US


@pytest.mark.parametrize("sorted_by", ["time", "pressure_bar"])
def test_parquet_is_read_the_same_whether_it_is_sorted_by_time_or_not(tmp_path, sorted_by):
    made = pl.DataFrame(
        {
            "time": [datetime(2026, 1, 1, 0, minute, tzinfo=UTC) for minute in (0, 1, 2)],
            "asset": ["pump-1", "fan-1", "pump-2"],
            "pressure_bar": pl.Series([3, None, 1], dtype=pl.Int32),
            "temp_degc": [None, 30.0, float("nan")],
        }
    )
    made.sort(sorted_by, nulls_last=True).write_parquet(tmp_path / "a.parquet")
    assert sorted(rows_of(stretches(history(tmp_path, "*.parquet"))), key=str) == [
        {"asset": "fan-1", "minute": 1.0, "temp_degc": 30.0},
        {"asset": "pump-1", "minute": 0.0, "pressure_bar": 3.0},
        {"asset": "pump-2", "minute": 2.0, "pressure_bar": 1.0} | {},
    ]


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet"])
def test_a_folder_can_say_the_asset(tmp_path, suffix):
    for asset in ("pump-1", "pump-2"):
        path = tmp_path / f"asset={asset}" / f"part.{suffix}"
        path.parent.mkdir()
        made = pl.DataFrame({"time_us": [at(0), at(1)], "temp_degc": [1.0, 2.0]})
        if suffix == "parquet":
            made.write_parquet(path)
        else:
            path.write_bytes(gzip.compress(made.write_csv().encode()) if "gz" in suffix else made.write_csv().encode())
    found = rows_of(stretches(history(tmp_path, f"**/*.{suffix}"), assets=["pump-2"]))
    assert found == [{"asset": "pump-2", "minute": m, "temp_degc": m + 1} for m in (0.0, 1.0)]


TAGS = """
[[tags]]
address = "site/PT1"
asset = "pump-1"
signal = "pressure_bar"
scale = 0.1
to_us = {switch}
[[tags]]
address = "site/PT1"
asset = "pump-2"
signal = "pressure_bar"
offset = 1.0
from_us = {switch}
[[tags]]
address = "site/RUN"
asset = "pump-1"
signal = "is_running"
[[tags]]
address = "site/TT"
asset = "fan-1"
signal = "temp_degc"
""".replace("{switch}", str(at(2)))
TAGGED = [
    {"asset": "fan-1", "minute": 3.0, "temp_degc": 20.0},
    {"asset": "pump-1", "minute": 0.0, "pressure_bar": 1.0, "is_running": True},
    {"asset": "pump-1", "minute": 1.0, "pressure_bar": 2.0},
    {"asset": "pump-2", "minute": 2.0, "pressure_bar": 31.0},
    {"asset": "pump-2", "minute": 3.0, "pressure_bar": 41.0},
]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_of_a_wide_file_are_what_their_tag_was_at_each_time(tmp_path, suffix):
    made = pl.DataFrame(
        {
            "time": [at(m) for m in range(4)],
            "PT1": [10.0, 20.0, 30.0, 40.0],
            "RUN": [1, None, None, None],
            "TT": [None, None, None, 20.0],
        }
    )
    getattr(made, f"write_{suffix}")(tmp_path / f"a.{suffix}")
    found = history(tmp_path, f"*.{suffix}", tags=TAGS, shape=Shape(form="wide", prefix="site/"))
    assert sorted(rows_of(stretches(found)), key=str) == TAGGED


LONG = "tag,time,value,quality\n" + "".join(
    f"{tag},{iso(minute)},{value},Good\n"
    for tag, minute, value in [
        ("PT1", 3, 40),
        ("TT", 3, 20),
        ("PT1", 0, 10),
        ("RUN", 0, "true"),
        ("PT1", 2, 30),
        ("PT1", 1, 20),
    ]
)


def test_values_of_a_long_file_are_what_their_tag_was_at_each_time(tmp_path):
    write(tmp_path / "a.csv", LONG)
    shape = Shape(form="long", prefix="site/", columns=Columns(quality="quality"))
    found = stretches(history(tmp_path, tags=TAGS, shape=shape))
    assert sorted(rows_of(found), key=str) == TAGGED
    assert letters_of(found) == []


def test_long_parquet_that_is_sorted_by_time_is_read_as_it_is(tmp_path):
    made = pl.DataFrame({"tag": ["PT1", "PT1", "TT"], "time": [at(0), at(2), at(3)], "value": [10.0, 30.0, 20.0]})
    made.write_parquet(tmp_path / "a.parquet")
    found = history(tmp_path, "*.parquet", tags=TAGS, shape=Shape(form="long", prefix="site/"))
    assert sorted(rows_of(stretches(found)), key=str) == [
        {"asset": "fan-1", "minute": 3.0, "temp_degc": 20.0},
        {"asset": "pump-1", "minute": 0.0, "pressure_bar": 1.0},
        {"asset": "pump-2", "minute": 2.0, "pressure_bar": 31.0},
    ]
    assert not (tmp_path / "work").exists()


def test_a_second_value_at_the_same_time_has_a_row_of_its_own(tmp_path):
    write(tmp_path / "a.csv", f"tag,time,value\nTT,{at(0)},1\nTT,{at(0)},2\n")
    found = history(tmp_path, tags=TAGS, shape=Shape(form="long", prefix="site/"))
    assert [row["temp_degc"] for row in rows_of(stretches(found))] == [1.0, 2.0]


@pytest.mark.parametrize("form", ["wide", "long"])
def test_a_tag_of_this_feed_goes_before_one_of_all(tmp_path, form):
    tags = "".join(
        f'[[tags]]\naddress = "T"\nasset = "{asset}"\nsignal = "temp_degc"\nfeed = "{feed}"\n'
        for asset, feed in (("pump-1", ""), ("pump-2", "files:pi"), ("fan-1", "files:other"))
    )
    write(tmp_path / "wide.csv", f"time,T\n{at(0)},1\n")
    write(tmp_path / "long.csv", f"tag,time,value\nT,{at(0)},1\n")
    found = history(tmp_path, f"{form}.csv", tags=tags, shape=Shape(form=form, feed="files:pi"))
    assert [row["asset"] for row in rows_of(stretches(found))] == ["pump-2"]


def test_two_addresses_of_one_signal_at_a_time_are_two_rows(tmp_path):
    tags = "".join(f'[[tags]]\naddress = "{a}"\nasset = "fan-1"\nsignal = "temp_degc"\n' for a in ("A", "B"))
    write(tmp_path / "a.csv", f"time,A,B\n{at(0)},1,2\n")
    found = rows_of(stretches(history(tmp_path, tags=tags, shape=Shape(form="wide"))))
    assert sorted(row["temp_degc"] for row in found) == [1.0, 2.0]


@pytest.mark.parametrize("form", ["wide", "long"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_address_that_went_to_another_asset_gives_no_rows_of_one_that_was_not_asked_for(tmp_path, form, suffix):
    made = pl.DataFrame({"time": [at(m) for m in range(4)], "PT1": [10.0, 20.0, 30.0, 40.0]})
    if form == "long":
        made = made.select("time", value="PT1", tag=pl.lit("PT1"))
    getattr(made, f"write_{suffix}")(tmp_path / f"a.{suffix}")
    found = history(tmp_path, f"*.{suffix}", tags=TAGS, shape=Shape(form=form, prefix="site/"))
    assert [row["minute"] for row in rows_of(stretches(found, assets=["pump-1"]))] == [0.0, 1.0]


def test_the_example_reads_what_it_shows(tmp_path):
    shape = read_shape(EXAMPLES / "historian.toml")
    tags = '[[tags]]\naddress = "PT-101"\nasset = "pump-1"\nsignal = "pressure_bar"\n'
    write(tmp_path / "a.csv", 'Timestamp;Tag;Value;Quality\n"2026-01-01 01:05:00";"PT-101";"4,71";"Good"\n')
    found = rows_of(stretches(history(tmp_path, tags=tags, shape=shape)))
    assert found == [{"asset": "pump-1", "minute": 5.0, "pressure_bar": 4.71}]
