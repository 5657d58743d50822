"""The drawn year has every asset's every minute once, month after month, and its messages say the same."""

from __future__ import annotations

import polars as pl

from tests.kit.loads import names
from tests.kit.year import MIDDLE_SPREAD, messages, month_us, written


def test_each_minute_of_each_asset_is_there_once_in_order(tmp_path):
    rows = written(tmp_path / "year", 2, months=2)
    table = pl.concat([pl.read_parquet(file) for file in sorted((tmp_path / "year").iterdir())])
    minutes = pl.Series(range(month_us(0), month_us(2), 60_000_000))
    assert rows == len(table) == 2 * len(minutes)
    assert table.columns == ["time_us", "asset", *MIDDLE_SPREAD]
    assert table["time_us"].to_list() == sorted([*minutes, *minutes])
    assert table["asset"].to_list() == names(2) * len(minutes)


def test_the_rows_are_messages_too(tmp_path):
    rows = written(tmp_path / "year", 1, months=1)
    batches = [batch for sent in messages(tmp_path / "year") for _, batch in sent]
    assert sum(batch.record_count() for batch in batches) == rows
