"""The audit's log: calls become one chain, whatever becomes of the place that keeps it."""

from __future__ import annotations

import asyncio

import pytest

from connectors.console.audit import Audited
from connectors.console.audit_log import AuditDown, AuditLog, Call
from connectors.console.keys import Caller, Role
from connectors.memory_audit import MemoryAudit
from models.audit import verified

CALL = Call("kim", "viewer", None, "127.0.0.1", "GET", "/api/v1/x", "/api/v1/x", 200)


def run_with(log: AuditLog, work) -> None:
    async def running():
        async with log.running():
            await work()

    asyncio.run(asyncio.wait_for(running(), 20.0))


def test_a_stream_is_on_the_audit_when_it_begins():
    place = MemoryAudit()
    log = AuditLog(place, "tiny")

    async def stream(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b": ", "more_body": True})
        while not place.entries:
            await asyncio.sleep(0.01)

    async def ask():
        sent = []

        async def send(message):
            sent.append(message["type"])

        scope = {"type": "http", "method": "GET", "path": "/api/v1/events", "state": {}}
        await Audited(stream, log, "/api/")(scope, None, send)
        assert len(sent) == 2 and place.entries[0].path == "/api/v1/events"

    run_with(log, ask)


def test_a_call_that_is_broken_off_is_on_the_audit():
    place = MemoryAudit()
    log = AuditLog(place, "tiny")

    async def broken(scope, receive, send):
        raise asyncio.CancelledError

    async def ask():
        scope = {"type": "http", "method": "POST", "path": "/api/v1/x", "state": {"caller": Caller("kim", Role.ADMIN)}}
        with pytest.raises(asyncio.CancelledError):
            await Audited(broken, log, "/api/")(scope, None, None)

    run_with(log, ask)
    assert [(one.by, one.status) for one in place.entries] == [("kim", 500)]


def test_calls_by_nobody_that_is_known_cannot_fill_the_topic_and_are_counted():
    place = MemoryAudit()
    log = AuditLog(place, "tiny")

    async def unknown(scope, receive, send):
        await send({"type": "http.response.start", "status": 401, "headers": []})

    async def ask():
        async def send(message):
            pass

        app = Audited(unknown, log, "/api/")
        for _ in range(700):
            await app({"type": "http", "method": "POST", "path": "/api/v1/x", "state": {}}, None, send)
        known = {"caller": Caller("kim", Role.VIEWER)}
        await app({"type": "http", "method": "GET", "path": "/api/v1/x", "state": known}, None, send)

    run_with(log, ask)
    assert len(place.entries) == 601
    assert place.entries[-1].left_out == 100 and place.entries[-2].left_out == 0


def test_another_process_begins_its_chain_after_the_last_entry():
    place = MemoryAudit()
    for _ in range(2):
        log = AuditLog(place, "tiny")

        async def ask(log=log):
            for _ in range(2):
                await log.wait(log.keep(CALL))

        run_with(log, ask)
    assert [one.number for one in place.entries] == [0, 1, 0, 1]
    assert place.entries[2].before == place.entries[1].hash and verified(place.entries) == ()


def test_where_it_is_not_known_whether_an_entry_was_kept_a_new_chain_has_it_again():
    class Doubtful(MemoryAudit):
        failed = False

        async def append(self, entries):
            await super().append(entries)
            if len(self.entries) == 2 and not self.failed:
                self.failed = True
                raise ConnectionError("no acknowledgement")

    place = Doubtful()
    log = AuditLog(place, "tiny")

    async def ask():
        for path in ("/api/v1/a", "/api/v1/b", "/api/v1/c"):
            await log.wait(log.keep(CALL._replace(path=path)))

    run_with(log, ask)
    assert [(one.path[-1], one.number) for one in place.entries] == [("a", 0), ("b", 1), ("b", 0), ("c", 1)]
    assert verified(place.entries) == ()


def test_what_waits_at_the_end_is_written():
    place = MemoryAudit()
    log = AuditLog(place, "tiny")

    async def ask():
        for _ in range(1_200):
            log.keep(CALL)

    run_with(log, ask)
    assert len(place.entries) == 1_200 and verified(place.entries) == ()


def test_whoever_waits_longer_than_our_patience_is_told():
    place = MemoryAudit()
    place.hangs = True
    log = AuditLog(place, "tiny", patience_s=0.05)

    async def ask():
        with pytest.raises(AuditDown):
            await log.wait(log.keep(CALL))
        place.hangs = False

    run_with(log, ask)
    assert place.entries[0].status == 200
