"""One lane of a backfill: a partition and the history it works off, with points to go on from after a crash.

The partition is the one that live runs; what differs is where its records come from and where its effects go.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple, Protocol
from urllib.parse import quote

import numpy as np
import polars as pl

from models.failure.learned import Lister
from models.records import Alert, DeadLetter, Forecast, Health, HealthyBaseline, Notice, NoticeKind, decode
from pipelines.backfill.features import features_table
from pipelines.backfill.gaps import Found, Gaps
from pipelines.backfill.kept import LaneFolder, Standing
from pipelines.backfill.results import health_table
from pipelines.backfill.said import rows_table
from pipelines.backfill.stretch import Batch, Stretch
from pipelines.partition import Partition
from pipelines.ports import Refusal, Rows
from pipelines.told import happened

IN_FLIGHT = 2
"""Steps whose effects may be on their way. Our choice."""
KEEP_S = 10.0
"""Between two points a lane can go on from. Our choice."""


Told = Forecast | Health | Alert | Notice | HealthyBaseline | DeadLetter
"""What history says that somebody can keep."""


class Place(NamedTuple):
    """Where rows stand among those that a step made: the table, and their places in it."""

    table: int
    rows: np.ndarray


class Keeper(Protocol):
    """Where what history made goes, beside the run's folder."""

    def take(self, rows: Sequence[Rows], records: Sequence[Told]) -> Future[Sequence[Refusal | DeadLetter]]:
        """Begin to keep them; the result is what the store refuses for good: rows by table and place, or letters."""
        ...

    def settle(self) -> None:
        """Return once all that was taken is safe."""
        ...


@dataclass(frozen=True, kw_only=True)
class Span:
    """What of history is asked for: from_us <= time < to_us, of these assets. What comes before only fills windows."""

    from_us: int
    to_us: int
    assets: frozenset[str]


class Lane:
    """A partition, its span of history, and where its effects go."""

    def __init__(
        self,
        partition: Partition,
        span: Span,
        folder: LaneFolder,
        keepers: Sequence[Keeper],
        source: str,
        checkpoint: Callable[[str], None] = lambda _: None,
        models: Sequence[tuple[int, Mapping[str, Lister]]] = (),
        *,
        keeps_rows: bool = False,
    ) -> None:
        """`source` names where rows come from, in the ledger; `checkpoint` is told each step of keeping.

        `models` are those to score by from a time on, of which the partition has the first that holds. With
        `keeps_rows`, rows of machines are results, too.
        """
        self.partition, self.span, self._folder = partition, span, folder
        self._keepers, self._source, self._checkpoint = keepers, source, checkpoint
        self._keeps_rows = keeps_rows
        point = folder.point
        self.position, self._reached_us, self.rows, last_us, held = point.at if point else Standing(0, 0, 0, {}, {})
        self._gaps = Gaps(partition.plant, span.from_us, last_us, held)
        self._turns = deque((from_us, hazards) for from_us, hazards in models if from_us > self._reached_us)
        self._waiting: deque[tuple[list[Place], list[Future[Sequence[Refusal | DeadLetter]]]]] = deque()

    def run(
        self,
        pieces: Iterable[Stretch | Batch],
        told: Callable[[int, int], None] = lambda _rows, _until_us: None,
        stop: Callable[[], bool] = lambda: False,
        keep_s: float = KEEP_S,
    ) -> bool:
        """Work pieces off, telling rows read and the time reached; whether it came to the end, and was not stopped.

        What a point covers is safe; there is one every `keep_s` seconds.
        """
        kept_s = time.monotonic()
        for piece in pieces:
            self._work(piece)
            told(self.rows, piece.until_us)
            if stop():
                self._keep()
                return False
            if time.monotonic() - kept_s >= keep_s:
                self._keep()
                kept_s = time.monotonic()
        self._folder.take((), (), self._gaps.finish(self.span.assets, self.span.to_us))
        self._keep()
        self._folder.finish(self.partition.ledger)
        return True

    def _work(self, piece: Stretch | Batch) -> None:
        """Step over a piece, and hand on what of it was asked for."""
        while self._turns and self._turns[0][0] <= self._reached_us:
            self.partition.score_by(self._turns.popleft()[1])
        before = self.partition.ledger.rows_read
        rows, said = self._made(piece)
        self.rows += self.partition.ledger.rows_read - before
        self._reached_us = piece.until_us
        self._checkpoint("stepped")
        places, asked = self._within(rows)
        records: list[Told] = [each for each in said if isinstance(each, Told) and self._is_asked(each)]
        if isinstance(piece, Stretch):  # whose ticks are too few to miss an asset by; its gaps are told
            records = [each for each in records if not _is_silence(each)]
        self._leave(asked, records, self._gaps.take(asked, in_order=isinstance(piece, Stretch)))
        self._waiting.append((places, [keeper.take(asked, records) for keeper in self._keepers]))
        while len(self._waiting) > IN_FLIGHT:
            self._acknowledge()

    def _within(self, tables: Sequence[Rows]) -> tuple[list[Place], list[Rows]]:
        """Rows of the span and the assets that were asked for, with the table and the places they have in it."""
        found: list[tuple[Place, Rows]] = []
        for number, rows in enumerate(tables):
            asset = np.array([name in self.span.assets for name in rows.assets], bool)
            asked = (rows.time_us >= self.span.from_us) & (rows.time_us < self.span.to_us) & asset[rows.asset_index]
            if asked.any():
                found.append((Place(number, np.flatnonzero(asked)), rows if asked.all() else rows.where(asked)))
        return [place for place, _ in found], [rows for _, rows in found]

    def _made(self, piece: Stretch | Batch) -> tuple[Sequence[Rows], Sequence[object]]:
        """Rows and records that a piece brings about."""
        if isinstance(piece, Stretch):
            made = self.partition.take(piece, self._source)
            self.position = piece.until_us
            return made.rows, made.records
        effects = self.partition.receive(piece.records)
        self.position = self.partition.next_offset
        return effects.rows, [decode(output.value) for output in effects.outputs]

    def _leave(self, rows: Sequence[Rows], records: Sequence[Told], gaps: Found) -> None:
        """Put results into the folder."""
        for table in rows if self._keeps_rows else ():
            if table.measurement in self.partition.plant.types:
                self._folder.take_table(f"rows-{quote(table.measurement, safe='')}", rows_table(table))
        for looked in self.partition.looked or ():
            if len(looked.asset):
                self._folder.take_table("features", self._asked_features(features_table(looked)))
        if self.partition.looked:
            self.partition.looked.clear()
        forecasts = [each for each in records if isinstance(each, Forecast)]
        if healths := [each for each in records if isinstance(each, Health)]:
            self._folder.take_table("health", health_table(healths))
        others = [each for each in records if not isinstance(each, Forecast | Health)]
        self._folder.take(forecasts, [*others, *happened(rows)], gaps)

    def _asked_features(self, table: pl.DataFrame) -> pl.DataFrame:
        end_us = pl.col("window_end_us")
        asked = (end_us > self.span.from_us) & (end_us <= self.span.to_us) & pl.col("asset").is_in(self.span.assets)
        return table.filter(asked)

    def _is_asked(self, record: Told) -> bool:
        span = self.span
        if isinstance(record, DeadLetter):
            return True
        if isinstance(record, Notice):
            return record.asset in span.assets and span.from_us <= record.time_us and record.since_us < span.to_us
        end_us = record.to_us if isinstance(record, HealthyBaseline) else record.window_end_us
        return record.asset in span.assets and span.from_us < end_us <= span.to_us

    def _acknowledge(self) -> None:
        places, kept = self._waiting.popleft()
        refused = list(chain.from_iterable(future.result() for future in kept))
        mine = [(places[each.table], each) for each in refused if isinstance(each, Refusal)]
        own = [Refusal(place.table, int(place.rows[each.row]), each.reason) for place, each in mine]
        letters = [decode(letter.value) for letter in self.partition.acknowledged(own)]
        self._folder.take((), [*letters, *(each for each in refused if isinstance(each, DeadLetter))], [])

    def _keep(self) -> None:
        """Have all that was made safe, then the point behind it."""
        while self._waiting:
            self._acknowledge()
        for keeper in self._keepers:
            keeper.settle()
        self._checkpoint("settled")
        at = Standing(self.position, self._reached_us, self.rows, self._gaps.last_us, self._gaps.held)
        self._folder.keep(self.partition.whole(), at)
        self._checkpoint("kept")


def _is_silence(record: Told) -> bool:
    return isinstance(record, Notice) and record.kind is NoticeKind.SILENT_ASSET
