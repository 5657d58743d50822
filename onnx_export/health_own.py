"""A plant's own health model, from the feature rows of a backfill in a span that people know to be healthy.

The lines of what is expected are those that the rows were made with: the card of that model is asked for.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from msgspec import UNSET, Struct, UnsetType

from models.failure.health import without_fleet
from models.features import Expected, Groups, Spec
from onnx_export.health_learn import BUDGET_A_MONTH, EVERY_MIN, HEALTH, Made, choose_factor, finish, learn
from onnx_export.history import HOUR_US, NO_MODE, History

EARLIER = 2 / 3
"""Share of a plant's healthy span that is learned from; the limit is chosen on the rest. Our choice."""
SUFFIX = f".{HEALTH}"


class _MadeFor(Struct):
    """What the cards of hazards and of health models both say of the rows that they are for."""

    name: str
    asset_type: str
    signals: tuple[str, ...]
    counters: tuple[str, ...] = ()
    expected: tuple[Expected, ...] = ()
    shares: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    rolls_over_at: dict[str, float] = {}
    groups: Groups | UnsetType = UNSET


def own_of(run: Path, card: Path, begin: datetime, end: datetime) -> Made:
    """A plant's own health model, of the healthy span of a backfill's feature rows. Raises ParityError and ValueError.

    It has no bounds: limits of a plant's machines are rules in its plant file.
    """
    of = msgspec.json.decode(card.read_bytes(), type=_MadeFor)
    spec = Spec.of_card(of)
    span = span_of(run, spec, begin, end)
    early = span.window_end_us < np.quantile(span.window_end_us, EARLIER)
    earlier, later = part_of(span, early), part_of(span, ~early)
    learned = learn(spec, [earlier.features[earlier.asset == asset] for asset in np.unique(earlier.asset)])
    learned, cost = choose_factor(learned, spec, [later], BUDGET_A_MONTH)
    machines = len(np.unique(span.asset))
    return finish(
        learned, spec, span.features, name=f"{of.name.removesuffix(SUFFIX)}{SUFFIX}", asset_type=of.asset_type,
        basis=f"{machines} machines of this plant, {begin:%F} to {end:%F}",
        command=f"python -m onnx_export.health --features {run} --card {card} --from {begin:%F} --to {end:%F}",
        trained_on=f"{len(earlier.asset)} hours of running, the limit chosen on the {len(later.asset)} after them",
        seeds={}, scores={"warnings_a_machine_month_healthy": round(cost, 4), "factor": round(learned.factor, 4)},
    )  # fmt: skip


def part_of(history: History, rows: np.ndarray) -> History:
    """Some rows of a history."""
    names = ("features", "asset", "window_end_us", "since_us", "hours", "known_h", "mode")
    return replace(history, **{name: getattr(history, name)[rows] for name in names})


def span_of(run: Path, spec: Spec, begin: datetime, end: datetime) -> History:
    """The last row of each hour of a span, of all machines of a backfill's run. Raises ValueError where it has none."""
    first_us, last_us = (int(when.replace(tzinfo=UTC).timestamp() * 1e6) for when in (begin, end))
    parts = sorted(run.glob("features/*.parquet")) or sorted(run.glob("lane-*/features-*.parquet"))
    if not parts:
        raise ValueError(f"{run} has no feature rows: run `forewarn backfill --what features` first")
    table = pl.concat(
        [pl.read_parquet(part, columns=["asset", "window_end_us", "since_us", *spec.names]) for part in parts]
    )
    table = table.filter(pl.col("window_end_us").is_between(first_us, last_us, closed="left"))
    if table.is_empty():
        raise ValueError(f"{run} has no feature rows between {begin} and {end}: name a span that was backfilled")
    hourly = [pl.col("asset"), pl.col("window_end_us") // HOUR_US]
    table = table.sort("asset", "window_end_us").unique(hourly, keep="last", maintain_order=True)
    count = len(table)
    return History(
        features=without_fleet(spec, table.select(spec.names).to_numpy().astype(np.float32)),
        asset=table["asset"].rank("dense").to_numpy().astype(np.int64) - 1,
        window_end_us=table["window_end_us"].to_numpy(),
        since_us=table["since_us"].to_numpy(),
        hours=np.full(count, np.inf),
        known_h=np.zeros(count),
        mode=np.full(count, NO_MODE, np.int8),
        failures=(),
        modes=(),
        end_us=last_us,
        every_min=EVERY_MIN,
    )
