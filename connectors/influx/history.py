"""InfluxDB as a source of history: rows of every asset type and what happened, a span of time after another."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator

import polars as pl

from connectors.influx.query import InfluxReader
from connectors.influx.target import Target
from models.bins import MINUTE_US
from models.plant import Plant
from models.plant.layout import Layout
from models.records import DeadLetter, Maintenance, Reject, WorkOrder
from pipelines.backfill.stretch import Found, Stretch
from pipelines.told import MAINTENANCE, WORK_ORDERS, done, maintenance_of, orders_of

DAY_MIN = 1440
FIRST_MIN, BLIND_MIN, MOST_MIN = 60, 360, 90 * DAY_MIN
"""The first span that is asked for, the longest where nothing is known of how dense rows are, and the longest of all.
Our choice."""
Dropped = tuple[str, str, Reject]
"""Asset type, field, and why its values are of no signal."""
_KINDS: dict[type, type[pl.DataType]] = {float: pl.Float64, bool: pl.Boolean, str: pl.String}


class InfluxHistory:
    """`pipelines.backfill.stretch.Tables` of one bucket."""

    def __init__(self, target: Target, plant: Plant) -> None:
        self._target, self._plant = target, plant
        self._layouts = {name: Layout(name, of) for name, of in plant.types.items()}

    def found(self, from_us: int, to_us: int) -> Found:
        """Rows by what InfluxDB counts: a row has as many values as its fullest field. Raises StoreDown."""
        counts, first_us, last_us = asyncio.run(self._counted(from_us, to_us))
        return Found(counts, None, first_us, last_us, len(self._layouts), "measurement(s)")

    async def _counted(self, from_us: int, to_us: int) -> tuple[int, int | None, int | None]:
        rows, firsts, lasts = 0, [], []
        async with InfluxReader(self._target) as reader:
            for name in self._layouts:
                for asset in await reader.extents(name, from_us, to_us):
                    rows += asset.rows
                    firsts.append(asset.first_us)
                    lasts.append(asset.last_us)
        return rows, min(firsts, default=None), max(lasts, default=None)

    def events(self, until_us: int, assets: Collection[str]) -> list[Maintenance]:
        """Failures and repairs of these assets before a time, in order. Raises StoreDown."""
        events = maintenance_of(self._read(MAINTENANCE, until_us, assets), self._plant.plant)
        return sorted(events, key=lambda event: event.time_us)

    def orders(self, until_us: int, assets: Collection[str]) -> list[WorkOrder]:
        """Work orders of these assets that were reported before a time. Raises StoreDown."""
        return orders_of(self._read(WORK_ORDERS, until_us, assets), self._plant.plant)

    def _read(self, measurement: str, until_us: int, assets: Collection[str]) -> pl.DataFrame:
        async def read() -> pl.DataFrame:
            async with InfluxReader(self._target) as reader:
                return await reader.read(measurement, 0, until_us, assets)

        return asyncio.run(read())

    def stretches(self, from_us: int, to_us: int, assets: Collection[str], rows: int) -> Iterator[Stretch]:
        """Spans that grow or shrink until they have about as many rows as asked for. Raises StoreDown."""
        orders = [order for order in self.orders(to_us, assets) if order.finished_us >= from_us]
        events = done(self.events(to_us, assets), orders, from_us)
        dropped: Counter[Dropped] = Counter()
        with asyncio.Runner() as runner:
            reader = InfluxReader(self._target)
            runner.run(reader.__aenter__())
            try:
                first_us = runner.run(self._first_us(reader, from_us, to_us, assets))
                begin_us, minutes = max(from_us, min(to_us, first_us) // MINUTE_US * MINUTE_US), FIRST_MIN
                if begin_us > from_us:
                    yield Stretch(begin_us, {}, tuple(event for event in events if event.done_us < begin_us))
                while begin_us < to_us:
                    end_us = min(to_us, (begin_us // MINUTE_US + minutes) * MINUTE_US)
                    tables = runner.run(self._tables(reader, begin_us, end_us, assets, dropped))
                    got = sum(map(len, tables.values()))
                    happened = tuple(event for event in events if begin_us <= event.done_us < end_us)
                    letters = _letters(self._plant.plant, dropped) if end_us == to_us else ()
                    yield Stretch(end_us, tables, happened, letters)
                    begin_us = end_us
                    minutes = _next_span(minutes, rows, got)
            finally:
                runner.run(reader.__aexit__(None, None, None))

    def letters(self, from_us: int, to_us: int) -> tuple[DeadLetter, ...]:  # noqa: ARG002 - the same for all times
        """None beside those of stretches."""
        return ()

    async def _first_us(self, reader: InfluxReader, from_us: int, to_us: int, assets: Collection[str]) -> int:
        """When the first of these assets has its first row; the end where none has one."""
        every = [extent for name in self._layouts for extent in await reader.extents(name, from_us, to_us)]
        return min((extent.first_us for extent in every if extent.asset in assets), default=to_us)

    async def _tables(
        self, reader: InfluxReader, from_us: int, to_us: int, assets: Collection[str], dropped: Counter[Dropped]
    ) -> dict[str, pl.DataFrame]:
        out = {}
        for name, layout in self._layouts.items():
            mine = [asset for asset in assets if self._plant.assets[asset].type == name]
            if mine:
                table = await reader.read(name, from_us, to_us, mine)
                if len(table):
                    out[name] = _typed(table, layout, dropped)
        return out


def _next_span(minutes: int, wanted: int, got: int) -> int:
    """Minutes that would have held what is wanted: at most four times as many as those before.

    Behind a span without rows nobody knows how dense the next ones are.
    """
    if not got:
        return min(4 * minutes, max(minutes // 4, BLIND_MIN))
    return max(1, min(minutes * wanted // got, 4 * minutes, MOST_MIN))


def _typed(table: pl.DataFrame, layout: Layout, dropped: Counter[Dropped]) -> pl.DataFrame:
    """The signals that the type has by now, each of its kind; values that are of none are counted as dropped."""
    kinds = dict.fromkeys(layout.numeric, float) | layout.objects
    columns = [table.get_column("asset"), table.get_column("time_us")]
    for name in table.columns[2:]:
        column = table.get_column(name)
        if name not in kinds:
            dropped[layout.name, name, Reject.UNKNOWN_SIGNAL] += len(column) - column.null_count()
            continue
        typed = _cast(column, kinds[name])
        dropped[layout.name, name, Reject.WRONG_KIND] += typed.null_count() - column.null_count()
        columns.append(typed)
    return pl.DataFrame(columns)


def _cast(column: pl.Series, kind: type) -> pl.Series:
    """Values as of a kind, null where they are of none; words are no truths."""
    if kind is bool and column.dtype == pl.String:
        return pl.Series(column.name, [None] * len(column), pl.Boolean)
    return column.cast(_KINDS[kind], strict=False)


def _letters(plant: str, dropped: Counter[Dropped]) -> tuple[DeadLetter, ...]:
    return tuple(
        DeadLetter(plant=plant, reason=reason, detail=f"{count:,} values of {kind}.{name} in the store")
        for (kind, name, reason), count in sorted(dropped.items())
        if count
    )
