"""Follows the topics of a running installation from beside it: forecasts, warnings, and the ledgers in snapshots."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import msgspec

from connectors.kafka.plain import LogRecord, read
from models.records import Alert, Forecast, decode
from pipelines.ledger import LEDGER_KEY, Ledger
from pipelines.settings import Settings
from pipelines.topics import Topic, named


class _Manifest(msgspec.Struct):
    next_offset: int


class Observer:
    """What was seen so far. Reads in threads of its own; `start` once."""

    def __init__(self, settings: Settings, live_from_us: int) -> None:
        """Latencies are kept of forecasts whose window ends after `live_from_us`."""
        self._settings, self._live_from_us = settings, live_from_us
        self.forecasts = 0
        self.latest: dict[str, Forecast] = {}
        self._by_asset: dict[str, dict[int, Forecast]] = {}
        self.alerts: dict[tuple[str, int], Alert] = {}
        self.latencies_ms: list[int] = []
        self.next_offsets: dict[int, int] = {}
        self._ledgers: dict[int, Ledger] = {}
        self.fault: BaseException | None = None

    @property
    def ledger(self) -> Ledger:
        """Sum of the partitions' ledgers as of their last snapshots."""
        return Ledger.total(list(self._ledgers.values()))

    def start(self) -> None:
        """Begin to follow all topics from their beginning."""
        for topic, take in (
            (Topic.FORECASTS, self._take_forecast),
            (Topic.ALERTS, self._take_alert),
            (Topic.STATE, self._take_state),
        ):
            threading.Thread(target=self._follow, args=(topic, take), daemon=True).start()

    def forecasts_of(self, asset: str, from_us: int) -> list[Forecast]:
        """Last revision of each of an asset's forecasts since a time, by time."""
        return [f for end_us, f in sorted(self._by_asset.get(asset, {}).items()) if end_us >= from_us]

    def _follow(self, topic: Topic, take: Callable[[LogRecord], None]) -> None:
        try:
            for record in self._read(topic):
                take(record)
        except BaseException as fault:  # handed to the main thread, which looks at it
            self.fault = fault

    def _read(self, topic: Topic) -> Iterator[LogRecord]:
        return read(self._settings.cluster, named(self._settings.topic_prefix, topic), forever=True)

    def _take_forecast(self, record: LogRecord) -> None:
        forecast = decode(record.value or b"")
        assert isinstance(forecast, Forecast)
        if forecast.historical:
            return
        self.forecasts += 1
        self._by_asset.setdefault(forecast.asset, {})[forecast.window_end_us] = forecast
        known = self.latest.get(forecast.asset)
        if known is None or forecast.window_end_us >= known.window_end_us:
            self.latest[forecast.asset] = forecast
        if forecast.window_end_us > self._live_from_us:
            self.latencies_ms.append(record.timestamp_ms - int(dict(record.headers)["arrived_ms"]))

    def _take_alert(self, record: LogRecord) -> None:
        alert = decode(record.value or b"")
        assert isinstance(alert, Alert)
        if not alert.historical:
            self.alerts[alert.id, alert.revision] = alert

    def _take_state(self, record: LogRecord) -> None:
        key = record.key or b""
        if record.value is None:
            return
        if key.endswith(LEDGER_KEY):
            self._ledgers[record.partition] = msgspec.json.decode(record.value, type=Ledger)
        elif key.endswith(b"/manifest"):
            self.next_offsets[record.partition] = msgspec.json.decode(record.value, type=_Manifest).next_offset
