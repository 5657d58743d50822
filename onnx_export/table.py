"""Labelled feature rows in files: where they are, which columns they have, and how they become arrays.

A backfill's run folder, or Parquet and CSV files of anybody's. Every row passes the as-of view on its way in: nothing
later than its window may be in its features, nothing later than the end of history in its label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from glob import glob
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from msgspec import Struct

from models.features import Spec
from onnx_export.asof import enter
from onnx_export.history import HOUR_US, NO_MODE

IDENTITY = ("asset", "window_end_us", "since_us")
LABELS = ("failed_in_h", "mode", "known_h")
UNNAMED = "unknown"
"""Mode of a failure of which nobody says what failed."""
TYPES: dict[str, type[pl.DataType]] = {
    "asset": pl.String, "window_end_us": pl.Int64, "since_us": pl.Int64,
    "failed_in_h": pl.Float64, "mode": pl.String, "known_h": pl.Float64,
}  # fmt: skip
SLACK_H = 1e-6
"""Of hours that were written with few decimals: 4 ms."""
BACKFILL = (
    "forewarn backfill --from 2025-01-01 --to 2026-01-01 --source influx --what features --labels labels.jsonl "
    "--every 10"
)
"""The command that makes feature rows, from InfluxDB or from files."""


class TableError(ValueError):
    """Rows that cannot be learned from; the message says what to do."""


class Data(Struct, frozen=True):
    """Files of rows, in order; `end_us` is when the history of a backfill ends, None where no file says it."""

    where: str
    parts: tuple[Path, ...]
    end_us: int | None = None


class _Planned(Struct):
    """What of a backfill's plan matters here."""

    to_us: int


def data_of(where: str) -> Data:
    """The rows of a backfill's run folder, of a folder of Parquet or CSV files, or of files by a pattern.

    Raises TableError where there are none.
    """
    folder = Path(where)
    plan = folder / "plan.json"
    end_us = msgspec.json.decode(plan.read_bytes(), type=_Planned).to_us if plan.is_file() else None
    if folder.is_dir():
        of = folder / "features" if (folder / "features").is_dir() else folder
        parts = sorted([*of.glob("*.parquet"), *of.glob("*.csv")])
    else:
        parts = sorted(Path(name) for name in glob(where, recursive=True))  # noqa: PTH207 # may be absolute
    if end_us is not None and not (folder / "features").is_dir():
        raise TableError(
            f"{where} is a backfill without labelled rows: it was not made with --what features: {BACKFILL}"
        )
    if not parts or {part.suffix for part in parts} - {".parquet", ".csv"}:
        raise TableError(
            f"{where} has no rows: name a backfill's run folder, a folder of .parquet or .csv files, or a pattern of "
            f"such. Rows are made by: {BACKFILL}"
        )
    return Data(where, tuple(parts), end_us)


def columns_of(part: Path) -> tuple[str, ...]:
    """Names of a file's columns."""
    scanned = pl.scan_parquet(part) if part.suffix == ".parquet" else pl.scan_csv(part)
    return tuple(scanned.collect_schema().names())


def check_columns(data: Data, spec: Spec) -> tuple[str, ...]:
    """Columns of times beside those that every file has, all of which features may rest on. Raises TableError."""
    times: dict[str, None] = {}
    for part in data.parts:
        found = columns_of(part)
        missing = [name for name in (*IDENTITY, *LABELS) if name not in found]
        if missing:
            raise TableError(f"{part} lacks {', '.join(missing)}: rows need identity and labels, as made by {BACKFILL}")
        if unseen := [name for name in spec.names if name not in found]:
            raise TableError(
                f"{part} lacks {len(unseen)} of {len(spec.names)} features: {', '.join(unseen[:8])}"
                f"{' ...' if len(unseen) > 8 else ''}. Make rows by this very feature list, or give the list they were "
                "made by: --spec FILE, a spec of `forewarn model new` or the card of the model that the backfill named"
            )
        times |= dict.fromkeys(name for name in found if name.endswith("_us") and name not in IDENTITY)
    return tuple(times)


def read(part: Path, features: Sequence[str] = (), times: Sequence[str] = ()) -> pl.DataFrame:
    """Identity, labels and the columns that are asked for, of one file; those that it lacks are null."""
    types: dict[str, type[pl.DataType]] = TYPES | dict.fromkeys(times, pl.Int64) | dict.fromkeys(features, pl.Float32)
    there = set(columns_of(part))
    asked = [name for name in types if name in there]
    if part.suffix == ".parquet":
        table = pl.read_parquet(part, columns=asked)
    else:
        table = pl.read_csv(part, columns=asked, schema_overrides={name: types[name] for name in asked})
    return table.select(
        (pl.col(name) if name in there else pl.lit(None).alias(name)).cast(kind) for name, kind in types.items()
    )


class Rows(NamedTuple):
    """Rows of a file as arrays, asset and mode by number; hours are infinite where no failure is seen."""

    asset: np.ndarray  # int64
    window_end_us: np.ndarray  # int64
    since_us: np.ndarray  # int64
    hours: np.ndarray  # float64
    known_h: np.ndarray  # float64
    mode: np.ndarray  # int8
    features: np.ndarray  # float32 [rows, n]

    def where(self, rows: np.ndarray) -> Rows:
        """Some of them."""
        return Rows(*(column[rows] for column in self))


def rows_of(table: pl.DataFrame, assets: Mapping[str, int], modes: Mapping[str, int], features: Sequence[str]) -> Rows:
    """A table as arrays."""
    hours = table["failed_in_h"].fill_null(np.inf).fill_nan(np.inf).to_numpy()
    named = table["mode"].fill_null(UNNAMED).replace("", UNNAMED)
    number = named.replace_strict(modes, default=NO_MODE, return_dtype=pl.Int8).to_numpy()
    width = len(features)
    return Rows(
        asset=table["asset"].replace_strict(assets, return_dtype=pl.Int64).to_numpy(),
        window_end_us=table["window_end_us"].to_numpy(),
        since_us=table["since_us"].to_numpy(),
        hours=hours,
        known_h=table["known_h"].to_numpy(),
        mode=np.where(np.isfinite(hours), number, np.int8(NO_MODE)).astype(np.int8),
        features=table.select(features).to_numpy().astype(np.float32)
        if width
        else np.empty((len(table), 0), np.float32),
    )


def check_as_of(table: pl.DataFrame, times: Sequence[str], end_us: int | None) -> None:
    """Raise FutureData where a row knows what came after its window, or its label what came after the end of history.

    Raises TableError where a row does not say what it must.
    """
    empty = [name for name in (*IDENTITY, "known_h") if table[name].null_count()]
    if empty:
        raise TableError(
            f"rows without {', '.join(empty)}: each row says whose it is, of when, and how long it is known"
        )
    of, window_us = table["asset"], table["window_end_us"].to_numpy()
    for name in ("since_us", *times):
        enter(name, table[name].fill_null(-1).to_numpy(), window_us, of)
    known_us = _after(window_us, table["known_h"].to_numpy())
    failed = table["failed_in_h"].fill_nan(None)
    failed_us = np.where(failed.is_null().to_numpy(), -1, _after(window_us, failed.fill_null(0.0).to_numpy()))
    enter("failed_in_h", failed_us, known_us + round(SLACK_H * HOUR_US), of)
    if end_us is not None:
        enter("window_end_us", window_us, end_us, of)
        enter("known_h", known_us, end_us + round(SLACK_H * HOUR_US), of)


def _after(window_us: np.ndarray, hours: np.ndarray) -> np.ndarray:
    return window_us + np.rint(hours * HOUR_US).astype(np.int64)
