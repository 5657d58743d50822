"""What the plant's machines took and made, day by day, as a CSV file that an energy baseline is fitted to."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from rich.console import Console

from connectors.influx.query import InfluxReader
from pipelines.cli.planning_error import PlanError
from pipelines.main import WallClock, influx_target
from pipelines.plan.results import DAY_US, ENERGY, daily
from pipelines.plant_file import PlantFile
from pipelines.settings import Settings


async def write(settings: Settings, file: Path, days: int, console: Console) -> None:
    """Write the last whole days. Raises PlanError where nothing is planned or was measured."""
    plant = PlantFile(settings.plant, settings.site).plant
    if plant.production is None or not any(one.power for one in plant.production.machines.values()):
        raise PlanError(
            f"{settings.plant} names no machine with a signal of its power: add power to production.machines"
        )
    until_us = WallClock().now_us() // DAY_US * DAY_US
    async with InfluxReader(influx_target(settings)) as rows:
        found = await daily(plant, rows, until_us - days * DAY_US, until_us)
    found = found.filter(pl.col(ENERGY) > 0.0)
    if found.is_empty():
        raise PlanError(f"no machine said its power in the last {days} days: see `forewarn data`, or give more --days")
    dates = [datetime.fromtimestamp(at / 1e6, UTC).date().isoformat() for at in found["day_us"].to_list()]
    try:
        found.drop("day_us").insert_column(0, pl.Series("day", dates)).write_csv(file, float_precision=3)
    except OSError as wrong:
        raise PlanError(f"{file} cannot be written ({wrong}): name another") from wrong
    console.print(
        f"{len(found)} days in {file}, drivers {', '.join(found.columns[2:])}", highlight=False, soft_wrap=True
    )
