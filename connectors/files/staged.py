"""Files that cannot be read by time as they are, brought once into runs: Parquet files that are sorted by time.

A run is what fitted into memory. Runs overlap as the files do, and are merged where too many do. A marker, written
last, says that all are there.
"""

from __future__ import annotations

import fcntl
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
import polars as pl
from msgspec import Struct

from connectors.files import lines
from connectors.files.form import Form, Known
from connectors.files.given import File, in_time, row_count
from connectors.files.marks import Minutes, depths, marked
from connectors.files.shape import Shape
from connectors.files.sources import BROKEN, Run, first_line
from connectors.files.table import MapError
from connectors.files.trouble import Told, Trouble
from models.plant import Plant
from models.records import Reject

RUN_BYTES = 64 * 1024 * 1024
"""Of values in memory that make a run; our choice. Sorting takes as much again."""
CELLS_A_READ = 4_000_000
"""Of unsorted Parquet, at once; our choice: some 32 MB of numbers."""
ROWS_A_GROUP = 32_768
"""Rows of a row group, which is the least that is read of a run; our choice."""
MOST_AT_ONCE = 32
"""Runs that may overlap: of each a stretch of half a million rows has then half a row group. Our choice."""
MARKER = "done.json"
VERSION = 1

Progress = Callable[[int, int], None]
"""Is told how many bytes are done, and of how many."""


class RunFile(Struct, frozen=True):
    """A file of a stage, and the asset type of which it has rows."""

    name: str
    kind: str
    rows: int
    size: int
    first_us: int
    last_us: int


class Stage(Struct, frozen=True):
    """All runs, and what was told in making them."""

    runs: tuple[RunFile, ...]
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


def found_or_made(
    folder: Path, files: Sequence[File], shape: Shape, form: Form, plant: Plant, progress: Progress
) -> Stage:
    """The stage in a folder, made if there is none, by one process at a time. Raises MapError as `made` does."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = (folder.parent / ".lock").open("w")
    except OSError as wrong:
        raise _not_kept(folder, wrong) from wrong
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return found(folder) or made(folder, files, shape, form, plant, progress)


def made(folder: Path, files: Sequence[File], shape: Shape, form: Form, plant: Plant, progress: Progress) -> Stage:
    """Bring files into a folder, anew. Raises MapError where that cannot be written."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        raise _not_kept(folder, wrong) from wrong
    writer = _Writer(folder)
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
    writer.merge(Known.of(plant))
    stage = Stage(tuple(writer.runs), tuple(letters))
    begun = folder / f"{MARKER}.tmp"
    begun.write_bytes(msgspec.json.encode(stage))
    begun.rename(folder / MARKER)
    return stage


def _not_kept(path: Path, wrong: Exception) -> MapError:
    return MapError(f"{path} cannot be written ({first_line(wrong)}): make room there, or give another folder")


def _reads(file: File, shape: Shape, form: Form, plant: Plant, trouble: Trouble) -> Iterator[tuple[pl.DataFrame, int]]:
    """Rows with LINE and TIME, and how many bytes were read by then."""
    if not file.is_parquet:
        for piece in lines.pieces(file.path, file.names, shape, trouble):
            yield file.with_asset(file.timed(piece.rows).lazy(), shape).collect(), piece.read
        return
    try:
        columns = form.reads(file.values, plant.assets)
        count = row_count(file.path)
        read = max(1, CELLS_A_READ // (len(columns) + 2))
        for offset in range(0, count, read):
            yield file.scan(shape, columns, offset, read).collect(), file.size * offset // count
    except BROKEN as wrong:
        trouble.tell(Reject.UNREADABLE, f"cannot be read on: {first_line(wrong)}")


class _Writer:
    """Gathers parts until they make runs."""

    def __init__(self, folder: Path) -> None:
        self.runs: list[RunFile] = []
        self._folder, self._written = folder, 0
        self._parts: dict[str, list[pl.DataFrame]] = defaultdict(list)
        self._bytes = 0.0

    def add(self, kind: str, part: pl.DataFrame) -> None:
        if len(part):
            self._parts[kind].append(part)
            self._bytes += part.estimated_size()
        if self._bytes >= RUN_BYTES:
            self.flush()

    def flush(self) -> None:
        self.runs += [self.write(kind, parts) for kind, parts in self._parts.items()]
        self._parts.clear()
        self._bytes = 0.0

    def write(self, kind: str, parts: Sequence[pl.DataFrame]) -> RunFile:
        rows = pl.concat(parts, how="diagonal").with_columns(pl.col("asset").cast(pl.String))
        rows = rows.sort("time_us", maintain_order=True)
        path = self._folder / f"{self._written:06d}.parquet"
        self._written += 1
        try:
            rows.write_parquet(path, compression="lz4", row_group_size=ROWS_A_GROUP)
        except BROKEN as wrong:
            raise _not_kept(path, wrong) from wrong
        first_us, last_us = rows["time_us"][0], rows["time_us"][-1]
        return RunFile(path.name, kind, len(rows), path.stat().st_size, first_us, last_us)

    def merge(self, known: Known) -> None:
        """Merge runs until few overlap: a chain is of runs that do not."""
        for kind in {run.kind for run in self.runs}:
            chains = [[run] for run in self.runs if run.kind == kind]
            others = [run for run in self.runs if run.kind != kind]
            while len(chains) > 1 and _depth(chains) > MOST_AT_ONCE:
                some = [chains[at : at + MOST_AT_ONCE] for at in range(0, len(chains), MOST_AT_ONCE)]
                chains = [self._merged([run for chain in each for run in chain], known) for each in some]
            self.runs = [*others, *(run for chain in chains for run in chain)]

    def _merged(self, runs: Sequence[RunFile], known: Known) -> list[RunFile]:
        minutes = Minutes()
        sources = [run_of(self._folder, run, known, minutes) for run in runs]
        from_us, last_us = min(run.first_us for run in runs), max(run.last_us for run in runs)
        made: list[RunFile] = []
        for to_us in minutes.ends(from_us, last_us + 1, sum(run.rows for run in runs) // len(runs)):
            parts = [part for source in sources for _, part in source.parts(from_us, to_us, known.types)]
            made.append(self.write(runs[0].kind, parts))
            from_us = to_us
        for run in runs:
            (self._folder / run.name).unlink()
        return made


def _depth(chains: Sequence[Sequence[RunFile]]) -> int:
    runs = [run for chain in chains for run in chain]
    return int(depths([run.first_us for run in runs], [run.last_us for run in runs]).max())


def run_of(folder: Path, run: RunFile, known: Known, minutes: Minutes) -> Run:
    """The reader of a run, whose rows are added to `minutes`."""
    path = folder / run.name
    times = pl.scan_parquet(path, glob=False).select("time_us")
    marks = marked(times, run.rows)
    assert marks is not None, f"{path} is not sorted"
    minutes.add(times, run.rows)
    return Run(path, run.kind, marks, known)
