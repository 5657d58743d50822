"""Metrics for Prometheus: the live counts of a worker, feed or other role, read when asked for.

Nothing counts here, and nothing is done between scrapes. A scrape is on a thread of its own, so what the loop changes
meanwhile is copied in one step. `METRICS` declares every name, by which dashboards and alerts are checked, too.
Names: https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal, NamedTuple, TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from pipelines.ledger import COUNTS


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


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


FEED_COUNTS = {
    "readings": "Values that the feed read",
    "rows": "Rows that the feed made of what it read",
    "unread": "What came and could not be used",
    "sent": "Records that Kafka took of the feed",
    "spooled": "Records that the feed put on disk, since Kafka was away",
    "dropped": "Records that are lost, since Kafka was away and the disk's share was full",
}
"""What the relay of every feed counts."""


class FeedView(NamedTuple):
    """What is told of a feed: the relay's counts, unread by reason, the spool, Kafka, and the feed's own counts."""

    counts: Mapping[str, int]
    unread: Mapping[str, int]
    spool_bytes: int
    away: bool
    own: Mapping[str, int] = {}
    spool_limit_bytes: int = 0


class RoleView(NamedTuple):
    """What is told of a role beside workers and feeds: the age of its last look, its work, and gauges of its own.

    `own` has by a gauge's name its value, or values by the one label that it has.
    """

    look_age_s: float | None
    done: int
    failed: int
    own: Mapping[str, float | Mapping[str, float]] = {}


class Declared(NamedTuple):
    """A metric: its kind, what it says, and what its samples are told apart by."""

    kind: Literal["counter", "gauge", "summary", "histogram"]
    says: str
    labels: tuple[str, ...] = ()


ENDINGS = {
    "counter": ("_total",),
    "gauge": ("",),
    "summary": ("_sum", "_count"),
    "histogram": ("_bucket", "_sum", "_count"),
}
"""How the samples of a kind end. Those of `_bucket` have the label `le` beside the others."""

_Family = TypeVar("_Family", CounterMetricFamily, GaugeMetricFamily)

_OF_PARTITION, _OF_FEED = ("partition",), ("feed", "config")

WORKER: Mapping[str, Declared] = {
    **{name: Declared("counter", f"{_words(name)} of a partition", _OF_PARTITION) for name in COUNTS},
    "rejected": Declared("counter", "What was rejected: values, or records that have none", ("partition", "reason")),
    **{name: Declared("gauge", says, _OF_PARTITION) for name, says in GAUGES.items()},
    "step_seconds": Declared("summary", "Seconds of steps over a batch", _OF_PARTITION),
    **{name: Declared("counter", says, _OF_PARTITION) for name, says in SCORES.items()},
    **{name: Declared("histogram", says, _OF_PARTITION) for name, says in HISTOGRAMS.items()},
    "influx_posts": Declared("counter", "Posts to InfluxDB by what it answered", ("answer",)),
    "influx_retries": Declared("counter", "Posts that were sent to InfluxDB again"),
    "influx_failing_seconds": Declared("gauge", "For how long InfluxDB has taken nothing; 0 while it does"),
}
FEED: Mapping[str, Declared] = {
    **{f"feed_{name}": Declared("counter", says, _OF_FEED) for name, says in FEED_COUNTS.items()},
    "feed_unread_by_reason": Declared("counter", "Unread, by reason", (*_OF_FEED, "reason")),
    "feed_spool_bytes": Declared("gauge", "Bytes that wait on disk", _OF_FEED),
    "feed_spool_limit_bytes": Declared("gauge", "Bytes that may wait on disk before the oldest are dropped", _OF_FEED),
    "feed_kafka_away": Declared("gauge", "1 while Kafka does not take what is sent", _OF_FEED),
}
"""Beside these a feed of a kind may count what is its own, such as `forewarn_modbus_polls_total`."""

ROLE: Mapping[str, Declared] = {
    "role_look_age_seconds": Declared("gauge", "Since the role last looked at its topics and could", ("role",)),
    "role_done": Declared("counter", "Notifications, plans, suggestions or spans that the role made", ("role",)),
    "role_failed": Declared("counter", "Those that it tried and could not make", ("role",)),
    "deliveries": Declared("gauge", "Notifications that are not delivered: new, failing or refused", ("state",)),
    "plan_age_seconds": Declared("gauge", "Since the newest plan of production was made, by the plant's time"),
    "suggestions_open": Declared("gauge", "Suggested settings that wait for an answer"),
}

METRICS: Mapping[str, Declared] = {f"forewarn_{name}": one for name, one in {**WORKER, **FEED, **ROLE}.items()}
"""Every metric of the service, by its name."""


def samples() -> dict[str, tuple[str, ...]]:
    """The labels of every sample that may be asked for, by the name that a question of Prometheus gives it."""
    return {
        f"{name}{ending}": (*one.labels, "le") if ending == "_bucket" else one.labels
        for name, one in METRICS.items()
        for ending in ENDINGS[one.kind]
    }


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
            told = _counter(name)
            for view in views:
                told.add_metric([str(view.partition)], self._risen(view, name))
            yield told
        yield self._rejected(views)
        yield from self._gauges(views)
        steps = SummaryMetricFamily(**_told("step_seconds"))
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
        told = _counter("rejected")
        for view in views:
            for reason, count in view.rejected.items():
                told.add_metric([str(view.partition), str(reason)], count)
        return told

    def _gauges(self, views: list[PartitionView]) -> Iterator[Metric]:
        for name in GAUGES:
            told = _gauge(name)
            for view in views:
                value = view.gauges.get(name, getattr(view, name.replace("_seconds", "_s"), None))
                if value is not None:
                    told.add_metric([str(view.partition)], value)
            yield told

    def _scores(self, views: list[PartitionView]) -> Iterator[Metric]:
        for name in SCORES:
            told = _counter(name)
            for view in views:
                if name in view.scores:
                    told.add_metric([str(view.partition)], view.scores[name])
            yield told

    def _histograms(self, views: list[PartitionView]) -> Iterator[Metric]:
        for name in HISTOGRAMS:
            told = HistogramMetricFamily(**_told(name))
            for view in views:
                if (one := view.histograms.get(name)) is not None:
                    bounds = [*(str(float(bound)) for bound in one.bounds), "+Inf"]
                    buckets = list(zip(bounds, accumulate(one.counts), strict=True))
                    told.add_metric([str(view.partition)], buckets, one.total)
            yield told


def _told(name: str) -> dict[str, Any]:
    """What a family of samples is made with: its whole name, words and labels."""
    one = METRICS[f"forewarn_{name}"]
    return {"name": f"forewarn_{name}", "documentation": one.says, "labels": one.labels}


def _counter(name: str) -> CounterMetricFamily:
    return CounterMetricFamily(**_told(name))


def _gauge(name: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(**_told(name))


def _of_store(store: StoreView) -> Iterator[Metric]:
    posts, retries, failing = _counter("influx_posts"), _counter("influx_retries"), _gauge("influx_failing_seconds")
    for answer, count in store.posts.items():
        posts.add_metric([str(answer)], count)
    retries.add_metric([], store.retries)
    yield from (posts, retries)
    if store.failing_s is not None:
        failing.add_metric([], store.failing_s)
        yield failing


class FeedCollector(Collector):
    """One feed, by its name and that of its config."""

    def __init__(self, feed: str, config: str, view: Callable[[], FeedView]) -> None:
        self._feed, self._labels, self._view = feed, (feed, config), view

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering is no scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Counts are of this process. What was not counted yet is 0, so that the first one is seen as a rise."""
        view = self._view()
        for name in FEED_COUNTS:
            yield self._of(_counter(f"feed_{name}"), view.counts.get(name, 0))
        for name, count in view.own.items():
            says = f"{_words(name)} ({self._feed})"
            yield self._of(CounterMetricFamily(f"forewarn_{self._feed}_{name}", says, labels=_OF_FEED), count)
        unread = _counter("feed_unread_by_reason")
        for reason, count in view.unread.items():
            unread.add_metric([*self._labels, str(reason)], count)
        yield unread
        yield self._of(_gauge("feed_spool_bytes"), view.spool_bytes)
        yield self._of(_gauge("feed_spool_limit_bytes"), view.spool_limit_bytes)
        yield self._of(_gauge("feed_kafka_away"), int(view.away))

    def _of(self, told: _Family, value: float) -> _Family:
        told.add_metric(self._labels, value)
        return told


class RoleCollector(Collector):
    """One role that is neither worker nor feed, by its name."""

    def __init__(self, role: str, view: Callable[[], RoleView]) -> None:
        self._role, self._view = role, view

    def describe(self) -> Iterable[Metric]:
        """Nothing beforehand: registering is no scrape."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Counts are of this process."""
        view = self._view()
        for name, count in (("role_done", view.done), ("role_failed", view.failed)):
            counted = _counter(name)
            counted.add_metric([self._role], count)
            yield counted
        if view.look_age_s is not None:
            age = _gauge("role_look_age_seconds")
            age.add_metric([self._role], view.look_age_s)
            yield age
        for name, value in view.own.items():
            gauge = _gauge(name)
            for label, each in value.items() if isinstance(value, Mapping) else [(None, value)]:
                gauge.add_metric([] if label is None else [label], each)
            yield gauge
