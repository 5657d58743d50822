"""A year of pumps minute by minute: noise around a middle, so that few chances are high; as Parquet and as messages.

A month is drawn, and the others have its values at their own times, so that drawing is quick.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from aiokafka.producer.message_accumulator import BatchBuilder

from models.records import key_of
from tests.kit.loads import CODEC, MOST_BYTES, PLANT, SECOND_US, Round, names

MIDDLE_SPREAD = {
    "speed_rpm": (2900.0, 5.0),
    "flow_m3_h": (180.0, 2.0),
    "discharge_pressure_bar": (6.0, 0.03),
    "motor_voltage_v": (400.0, 1.0),
    "oil_temp_degc": (55.0, 0.5),
    "radial_bearing_temp_degc": (60.0, 0.6),
    "thrust_bearing_temp_degc": (62.0, 0.6),
    "ambient_temp_degc": (22.0, 0.4),
}
"""Of each signal, in its unit. Our choice, near what the starter's pumps read."""
YEAR, MONTHS, LONGEST_MIN, MINUTE_US = 2026, 12, 31 * 1440, 60 * SECOND_US


def month_us(month: int) -> int:
    """Where a month begins, counted from 0; 12 is where the year ends."""
    return round(datetime(YEAR + month // MONTHS, month % MONTHS + 1, 1, tzinfo=UTC).timestamp()) * SECOND_US


def written(folder: Path, assets: int, months: int) -> int:
    """A file a month, rows sorted by time and asset; how many rows there are."""
    folder.mkdir()
    middle, spread = np.array(list(MIDDLE_SPREAD.values())).T
    drawn = np.random.default_rng(1).normal(middle, spread, (LONGEST_MIN * assets, len(middle)))
    columns = [pl.Series(name, column) for name, column in zip(MIDDLE_SPREAD, np.round(drawn, 2).T, strict=True)]
    asset = pl.Series("asset", names(assets)).gather(np.tile(np.arange(assets), LONGEST_MIN))
    minute, rows = np.repeat(np.arange(LONGEST_MIN), assets), 0
    for month in range(months):
        count = (month_us(month + 1) - month_us(month)) // MINUTE_US * assets
        time_us = pl.Series("time_us", month_us(month) + minute[:count] * MINUTE_US)
        table = pl.DataFrame([time_us, *(column.head(count) for column in (asset, *columns))])
        table.write_parquet(folder / f"month-{month + 1:02}.parquet", compression="zstd", compression_level=1)
        rows += count
    return rows


def messages(folder: Path) -> Iterator[Round]:
    """The rows of the files as JSON, one a message, for a topic of one partition."""
    for file in sorted(folder.glob("*.parquet")):
        for part in pl.read_parquet(file).iter_slices(5_000):
            batch = BatchBuilder(MOST_BYTES, CODEC)
            for row in part.iter_rows(named=True):
                key, value = key_of(PLANT, row.pop("asset")), json.dumps(row).encode()
                assert batch.append(timestamp=None, key=key, value=value), "a batch is full"
            batch.close()
            yield [(0, batch)]
