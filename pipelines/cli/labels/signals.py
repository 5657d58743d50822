"""Operating states of assets by minute, from a backfill's run folder or from InfluxDB, to find stops in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console

from connectors.influx.query import InfluxReader
from models.failure.labels import Label
from models.failure.stops import DAY_US, is_open, with_stop
from pipelines.backfill.results import PLAN, Results
from pipelines.backfill.said import FORECASTS
from pipelines.cli.feed import bar
from pipelines.cli.labels import LabelsError
from pipelines.main import influx_target
from pipelines.settings import Settings

INFLUX = "influx"
LOOKED_BACK_US = 30 * DAY_US
"""So long before a report InfluxDB is asked for normal running. Our choice."""
STATES = ("asset", "window_end_us", "operating")


def with_stops(settings: Settings, labels: Sequence[Label], source: str, errors: Console) -> tuple[Label, ...]:
    """Labels with the stops that signals show of breakdowns that nobody has decided about. Raises LabelsError."""
    sought = [label for label in labels if is_open(label)]
    moved: dict[str, Label] = {}
    with bar(errors) as progress:
        task = progress.add_task("looking for stops", total=len(sought))
        for asset, states in _states(settings, source, sought):
            times_us, said = states["window_end_us"].to_numpy(), states["operating"].to_numpy()
            for label in sought:
                if label.asset == asset:
                    moved[label.id] = with_stop(label, times_us, said)
                    progress.advance(task)
    for label in sought:  # of assets of which nothing is known, too
        moved.setdefault(label.id, with_stop(label, np.empty(0, np.int64), np.empty(0, object)))
    return tuple(moved.get(label.id, label) for label in labels)


def _states(settings: Settings, source: str, labels: Sequence[Label]) -> Iterator[tuple[str, pl.DataFrame]]:
    """By asset, in order of time."""
    assets = sorted({label.asset for label in labels})
    if source == INFLUX:
        yield from asyncio.run(_stored(settings, labels)).items()
        return
    folder = Path(source)
    if not (folder / PLAN).is_file():
        raise LabelsError(
            f"--signals {source}: no backfill was run into this folder. Give one of build/backfill/NAME of a run that "
            "made forecasts, or influx where one had --to influx"
        )
    for table in Results(folder).forecasts_by_assets():
        for (asset,), states in table.select(STATES).group_by("asset", maintain_order=True):
            if asset in assets:
                yield str(asset), states


async def _stored(settings: Settings, labels: Iterable[Label]) -> dict[str, pl.DataFrame]:
    """What `--to influx` of a backfill wrote, around each report."""
    found: dict[str, list[pl.DataFrame]] = {}
    async with InfluxReader(influx_target(settings)) as reader:
        for label in labels:
            from_us = max(0, label.reported_us - LOOKED_BACK_US)
            to_us = max(label.reported_us + DAY_US, label.finished_us or 0)
            rows = await reader.read(FORECASTS, from_us, to_us, [label.asset])
            if "operating" in rows.columns:
                found.setdefault(label.asset, []).append(rows.rename({"time_us": "window_end_us"}).select(STATES))
    return {asset: pl.concat(parts).unique("window_end_us").sort("window_end_us") for asset, parts in found.items()}
