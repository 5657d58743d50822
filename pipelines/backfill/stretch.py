"""What a source of history gives: tables stretch by stretch, or batches of a log, whatever it reads from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import polars as pl

from models.records import DeadLetter, Maintenance, WorkOrder
from pipelines.ports import RawRecord


class Stretch(NamedTuple):
    """All rows from before `until_us` that no stretch before had, of the assets asked for.

    `tables` has by asset type `asset` (String), `time_us` (Int64), then the signals of the type by their names, in any
    order: Float64, Boolean or String as their kind is, null where nothing was said. Its rows are sorted by asset and
    time; two of one moment stand as they came. `events` are failures, repairs and work orders by when they were done,
    and `letters` tell of what of its rows could not be used, with file and line where it has those.
    """

    until_us: int
    tables: Mapping[str, pl.DataFrame]
    events: tuple[Maintenance | WorkOrder, ...] = ()
    letters: tuple[DeadLetter, ...] = ()


class Batch(NamedTuple):
    """Records as they lie on a log, in order, and when the last of them arrived."""

    records: Sequence[RawRecord]
    until_us: int


class Found(NamedTuple):
    """What a source has between two times, as far as it can tell without reading all: None where it cannot."""

    rows: int | None
    size: int | None  # bytes
    first_us: int | None
    last_us: int | None
    parts: int  # files, or partitions of a log
    unit: str = "file(s)"


class Tables(Protocol):
    """A source of tables. It sorts: what it gives is in order of time from stretch to stretch."""

    def found(self, from_us: int, to_us: int) -> Found:
        """What there is, for the plan; times are from_us <= time < to_us."""
        ...

    def stretches(self, from_us: int, to_us: int, assets: Collection[str], rows: int) -> Iterator[Stretch]:
        """All of it, in stretches of about `rows` rows, in bounded memory; the last one ends at `to_us`.

        Stretches end at whole minutes.
        """
        ...

    def letters(self, from_us: int, to_us: int) -> tuple[DeadLetter, ...]:
        """What could not be used, whatever assets are asked for: of rows of that time, and all that has no time.

        No stretch has them.
        """
        ...
