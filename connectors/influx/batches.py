"""Lines of a write: how a large one is parted by assets, and how a refused post is divided. Pure.

Lines of an asset are in one batch and keep their order there, so that the later value of a moment wins.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

import numpy as np
import polars as pl

from connectors.influx.lines import Lines, field_key
from pipelines.ports import Refusal, Rows

_CONFLICT = re.compile(r'input field "(.+?)" on measurement')
# 1.8, and 2.x on a type conflict, end in `dropped=1`; 2.x says `dropped 1 points outside retention policy`.
_DROPPED = re.compile(r"partial write: (?:dropped (\d+) points|.* dropped=(\d+)$)", re.DOTALL)
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines with where each came from (table and row of the write) and its time."""

    text: pl.Series
    table: np.ndarray
    row: np.ndarray
    time_us: np.ndarray
    tables: int = 1
    """How many tables the write had; `table` counts from 0."""

    def __len__(self) -> int:
        return len(self.row)

    def take(self, at: np.ndarray) -> Batch:
        """The lines at these positions, in this order."""
        return Batch(self.text.gather(at), self.table[at], self.row[at], self.time_us[at], self.tables)

    def body(self) -> bytes:
        """What is posted: lines parted by newlines."""
        return bytes(self.text.str.join("\n").cast(pl.Binary).item())

    def cut(self, lines: int) -> Iterator[Batch]:
        """Batches of at most so many lines, in order."""
        for at in range(0, len(self), lines):
            part = slice(at, at + lines)
            yield Batch(self.text[part], self.table[part], self.row[part], self.time_us[part], self.tables)

    def refuse(self, reason: str) -> list[Refusal]:
        """Refuse every line; the server quotes whole lines, so what is long is cut."""
        reason = reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1] + "…"
        pairs = zip(self.table.tolist(), self.row.tolist(), strict=True)
        return [Refusal(table, row, reason) for table, row in pairs]


def joined(batches: Sequence[Batch]) -> Batch:
    """One after the other as one; tables are numbered through."""
    if len(batches) == 1:
        return batches[0]
    firsts = accumulate((batch.tables for batch in batches), initial=0)
    return Batch(
        pl.concat([batch.text for batch in batches]),
        np.concatenate([batch.table + first for batch, first in zip(batches, firsts, strict=False)]),
        np.concatenate([batch.row for batch in batches]),
        np.concatenate([batch.time_us for batch in batches]),
        sum(batch.tables for batch in batches),
    )


def apart(tables: Sequence[Rows], encoded: Sequence[Lines], parts: int) -> list[tuple[Batch, frozenset[str]]]:
    """The lines of a write in so many batches at most, no two of them of the same asset, each with its assets."""
    pairs = enumerate(zip(tables, encoded, strict=True))
    filled = [(table, rows, lines) for table, (rows, lines) in pairs if len(lines)]
    if not filled:
        return []
    whole = Batch(
        pl.concat([lines.text for _, _, lines in filled]),
        np.concatenate([np.full(len(lines), table) for table, _, lines in filled]),
        np.concatenate([lines.row for _, _, lines in filled]),
        np.concatenate([rows.time_us[lines.row] for _, rows, lines in filled]),
        len(tables),
    )
    named = {rows.assets for _, rows, _ in filled}
    if parts == 1:
        return [(whole, frozenset().union(*(_names(assets, 1, 0) for assets in named)))]
    part_of = np.concatenate([_parts_of(rows.assets, parts)[rows.asset_index[lines.row]] for _, rows, lines in filled])
    places = [np.flatnonzero(part_of == part) for part in range(parts)]
    return [
        (whole.take(at), frozenset().union(*(_names(assets, parts, part) for assets in named)))
        for part, at in enumerate(places)
        if len(at)
    ]


@lru_cache(maxsize=64)
def _parts_of(assets: tuple[str, ...], parts: int) -> np.ndarray:
    """Of each asset, a function of its name; a partition has the same ones with each write."""
    return np.array([zlib.crc32(asset.encode()) % parts for asset in assets], dtype=np.uint8)


@lru_cache(maxsize=256)
def _names(assets: tuple[str, ...], parts: int, part: int) -> frozenset[str]:
    """The assets of a part."""
    return frozenset(asset for asset, of in zip(assets, _parts_of(assets, parts), strict=True) if of == part)


def all_dropped(batch: Batch, words: str) -> bool:
    """Whether these words of the server refuse every line: a single line, or as many dropped as were sent."""
    dropped = _DROPPED.search(words)
    return len(batch) == 1 or (dropped is not None and int(dropped[1] or dropped[2]) == len(batch))


def divide(batch: Batch, words: str) -> list[Batch]:
    """Two parts of a refused batch, apart by what the server's words blame, so that few posts find the bad lines.

    A type conflict names its field: lines without it first. Otherwise halves by time, since what is out of retention
    is the oldest. By time, lines of the same moment keep their order; by field they may part.
    """
    conflict = _CONFLICT.search(words)
    if conflict:
        blamed = batch.text.str.contains(f"{field_key(conflict[1])}=", literal=True).to_numpy()
        if blamed.any() and not blamed.all():
            return [batch.take(np.flatnonzero(~blamed)), batch.take(np.flatnonzero(blamed))]
    order = np.argsort(batch.time_us, kind="stable")
    middle = len(batch) // 2
    return [batch.take(order[:middle]), batch.take(order[middle:])]
