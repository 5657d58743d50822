"""Where history has nothing: an asset that said nothing for longer than it counts as heard."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import pairwise

import numpy as np
import polars as pl

from models.bins import MINUTE_US, changes
from models.plant import Plant
from models.plant.layout import Layout
from pipelines.backfill.results import GAPS
from pipelines.ports import Rows

Found = list[tuple[str, int, int]]
"""Asset, last time before, first time after."""


Held = dict[str, list[tuple[int, int]]]
"""Gaps by asset that rows may yet fill."""


class Gaps:
    """Follows when assets spoke, between two times; `last_us` and `held` have it by asset."""

    def __init__(
        self, plant: Plant, from_us: int, last_us: dict[str, int] | None = None, held: Held | None = None
    ) -> None:
        self._most_us = {
            name: Layout(name, asset_type).rule.hearing_min * MINUTE_US for name, asset_type in plant.types.items()
        }
        self._types = {asset: of.type for asset, of in plant.assets.items()}
        self._from_us, self.last_us, self.held = from_us, dict(last_us or {}), dict(held or {})

    def take(self, tables: Iterable[Rows], *, in_order: bool) -> Found:
        """The gaps that end in these rows.

        Where rows come out of order, as on a log, gaps are held and told at the end, however rows are cut into tables.
        """
        out: Found = []
        for rows in tables:
            if rows.measurement in self._most_us and len(rows):
                out += self._take(rows, self._most_us[rows.measurement])
        if in_order:
            return out
        for asset, begin, end in out:
            self.held.setdefault(asset, []).append((begin, end))
        return []

    def _take(self, rows: Rows, most_us: int) -> Found:
        order = np.lexsort((rows.time_us, rows.asset_index))
        asset, time_us = rows.asset_index[order], rows.time_us[order]
        heads = np.flatnonzero(changes(asset))
        names = [rows.assets[at] for at in asset[heads].tolist()]
        last_us = np.array([self.last_us.get(name, self._from_us) for name in names], np.int64)
        known_us = np.repeat(last_us, np.diff(heads, append=len(asset)))
        before_us = known_us.copy()
        before_us[1:] = np.maximum(known_us[1:], np.where(asset[1:] == asset[:-1], time_us[:-1], known_us[1:]))
        for name, times_us, last in zip(names, np.split(time_us, heads[1:]), last_us.tolist(), strict=True):
            if times_us[0] < last and name in self.held:
                self._fill(name, times_us, most_us)
            self.last_us[name] = max(last, int(times_us[-1]))
        wide = np.flatnonzero(time_us - before_us > most_us)
        return [
            (rows.assets[a], begin, end)
            for a, begin, end in zip(
                asset[wide].tolist(), before_us[wide].tolist(), time_us[wide].tolist(), strict=True
            )
        ]

    def _fill(self, asset: str, times_us: np.ndarray, most_us: int) -> None:
        """Put times into the gaps of an asset in which they lie."""
        left = []
        for begin, end in self.held[asset]:
            edges = [begin, *times_us[(times_us > begin) & (times_us < end)].tolist(), end]
            left += [(first, second) for first, second in pairwise(edges) if second - first > most_us]
        self.held[asset] = left

    def finish(self, assets: Collection[str], to_us: int) -> Found:
        """The gaps that were held, and those that last to the end, of these assets; asked again, none."""
        out = [(asset, *gap) for asset in sorted(assets) for gap in self.held.pop(asset, ())]
        for asset in sorted(assets):
            last_us = self.last_us.get(asset, self._from_us)
            if to_us - last_us > self._most_us[self._types[asset]]:
                out.append((asset, last_us, to_us))
            self.last_us[asset] = max(last_us, to_us)
        return out


def gaps_table(found: Found) -> pl.DataFrame:
    """Gaps as they are kept."""
    return pl.DataFrame(found, GAPS, orient="row")
