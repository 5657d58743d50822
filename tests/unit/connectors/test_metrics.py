"""Metrics as Prometheus gets them: over HTTP, on a port that is free, from the counts as they are at that moment."""

from __future__ import annotations

import asyncio
import inspect
import re
import socket
from collections import Counter
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from connectors.endpoint import Served
from connectors.endpoint import serve as serve_metrics
from connectors.memory import ManualClock, MemoryPublisher, MemorySnapshots, MemoryStore
from connectors.metrics import (
    FEED_COUNTS,
    METRICS,
    FeedCollector,
    FeedView,
    HistogramView,
    PartitionView,
    RoleCollector,
    RoleView,
    StoreView,
    WorkerCollector,
    samples,
)
from connectors.scada import relay
from connectors.scada.feed import counts_of
from pipelines.cli.connect import told_json, told_line
from pipelines.ledger import COUNTS, Ledger
from pipelines.meters import Scores, Size
from pipelines.ownership import Partitions
from pipelines.ports import Effects, Output, RawRecord, Snapshot
from pipelines.runner import PartitionRunner
from pipelines.seen import partition_views
from pipelines.topics import Topic
from tests.kit.running import handle
from tests.unit.connectors.scada.opcua_plant import free_port


class Heart:
    """Takes ten seconds and stores one row a record."""

    def __init__(self, clock: ManualClock) -> None:
        self.next_offset, self.ledger, self._clock = 40, Ledger(), clock
        self.scores, self.size = Scores(due=8, scored=6, unchanged=2, repeated=1), Size(3, 4096)

    def receive(self, batch) -> Effects:
        self._clock.advance(10)
        self.ledger.store(len(batch), 3 * len(batch))
        self.next_offset += len(batch)
        outputs = tuple(Output(Topic.FORECASTS, b"k", b"v") for _ in batch)
        return Effects((), outputs, tuple(record.arrived_ms for record in batch))

    def acknowledged(self, refused) -> list:
        return []

    def snapshot(self) -> Snapshot | None:
        return None


def page(port: int) -> str:
    """All that is served."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return answer.read().decode()


def scraped(port: int) -> dict[str, float]:
    """Samples by their name and labels, in the text format's own words."""
    families = text_string_to_metric_families(page(port))
    return {
        one.name + "".join(f" {key}={value}" for key, value in sorted(one.labels.items())): one.value
        for family in families
        for one in family.samples
    }


def view(partition: int = 0, **counts: int) -> PartitionView:
    return PartitionView(partition, counts, {}, 0, None, None, 0, 0.0)


@pytest.fixture
def served():
    open_ones: list[Served] = []

    def serve(collector, port: int | None = None) -> int:
        open_ones.append(serve_metrics(collector, "127.0.0.1", free_port() if port is None else port))
        assert open_ones[-1].port is not None
        return open_ones[-1].port

    yield serve
    for one in open_ones:
        one.close()


def test_a_scrape_of_a_worker_has_the_ledger_offsets_and_seconds_of_its_partitions(served) -> None:
    async def scene() -> None:
        clock = ManualClock()

        def runner(partition: int) -> PartitionRunner:
            return PartitionRunner(
                partition, restore=lambda _partition, _snapshot: Heart(clock), publisher=MemoryPublisher(),
                store=MemoryStore(), snapshots=MemorySnapshots(), clock=clock, snapshot_s=1000,
            )  # fmt: skip

        async def rewind(_partition: int, _offset: int) -> None:
            raise AssertionError("nothing went missing")

        owner = Partitions(runner, rewind=rewind, fail=print, lease=lambda: True)
        port = served(WorkerCollector(lambda: partition_views(owner, clock, {2: 50}.get)))
        assert "forewarn_rows_stored_total partition=2" not in await asyncio.to_thread(scraped, port)
        await owner.take_over({2: 40})
        heart = owner.runners()[2].heart
        await handle(owner.runners()[2], [RawRecord(40, 9_970, b"v"), RawRecord(41, 9_400, b"v")])
        heart.ledger.reject("out-of-range", 4)
        owner.runners()[2].meters.balanced = False
        clock.advance(5)
        told = await asyncio.to_thread(scraped, port)
        await owner.give_up()
        assert told["forewarn_rows_stored_total partition=2"] == 2
        assert told["forewarn_values_read_total partition=2"] == 6
        assert told["forewarn_alerts_total partition=2"] == 0
        assert told["forewarn_rejected_total partition=2 reason=out-of-range"] == 4
        assert told["forewarn_next_offset partition=2"] == 42
        assert told["forewarn_step_seconds_sum partition=2"] == 10
        assert told["forewarn_step_seconds_count partition=2"] == 1
        assert told["forewarn_snapshot_age_seconds partition=2"] == 15
        assert told["process_resident_memory_bytes"] > 0
        assert told["forewarn_lag_records partition=2"] == 8
        assert told["forewarn_state_assets partition=2"] == 3 and told["forewarn_state_bytes partition=2"] == 4096
        assert told["forewarn_ledger_balanced partition=2"] == 0
        assert told["forewarn_minutes_due_total partition=2"] == 8
        assert told["forewarn_minutes_scored_total partition=2"] == 6
        assert told["forewarn_minutes_unchanged_total partition=2"] == 2
        assert told["forewarn_forecasts_repeated_total partition=2"] == 1
        assert told["forewarn_batch_records_sum partition=2"] == 2
        assert told["forewarn_batch_records_count partition=2"] == 1
        latency = {name: n for name, n in told.items() if name.startswith("forewarn_latency_seconds")}
        up_to = {
            le: latency[f"forewarn_latency_seconds_bucket le={le} partition=2"] for le in ("0.025", "0.05", "+Inf")
        }
        assert up_to == {"0.025": 0, "0.05": 1, "+Inf": 2}
        assert latency["forewarn_latency_seconds_sum partition=2"] == pytest.approx(0.03 + 0.6)

    asyncio.run(scene())


def test_a_scrape_has_the_stores_posts_retries_and_trouble(served) -> None:
    store = StoreView({"stored": 5, "again": 3}, 2, 1.5)
    told = scraped(served(WorkerCollector(list, lambda: store)))
    assert told["forewarn_influx_posts_total answer=stored"] == 5
    assert told["forewarn_influx_posts_total answer=again"] == 3
    assert told["forewarn_influx_retries_total"] == 2
    assert told["forewarn_influx_failing_seconds"] == 1.5
    untried = scraped(served(WorkerCollector(list, lambda: StoreView({}, 0, None))))
    assert "forewarn_influx_failing_seconds" not in untried


def test_a_row_that_was_refused_after_it_was_counted_does_not_look_like_a_restart(served) -> None:
    rows = iter([100, 98, 99, 101])
    port = served(WorkerCollector(lambda: [view(rows_stored=next(rows))]))
    assert [scraped(port)["forewarn_rows_stored_total partition=0"] for _ in range(4)] == [100, 100, 100, 101]


def test_a_scrape_of_a_feed_has_the_relays_counts_and_the_feeds_own(served) -> None:
    its = FeedView({"rows": 7, "dropped": 2}, {"unknown-tag": 3}, 512, True, {"polls": 9})
    told = scraped(served(FeedCollector("modbus", "line1", lambda: its)))
    labels = " config=line1 feed=modbus"
    assert told[f"forewarn_feed_rows_total{labels}"] == 7
    assert told[f"forewarn_feed_dropped_total{labels}"] == 2
    assert told[f"forewarn_feed_unread_by_reason_total{labels} reason=unknown-tag"] == 3
    assert told[f"forewarn_feed_spool_bytes{labels}"] == 512
    assert told[f"forewarn_feed_kafka_away{labels}"] == 1
    assert told[f"forewarn_modbus_polls_total{labels}"] == 9


def test_what_a_feed_has_not_counted_yet_is_0_so_that_the_first_is_seen_as_a_rise(served) -> None:
    told = scraped(served(FeedCollector("x", "y", lambda: FeedView({}, {}, 0, False, spool_limit_bytes=9))))
    assert {name: told[f"forewarn_feed_{name}_total config=y feed=x"] for name in FEED_COUNTS} == dict.fromkeys(
        FEED_COUNTS, 0
    )
    assert told["forewarn_feed_spool_limit_bytes config=y feed=x"] == 9


def test_all_that_the_relay_counts_is_declared_and_no_more() -> None:
    counted = re.findall(r'self\.counts\["(\w+)"\]', inspect.getsource(relay))
    assert set(counted) == FEED_COUNTS.keys()


def full() -> PartitionView:
    """A partition of which all is known."""
    gauges = dict.fromkeys(("lag_records", "snapshot_bytes", "state_assets", "state_bytes", "ledger_balanced"), 1.0)
    few = HistogramView((1.0,), (2, 3), 4.0)
    return PartitionView(
        0, dict.fromkeys(COUNTS, 1), {"too-old": 1}, 2, 1, 0.5, 3, 0.1,
        scores=dict.fromkeys(("minutes_due", "minutes_scored", "minutes_unchanged", "forecasts_repeated"), 1),
        gauges=gauges, histograms={"batch_records": few, "latency_seconds": few},
    )  # fmt: skip


def test_what_is_served_is_what_is_declared_names_and_labels_both_ways() -> None:
    worker = WorkerCollector(lambda: [full()], lambda: StoreView({"stored": 1}, 0, 0.0))
    feed = FeedCollector("x", "y", lambda: FeedView({}, {"no-time": 1}, 0, False))
    own = {"deliveries": {"new": 1.0}, "plan_age_seconds": 5.0, "suggestions_open": 0.0}
    role = RoleCollector("deliver", lambda: RoleView(0.5, 3, 1, own))
    families = [*worker.collect(), *feed.collect(), *role.collect()]
    assert {one.name: one.type for one in families} == {name: one.kind for name, one in METRICS.items()}
    found = {one.name: set(one.labels) for family in families for one in family.samples}
    assert found == {name: set(labels) for name, labels in samples().items()}
    assert all(family.documentation for family in families)


def test_counts_are_those_of_the_moment_of_the_scrape(served) -> None:
    rows = Counter(rows=1)
    port = served(FeedCollector("x", "y", lambda: FeedView(rows, {}, 0, False)))
    scraped(port)
    rows["rows"] += 1
    assert scraped(port)["forewarn_feed_rows_total config=y feed=x"] == 2


def test_a_taken_port_moves_on_and_is_said(served) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with capture_logs() as log:
            port = served(WorkerCollector(list), taken)
        assert port > taken
        assert log[-1]["taken"] == taken and log[-1]["log_level"] == "warning" and str(port) in log[-1]["url"]
        assert scraped(port)


def test_port_0_serves_nothing() -> None:
    assert serve_metrics(WorkerCollector(list), "127.0.0.1", 0).port is None


def test_an_address_that_is_none_of_this_machine_is_said_and_the_work_goes_on() -> None:
    with capture_logs() as log:
        assert serve_metrics(WorkerCollector(list), "192.0.2.1", free_port()).port is None
    assert "FOREWARN_METRICS_HOST" in log[-1]["mend"]


def test_a_port_is_free_again_after_it_was_closed() -> None:
    port = free_port()
    serve_metrics(WorkerCollector(list), "127.0.0.1", port).close()
    again = serve_metrics(WorkerCollector(list), "127.0.0.1", port)
    assert again.port == port
    again.close()


def test_a_feed_that_counts_nothing_itself_has_no_counts_and_one_that_does_has_them() -> None:
    class Plain:
        async def run(self, take) -> None: ...

    class Counting(Plain):
        def __init__(self) -> None:
            self.counts = Counter(polls=2)

    assert counts_of(Plain()) == {} and counts_of(Counting()) == {"polls": 2}


def test_what_a_feed_counts_is_told_on_the_terminal_and_as_json() -> None:
    its = FeedView({"rows": 7000, "dropped": 0}, {"no-time": 3}, 5, False, {"overflowed_messages": 9})
    assert told_line(its) == "rows 7,000  feed's overflowed messages 9  (no-time 3)"
    assert told_json(its)["feed"] == {"overflowed_messages": 9} and told_json(its)["rows"] == 7000
    assert told_json(its)["unread_by_reason"] == {"no-time": 3}
