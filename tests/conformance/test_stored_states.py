"""Stops are found in the operating states that a backfill wrote into a real InfluxDB, of either version."""

from __future__ import annotations

import asyncio

from rich.console import Console

from connectors.influx import admin
from connectors.influx.store import InfluxStore, WriteOptions
from models.failure.labels import Begin
from models.records import Confidence, Forecast, OperatingState, Rung
from pipelines.backfill.said import forecast_rows
from pipelines.cli.labels.signals import INFLUX, with_stops
from pipelines.settings import Settings
from tests.kit.documents import at, label


def forecast(asset: str, hours: float, operating: OperatingState) -> Forecast:
    return Forecast(
        id=f"{asset}{hours}", revision=0, plant="p", asset=asset, window_end_us=at(hours), operating=operating,
        running_until_us=None, chances=(), drivers=(), model="m", basis="tests", rung=Rung.HAZARD,
        confidence=Confidence.LOW, completeness=1.0,
    )  # fmt: skip


def test_the_stop_of_a_breakdown_is_found_and_of_an_asset_without_rows_is_not(influx) -> None:
    target = influx.new_bucket()
    admin.ensure(target, None)
    try:
        ran, off = OperatingState.RUNNING, OperatingState.OFF
        said = [forecast("a", 90, ran), forecast("a", 95, ran), forecast("a", 96, off), forecast("b", 99, ran)]

        async def write() -> None:
            async with InfluxStore(target, WriteOptions()) as store:
                assert not await store.write([forecast_rows("p", said)])

        asyncio.run(write())
        settings = Settings(
            influx_url=target.url, influx_token=target.token, influx_org=target.org, influx_bucket=target.bucket
        )
        found = with_stops(settings, [label("1", "a"), label("2", "c")], INFLUX, Console(quiet=True))
        assert [(one.last_normal_us, one.stopped_us, one.begin) for one in found] == [
            (at(95), at(96), Begin.SEEN), (None, None, Begin.NOT_SEEN),
        ]  # fmt: skip
    finally:
        admin.drop(target)
