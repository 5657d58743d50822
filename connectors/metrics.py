"""Metrics for Prometheus: the live counts of a worker or a feed, read when they are asked for.

Nothing counts here, and nothing is done between scrapes. A scrape is on a thread of its own, so what the loop changes
meanwhile is copied in one step. Names: https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector


class HistogramView(NamedTuple):
    """Counts by inclusive bounds, the last of what is over all of them, and the sum of what was counted."""

    bounds: Sequence[float]
    counts: Sequence[int]
    total: float


class PartitionView(NamedTuple):
    """What is told of a partition: counts by name, values rejected by reason, offsets, age, steps and their seconds.

    `scores` are counts of this process, `gauges` and `histograms` by the names they get.
    """

    partition: int
    counts: Mapping[str, int]
    rejected: Mapping[str, int]
    next_offset: int
    snapshot_offset: int | None
    snapshot_age_s: float | None
    steps: int
    steps_s: float
    scores: Mapping[str, int] = {}
    gauges: Mapping[str, float] = {}
    histograms: Mapping[str, HistogramView] = {}


class StoreView(NamedTuple):
    """What is told of the store: posts by answer, those tried again, seconds of failing (None: no post yet)."""

    posts: Mapping[str, int]
    retries: int
    failing_s: float | None


GAUGES = {
    "next_offset": "The next record of the partition that is to be read",
    "snapshot_offset": "The next record after the last snapshot",
    "snapshot_age_seconds": "Seconds since a snapshot was last kept, or nothing new was found to keep",
    "snapshot_bytes": "Bytes of the last snapshot that was written",
    "lag_records": "Offsets between what was worked and the end of the partition, as the consumer last saw it",
    "state_assets": "Assets that the partition remembers",
    "state_bytes": "Bytes of the arrays of the partition's state in memory",
    "ledger_balanced": "1 while every row and value read is stored or rejected",
}
SCORES = {
    "minutes_due": "Minutes of settled running that became due, anew or again",
    "minutes_scored": "Due minutes that the model was asked about",
    "minutes_unchanged": "Minutes that became due again with the features they had, and were not scored again",
    "forecasts_repeated": "Forecasts that said what the minute's last one had, and were not published",
}
HISTOGRAMS = {
    "batch_records": "Records of a step",
    "latency_seconds": "From a record's arrival at the broker to the acknowledgement of what it made, by two clocks",
}


class FeedView(NamedTuple):
    """What is told of a feed: the relay's counts, unread by reason, the spool, Kafka, and the feed's own counts."""

    counts: Mapping[str, int]
    unread: Mapping[str, int]
    spool_bytes: int
    away: bool
    own: Mapping[str, int] = {}


class WorkerCollector(Collector):
    """The partitions that a worker owns at the time of a scrape, and its store."""

    def __init__(
        self, views: Callable[[], Iterable[PartitionView]], store: Callable[[], StoreView] | None = None
    ) -> None:
        self._views, self._store = views, store
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
        yield from self._scores(views)
        yield from self._histograms(views)
        if self._store is not None:
            yield from _of_store(self._store())

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
        for name, says in GAUGES.items():
            told = GaugeMetricFamily(f"forewarn_{name}", says, labels=["partition"])
            for view in views:
                value = view.gauges.get(name, getattr(view, name.replace("_seconds", "_s"), None))
                if value is not None:
                    told.add_metric([str(view.partition)], value)
            yield told

    def _scores(self, views: list[PartitionView]) -> Iterator[Metric]:
        for name, says in SCORES.items():
            told = CounterMetricFamily(f"forewarn_{name}", says, labels=["partition"])
            for view in views:
                if name in view.scores:
                    told.add_metric([str(view.partition)], view.scores[name])
            yield told

    def _histograms(self, views: list[PartitionView]) -> Iterator[Metric]:
        for name, says in HISTOGRAMS.items():
            told = HistogramMetricFamily(f"forewarn_{name}", says, labels=["partition"])
            for view in views:
                if (one := view.histograms.get(name)) is not None:
                    bounds = [*(str(float(bound)) for bound in one.bounds), "+Inf"]
                    buckets = list(zip(bounds, accumulate(one.counts), strict=True))
                    told.add_metric([str(view.partition)], buckets, one.total)
            yield told


def _of_store(store: StoreView) -> Iterator[Metric]:
    posts = CounterMetricFamily("forewarn_influx_posts", "Posts to InfluxDB by what it answered", labels=["answer"])
    for answer, count in store.posts.items():
        posts.add_metric([str(answer)], count)
    yield posts
    yield CounterMetricFamily("forewarn_influx_retries", "Posts that were sent to InfluxDB again", value=store.retries)
    if store.failing_s is not None:
        says = "For how long InfluxDB has taken nothing; 0 while it does"
        yield GaugeMetricFamily("forewarn_influx_failing_seconds", says, value=store.failing_s)


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


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
