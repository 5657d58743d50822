"""The audit's place in memory and on Kafka: what is kept is there in its order, for whoever opens it next."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from connectors.console.audit_log import AuditLog, AuditPlace, Call
from connectors.kafka.admin import KafkaAdmin
from connectors.kafka.audit import KafkaAudit, entries_of
from connectors.kafka.plain import LogProducer
from connectors.memory_audit import MemoryAudit
from models.audit import verified
from models.records import AuditEntry, encode
from pipelines.topics import Topic, named
from tests.kit import releasing
from tests.kit.auditing import log

CALL = Call("kim", "viewer", None, "127.0.0.1", "GET", "/api/v1/x", "/api/v1/x", 200)
Opened = tuple[Callable[[], AuditPlace], Callable[[], list[AuditEntry]]]


@asynccontextmanager
async def memory() -> AsyncIterator[Opened]:
    place = MemoryAudit()
    yield lambda: place, lambda: place.entries


@asynccontextmanager
async def kafka() -> AsyncIterator[Opened]:
    """With other records of the audit among the entries."""
    prefix, bootstrap = f"a{uuid.uuid4().hex[:8]}.", os.environ["FOREWARN_TEST_KAFKA"]
    places: list[KafkaAudit] = []

    def opened() -> AuditPlace:
        places.append(KafkaAudit(bootstrap, prefix))
        with LogProducer(bootstrap) as producer:
            for at in range(100):
                producer.send(named(prefix, Topic.AUDIT), b"tiny/x", encode(releasing.champion("x@1", at + 1)), 0)
        return places[-1]

    with KafkaAdmin(bootstrap, prefix) as admin:
        admin.create_topics(2)
        try:
            yield opened, lambda: list(entries_of(bootstrap, prefix))
        finally:
            for place in places:
                await place.stop()
            admin.delete_all()


@pytest.fixture(params=[memory, pytest.param(kafka, marks=pytest.mark.servers)])
def places(request):
    return request.param()


def test_entries_are_kept_in_order_and_the_last_is_there_for_the_next(places):
    async def run():
        async with places as (opened, kept):
            place, entries = opened(), log([1, 1, 2])
            assert await place.open() is None and await place.latest(5) == []
            await place.append(entries[:2])
            await place.append(entries[2:])
            assert kept() == entries
            assert await opened().open() == entries[-1]
            assert await opened().latest(2) == [entries[2], entries[1]]

    asyncio.run(run())


def test_logs_of_processes_that_come_and_go_and_meet_are_whole(places):
    async def run():
        async with places as (opened, kept):
            for _ in range(2):
                one, other = AuditLog(opened(), "tiny"), AuditLog(opened(), "tiny")
                async with one.running(), other.running():
                    for _ in range(20):
                        await asyncio.gather(one.wait(one.keep(CALL)), other.wait(other.keep(CALL)))
            entries = kept()
            assert len(entries) == 80 and len({entry.chain for entry in entries}) == 4
            assert verified(entries) == ()

    asyncio.run(run())
