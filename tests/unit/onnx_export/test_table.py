"""Labelled rows in files: what is read, and what cannot be learned from."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import pytest

from onnx_export.history import HOUR_US
from onnx_export.shards import gathered, sample_of, survey
from onnx_export.table import TableError, data_of
from tests.kit import labelled


def quiet(*_: object) -> None:
    pass


def read(where, spec=None):
    """All rows of a place, as they are trained on."""
    found = survey(data_of(str(where)), spec or labelled.spec(), quiet)
    sample = sample_of(found, len(labelled.spec().names), 1, 1 << 30)
    return found, gathered(found, labelled.spec(), sample, quiet)


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return labelled.table(machines=3, days=60)


def test_rows_of_parquet_and_of_csv_are_the_same_history(table, tmp_path):
    of_parquet, of_csv = (
        read(labelled.write(tmp_path / ending, table, ending=ending))[1][0] for ending in ("parquet", "csv")
    )
    assert of_parquet.features.tobytes() == of_csv.features.tobytes()
    assert np.array_equal(of_parquet.window_end_us, of_csv.window_end_us)
    assert np.array_equal(of_parquet.hours, of_csv.hours)
    assert np.array_equal(of_parquet.mode, of_csv.mode)


def test_a_history_has_every_row_with_an_outcome_and_each_failure_once(table, tmp_path):
    found, (history, weight) = read(labelled.write(tmp_path, table, files=4))
    has_outcome = (pl.col("known_h") > 0) & (pl.col("failed_in_h").fill_null(1) > 0)
    known = table.filter(has_outcome).sort("asset", "window_end_us")
    assert history.window_end_us.tolist() == known["window_end_us"].to_list()
    assert (weight == 1.0).all()
    times = table.filter(pl.col("failed_in_h").is_not_null()).select(
        "asset", (pl.col("window_end_us") + (pl.col("failed_in_h") * HOUR_US).cast(pl.Int64)).alias("us")
    )
    assert [(found.assets[one.asset], one.time_us) for one in history.failures] == sorted(times.unique().rows())
    assert history.every_min == 120
    assert {history.modes[one.mode] for one in history.failures} == {"comp1", "comp2"}


def test_a_backfills_run_says_when_its_history_ends(table, tmp_path):
    labelled.write(tmp_path / "features", table)
    end_us = int(table["window_end_us"].max()) + 5000 * HOUR_US
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode({"to_us": end_us, "plant": "p"}))
    assert data_of(str(tmp_path)).end_us == end_us
    assert read(tmp_path)[1][0].end_us == end_us


def test_a_pattern_names_some_files(table, tmp_path):
    labelled.write(tmp_path, table, files=3)
    assert [part.name for part in data_of(str(tmp_path / "part-*1.parquet")).parts] == ["part-001.parquet"]


def test_a_failure_that_nobody_named_is_of_an_unknown_mode(table, tmp_path):
    nameless = table.with_columns(pl.lit(None, pl.String).alias("mode"))
    found, (history, _) = read(labelled.write(tmp_path, nameless))
    assert found.modes == ("unknown",)
    assert {one.mode for one in history.failures} == {0}


@pytest.mark.parametrize("place", ["nowhere", "empty", "texts/*.txt"])
def test_a_place_without_rows_is_refused_with_the_command_that_makes_them(place, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").touch()
    with pytest.raises(TableError, match=r"has no rows.*forewarn backfill"):
        data_of(str(tmp_path / place))


def test_a_backfill_without_features_is_refused(tmp_path):
    (tmp_path / "plan.json").write_bytes(b'{"to_us": 1}')
    with pytest.raises(TableError, match="not made with --what features"):
        data_of(str(tmp_path))


def test_features_that_are_missing_are_named_and_so_is_what_to_do(table, tmp_path):
    place = labelled.write(tmp_path, table.drop("heat.mean_1h", "running_h"))
    with pytest.raises(TableError, match=r"lacks 2 of 9 features: heat.mean_1h, running_h. Make rows .* --spec FILE"):
        read(place)


def test_rows_without_labels_are_refused(table, tmp_path):
    with pytest.raises(TableError, match="lacks known_h"):
        read(labelled.write(tmp_path, table.drop("known_h")))


def test_a_row_that_does_not_say_how_long_it_is_known_is_refused(table, tmp_path):
    with pytest.raises(TableError, match="rows without known_h"):
        read(labelled.write(tmp_path, table.with_columns(pl.lit(None, pl.Float64).alias("known_h"))))
