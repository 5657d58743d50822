"""What a worker tells of itself, with fakes around: each notice once, ledgers as rows, nothing of others' doings."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from connectors.memory import ManualClock, MemoryPublisher, MemoryStore
from models.records import Notice, decode
from pipelines.ledger import Ledger
from pipelines.ledger_rows import MEASUREMENT
from pipelines.meters import Meters
from pipelines.topics import Topic
from pipelines.watch import Watch, rules
from pipelines.watcher import TELLS_OF_THE_STORE, Watcher

LAG, DOWN_S, NO_DATA_S = 1000, 30, 600
BEGAN_US = 1_000_000_000


class Store(MemoryStore):
    """Knows how it fares, as it is told."""

    failing_s: float | None = None
    tried_s: float | None = None


class Hanging(Store):
    async def write(self, rows):
        await asyncio.Event().wait()


class Noting(MemoryPublisher):
    """Notes also what it does not take."""

    def __init__(self) -> None:
        super().__init__(down=True)
        self.sent: list[bytes] = []

    async def publish(self, partition, outputs):
        self.sent += [output.value for output in outputs]
        await super().publish(partition, outputs)


class Bench:
    """A watcher and all around it; `owned` are runners by partition."""

    def __init__(self) -> None:
        self.clock, self.publisher, self.store = ManualClock(BEGAN_US), MemoryPublisher(), Store()
        self.owned: dict[int, SimpleNamespace] = {}
        self.lags: dict[int, int] = {}
        self.leased, self.topic_away = True, False
        self.watcher = self.another()

    def another(self) -> Watcher:
        return Watcher(
            Watch("tiny", rules(LAG, DOWN_S, NO_DATA_S)), "tiny",
            publisher=self.publisher, store=self.store, clock=self.clock, lease=lambda: self.leased,
            lag=self.lags.get, told=self.told, refresh=self.refresh,
        )  # fmt: skip

    async def told(self, partition: int) -> list[Notice]:
        if self.topic_away:
            raise ConnectionError("away")
        return self.notices(partition)

    async def refresh(self) -> None:
        return None

    def own(self, partition: int) -> Ledger:
        ledger = Ledger()
        heart = SimpleNamespace(ledger=ledger, missing={})
        self.owned[partition] = SimpleNamespace(partition=partition, heart=heart, meters=Meters())
        return ledger

    def notices(self, partition: int) -> list[Notice]:
        found = [decode(output.value) for output in self.publisher.published[partition, Topic.NOTICES]]
        return [notice for notice in found if isinstance(notice, Notice)]

    def look(self, *seconds: float) -> None:
        for each in seconds or (0,):
            self.clock.advance(each)
            asyncio.run(self.watcher.look(self.owned))

    def said(self, partition: int) -> list[tuple[str, str]]:
        return [(str(one.kind), str(one.state)) for one in self.notices(partition)]

    def keep(self) -> None:
        asyncio.run(self.watcher.keep(self.owned))

    def rows(self, field: str = "rows_stored") -> dict[tuple[str, int], float]:
        return {
            (partition, at): values[field]
            for (name, plant, partition, _, at), values in self.store.points.items()
            if (name, plant) == (MEASUREMENT, "tiny")
        }


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_one_worker_tells_of_the_store_and_only_of_what_was_tried(bench):
    for partition in (TELLS_OF_THE_STORE, 3):
        bench.own(partition)
    bench.look(0, 100)
    assert bench.said(0) == []
    bench.store.failing_s = 31.0
    bench.look(5)
    bench.store.failing_s = 0.0
    bench.look(5, 5)
    assert bench.said(0) == [("store-down", "open"), ("store-down", "closed")]
    assert bench.said(3) == []


def test_lag_and_a_ledger_that_is_off_are_told_on_their_own_partition(bench):
    bench.own(1)
    ledger = bench.own(2)
    bench.lags.update({1: LAG, 2: 0})
    ledger.rows_read = 1
    bench.look(0, 30, 30)
    assert bench.said(1) == [("lag", "open")] and bench.said(2) == [("ledger", "open")]
    assert (bench.owned[1].meters.balanced, bench.owned[2].meters.balanced) == (True, False)
    ledger.rows_read = 0
    bench.lags[1] = 3
    bench.look(5, 30, 30)
    assert bench.said(1)[1:] == [("lag", "closed")] and bench.said(2)[1:] == [("ledger", "closed")]


def test_a_partition_without_rows_is_told_of_only_if_it_ever_had_any(bench):
    bench.own(1)
    ledger = bench.own(2)
    ledger.store(1, 1)
    bench.look(0, NO_DATA_S - 1)
    assert bench.said(1) == bench.said(2) == []
    bench.look(1)
    assert bench.said(1) == [] and bench.said(2) == [("no-data", "open")]
    ledger.store(1, 1)
    bench.look(5)
    assert bench.said(2)[1:] == [("no-data", "closed")]


def test_a_worker_that_takes_over_ends_no_silence_before_rows_come(bench):
    ledger = bench.own(2)
    ledger.store(1, 1)
    bench.look(0, NO_DATA_S)
    bench.watcher = bench.another()
    bench.look(0, 5, 5)
    assert bench.said(2) == [("no-data", "open")]
    ledger.store(1, 1)
    bench.look(5)
    opened, closed = bench.notices(2)
    assert opened.id == closed.id and str(closed.state) == "closed"


def test_what_was_open_is_asked_for_before_anything_is_told(bench):
    bench.own(0)
    bench.store.failing_s, bench.topic_away = 100.0, True
    with capture_logs() as logs:
        bench.look()
    assert bench.said(0) == [] and logs[-1]["event"] == "kafka-does-not-answer"
    bench.topic_away = False
    bench.look(5)
    assert bench.said(0) == [("store-down", "open")]


def test_a_partition_that_comes_back_is_asked_about_anew(bench):
    bench.own(0)
    bench.store.failing_s = 100.0
    bench.look()
    elsewhere = bench.another()  # the partition is another's, who sees the store come back
    bench.store.failing_s = 0.0
    for _ in range(3):
        bench.clock.advance(5)
        asyncio.run(elsewhere.look(bench.owned))
    bench.own(0)  # a runner anew, as after a rebalance
    bench.look(5, 5, 5)
    assert bench.said(0) == [("store-down", "open"), ("store-down", "closed")]


def test_what_kafka_did_not_take_is_sent_again_byte_for_byte(bench):
    bench.publisher = noting = Noting()
    bench.watcher = bench.another()
    bench.own(0)
    bench.store.failing_s = 100.0
    bench.look()
    noting.down, bench.store.failing_s = False, 105.0
    bench.look(5)
    assert len(noting.sent) == 2 and len(set(noting.sent)) == 1
    assert bench.said(0) == [("store-down", "open")]


def test_a_worker_that_the_group_does_not_confirm_publishes_and_stores_nothing(bench):
    bench.own(0)
    bench.store.failing_s, bench.leased = 100.0, False
    bench.look()
    bench.keep()
    assert bench.said(0) == [] and bench.rows() == {}


def test_a_ledger_is_a_row_with_its_counts_at_the_time_of_writing_and_does_not_count_itself(bench):
    ledger = bench.own(1)
    ledger.store(7, 21)
    bench.own(2)
    bench.clock.advance(60)
    bench.keep()
    at_us = BEGAN_US + 60_000_000
    assert bench.rows() == {("1", at_us): 7, ("2", at_us): 0}
    assert bench.rows("values_read") == {("1", at_us): 21, ("2", at_us): 0}
    assert ledger.rows_read == 7


def test_what_was_given_up_is_stored_as_it_was_then_also_after_an_outage(bench):
    ledger = bench.own(1)
    ledger.store(7, 21)
    bench.watcher.released(bench.owned.pop(1))
    ledger.store(1, 1)
    bench.store.down = True
    bench.clock.advance(5)
    bench.keep()
    assert bench.rows() == {}
    bench.store.down = False
    asyncio.run(bench.watcher.finish())
    assert bench.rows() == {("1", BEGAN_US): 7}
    bench.store.points.clear()
    asyncio.run(bench.watcher.finish())
    assert bench.rows() == {}, "once is enough"


def test_the_end_does_not_wait_for_a_store_that_hangs(bench, monkeypatch):
    monkeypatch.setattr("pipelines.watcher.PATIENCE_S", 0.05)
    bench.store = Hanging()
    bench.watcher = bench.another()
    bench.own(1)
    bench.watcher.released(bench.owned[1])
    with capture_logs() as logs:
        asyncio.run(asyncio.wait_for(bench.watcher.finish(), 5))
    assert logs[-1]["event"] == "ledger-not-stored" and logs[-1]["partitions"] == 1


def test_a_store_in_trouble_that_nobody_tries_is_tried_by_the_ledger(bench, monkeypatch):
    bench.own(1)

    async def scene(seconds: float) -> None:
        running = asyncio.create_task(bench.watcher.run(lambda: bench.owned))
        await asyncio.sleep(0.01)
        bench.clock.advance(seconds)
        await asyncio.sleep(0.1)
        running.cancel()

    monkeypatch.setattr("pipelines.watcher.KEEP_S", 0.02)
    bench.store.failing_s, bench.store.tried_s = 20.0, 0.0
    asyncio.run(scene(9))
    assert bench.rows() == {}
    asyncio.run(scene(2))
    assert bench.rows() == {("1", BEGAN_US + 11_000_000): 0}
    bench.store.failing_s = 0.0
    asyncio.run(scene(50))
    assert len(bench.rows()) == 1
    asyncio.run(scene(60))
    assert len(bench.rows()) == 2


def test_notices_are_keyed_by_the_plant(bench):
    bench.own(0)
    bench.store.failing_s = 100.0
    bench.look()
    (output,) = bench.publisher.published[0, Topic.NOTICES]
    assert output.key == b"tiny/"


def test_a_release_that_cannot_be_loaded_is_told_of_until_the_partition_has_another(bench):
    bench.own(0)
    bench.owned[0].heart.missing = {"tiny": "why"}
    bench.look(0)
    (opened,) = bench.notices(0)
    assert (str(opened.kind), str(opened.state)) == ("model", "open")
    assert "and others stand in for them" in opened.detail
    bench.owned[0].heart.missing = {}
    bench.look(5)
    assert [str(one.state) for one in bench.notices(0)] == ["open", "closed"]
