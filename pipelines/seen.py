"""What a worker shows of itself: the numbers behind its metrics, and the checks behind its health.

Read when they are asked for, from the threads of the endpoint: nothing is changed here, and nothing waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from connectors.health import Check, Health
from connectors.influx.store import InfluxStore
from connectors.kafka.batches import Lease
from connectors.kafka.ends import LogEnds
from connectors.metrics import HistogramView, PartitionView, StoreView
from models.records import Reject
from pipelines.heart import Heart
from pipelines.ledger import COUNTS
from pipelines.meters import Histogram, Meters
from pipelines.ownership import Partitions
from pipelines.ports import Clock
from pipelines.pulse import Pulse
from pipelines.runner import PartitionRunner

STORE_DOWN_S = 5.0
"""For so long no post is taken before the store counts as down: shorter trouble passes by retries. Our choice."""


class AllMeters:
    """The meters of a worker's partitions, kept while it runs, so that counters never go down in a process."""

    def __init__(self) -> None:
        self._known: dict[int, Meters] = {}

    def of(self, partition: int) -> Meters:
        """Those of a partition."""
        return self._known.setdefault(partition, Meters())


def lag_of(owner: Partitions, ends: Callable[[int], int | None], partition: int) -> int | None:
    """Offsets that wait; None where it is not known."""
    end, position = ends(partition), owner.position(partition)
    return None if end is None or position is None else max(0, end - position)


def partition_views(
    owner: Partitions, clock: Clock, ends: Callable[[int], int | None] = lambda _: None
) -> Iterator[PartitionView]:
    """What metrics tell of the partitions that are open now."""
    for runner in owner.runners().values():
        if (heart := runner.heart) is None:
            continue
        ledger, kept_s = heart.ledger, runner.snapshot_at_s
        yield PartitionView(
            partition=runner.partition,
            counts={name: getattr(ledger, name) for name in COUNTS},
            # All of them: Prometheus sees a first one only where it saw 0 before.
            rejected=dict.fromkeys(Reject, 0) | ledger.rejected_by_reason.copy(),
            next_offset=heart.next_offset,
            snapshot_offset=runner.snapshot_offset,
            snapshot_age_s=None if kept_s is None else clock.monotonic_s() - kept_s,
            steps=runner.steps,
            steps_s=runner.steps_s,
            scores=_scores(heart),
            gauges=_gauges(runner, heart, lag_of(owner, ends, runner.partition)),
            histograms={
                "batch_records": _view(runner.meters.batches),
                "latency_seconds": _view(runner.meters.latency),
            },
        )


def _scores(heart: Heart) -> dict[str, int]:
    found = asdict(heart.scores)
    repeated = found.pop("repeated")
    return {f"minutes_{name}": count for name, count in found.items()} | {"forecasts_repeated": repeated}


def _gauges(runner: PartitionRunner, heart: Heart, lag: int | None) -> Mapping[str, float]:
    known = {
        "lag_records": lag,
        "snapshot_bytes": runner.meters.snapshot_bytes,
        "state_assets": heart.size.assets,
        "state_bytes": heart.size.array_bytes,
        "ledger_balanced": runner.meters.balanced,
    }
    return {name: value for name, value in known.items() if value is not None}


def _view(histogram: Histogram) -> HistogramView:
    return HistogramView(histogram.bounds, list(histogram.counts), histogram.total)


def store_view(store: InfluxStore) -> StoreView:
    """What metrics tell of the store."""
    return StoreView(
        {str(meaning): count for meaning, count in store.answers.copy().items()}, store.retries, store.failing_s
    )


def steps_of(owner: Partitions) -> list[float | None]:
    """Since when each step that is at work is."""
    return [runner.step_since_s for runner in owner.runners().values()]


def health_of(pulse: Pulse, group: Mapping[str, Check], store: InfluxStore) -> Health:
    """A worker's health: it lives while its loop does, and is ready while it may work and the store takes rows."""
    return Health(alive={"loop": pulse.wrong}, ready={**group, "store": lambda: store_down(store)})


def group_checks(owner: Partitions, ends: LogEnds, lease: Lease) -> dict[str, Check]:
    """Whether the group knows us, what it gave us is taken over, and its last word is recent."""

    def partitions() -> str | None:
        missing = sorted(ends.assigned() - set(owner.runners())) if ends.joined() else []
        return f"partitions {', '.join(map(str, missing))} are given to us and not taken over" if missing else None

    def heartbeat() -> str | None:
        return None if lease() else _said(lease.age_s)

    return {
        "group": lambda: None if ends.joined() else "the group has not told us our partitions, or gives them anew",
        "partitions": partitions,
        "heartbeat": heartbeat,
    }


def _said(age_s: float) -> str:
    never = age_s == float("inf")
    return "the group has never confirmed us" if never else f"the group confirmed us last {age_s:.0f} s ago"


def store_down(store: Any) -> str | None:
    """Why the store counts as down; None while it takes rows, or nobody has tried yet."""
    failing_s = store.failing_s
    if failing_s is None or failing_s < STORE_DOWN_S:
        return None
    return f"InfluxDB has taken nothing for {failing_s:.0f} s: {store.trouble}"
