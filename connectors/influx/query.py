"""Rows back from InfluxDB 1.8 and 2.x: Flux without pivot, its CSV parsed and pivoted by polars.

Flux's own pivot takes longer than all the rest. A range is read in pages, so that memory is bounded by a page
whatever the range: a page that grows too large is given up and asked for again in parts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from itertools import pairwise
from types import TracebackType
from typing import NamedTuple

import aiohttp
import polars as pl
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.domain.dialect import Dialect
from influxdb_client.domain.query import Query
from influxdb_client.service.query_service import QueryService

from connectors.influx.answers import Answer, Meaning, answer
from connectors.influx.flux import (
    LATEST_US,
    QueryRefused,
    frames,
    in_order,
    keys_of,
    last_of,
    pivoted,
    question,
    reduced,
    windowed,
)
from connectors.influx.target import Target, misconfigured
from pipelines.ports import StoreDown

_DIALECT = Dialect(header=True, delimiter=",", annotations=["datatype"], comment_prefix="#", date_time_format="RFC3339")
_PARTS = 16
# Without `_field`, InfluxDB would merge the series of an asset, which takes it ten times as long.
_ROW_COLUMNS = ("_time", "asset", "event_name", "_field")
_VALUE_COLUMNS = (*_ROW_COLUMNS, "_value")


def _of(assets: Collection[str]) -> pl.Expr:
    return pl.col("asset").is_in(list(assets))


class Extent(NamedTuple):
    """How much of an asset a measurement has: values of its fullest field, first and last time."""

    asset: str
    rows: int
    first_us: int
    last_us: int


class InfluxReader:
    """Reads one bucket. Open it with `async with`. `page_bytes` bounds the CSV of a page."""

    def __init__(self, target: Target, *, page_bytes: int = 32 * 1024 * 1024, silence_s: float = 60.0) -> None:
        self.target = target
        self.page_bytes = page_bytes
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=silence_s)
        self._client: InfluxDBClientAsync | None = None

    async def __aenter__(self) -> InfluxReader:
        self._client = InfluxDBClientAsync(**self.target.client_options, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def read(
        self, measurement: str, from_us: int, to_us: int, assets: Collection[str] | None = None
    ) -> pl.DataFrame:
        """All rows with from_us <= time < to_us: `asset`, `time_us`, then the fields by name, sorted by the first two.

        Rows of events have `event_name` between them.

        Raises StoreDown, InfluxMisconfigured, or QueryRefused with InfluxDB's words.
        """
        pages = [page async for page in self.pages(measurement, from_us, to_us, assets)]
        if not pages:
            return pivoted([])
        return in_order(pl.concat(pages, how="diagonal"))

    async def pages(
        self, measurement: str, from_us: int, to_us: int, assets: Collection[str] | None = None
    ) -> AsyncIterator[pl.DataFrame]:
        """The rows of `read` a span of time after another, spans without rows left out."""
        async for parts in self._pages(measurement, from_us, to_us, assets, _VALUE_COLUMNS):
            page = pivoted(parts)
            if not page.is_empty():
                yield page

    async def count_rows(
        self, measurement: str, from_us: int, to_us: int, assets: Collection[str] | None = None
    ) -> int:
        """How many assets and moments, and events of one moment, have a row, whatever its fields."""
        rows = 0
        async for parts in self._pages(measurement, from_us, to_us, assets, _ROW_COLUMNS):
            if parts:
                rows += pl.concat(parts).select(keys_of(parts)).n_unique()
        return rows

    async def windows(
        self, measurement: str, asset: str, fields: Collection[str], span_us: tuple[int, int], step_us: int
    ) -> dict[str, pl.DataFrame]:
        """By `mean`, `min` and `max`: what each is of an asset's numbers in steps of `step_us`, as `read` has rows.

        A row's time is its step's begin; InfluxDB reckons, so that little is sent.
        """

        async def of(function: str) -> pl.DataFrame:
            flux = windowed(self.target.bucket, measurement, asset, fields, span_us, step_us, function)
            return pivoted(list(frames(await self._ask(flux, bounded=False) or b"")))

        functions = ("mean", "min", "max")
        if not fields or span_us[0] >= span_us[1]:
            return {function: pivoted([]) for function in functions}
        found = await asyncio.gather(*map(of, functions))
        return dict(zip(functions, found, strict=True))

    async def last_us(self, measurement: str, asset: str, to_us: int) -> int | None:
        """The time of an asset's last row before `to_us`; None where there is none."""
        flux = last_of(self.target.bucket, measurement, asset, to_us)
        parts = list(frames(await self._ask(flux, bounded=False) or b""))
        return max((int(time_us) for part in parts for time_us in part["time_us"]), default=None)

    async def extents(self, measurement: str, from_us: int, to_us: int) -> list[Extent]:
        """What a measurement has with from_us <= time < to_us, by asset; InfluxDB counts without sending rows."""
        parts = []
        for function in ("count", "first", "last"):
            flux = reduced(self.target.bucket, measurement, from_us, min(to_us, LATEST_US), function)
            reply = await self._ask(flux, bounded=False)
            found = [part.with_columns(of=pl.lit(function)) for part in frames(reply or b"")]
            parts += [
                part.select("asset", "of", pl.col("value" if function == "count" else "time_us")) for part in found
            ]
        if not parts:
            return []
        every = pl.concat([part.rename({part.columns[2]: "value"}) for part in parts])
        value, of = pl.col("value"), pl.col("of")
        table = every.group_by("asset", maintain_order=True).agg(
            value.filter(of == "count").max().alias("rows"),
            value.filter(of == "first").min().alias("first"),
            value.filter(of == "last").max().alias("last"),
        )
        return [Extent(*row) for row in table.sort("asset").iter_rows()]

    async def _pages(
        self, measurement: str, from_us: int, to_us: int, assets: Collection[str] | None, columns: Collection[str]
    ) -> AsyncIterator[list[pl.DataFrame]]:
        """Blocks of one span after another, in order of time; a span too large for a page is asked for in parts."""
        spans = [(from_us, min(to_us, LATEST_US))] if assets is None or assets else []
        while spans:
            begin, end = spans.pop()
            if begin >= end:
                continue
            flux = question(self.target.bucket, measurement, begin, end, assets, columns)
            reply = await self._ask(flux, bounded=end - begin > 1)
            if reply is None:
                edges = [begin + (end - begin) * part // _PARTS for part in range(_PARTS + 1)]
                spans.extend(reversed(list(pairwise(edges))))
                continue
            # 1.8 takes the end of a range for part of it, and a long list of assets is not asked for.
            wanted = pl.col("time_us") < end if assets is None else _of(assets) & (pl.col("time_us") < end)
            yield [part.filter(wanted) for part in frames(reply)]

    async def _ask(self, flux: str, bounded: bool) -> bytes | None:
        """The reply to a question; None if it is longer than a page and may be given up."""
        if self._client is None:
            raise RuntimeError("InfluxReader is not open: use `async with InfluxReader(target) as reader`")
        service = QueryService(self._client.api_client)
        chunks, size = [], 0
        try:
            reply: aiohttp.ClientResponse = await service.post_query_async(
                org=self.target.org, query=Query(query=flux, dialect=_DIALECT), _preload_content=False
            )
            async with reply:
                if reply.status != 200:
                    raise self._refused(answer(reply.status, await reply.read(), reply.headers))
                async for chunk in reply.content.iter_any():
                    chunks.append(chunk)
                    size += len(chunk)
                    if bounded and size > self.page_bytes:
                        reply.close()
                        return None
        except (aiohttp.ClientError, OSError, TimeoutError) as broken:
            words = str(broken) or type(broken).__name__
            raise self._down(words) from broken
        return b"".join(chunks)

    def _refused(self, said: Answer) -> Exception:
        if said.meaning is Meaning.MISCONFIGURED:
            return misconfigured(self.target, said.status, said.words)
        if said.meaning is Meaning.AGAIN:
            return self._down(f"{said.status}: {said.words}")
        return QueryRefused(said.words)

    def _down(self, words: str) -> StoreDown:
        return StoreDown(f"InfluxDB at {self.target.url} does not answer a query ({words}); see that it runs")
