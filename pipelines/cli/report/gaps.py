"""The stretches of time in which assets said nothing: how many, how long, of whom."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipelines.cli.outcome import HOUR_US

WORST, DRAWN = 20, 2000


@dataclass(frozen=True, kw_only=True)
class OfAsset:
    """An asset's gaps."""

    asset: str
    number: int
    hours: float
    longest_h: float
    longest_from_us: int


@dataclass(frozen=True, kw_only=True)
class Gaps:
    """All gaps within the span; `share` is theirs of the time of all assets, `worst` the assets that have most.

    `spans` has the longest of them (asset, from, to), longest first, as many as can be drawn.
    """

    number: int
    hours: float
    share: float | None
    worst: tuple[OfAsset, ...]
    spans: tuple[tuple[str, int, int], ...]


def found(gaps: pl.DataFrame, from_us: int, to_us: int, assets: int) -> Gaps:
    """What a table of gaps comes to between two times."""
    inside = gaps.with_columns(pl.col("from_us", "to_us").clip(from_us, to_us)).filter(
        pl.col("from_us") < pl.col("to_us")
    )
    long = inside.with_columns(hours=(pl.col("to_us") - pl.col("from_us")) / HOUR_US).sort(
        ["hours", "asset", "from_us"], descending=[True, False, False]
    )
    of_assets = long.group_by("asset", maintain_order=True).agg(
        number=pl.len(),
        hours=pl.col("hours").sum(),
        longest_h=pl.col("hours").first(),
        longest_from_us=pl.col("from_us").first(),
    )
    all_h = (to_us - from_us) / HOUR_US * assets
    hours = float(long["hours"].sum())
    worst = of_assets.sort(["hours", "asset"], descending=[True, False])[:WORST]
    return Gaps(
        number=long.height,
        hours=hours,
        share=hours / all_h if all_h else None,
        worst=tuple(OfAsset(**row) for row in worst.iter_rows(named=True)),
        spans=tuple(long.select("asset", "from_us", "to_us")[:DRAWN].iter_rows()),
    )
