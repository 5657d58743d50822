"""Files that are sorted by time, read by stretches: those of the user, and the runs of a stage."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol

import polars as pl

from connectors.files.form import Form, Known, Part
from connectors.files.given import File, in_time
from connectors.files.marks import Marks
from connectors.files.shape import Shape
from connectors.files.trouble import TIME, Told
from models.records import Reject

BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""What polars raises of a file that cannot be read."""


def first_line(wrong: BaseException) -> str:
    """What an error says, without where in polars it arose."""
    return next(iter(str(wrong).splitlines()), type(wrong).__name__)[:400]


class Source(Protocol):
    """Something sorted by time, with its marks."""

    marks: Marks

    def parts(self, from_us: int, to_us: int, assets: Collection[str]) -> Iterator[Part]:
        """Its rows of from_us <= time < to_us."""
        ...

    def told(self, *, is_last: bool) -> list[Told]:
        """Letters since the last time; at the end with those that count."""
        ...


class SortedFile:
    """A Parquet file of the user."""

    def __init__(self, file: File, marks: Marks, shape: Shape, form: Form, plant: str) -> None:
        self.marks = marks
        self._file, self._shape, self._form = file, shape, form
        self._trouble = file.trouble(plant, shape)

    def parts(self, from_us: int, to_us: int, assets: Collection[str]) -> Iterator[Part]:
        """See `Source`; a file that can no longer be read is told of."""
        if self._shape.form == "rows" and self._file.asset not in (None, *assets):
            return
        columns = self._form.reads(self._file.values, assets)
        table = self._file.scan(self._shape, columns, *self.marks.between(from_us, to_us))
        wanted = [pl.col(TIME).is_between(from_us, to_us, closed="left"), *self._form.where(assets)]
        try:
            rows = table.filter(*wanted).collect()
        except BROKEN as wrong:
            self._trouble.count(Reject.UNREADABLE, f"stretches of it cannot be read ({first_line(wrong)})", 1)
            return
        for kind, part in self._form.parts(in_time(rows, self._file, self._trouble), self._trouble):
            # An address that is a tag of one of the assets may be one of another at another time.
            yield kind, part if self._shape.form == "rows" else part.filter(pl.col("asset").is_in(list(assets)))

    def told(self, *, is_last: bool) -> list[Told]:
        """See `Source`."""
        return self._trouble.end() if is_last else self._trouble.take()


class Run:
    """A run of a stage, of one asset type."""

    def __init__(self, path: Path, kind: str, marks: Marks, known: Known) -> None:
        self.marks = marks
        self._path, self._kind, self._known = path, kind, known

    def parts(self, from_us: int, to_us: int, assets: Collection[str]) -> Iterator[Part]:
        """See `Source`."""
        held = pl.col("time_us").is_between(from_us, to_us, closed="left")
        wanted = pl.col("asset").is_in(list(assets))
        table = pl.scan_parquet(self._path, glob=False).slice(*self.marks.between(from_us, to_us))
        yield self._kind, table.filter(held, wanted).with_columns(pl.col("asset").cast(self._known.assets)).collect()

    def told(self, *, is_last: bool) -> list[Told]:  # noqa: ARG002 # the stage has told all
        """Nothing."""
        return []
