"""Parts of one asset type put together: sorted by asset and time, with all signals of the type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from connectors.files.cells import DTYPES


def table(parts: Sequence[pl.DataFrame], kinds: Mapping[str, type]) -> pl.DataFrame:
    """One table of parts of rows or wide files, or of long ones; none of them is empty."""
    rows = parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal")
    rows = rows.rechunk()[_order(rows)]
    if "signal" in rows.columns:
        rows = _pivoted(rows, kinds)
    missing = [pl.lit(None, DTYPES[kind]).alias(name) for name, kind in kinds.items() if name not in rows.columns]
    return rows.with_columns(pl.col("asset").cast(pl.String), *missing)


def _order(rows: pl.DataFrame) -> np.ndarray:
    """Places of the rows by asset and time; those of one moment stay as they came."""
    code = rows["asset"].to_physical().to_numpy()
    code = code.astype(np.uint16) if len(code) == 0 or code.max() < 1 << 16 else code  # NumPy sorts these by radix
    if rows["time_us"].is_sorted():
        return np.argsort(code, kind="stable")
    by_time = np.argsort(rows["time_us"].to_numpy(), kind="stable")
    return by_time[np.argsort(code[by_time], kind="stable")]


def _pivoted(rows: pl.DataFrame, kinds: Mapping[str, type]) -> pl.DataFrame:
    """A second value of a signal at the same time has a row of its own."""
    place = ["asset", "time_us"]
    again = pl.int_range(pl.len()).over(*place, "signal").alias("(again)")
    rows = rows.with_columns(
        again if rows.select(*place, "signal").is_duplicated().any() else pl.lit(0).alias("(again)")
    )
    place.append("(again)")
    keys = rows.select(place).unique(maintain_order=True).sort(place)
    for (name,), own in rows.partition_by("signal", as_dict=True).items():
        kind = kinds[str(name)]
        value = pl.col("text") if kind is str else pl.col("number").cast(DTYPES[kind])
        keys = keys.join(own.select(*place, value.alias(str(name))), on=place, how="left", maintain_order="left")
    return keys.drop("(again)")
