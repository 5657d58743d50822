"""Where history has nothing: an asset that said nothing for longer than it counts as heard."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
import polars as pl

from models.bins import MINUTE_US, changes
from models.plant import Plant
from models.plant.layout import Layout
from pipelines.backfill.results import GAPS
from pipelines.ports import Rows

Found = list[tuple[str, int, int]]
"""Asset, last time before, first time after."""


class Gaps:
    """Follows when assets spoke, between two times; `last_us` has it by asset."""

    def __init__(self, plant: Plant, from_us: int, last_us: dict[str, int] | None = None) -> None:
        self._most_us = {
            name: Layout(name, asset_type).rule.hearing_min * MINUTE_US for name, asset_type in plant.types.items()
        }
        self._types = {asset: of.type for asset, of in plant.assets.items()}
        self._from_us, self.last_us = from_us, dict(last_us or {})

    def take(self, tables: Iterable[Rows]) -> Found:
        """The gaps that end in these rows, which are in order of time for each asset."""
        out: Found = []
        for rows in tables:
            if rows.measurement in self._most_us and len(rows):
                out += self._take(rows, self._most_us[rows.measurement])
        return out

    def _take(self, rows: Rows, most_us: int) -> Found:
        order = np.lexsort((rows.time_us, rows.asset_index))
        asset, time_us = rows.asset_index[order], rows.time_us[order]
        heads = changes(asset)
        before_us = np.empty(len(asset), np.int64)
        before_us[1:] = time_us[:-1]
        names = [rows.assets[at] for at in asset[heads].tolist()]
        before_us[heads] = [self.last_us.get(name, self._from_us) for name in names]
        last = np.flatnonzero(np.append(heads[1:], True))
        for name, us in zip(names, time_us[last].tolist(), strict=True):
            self.last_us[name] = max(us, self.last_us.get(name, us))
        wide = np.flatnonzero(time_us - before_us > most_us)
        return [
            (rows.assets[a], begin, end)
            for a, begin, end in zip(
                asset[wide].tolist(), before_us[wide].tolist(), time_us[wide].tolist(), strict=True
            )
        ]

    def finish(self, assets: Collection[str], to_us: int) -> Found:
        """The gaps that last to the end, of these assets."""
        out = []
        for asset in sorted(assets):
            last_us = self.last_us.get(asset, self._from_us)
            if to_us - last_us > self._most_us[self._types[asset]]:
                out.append((asset, last_us, to_us))
        return out


def gaps_table(found: Found) -> pl.DataFrame:
    """Gaps as they are kept."""
    return pl.DataFrame(found, GAPS, orient="row")
