"""Metrics for Prometheus, over HTTP: the live counts of a worker or a feed, read when they are asked for.

Nothing counts here, and nothing is done between scrapes. A scrape is on a thread of its own, so what the loop changes
meanwhile is copied in one step. Names: https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

PORTS_TRIED = 50
"""From the port that is set upwards: as many workers as a machine may have. Our choice."""

_log = structlog.get_logger()


class PartitionView(NamedTuple):
    """What is told of a partition: counts by name, values rejected by reason, offsets, age, steps and their seconds."""

    partition: int
    counts: Mapping[str, int]
    rejected: Mapping[str, int]
    next_offset: int
    snapshot_offset: int | None
    snapshot_age_s: float | None
    steps: int
    steps_s: float


class FeedView(NamedTuple):
    """What is told of a feed: the relay's counts, unread by reason, the spool, Kafka, and the feed's own counts."""

    counts: Mapping[str, int]
    unread: Mapping[str, int]
    spool_bytes: int
    away: bool
    own: Mapping[str, int] = {}


class WorkerCollector(Collector):
    """The partitions that a worker owns at the time of a scrape."""

    def __init__(self, views: Callable[[], Iterable[PartitionView]]) -> None:
        self._views = views
        self._most: dict[tuple[int, str], int] = {}

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering is no scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Counts are since a partition began, also before this worker had it.

        A row that the store refuses was counted as stored until then. A counter that goes down means a restart to
        Prometheus, so it stands still here until the others have caught up.
        """
        views = list(self._views())
        for name in sorted({name for view in views for name in view.counts}):
            told = CounterMetricFamily(f"forewarn_{name}", f"{_words(name)} of a partition", labels=["partition"])
            for view in views:
                told.add_metric([str(view.partition)], self._risen(view, name))
            yield told
        yield self._rejected(views)
        yield from self._gauges(views)
        steps = SummaryMetricFamily("forewarn_step_seconds", "Seconds of steps over a batch", labels=["partition"])
        for view in views:
            steps.add_metric([str(view.partition)], view.steps, view.steps_s)
        yield steps

    def _risen(self, view: PartitionView, name: str) -> int:
        most = max(view.counts.get(name, 0), self._most.get((view.partition, name), 0))
        self._most[view.partition, name] = most
        return most

    def _rejected(self, views: list[PartitionView]) -> Metric:
        told = CounterMetricFamily(
            "forewarn_rejected", "What was rejected: values, or records that have none", labels=["partition", "reason"]
        )
        for view in views:
            for reason, count in view.rejected.items():
                told.add_metric([str(view.partition), str(reason)], count)
        return told

    def _gauges(self, views: list[PartitionView]) -> Iterator[Metric]:
        gauges = {
            "next_offset": "The next record of the partition that is to be read",
            "snapshot_offset": "The next record after the last snapshot",
            "snapshot_age_seconds": "Seconds since a snapshot was last kept, or nothing new was found to keep",
        }
        for name, says in gauges.items():
            told = GaugeMetricFamily(f"forewarn_{name}", says, labels=["partition"])
            for view in views:
                value = getattr(view, name.replace("_seconds", "_s"))
                if value is not None:
                    told.add_metric([str(view.partition)], value)
            yield told


class FeedCollector(Collector):
    """One feed, by its name and that of its config."""

    def __init__(self, feed: str, config: str, view: Callable[[], FeedView]) -> None:
        self._feed, self._labels, self._view = feed, {"feed": feed, "config": config}, view

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering is no scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Counts are of this process."""
        view = self._view()
        names, labels = list(self._labels), list(self._labels.values())
        counts = [
            (f"forewarn_feed_{name}", f"{_words(name)} of the feed", count) for name, count in view.counts.items()
        ]
        own = [(f"forewarn_{self._feed}_{name}", f"{_words(name)} ({self._feed})", n) for name, n in view.own.items()]
        for name, says, count in (*counts, *own):
            told = CounterMetricFamily(name, says, labels=names)
            told.add_metric(labels, count)
            yield told
        unread = CounterMetricFamily("forewarn_feed_unread_by_reason", "Unread, by reason", labels=[*names, "reason"])
        for reason, count in view.unread.items():
            unread.add_metric([*labels, str(reason)], count)
        yield unread
        gauges = (
            ("forewarn_feed_spool_bytes", "Bytes that wait on disk", view.spool_bytes),
            ("forewarn_feed_kafka_away", "1 while Kafka does not take what is sent", int(view.away)),
        )
        for name, says, value in gauges:
            gauge = GaugeMetricFamily(name, says, labels=names)
            gauge.add_metric(labels, value)
            yield gauge


class Served:
    """A server of metrics that runs, on the port it got; None where metrics are off."""

    def __init__(self, server: WSGIServer | None = None) -> None:
        self._server = server

    @property
    def port(self) -> int | None:
        """Where it answers."""
        return self._server.server_port if self._server else None

    def close(self) -> None:
        """Stop answering."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()


def serve_metrics(collector: Collector, host: str, port: int) -> Served:
    """Serve a collector and the process's own metrics; port 0: not at all. A taken port moves on, and the log says so.

    Metrics are no reason to stop the work: where none can be had, the log says that, too.
    """
    if port == 0:
        return Served()
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    last = min(port + PORTS_TRIED, 65_536) - 1
    for tried in range(port, last + 1):
        try:
            server, _ = start_http_server(tried, host, registry)
        except OSError as wrong:
            if wrong.errno == errno.EADDRINUSE:
                continue
            _log.error(
                "no-metrics", host=host, port=tried, error=str(wrong), mend="see FOREWARN_METRICS_HOST and _PORT"
            )
            return Served()
        say = _log.info if tried == port else _log.warning
        say("metrics", url=f"http://{host}:{tried}/metrics", **({} if tried == port else {"taken": port}))
        return Served(server)
    _log.error("no-metrics", host=host, ports=f"{port} to {last}", error="all taken", mend="set FOREWARN_METRICS_PORT")
    return Served()


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
