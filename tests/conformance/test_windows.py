"""What a picture shows of a machine: steps of its signals as InfluxDB reckons them, of either version, as loops do."""

from __future__ import annotations

import asyncio

import numpy as np
import polars as pl

from connectors.influx import admin
from connectors.influx.query import InfluxReader
from connectors.influx.store import InfluxStore
from pipelines.ports import Rows
from tests.kit import tiny

BEGIN_US = tiny.ROWS_BEGIN_US
MINUTE_US = 60_000_000
STEP_US = 10 * MINUTE_US


def rows(asset: str) -> Rows:
    """An hour and a half, a row a minute, with a gap of 20 minutes, and a text beside the numbers."""
    minute = np.array([at for at in range(90) if not 30 <= at < 50], np.int64)
    temp = 60.0 + minute * 1.5
    temp[5] = np.nan
    return Rows(
        "pump", "tiny", (asset,), np.zeros(len(minute), np.int64), BEGIN_US + minute * MINUTE_US,
        {"temp_degc": temp, "pressure_bar": np.where(minute < 20, 5.0, np.nan),
         "mode": np.array(["auto"] * len(minute), object)},
    )  # fmt: skip


def test_steps_have_the_mean_the_lowest_and_the_highest_and_gaps_stay_gaps(influx) -> None:
    target = influx.new_bucket()
    admin.ensure(target, None)

    async def asked() -> tuple[dict[str, pl.DataFrame], int | None, int | None]:
        async with InfluxStore(target) as store:
            assert not await store.write([rows("pump-01"), rows("pump-02")])
        async with InfluxReader(target) as reader:
            span = (BEGIN_US, BEGIN_US + 100 * MINUTE_US)
            found = await reader.windows("pump", "pump-01", ["temp_degc", "pressure_bar"], span, STEP_US)
            far_us = BEGIN_US + 1000 * MINUTE_US
            last = await reader.last_us("pump", "pump-01", far_us), await reader.last_us("pump", "nobody", far_us)
        return found, *last

    try:
        found, last_us, nobody_us = asyncio.run(asked())
    finally:
        admin.drop(target)
    mine = rows("pump-01")
    table = pl.DataFrame({"step": mine.time_us // STEP_US * STEP_US, "temp_degc": mine.fields["temp_degc"]})
    wanted = table.fill_nan(None).group_by("step").agg(
        pl.col("temp_degc").mean().alias("mean"), pl.col("temp_degc").min().alias("min"),
        pl.col("temp_degc").max().alias("max"),
    ).sort("step")  # fmt: skip
    for which in ("mean", "min", "max"):
        assert found[which]["time_us"].to_list() == wanted["step"].to_list()
        assert np.allclose(found[which]["temp_degc"].to_numpy(), wanted[which].to_numpy())
    assert found["mean"]["pressure_bar"].to_list() == [5.0, 5.0, *[None] * (len(wanted) - 2)]
    assert (last_us, nobody_us) == (BEGIN_US + 89 * MINUTE_US, None)
