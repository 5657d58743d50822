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
    """Values in order of asset and time as rows; a second value of a signal at the same time has a row of its own."""
    asset, time = rows["asset"], rows["time_us"]
    is_new = ((asset != asset.shift()) | (time != time.shift())).fill_null(value=True)
    row = is_new.cast(pl.Int64).cum_sum().to_numpy() - 1
    signal = rows["signal"].cast(pl.Enum(list(kinds))).to_physical().to_numpy().astype(np.int64)
    again = _again(row * len(kinds) + signal)
    if again.any():
        row = np.unique(row * (again.max() + 1) + again, return_inverse=True)[1]
    first = np.zeros(row.max() + 1, np.int64)
    first[row[::-1]] = np.arange(len(row))[::-1]
    columns = [asset.gather(first), time.gather(first)]
    for code, (name, kind) in enumerate(kinds.items()):
        own = np.flatnonzero(signal == code)
        place = np.full(len(first), -1)
        place[row[own]] = own
        picked = pl.Series(place)
        values = rows["text"] if kind is str else rows["number"].cast(DTYPES[kind])
        columns.append(values.gather(picked.set(picked < 0, None)).alias(name))
    return pl.DataFrame(columns)


def _again(cell: np.ndarray) -> np.ndarray:
    """How many of the same cell came before each."""
    order = np.argsort(cell, kind="stable")
    at = np.arange(len(cell))
    is_first = np.diff(cell[order], prepend=-1) != 0
    again = np.empty(len(cell), np.int64)
    again[order] = at - np.maximum.accumulate(np.where(is_first, at, 0))
    return again
