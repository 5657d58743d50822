"""History from CSV and Parquet files as stretches of tables.

Parquet that is sorted by time is read as it is, unless many files have the same times; everything else is staged
first, see `staged`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from connectors.files import staged
from connectors.files.events import read_events
from connectors.files.form import Known
from connectors.files.forms import form_of
from connectors.files.given import File, Unusable, listed, opened, row_count
from connectors.files.marks import Marks, Minutes, depths, marked
from connectors.files.shape import Shape, check
from connectors.files.sources import BROKEN, Run, SortedFile, Source, first_line
from connectors.files.staged import Progress
from connectors.files.table import MapError
from connectors.files.tables import table
from connectors.files.trouble import Told, Trouble
from models.plant import Plant
from models.records import DeadLetter, Maintenance, Reject
from pipelines.backfill.stretch import Found, Stretch

MOST_AT_ONCE = 8
"""Files that are read at once as they are: the row groups of each are read again for every stretch. Our choice."""


def _quiet(done: int, of: int) -> None:
    """Progress that nobody watches."""


class _Looked(NamedTuple):
    """The files by how they are read, the minutes of those that are sorted, and letters about them all."""

    ordered: list[tuple[File, Marks]]
    rest: list[File]
    minutes: Minutes
    letters: list[Told]


class _Ready(NamedTuple):
    """The runs beside the files that are sorted, the minutes of all, and letters that are known before reading."""

    runs: list[Run]
    minutes: Minutes
    letters: list[Told]


class FileHistory:
    """History of a plant's assets in files. Raises MapError where globs, shape and files do not fit.

    `work` is a folder for the stage, which is found again there by the next one with the same files, shape and tags.
    """

    def __init__(
        self,
        plant: Plant,
        files: Sequence[str],
        work: Path,
        shape: Shape | None = None,
        events: Path | None = None,
        progress: Progress = _quiet,
    ) -> None:
        self._plant, self._work, self._shape, self._progress = plant, work, shape or Shape(), progress
        check(self._shape)
        self._known = Known.of(plant)
        self._form = form_of(self._shape, plant, self._known)
        self._events: list[Maintenance] = []
        self._letters: list[Told] = []
        self._files = self._open(listed(files))
        if events is not None:
            self._events, told = read_events(events, self._shape, plant)
            self._letters += told
        self._seen: _Looked | None = None
        self._made: _Ready | None = None

    def found(self, from_us: int, to_us: int) -> Found:
        """Of rows and times nothing while files that need a stage have none."""
        size = sum(file.size for file in self._files)
        ready = self._ready(make=False)
        if ready is None:
            return Found(None, size, None, None, len(self._files))
        marks = [*(marks for _, marks in self._look().ordered), *(run.marks for run in ready.runs)]
        rows = ready.minutes.rows(from_us, to_us)
        if not rows:
            return Found(0, size, None, None, len(self._files))
        first_us = max(from_us, min(each.first_us for each in marks))
        last_us = min(to_us - 1, max(each.last_us for each in marks))
        return Found(rows, size, first_us, last_us, len(self._files))

    def stage(self) -> None:
        """Make the stage where one is needed and there is none, which reads all files that need it once."""
        self._ready(make=True)

    def stretches(self, from_us: int, to_us: int, assets: Collection[str], rows: int) -> Iterator[Stretch]:
        """See `Tables`. Makes the stage where there is none; assets that are not in the plant are left out."""
        ready = self._ready(make=True)
        assert ready is not None
        sources: list[Source] = [
            SortedFile(file, marks, self._shape, self._form, self._plant.plant) for file, marks in self._look().ordered
        ]
        sources += ready.runs
        own = sorted(set(assets) & self._known.types.keys())
        begin_us = from_us
        for end_us in ready.minutes.ends(from_us, to_us, rows):
            tables = self._tables(sources, begin_us, end_us, own)
            told = [one.letter for source in sources for one in source.told(is_last=end_us == to_us)]
            events = [one for one in self._events if begin_us <= one.time_us < end_us and one.asset in own]
            yield Stretch(end_us, tables, tuple(events), tuple(told))
            begin_us = end_us

    def letters(self, from_us: int, to_us: int) -> tuple[DeadLetter, ...]:
        """See `Tables`. Makes the stage where there is none."""
        ready = self._ready(make=True)
        assert ready is not None
        return tuple(one.letter for one in ready.letters if one.time_us is None or from_us <= one.time_us < to_us)

    def _tables(
        self, sources: Sequence[Source], from_us: int, to_us: int, assets: Collection[str]
    ) -> dict[str, pl.DataFrame]:
        parts: dict[str, list[pl.DataFrame]] = defaultdict(list)
        for source in sources:
            if assets and source.marks.first_us < to_us and source.marks.last_us >= from_us:
                for kind, part in source.parts(from_us, to_us, assets):
                    if len(part):
                        parts[kind].append(part)
        return {kind: table(of, self._known.kinds[kind]) for kind, of in parts.items()}

    def _open(self, paths: Sequence[Path]) -> list[File]:
        files: list[File] = []
        misfits: list[Exception] = []
        for path in paths:
            trouble = Trouble(self._plant.plant, str(path))
            try:
                file = opened(path, self._shape)
            except (Unusable, MapError) as wrong:
                misfits.append(wrong)
                reason = Reject.UNREADABLE if isinstance(wrong, Unusable) else Reject.NOT_A_RECORD
                trouble.tell(reason, str(wrong).removeprefix(f"{path} "))
            else:
                files.append(file)
                self._form.strange(file.values, trouble)
            self._letters += trouble.take()
        if not files:
            of_shape = [wrong for wrong in misfits if isinstance(wrong, MapError)]
            raise of_shape[0] if of_shape else MapError(f"{paths[0]} {misfits[0]}")
        return files

    def _look(self) -> _Looked:
        """Which files are read as they are: sorted by time, and few at a time. Reads all times of Parquet, once."""
        if self._seen is None:
            known = [(file, self._marks(file) if file.is_parquet else None) for file in self._files]
            ordered = [(file, marks) for file, marks in known if marks is not None]
            depth = depths([marks.first_us for _, marks in ordered], [marks.last_us for _, marks in ordered])
            few = [one for one, deep in zip(ordered, depth, strict=True) if deep <= MOST_AT_ONCE]
            direct = {file.path for file, _ in few}
            seen = _Looked(few, [file for file in self._files if file.path not in direct], Minutes(), [*self._letters])
            for file, marks in few:
                seen.minutes.add(file.times(), marks.rows, self._form.weight(file.values))
                seen.letters.extend(self._unknown(file, marks))
            self._seen = seen
        return self._seen

    def _marks(self, file: File) -> Marks | None:
        try:
            return marked(file.times(), row_count(file.path))
        except BROKEN:
            return None  # staging tells how far it can be read

    def _unknown(self, file: File, marks: Marks) -> list[Told]:
        trouble = file.trouble(self._plant.plant, self._shape)
        if self._form.key:
            keys = file.scan(self._shape, (self._form.key,), 0, marks.rows)
            try:
                self._form.unknown(keys.group_by(self._form.key).len().collect(), trouble)
            except BROKEN as wrong:
                trouble.tell(Reject.UNREADABLE, f"'{self._form.key}' cannot be read: {first_line(wrong)}")
        return trouble.end()

    def _ready(self, *, make: bool) -> _Ready | None:
        """None where a stage is missing and none is to be made."""
        if self._made is None:
            seen = self._look()
            folder = self._work / staged.name_of(seen.rest, self._shape, self._plant)
            stage = staged.found(folder) if seen.rest else staged.Stage((), ())
            if stage is None and make:
                stage = staged.found_or_made(folder, seen.rest, self._shape, self._form, self._plant, self._progress)
            if stage is None:
                return None
            self._made = _Ready([], seen.minutes, [*seen.letters, *stage.letters])
            self._made.runs.extend(staged.run_of(folder, run, self._known, seen.minutes) for run in stage.runs)
        return self._made
