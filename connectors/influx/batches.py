"""Lines on their way to InfluxDB: which post they go in, and how a refused post is divided. Pure.

All lines of an asset are in one lane and keep their order there, so that the later value of a moment wins, however
many posts are in flight.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

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

    def __len__(self) -> int:
        return len(self.row)

    def take(self, at: np.ndarray) -> Batch:
        """The lines at these positions, in this order."""
        return Batch(self.text.gather(at), self.table[at], self.row[at], self.time_us[at])

    def body(self) -> bytes:
        """What is posted: lines parted by newlines."""
        return bytes(self.text.str.join("\n").cast(pl.Binary).item())

    def cut(self, lines: int) -> Iterator[Batch]:
        """Batches of at most so many lines, in order."""
        for at in range(0, len(self), lines):
            part = slice(at, at + lines)
            yield Batch(self.text[part], self.table[part], self.row[part], self.time_us[part])

    def refuse(self, reason: str) -> list[Refusal]:
        """Refuse every line; the server quotes whole lines, so what is long is cut."""
        reason = reason if len(reason) <= _LONGEST_REASON else reason[: _LONGEST_REASON - 1] + "…"
        pairs = zip(self.table.tolist(), self.row.tolist(), strict=True)
        return [Refusal(table, row, reason) for table, row in pairs]


def into_lanes(tables: Sequence[Rows], encoded: Sequence[Lines], lanes: int) -> dict[int, Batch]:
    """All lines of a write by lane; a lane is a function of the asset's name."""
    pairs = enumerate(zip(tables, encoded, strict=True))
    filled = [(table, rows, lines) for table, (rows, lines) in pairs if len(lines)]
    if not filled:
        return {}
    whole = Batch(
        pl.concat([lines.text for _, _, lines in filled]),
        np.concatenate([np.full(len(lines), table) for table, _, lines in filled]),
        np.concatenate([lines.row for _, _, lines in filled]),
        np.concatenate([rows.time_us[lines.row] for _, rows, lines in filled]),
    )
    lane = np.concatenate([_lane_of(rows, lanes)[lines.row] for _, rows, lines in filled])
    places = [np.flatnonzero(lane == one) for one in range(lanes)]
    return {one: whole.take(at) for one, at in enumerate(places) if len(at)}


def _lane_of(rows: Rows, lanes: int) -> np.ndarray:
    return _lanes_of(rows.assets, lanes)[rows.asset_index]


@lru_cache(maxsize=64)
def _lanes_of(assets: tuple[str, ...], lanes: int) -> np.ndarray:
    """Of each asset; a partition has the same ones with each write."""
    return np.array([zlib.crc32(asset.encode()) % lanes for asset in assets], dtype=np.uint8)


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
