"""Rows of many files in bounded memory: one file is read at a time, and of its rows as many are kept as fit.

All rows in the last horizon before a failure are kept; of the others a share, drawn by a hash of asset and time, each
of which then counts for as many as it stands for, so that chances stay chances. What fits whole is kept whole.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from msgspec import Struct

from models.bins import MINUTE_US
from models.features import Spec
from models.records import HORIZONS_H
from onnx_export.asof import AsOf
from onnx_export.history import HOUR_US, Failure, History, Progress
from onnx_export.table import UNNAMED, Data, Rows, TableError, check_as_of, check_columns, read, rows_of

MIB = 1 << 20
LARGEST_SHARE = 0.125
"""Of the memory: what a file's rows may take, since reading one takes about four times that. Our choice."""
TRAINING_SHARE, CALIBRATED_SHARE, JUDGED_SHARE = 0.5, 0.15, 0.15
"""Of the memory: rows to train on with all that LightGBM makes of them, to calibrate by, to judge by. Our choice."""
PER_FEATURE, PER_CLASS_SCORE = 100, 110
"""Bytes a training row takes: of each feature a copy of a fold, one with gaps, three an interval, all float32, bins,
and the row itself; of each interval scores and slopes. Of 9,193 rows of 63 features a training took 71 MiB."""
PER_CALIBRATED_SCORE = 60
"""Bytes that a row takes for each score, with those of the search for a scaling."""
PER_JUDGED = 80
"""Bytes that a row to judge by takes, as it is kept and sorted."""
PER_ROW = 150
"""Bytes of what else a row has: whose and of when it is, its label, its outcome, copies of these while sorting."""
CLASSES = len(HORIZONS_H) + 1


class Survey(Struct, frozen=True):
    """What there is in all files: `near` rows lie in the last horizon before a failure, `other` do not."""

    data: Data
    assets: tuple[str, ...]
    modes: tuple[str, ...]
    failures: tuple[Failure, ...]
    rows: int
    near: int
    other: int
    largest: int  # rows of the largest file
    every_min: int
    first_us: int
    end_us: int

    @property
    def failed_assets(self) -> set[int]:
        """Assets that failed."""
        return {failure.asset for failure in self.failures}


class Sample(Struct, frozen=True):
    """Which rows fit: the `share` of those that are not near, and how far apart those lie that are for more."""

    share: float
    calibrated_every_min: int
    judged_every_min: int
    memory_mib: int


def survey(data: Data, spec: Spec, progress: Progress) -> Survey:
    """Look through all files once, without their features. Raises TableError and FutureData."""
    times = check_columns(data, spec)
    assets: set[str] = set()
    ends: dict[tuple[str, int], tuple[int, str]] = {}  # asset and minute of a failure: its time and mode
    counts, steps = Counter[str](), Counter[int]()
    first_us, end_us, largest = np.iinfo(np.int64).max, 0, 0
    for number, part in enumerate(data.parts, start=1):
        table = read(part, times=times)
        check_as_of(table, times, data.end_us)
        progress(number, len(data.parts), f"looking through {part.name}")
        if table.is_empty():
            continue
        assets |= set(table["asset"].unique())
        ends |= _failures(table)
        counts += _counted(table)
        steps += _steps(table)
        window_us = table["window_end_us"].to_numpy()
        known_us = window_us + np.rint(table["known_h"].to_numpy() * HOUR_US).astype(np.int64)
        first_us, end_us = min(first_us, int(window_us.min())), max(end_us, int(window_us.max()), int(known_us.max()))
        largest = max(largest, len(table))
    if not counts["rows"]:
        raise TableError(f"{data.where} has files and not one row: name a span that has rows")
    names = tuple(sorted(assets))
    modes = tuple(sorted({mode for _, mode in ends.values()} | {UNNAMED}))
    found = [Failure(names.index(asset), us, modes.index(mode)) for (asset, _), (us, mode) in sorted(ends.items())]
    end_us = data.end_us or end_us
    known = AsOf(found, lambda failure: failure.time_us, end_us).known
    return Survey(
        data, names, modes, _apart(known), counts["rows"], counts["near"], counts["other"], largest,
        max(1, steps.most_common(1)[0][0]) if steps else 1, int(first_us), int(end_us),
    )  # fmt: skip


def _failures(table: pl.DataFrame) -> dict[tuple[str, int], tuple[int, str]]:
    """Failures that a file's rows tell of: by asset and minute, the time and the mode."""
    us = pl.col("window_end_us") + (pl.col("failed_in_h") * HOUR_US).round().cast(pl.Int64)
    mode = pl.col("mode").fill_null(UNNAMED).replace("", UNNAMED)
    found = table.filter(pl.col("failed_in_h").is_finite()).select("asset", us.alias("us"), mode.alias("mode")).unique()
    return {(asset, us // MINUTE_US): (us, mode) for asset, us, mode in sorted(found.rows())}


def _apart(failures: Sequence[Failure]) -> tuple[Failure, ...]:
    """The same without those that are another's of the same asset within a minute: hours with few decimals."""
    out: list[Failure] = []
    for failure in sorted(failures, key=lambda one: (one.asset, one.time_us)):
        if not (out and out[-1].asset == failure.asset and failure.time_us - out[-1].time_us <= MINUTE_US):
            out.append(failure)
    return tuple(out)


def _counted(table: pl.DataFrame) -> Counter[str]:
    hours = table["failed_in_h"].fill_null(np.inf).fill_nan(np.inf).to_numpy()
    near, told = nearness(hours, table["known_h"].to_numpy())
    return Counter(rows=len(table), near=int(near.sum()), other=int((told & ~near).sum()))


def _steps(table: pl.DataFrame) -> Counter[int]:
    """Minutes from each row of an asset to its next."""
    after = pl.col("window_end_us").diff().over("asset") // MINUTE_US
    found = table.sort("asset", "window_end_us").select(after.alias("min")).drop_nulls()["min"].value_counts()
    return Counter({minutes: count for minutes, count in found.rows() if minutes > 0})


def nearness(hours: np.ndarray, known_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows in the last horizon before a failure, and rows of which anything is known, bool [rows] each."""
    fails = np.isfinite(hours) & (hours <= known_h)
    return fails & (hours > 0) & (hours <= HORIZONS_H[-1]), np.where(fails, hours, known_h) > 0


def sample_of(found: Survey, features: int, components: int, memory_bytes: int) -> Sample:
    """What fits. Raises TableError where one file, or the rows before failures alone, do not."""
    whole = found.largest * (4 * features + PER_ROW)
    if whole > LARGEST_SHARE * memory_bytes:
        raise TableError(
            f"a file of {found.largest:,} rows takes {whole / MIB:,.0f} MiB, over an eighth of --memory "
            f"{memory_bytes // MIB}MiB: split it, or give --memory {int(whole / LARGEST_SHARE / MIB) + 1}MiB"
        )
    each = PER_ROW + components * (PER_FEATURE * features + PER_CLASS_SCORE * CLASSES)
    room = int(TRAINING_SHARE * memory_bytes / each)
    if found.near > room:
        least = int(found.near * each / TRAINING_SHARE / MIB) + 1
        raise TableError(
            f"the {found.near:,} rows in the {HORIZONS_H[-1]} h before failures alone do not fit: give --memory "
            f"{least}MiB, or rows farther apart (`forewarn backfill --every`)"
        )
    scores = PER_ROW + components * PER_CALIBRATED_SCORE * CLASSES
    every_min = (
        cadence_of(found, scores, CALIBRATED_SHARE * memory_bytes),
        cadence_of(found, PER_JUDGED, JUDGED_SHARE * memory_bytes),
    )
    share = min(1.0, (room - found.near) / found.other) if found.other else 1.0
    return Sample(share, *every_min, memory_bytes // MIB)


def cadence_of(found: Survey, row_bytes: int, room_bytes: float) -> int:
    """Minutes from one row of a machine to its next at which rows of so many bytes fit: those there, or a multiple."""
    return found.every_min * -(-found.rows // max(int(room_bytes / row_bytes), 1))


def draws(keys: np.ndarray, window_end_us: np.ndarray) -> np.ndarray:
    """A number in [0, 1) of each asset's key, uint64, and time: SplitMix64 (Steele, Lea, Flood 2014, OOPSLA)."""
    with np.errstate(over="ignore"):
        mixed = keys + window_end_us.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed ^ (mixed >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53


def keys_of(assets: Sequence[str]) -> np.ndarray:
    """A key of each asset, of its name alone, uint64."""
    return np.array([int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) for name in assets], np.uint64)


def gathered(found: Survey, spec: Spec, sample: Sample, progress: Progress) -> tuple[History, np.ndarray]:
    """The rows to train on, as a history, and of each for how many it stands, float64 [rows]."""
    keys = keys_of(found.assets)

    def chosen(rows: Rows) -> np.ndarray:
        near, told = nearness(rows.hours, rows.known_h)
        return near | (told & (draws(keys[rows.asset], rows.window_end_us) < sample.share))

    history = history_of(found, list(parts(found, spec.names, chosen, progress, "reading")))
    near, _ = nearness(history.hours, history.known_h)
    return history, np.where(near, 1.0, 1.0 / sample.share)


def parts(
    found: Survey, features: Sequence[str], chosen: Callable[[Rows], np.ndarray], progress: Progress, doing: str
) -> Iterator[Rows]:
    """The chosen rows of each file, read when they are wanted."""
    assets = {name: number for number, name in enumerate(found.assets)}
    modes = {name: number for number, name in enumerate(found.modes)}
    for number, part in enumerate(found.data.parts, start=1):
        rows = _read(part, assets, modes, features)
        yield rows.where(np.flatnonzero(chosen(rows)))
        progress(number, len(found.data.parts), f"{doing} {part.name}")


def _read(part: Path, assets: dict[str, int], modes: dict[str, int], features: Sequence[str]) -> Rows:
    return rows_of(read(part, features), assets, modes, features)


def history_of(found: Survey, pieces: Sequence[Rows], every_min: int | None = None) -> History:
    """Rows of files as one history, by asset and time."""
    asset = np.concatenate([piece.asset for piece in pieces])
    order = np.lexsort((np.concatenate([piece.window_end_us for piece in pieces]), asset))
    columns = [np.concatenate(column)[order] for column in zip(*pieces, strict=True)]
    whole = Rows(*columns)
    return History(
        features=whole.features, asset=whole.asset, window_end_us=whole.window_end_us, since_us=whole.since_us,
        hours=whole.hours, known_h=whole.known_h, mode=whole.mode, failures=found.failures, modes=found.modes,
        end_us=found.end_us, every_min=every_min or found.every_min,
    )  # fmt: skip
