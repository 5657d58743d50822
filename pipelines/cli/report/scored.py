"""What the forecasts of a run say together: how many, how long machines ran, and which were most at risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest

import polars as pl

from models.records import WARNING_HORIZON_H, OperatingState
from pipelines.backfill.plan import Plan
from pipelines.cli.outcome import HOUR_US

CHANCE = f"chance_{WARNING_HORIZON_H}h"
MINUTE_US = 60_000_000
LONGEST_STEP_US = 15 * MINUTE_US
"""Between two forecasts of a machine that runs no more than this counts as running, or the cadence if it is longer."""
WORST, POINTS = 10, 400


@dataclass(frozen=True, kw_only=True)
class Risk:
    """The chance of failure within 72 h of an asset while it ran: its highest in each of up to POINTS pieces."""

    asset: str
    peak: float
    times_us: tuple[int, ...]
    chances: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Forecasts, the hours that machines ran by them, and the WORST assets by their highest chance, highest first."""

    forecasts: int
    running_h: float
    risks: tuple[Risk, ...]


def total(parts: Sequence[Scored]) -> Scored:
    """The sum over parts."""
    risks = nlargest(WORST, (risk for part in parts for risk in part.risks), key=lambda risk: risk.peak)
    return Scored(
        forecasts=sum(part.forecasts for part in parts),
        running_h=sum(part.running_h for part in parts),
        risks=tuple(risks),
    )


def scored(forecasts: pl.DataFrame, plan: Plan) -> Scored:
    """What the forecasts of some assets say; they come by asset and time."""
    return Scored(
        forecasts=forecasts.height,
        running_h=running_h(forecasts, plan.every_min),
        risks=tuple(_risks(forecasts, piece_us(plan))),
    )


def piece_us(plan: Plan) -> int:
    """How long a piece is of which the highest chance is kept."""
    return max(plan.every_min * MINUTE_US, (plan.to_us - plan.from_us) // POINTS)


def running_h(forecasts: pl.DataFrame, every_min: int = 1) -> float:
    """Hours that machines ran: the time from one forecast to the next that says running, LONGEST_STEP_US at most."""
    longest_us = max(LONGEST_STEP_US, every_min * MINUTE_US)
    since_us = pl.col("window_end_us").diff().over("asset").clip(upper_bound=longest_us)
    ran_us = forecasts.select(since_us.filter(_runs()).sum()).item()
    return (ran_us or 0) / HOUR_US


def _runs() -> pl.Expr:
    return pl.col("operating") == OperatingState.RUNNING.value


def _risks(forecasts: pl.DataFrame, piece_us: int) -> list[Risk]:
    said = forecasts.lazy().filter(_runs(), pl.col(CHANCE).is_not_null()).select("asset", "window_end_us", CHANCE)
    peaks = said.group_by("asset").agg(pl.col(CHANCE).max()).collect().sort([CHANCE, "asset"], descending=[True, False])
    worst = peaks["asset"][:WORST].to_list()
    pieces = (
        said.filter(pl.col("asset").is_in(worst))
        .group_by("asset", pl.col("window_end_us") // piece_us * piece_us)
        .agg(pl.col(CHANCE).max())
        .sort("window_end_us")
        .collect()
        .partition_by("asset", as_dict=True)
    )
    return [_risk(asset, pieces[asset,]) for asset in worst]


def _risk(asset: str, pieces: pl.DataFrame) -> Risk:
    chances = tuple(pieces[CHANCE].to_list())
    return Risk(asset=asset, peak=max(chances), times_us=tuple(pieces["window_end_us"].to_list()), chances=chances)
