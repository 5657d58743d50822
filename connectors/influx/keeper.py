"""Keeps what a backfill makes in InfluxDB: rows where live keeps them, forecasts and warnings in measurements.

The store lives on an event loop of its own in a thread, so that posts are under way beside the next step.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType

from connectors.influx.store import InfluxStore
from connectors.influx.target import Target
from models.records import Alert, DeadLetter, Forecast, Health, HealthyBaseline, Notice, Reject
from pipelines.backfill.said import forecast_rows
from pipelines.ports import Refusal, Rows
from pipelines.told import alert_rows


class InfluxKeeper:
    """A `pipelines.backfill.lane.Keeper` on one bucket, of what is chosen; a context manager."""

    def __init__(self, target: Target, *, rows: bool, forecasts: bool, alerts: bool) -> None:
        self._rows, self._forecasts, self._alerts = rows, forecasts, alerts
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="influx", daemon=True)
        self._store = InfluxStore(target)

    def __enter__(self) -> InfluxKeeper:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._store.__aenter__(), self._loop).result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._store.__aexit__(kind, error, trace), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def take(
        self, rows: Sequence[Rows], records: Sequence[Forecast | Health | Alert | Notice | HealthyBaseline | DeadLetter]
    ) -> Future[Sequence[Refusal | DeadLetter]]:
        """Begin to write; the result is what InfluxDB refuses for good, of forecasts and warnings as dead letters."""
        return asyncio.run_coroutine_threadsafe(self._write(rows if self._rows else (), records), self._loop)

    async def _write(
        self, rows: Sequence[Rows], records: Sequence[Forecast | Health | Alert | Notice | HealthyBaseline | DeadLetter]
    ) -> Sequence[Refusal | DeadLetter]:
        tables = list(rows)
        forecasts = [record for record in records if isinstance(record, Forecast) and self._forecasts]
        alerts = [record for record in records if isinstance(record, Alert) and self._alerts]
        tables += [forecast_rows(forecasts[0].plant, forecasts)] if forecasts else []
        tables += [alert_rows(alerts[0].plant, alerts)] if alerts else []
        if not tables:
            return ()
        refused = await self._store.write(tables)
        return [each if each.table < len(rows) else _letter(tables[each.table], each) for each in refused]

    def settle(self) -> None:
        """All is safe once its future is done."""


def _letter(rows: Rows, refusal: Refusal) -> DeadLetter:
    asset = rows.assets[rows.asset_index[refusal.row]]
    detail = f"{rows.measurement} of {asset} at {rows.time_us[refusal.row]} us: {refusal.reason}"
    return DeadLetter(plant=rows.plant, reason=Reject.STORE_REFUSED, detail=detail, asset=asset)
