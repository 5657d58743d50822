"""Files that cannot be read by time as they are, brought once into runs: Parquet files that are sorted by time.

A run is what fitted into memory; runs overlap as the files do. A marker, written last, says that all are there.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
import polars as pl
from msgspec import Struct

from connectors.files import lines
from connectors.files.form import Form
from connectors.files.given import File, in_time, row_count
from connectors.files.shape import Shape
from connectors.files.trouble import TIME, Told, Trouble
from models.plant import Plant
from models.records import Reject

RUN_BYTES = 64 * 1024 * 1024
"""Of values in memory that make a run; our choice. Sorting takes as much again."""
ROWS_A_READ = 500_000
ROWS_A_GROUP = 32_768
"""Rows of a row group, which is the least that is read of a run; our choice."""
MARKER = "done.json"
VERSION = 1

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many."""


class Run(Struct, frozen=True):
    """A file of a stage, and the asset type of which it has rows."""

    name: str
    kind: str
    rows: int
    size: int


class Stage(Struct, frozen=True):
    """All runs, and what was told in making them."""

    runs: tuple[Run, ...]
    letters: tuple[Told, ...]


def name_of(files: Sequence[File], shape: Shape, plant: Plant) -> str:
    """Another name for other files, or where they mean something else."""
    kinds = {name: {one: spec.kind for one, spec in kind.signals.items()} for name, kind in plant.types.items()}
    assets = {name: asset.type for name, asset in plant.assets.items()}
    what = (
        VERSION,
        [(str(file.path.resolve()), file.size, file.mtime_ns) for file in files],
        shape,
        plant.plant,
        kinds,
        assets,
        plant.tags,
    )
    return sha256(msgspec.json.encode(what)).hexdigest()[:24]


def found(folder: Path) -> Stage | None:
    """The stage in a folder; None where there is none, or not all of it."""
    try:
        stage = msgspec.json.decode((folder / MARKER).read_bytes(), type=Stage)
        whole = all((folder / run.name).stat().st_size == run.size for run in stage.runs)
    except (OSError, msgspec.MsgspecError):
        return None
    return stage if whole else None


def made(folder: Path, files: Sequence[File], shape: Shape, form: Form, plant: Plant, progress: Progress) -> Stage:
    """Bring files into a folder, anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    writer = _Runs(folder)
    letters: list[Told] = []
    size, done = sum(file.size for file in files), 0
    for file in files:
        trouble = file.trouble(plant.plant, shape)
        for rows, read in _reads(file, shape, form, plant, trouble):
            for kind, part in form.parts(in_time(rows, file, trouble), trouble):
                writer.add(kind, part)
            progress(done + min(read, file.size), size)
        letters += trouble.end()
        done += file.size
    writer.flush()
    stage = Stage(tuple(writer.runs), tuple(letters))
    begun = folder / f"{MARKER}.tmp"
    begun.write_bytes(msgspec.json.encode(stage))
    begun.rename(folder / MARKER)
    return stage


def _reads(file: File, shape: Shape, form: Form, plant: Plant, trouble: Trouble) -> Iterator[tuple[pl.DataFrame, int]]:
    """Rows with LINE and TIME, and how many bytes were read by then."""
    if not file.is_parquet:
        for piece in lines.pieces(file.path, file.names, shape, trouble):
            table = file.with_asset(piece.rows.lazy(), shape).with_columns(file.time.alias(TIME))
            yield table.collect(), piece.read
        return
    try:
        columns = form.reads(file.values, plant.assets)
        count = row_count(file.path)
        for offset in range(0, count, ROWS_A_READ):
            yield file.scan(shape, columns, offset, ROWS_A_READ).collect(), file.size * offset // count
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as wrong:
        trouble.tell(Reject.UNREADABLE, f"cannot be read on: {str(wrong).splitlines()[0]}"[:500])


class _Runs:
    """Gathers parts until they make runs."""

    def __init__(self, folder: Path) -> None:
        self.runs: list[Run] = []
        self._folder = folder
        self._parts: dict[str, list[pl.DataFrame]] = defaultdict(list)
        self._bytes = 0.0

    def add(self, kind: str, part: pl.DataFrame) -> None:
        self._parts[kind].append(part)
        self._bytes += part.estimated_size()
        if self._bytes >= RUN_BYTES:
            self.flush()

    def flush(self) -> None:
        for kind, parts in self._parts.items():
            run = pl.concat(parts, how="diagonal").sort("time_us", maintain_order=True)
            if run.is_empty():
                continue
            path = self._folder / f"{len(self.runs):06d}.parquet"
            run.with_columns(pl.col("asset").cast(pl.String)).write_parquet(
                path, compression="lz4", row_group_size=ROWS_A_GROUP
            )
            self.runs.append(Run(path.name, kind, len(run), path.stat().st_size))
        self._parts.clear()
        self._bytes = 0
