"""The log of deliveries, warnings and wishes in memory and on Kafka: what is kept comes back, and one role has it."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import pytest

from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.compacted import CompactedReader
from connectors.kafka.deliveries import KafkaDeliveryLog
from connectors.kafka.plain import LogProducer
from connectors.kafka.warnings import KafkaAlerts
from connectors.memory_delivery import DeliveryShelf, MemoryAlerts, MemoryDeliveryLog, MemoryWishes
from models.delivery.state import Entry
from models.records import Alert, Followed, Redelivery, encode
from pipelines.deliver.board import key_of
from pipelines.deliver.ports import Alerts, DeliveryLog, Wishes
from pipelines.ports import Fenced
from pipelines.topics import Topic, named
from tests.kit.warned import Timeline, alert

PARTITIONS = 2


class Installation(NamedTuple):
    """Makes roles over the same topics."""

    log: Callable[[], DeliveryLog]
    alerts: Callable[[], Alerts]
    wishes: Callable[[], Wishes]
    warn: Callable[[int, list[Alert]], None]
    wish: Callable[[Redelivery], None]


@asynccontextmanager
async def memory() -> AsyncIterator[Installation]:
    shelf = DeliveryShelf(alerts={p: [] for p in range(PARTITIONS)})
    yield Installation(
        lambda: MemoryDeliveryLog(shelf, "north"),
        lambda: MemoryAlerts(shelf),
        lambda: MemoryWishes(shelf),
        lambda partition, alerts: shelf.warn(alerts, partition),
        shelf.wish,
    )


@asynccontextmanager
async def kafka() -> AsyncIterator[Installation]:
    bootstrap, prefix = os.environ["FOREWARN_TEST_KAFKA"], f"d{uuid.uuid4().hex[:8]}."

    def put(topic: Topic, partition: int, pairs: list[tuple[bytes, bytes]]) -> None:
        with LogProducer(bootstrap) as producer:
            for key, value in pairs:
                producer.send(named(prefix, topic), key, value, partition)

    with KafkaAdmin(bootstrap, prefix) as admin:
        admin.create_topics(PARTITIONS)
        try:
            yield Installation(
                lambda: KafkaDeliveryLog(bootstrap, prefix, f"{prefix}g-deliver", "north"),
                lambda: KafkaAlerts(bootstrap, prefix),
                lambda: CompactedReader(bootstrap, prefix, Topic.SUBSCRIPTIONS),
                lambda partition, alerts: put(Topic.ALERTS, partition, [(b"k", encode(one)) for one in alerts]),
                lambda wish: put(Topic.SUBSCRIPTIONS, 0, [(key_of(wish), encode(wish))]),
            )
        finally:
            admin.delete_all()


@pytest.fixture(params=[memory, pytest.param(kafka, marks=pytest.mark.servers)])
def on(request):
    """Runs a coroutine function on an installation, and closes what it opened."""

    def run(work: Callable[[Installation], Awaitable[None]]) -> None:
        async def whole() -> None:
            opened: list = []

            def kept(make):
                def made():
                    opened.append(make())
                    return opened[-1]

                return made

            async with request.param() as one:
                try:
                    log, alerts, wishes = kept(one.log), kept(one.alerts), kept(one.wishes)
                    await work(one._replace(log=log, alerts=alerts, wishes=wishes))
                finally:
                    for each in opened:
                        await (each.stop() if hasattr(each, "stop") else each.close())

        asyncio.run(whole())

    return run


def entries() -> dict[str, Entry]:
    """A warning that is followed and its delivery."""
    line = Timeline('[subscriptions.all]\nsink = "desk"\ngroup = { wait = "0s" }\n', down=["desk"])
    line.step(0.0, alert())
    return line.log


async def read(alerts: Alerts, many: int):
    """The warnings that come first, and what was said last."""
    found = []
    async with asyncio.timeout(20):
        while True:
            came = await alerts.more(0.05)
            found += came.alerts
            if len(found) >= many and came.is_caught_up:
                return found, came


def test_what_was_kept_comes_back_with_its_position(on):
    async def work(one: Installation) -> None:
        one.warn(1, [alert("pump-01"), alert("pump-02")])
        log = one.log()
        assert await log.open() == ((), {})
        await log.keep(entries(), {1: 2})
        kept = await one.log().open()
        assert {encode(entry) for entry in kept.entries} == {encode(entry) for entry in entries().values()}
        assert kept.position == {1: 2}

    on(work)


def test_the_last_of_a_key_counts_and_what_was_forgotten_is_gone(on):
    async def work(one: Installation) -> None:
        log = one.log()
        await log.open()
        await log.keep(entries(), {})
        followed = next(key for key, entry in entries().items() if isinstance(entry, Followed))
        later = Followed(plant="north", alert=alert(severity=900))
        await log.keep({followed: later, **{key: None for key in entries() if key != followed}}, {})
        assert (await one.log().open()).entries == (later,)

    on(work)


def test_whoever_opens_the_log_fences_the_one_before(on):
    async def work(one: Installation) -> None:
        old, new = one.log(), one.log()
        await old.open()
        await new.open()
        for _ in range(2):
            with pytest.raises(Fenced):
                await old.keep(entries(), {0: 5})
        await new.keep({}, {0: 0})
        assert (await one.log().open()).entries == ()

    on(work)


def test_a_wish_that_was_granted_is_off_its_topic_with_what_came_of_it(on):
    async def work(one: Installation) -> None:
        wish = Redelivery(plant="north", id="n1", by="me", time_us=1)
        one.wish(wish)
        assert await one.wishes().known() == [(key_of(wish), encode(wish))]
        log = one.log()
        await log.open()
        await log.keep({}, {}, granted=["n1"])
        assert dict(await one.wishes().known())[key_of(wish)] is None

    on(work)


def test_a_wish_that_comes_later_is_heard(on):
    async def work(one: Installation) -> None:
        wishes = one.wishes()
        assert await wishes.known() == []
        wish = Redelivery(plant="north", id="n1", by="me", time_us=1)
        one.wish(wish)
        async with asyncio.timeout(20):
            assert await anext(wishes.more()) == (key_of(wish), encode(wish))

    on(work)


def test_warnings_are_read_from_the_position_and_told_when_all_older_ones_were_read(on):
    async def work(one: Installation) -> None:
        them = [alert("pump-01", hours) for hours in range(5)]
        one.warn(0, them[:3])
        one.warn(1, them[3:])
        alerts = one.alerts()
        await alerts.open({0: 2})
        found, came = await read(alerts, 3)
        assert sorted(each.opened_us for each in found) == [each.opened_us for each in them[2:]]
        assert came.position == {0: 3, 1: 2} and came.is_caught_up

    on(work)


def test_without_warnings_all_are_read_at_once(on):
    async def work(one: Installation) -> None:
        alerts = one.alerts()
        await alerts.open({})
        assert (await read(alerts, 0))[1].is_caught_up

    on(work)
