"""The relay loses nothing while Kafka is away, hangs or comes back, nor when it is cancelled; order stays."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.memory import ManualClock, MemoryPublisher
from connectors.scada import relay as module
from connectors.scada.feed import FeedError, Read, Reading, Unread
from connectors.scada.mapping import Mapper
from connectors.scada.relay import WAITING, Relay
from connectors.scada.spool import SEGMENT_BYTES, Spool
from models.records import Reject, decode
from pipelines.topics import Topic, partition_of
from tests.unit.connectors.scada import kit


@pytest.fixture(autouse=True)
def _quick(monkeypatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    monkeypatch.setattr(module, "SEND_S", 0.3)


class Rig:
    """A relay with its publisher, spool and clock, run by `play`."""

    def __init__(self, folder: Path, **publisher) -> None:
        self.publisher, self.clock = MemoryPublisher(**publisher), ManualClock()
        self.spool = Spool(folder, 2 * SEGMENT_BYTES)
        self.relay = Relay(kit.mapper(), self.publisher, self.spool, "tiny", 3, self.clock)

    def values(self) -> list[float]:
        return [row for one in self.publisher.on(Topic.RECORDS) for row in decode(one.value).signals["temp_degc"]]

    def letters(self) -> list[str]:
        return [decode(one.value).detail for one in self.publisher.on(Topic.DEAD_LETTERS)]

    async def take(self, *values: int, settled: bool = False) -> None:
        for value in values:
            await self.relay.take(Read([Reading("t1", value, value)]), settled=settled)

    async def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not true():
            assert time.monotonic() < deadline, f"not within 10 s: {self.relay.counts}"
            await asyncio.sleep(0.002)

    async def stopped(self, task: asyncio.Task) -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await self.relay.flush()


def play(rig: Rig, scene: Callable) -> None:
    async def run() -> None:
        task = asyncio.create_task(rig.relay.run())
        try:
            await scene()
            if not (rig.publisher.down or rig.publisher.hangs):
                await rig.until(lambda: rig.spool.empty and not rig.relay._waiting)
        finally:
            await rig.stopped(task)

    asyncio.run(run())


def kept(folder: Path) -> list[float]:
    """What the next process would send."""
    rig = Rig(folder)
    play(rig, lambda: asyncio.sleep(0))
    rig.spool.close()
    return rig.values()


def test_frames_go_to_the_partition_of_their_asset(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    play(rig, lambda: rig.take(1, 2))
    assert list(rig.publisher.published) == [(partition_of(b"tiny/pump-01", 3), Topic.RECORDS)]
    assert rig.values() == [1, 2] and rig.spool.empty


@pytest.mark.parametrize("settled", [True, False])
def test_a_feed_hears_how_much_of_what_it_read_could_not_be_used(tmp_path: Path, settled: bool) -> None:
    rig, told = Rig(tmp_path), []

    async def scene() -> None:
        readings = [Reading("t1", 1, 20.5), Reading("nobody", 1, 1), Reading("t1", 2, "warm")]
        told.append(await rig.relay.take(Read(readings, [Unread(Reject.NOT_JSON, "x")]), settled=settled))
        told.append(await rig.relay.take(Read(readings[:1]), settled=settled))

    play(rig, scene)
    assert told == [3, 0]


def test_while_kafka_is_away_records_go_to_disk_and_afterwards_out_in_order(tmp_path: Path) -> None:
    rig = Rig(tmp_path, down=True)

    async def scene() -> None:
        await rig.take(*range(300))
        await rig.until(lambda: rig.relay.counts["spooled"] == 300)
        rig.publisher.down = False
        await rig.take(*range(300, 600))
        await rig.until(lambda: len(rig.values()) >= 600)

    play(rig, scene)
    assert rig.values() == list(range(600)) and rig.spool.empty


def test_to_settle_nothing_is_to_wait_for_all_that_was_taken_before(tmp_path: Path) -> None:
    rig = Rig(tmp_path, hangs=True)

    async def scene() -> None:
        await rig.take(1, 2, 3)
        two = [asyncio.create_task(rig.relay.take(Read(), settled=True)) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert not any(one.done() for one in two) and rig.spool.empty
        two[0].cancel()  # the other goes on waiting
        await two[1]
        assert rig.relay.counts["spooled"] == 3
        await rig.relay.take(Read(), settled=True)

    play(rig, scene)


def test_the_spool_is_emptied_though_the_feed_never_rests(tmp_path: Path) -> None:
    rig = Rig(tmp_path, down=True)

    async def scene() -> None:
        sent = 0
        while not (sent > 50 and rig.spool.empty):
            await rig.take(sent)
            sent += 1
            rig.publisher.down = sent < 50
            await asyncio.sleep(0)
            assert sent < 100_000, "the spool is never empty"

    play(rig, scene)
    assert rig.values() == sorted(rig.values())


def test_a_publisher_that_hangs_is_given_up_and_records_go_to_disk(tmp_path: Path) -> None:
    rig = Rig(tmp_path, hangs=True)

    async def scene() -> None:
        await rig.take(1, 2)
        await rig.until(lambda: rig.relay.counts["spooled"] == 2)
        rig.publisher.hangs = False
        await rig.until(lambda: rig.spool.empty)

    play(rig, scene)
    assert rig.values() == [1, 2]


def test_a_publisher_that_fails_in_the_middle_may_repeat_but_loses_nothing(tmp_path: Path) -> None:
    rig = Rig(tmp_path, crash_after=7)

    async def scene() -> None:
        await rig.take(*range(20))
        await rig.until(lambda: rig.spool.empty and len(rig.values()) >= 20)

    play(rig, scene)
    assert list(dict.fromkeys(rig.values())) == list(range(20))


def test_what_was_under_way_when_it_was_cancelled_is_on_disk(tmp_path: Path) -> None:
    rig = Rig(tmp_path, hangs=True)

    async def scene() -> None:
        await rig.take(1, 2, 3)
        await asyncio.sleep(0.01)
        assert rig.relay.counts["spooled"] == 0

    play(rig, scene)
    rig.spool.close()
    assert kept(tmp_path) == [1, 2, 3]


def test_a_feed_that_is_cancelled_while_it_waits_for_room_loses_nothing(tmp_path: Path) -> None:
    rig = Rig(tmp_path, down=True)

    async def without_run() -> None:
        feed = asyncio.create_task(rig.take(*range(WAITING + 50)))
        await rig.until(lambda: len(rig.relay._waiting) == WAITING)
        feed.cancel()
        await asyncio.gather(feed, return_exceptions=True)
        await rig.relay.flush()

    asyncio.run(without_run())
    rig.spool.close()
    assert kept(tmp_path) == list(range(WAITING))


def test_a_feed_that_is_too_fast_has_to_wait(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    async def scene() -> None:
        feed = asyncio.create_task(rig.take(*range(10 * WAITING)))
        await rig.until(lambda: len(rig.relay._waiting) == WAITING)
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(rig.relay._waiting) == WAITING and not feed.done()
        feed.cancel()

    asyncio.run(scene())


def test_settled_means_that_kafka_has_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    async def scene() -> None:
        await rig.take(1, settled=True)
        assert rig.values() == [1]

    play(rig, scene)


def test_settled_means_that_it_is_on_disk_while_kafka_is_away(tmp_path: Path) -> None:
    rig = Rig(tmp_path, down=True)

    async def scene() -> None:
        await rig.take(1, 2, settled=True)
        assert rig.relay.counts["spooled"] == 2 and rig.spool.size > 0

    play(rig, scene)


def test_what_an_earlier_process_left_goes_first(tmp_path: Path) -> None:
    first = Rig(tmp_path, down=True)
    play(first, lambda: first.take(1, 2))
    first.spool.close()
    second = Rig(tmp_path)

    async def scene() -> None:
        await second.take(3)
        await second.until(lambda: len(second.values()) == 3)

    play(second, scene)
    assert second.values() == [1, 2, 3]


def test_a_full_disk_makes_the_feed_wait_and_nothing_is_lost(tmp_path: Path, monkeypatch) -> None:
    rig = Rig(tmp_path, down=True)

    def full(_records) -> None:
        raise OSError(errno.ENOSPC, "no space")

    async def scene() -> None:
        with monkeypatch.context() as broken:
            broken.setattr(rig.spool, "put", full)
            await rig.take(1, 2)
            await asyncio.sleep(0.05)
            rig.publisher.down = False
            await rig.until(lambda: len(rig.values()) == 2)

    play(rig, scene)
    assert rig.values() == [1, 2]


def test_what_neither_kafka_nor_the_disk_took_is_an_error_at_the_end(tmp_path: Path, monkeypatch) -> None:
    rig = Rig(tmp_path, down=True)

    def full(_records) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(rig.spool, "put", full)
    with pytest.raises(FeedError, match="make room"):
        play(rig, lambda: rig.take(1))


def unknown(rig: Rig, *addresses: str):
    return rig.relay.take(Read([Reading(address, 1, 1.0) for address in addresses]))


def test_the_first_of_each_unknown_address_is_told_at_once_and_the_rest_once_a_minute_with_a_count(tmp_path) -> None:
    rig = Rig(tmp_path)

    async def scene() -> None:
        await unknown(rig, "x", "x", "y", "x")
        for _ in range(59):
            rig.clock.advance(1)
            await unknown(rig, "x")
        await rig.until(lambda: len(rig.letters()) == 2)
        rig.clock.advance(1)
        await unknown(rig, "x")
        await rig.until(lambda: len(rig.letters()) == 3)

    play(rig, scene)
    said = "is no tag of the plant at its time"
    assert rig.letters() == [f"'x' {said}", f"'y' {said}", f"'x' {said} (62 since the last such letter)"]
    assert rig.relay.counts["unread"] == 64


def test_what_was_counted_and_not_told_is_told_at_the_end(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    play(rig, lambda: unknown(rig, "x", "x", "x"))
    assert rig.letters()[-1].endswith("(2 since the last such letter)")


def test_more_unknown_addresses_than_can_be_remembered_are_told_as_one(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("connectors.scada.seldom.KINDS", 10)
    rig = Rig(tmp_path)
    play(rig, lambda: unknown(rig, *map(str, range(1000))))
    assert len(rig.letters()) == 10 + 1 + 1 and not rig.spool.size
    assert rig.letters()[-1].endswith("(989 since the last such letter)")


def test_a_letter_of_rubbish_has_its_beginning_and_the_sum_of_all_of_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    unread = Unread(Reject.UNREADABLE, "\ud800" * 5000, b"\xff" * 5000)
    play(rig, lambda: rig.relay.take(Read([], [unread])))
    (letter,) = [decode(one.value) for one in rig.publisher.on(Topic.DEAD_LETTERS)]
    assert (len(letter.payload), len(letter.detail), len(letter.payload_sha256)) == (2048, 1000, 64)


def test_while_a_known_outage_hangs_what_is_taken_is_on_disk_without_waiting_for_it(
    tmp_path: Path, monkeypatch
) -> None:
    rig = Rig(tmp_path, hangs=True)
    tried: list[int] = []
    publish = MemoryPublisher.publish

    async def counted(self, partition, outputs) -> None:
        tried.append(partition)
        monkeypatch.setattr(module, "SEND_S", 3600.0)  # of all attempts but this first
        await publish(self, partition, outputs)

    monkeypatch.setattr(MemoryPublisher, "publish", counted)

    async def scene() -> None:
        await rig.take(1, settled=True)
        await rig.until(lambda: len(tried) == 2)
        await asyncio.wait_for(rig.take(2, settled=True), 5)

    play(rig, scene)
    rig.spool.close()
    assert kept(tmp_path) == [1, 2]


def test_another_plant_maps_from_there_on(tmp_path):
    rig = Rig(tmp_path)
    other = kit.plant("t1", ("pump-01", "temp_degc", 10))

    async def scene() -> None:
        await rig.take(1, 2)
        rig.relay.map_by(Mapper(other, "test"))
        await rig.take(3)

    play(rig, scene)
    assert rig.values() == [1.0, 2.0, 30.0]
