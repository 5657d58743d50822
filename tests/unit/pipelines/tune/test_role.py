"""The role says what is to be said, keeps it while Kafka is away, in order, and goes on."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest
from structlog.testing import capture_logs

from models.records import Suggestion, SuggestionEffect, SuggestionState, TuningSwitch, decode, encode
from pipelines.console.ports import Came, News
from pipelines.ports import StoreDown
from pipelines.topics import Topic
from pipelines.tune import role as tuning
from pipelines.tune.board import Board
from pipelines.tune.role import Tuning
from tests.kit.followed import MemoryLog
from tests.kit.shop import plant
from tests.kit.tuned import COOLER, EVIDENCE, NOW_US, PRODUCT, answer, at_us, made

COOL = {"heat": 142.0, "load": 5.0}
MANY = 2000


class Clock:
    def __init__(self):
        self.us = NOW_US

    def now_us(self):
        return self.us

    def monotonic_s(self):
        return time.monotonic()


class Sent:
    """A publisher that keeps what it is given; while `away` it takes nothing."""

    def __init__(self):
        self.records, self.away, self.tries = [], None, 0

    async def publish(self, partition, outputs):
        self.tries += 1
        if self.away is not None:
            raise self.away
        for one in outputs:
            assert (partition, one.topic) == (3, Topic.SUGGESTIONS)
            self.records.append(decode(one.value))

    def of(self, kind):
        return [one for one in self.records if isinstance(one, kind)]


class Models:
    """One model for all names."""

    def __init__(self):
        self.served, self.stopped = COOLER, 0

    async def catch_up(self):
        pass

    async def follow(self):
        await asyncio.Event().wait()

    async def stop(self):
        self.stopped += 1

    def of(self, name):
        return self.served


class Rig:
    def __init__(self, *records):
        self.log, self.sent, self.clock, self.models, self.demoted = (
            MemoryLog(came(*records)),
            Sent(),
            Clock(),
            Models(),
            [],
        )
        self.role = Tuning(
            Board(plant()), self.log, self.models, self.sent, self.clock, lambda key: 3, self.demote, away=(StoreDown,)
        )

    async def demote(self, one):
        self.demoted.append((one.version, len(self.sent.records)))

    @contextlib.asynccontextmanager
    async def at_work(self):
        task = asyncio.create_task(self.role.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def came(*records):
    return [Came(Topic.QUALITY, 0, b"", encode(one)) for one in records]


async def until(holds, seconds=10.0):
    given_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < given_up
        await asyncio.sleep(0.005)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(tuning, "AGAIN_S", 0.02)


def enough():
    return made(0, EVIDENCE + 4)


def test_what_parts_are_a_reason_for_is_said():
    async def check():
        rig = Rig(*enough())
        async with rig.at_work():
            await until(lambda: rig.sent.records)
        [one] = rig.sent.records
        assert (one.state, one.product) == (SuggestionState.OPEN, PRODUCT)
        assert (rig.log.closed, rig.models.stopped) == (1, 1)

    asyncio.run(check())


def test_nothing_is_said_before_all_is_read_that_was_there():
    async def check():
        rig = Rig()
        await rig.role.look(News(came(*enough()), False))
        assert rig.sent.records == []
        await rig.role.look(News([], True))
        assert len(rig.sent.records) == 1

    asyncio.run(check())


def test_what_it_said_before_a_restart_it_does_not_say_again():
    async def check():
        first = Rig(*enough())
        await first.role.look(await first.log.more(0))
        again = Rig()
        await again.role.look(News(came(*enough()), False))
        await again.role.look(News(came(*first.sent.records), True))
        assert again.sent.records == []

    asyncio.run(check())


@pytest.mark.parametrize("fault", [OSError("gone"), TimeoutError(), StoreDown("away")])
def test_what_is_said_while_kafka_is_away_is_kept_and_sent_once_it_is_back_in_order(fault):
    async def check():
        rig = Rig(*enough())
        rig.sent.away = fault
        async with rig.at_work():
            await until(lambda: rig.sent.tries > 3)
            assert rig.sent.records == []
            rig.sent.away = None
            await until(lambda: rig.sent.records)
            [one] = rig.sent.records
            rig.sent.away = fault
            rig.log.put(*came(answer(one)))
            tries = rig.sent.tries
            await until(lambda: rig.sent.tries > tries + 2)
            rig.log.put(*came(*made(EVIDENCE + 20, 60, COOL)))
            rig.sent.away = None
            await until(lambda: rig.sent.of(SuggestionEffect))
        assert [each.revision for each in rig.sent.of(Suggestion)] == [0, 1]
        assert isinstance(rig.sent.records[-1], SuggestionEffect)

    asyncio.run(check())


def test_it_goes_on_when_the_log_was_away():
    async def check():
        rig = Rig(*enough())
        rig.log.fails = StoreDown("away")
        async with rig.at_work():
            await until(lambda: rig.sent.records)

    asyncio.run(check())


def test_a_fault_that_is_not_kafkas_ends_it():
    async def check():
        rig = Rig(*enough())
        rig.sent.away = ZeroDivisionError()
        with pytest.raises(ExceptionGroup):
            await rig.role.run()
        assert rig.log.closed == 1

    asyncio.run(check())


def test_a_fault_at_a_station_is_told_and_does_not_end_it(monkeypatch):
    async def check():
        rig = Rig(*made(0, 5))
        await rig.role.look(await rig.log.more(0))
        [tuner] = rig.role.board.tuners.values()
        monkeypatch.setattr(tuner, "_suggested", None)
        with capture_logs() as logs:
            await rig.role.look(News([], True))
        assert [(one["event"], one["product"]) for one in logs] == [("not-tuned", PRODUCT)]
        assert rig.role.board.faults == []
        monkeypatch.undo()
        await rig.role.look(News(came(*enough()), True))
        assert len(rig.sent.records) == 1

    asyncio.run(check())


def harmed():
    """A rig whose accepted suggestion did harm, and what it has said so far."""
    rig = Rig(*made(0, MANY))
    rig.clock.us = at_us(MANY)
    return rig


async def harm(rig):
    await rig.role.look(await rig.log.more(0))
    [one] = rig.sent.records
    await rig.role.look(News(came(answer(one)), True))
    rig.clock.us = at_us(2 * MANY)
    return came(*made(MANY + 1, MANY - 1, COOL, 5))


def test_a_model_that_failed_is_rolled_back_once_it_is_said_why():
    async def check():
        rig = harmed()
        await rig.role.look(News(await harm(rig), True))
        assert rig.sent.of(Suggestion)[-1].failed
        assert rig.demoted == [(COOLER.version, len(rig.sent.records))]

    asyncio.run(check())


def test_a_model_that_failed_while_kafka_was_away_is_rolled_back_when_it_is_back():
    async def check():
        rig = harmed()
        rig.log.put(*await harm(rig))
        rig.sent.away = StoreDown("away")
        async with rig.at_work():
            await until(lambda: rig.sent.tries > 4)
            assert rig.demoted == []
            rig.sent.away = None
            await until(lambda: rig.demoted)
        assert rig.demoted == [(COOLER.version, len(rig.sent.records))]
        assert rig.sent.of(Suggestion)[-1].failed

    asyncio.run(check())


def test_a_stop_withdraws_what_is_open():
    async def check():
        rig = Rig(*enough())
        async with rig.at_work():
            await until(lambda: rig.sent.records)
            rig.log.put(*came(TuningSwitch(plant="shop", is_stopped=True, by="anna", time_us=NOW_US)))
            await until(lambda: len(rig.sent.records) > 1)
        assert rig.sent.records[-1].state is SuggestionState.WITHDRAWN

    asyncio.run(check())


def test_an_edited_plant_file_holds_at_once():
    async def check():
        rig = Rig(*enough())
        async with rig.at_work():
            await until(lambda: rig.sent.records)
            rig.role.change_plant(plant(stopped=True))
            await until(lambda: len(rig.sent.records) > 1)
        assert rig.sent.records[-1].state is SuggestionState.WITHDRAWN

    asyncio.run(check())


def test_what_cannot_be_read_does_not_end_it():
    async def check():
        rig = Rig(*enough())
        rig.log.put(Came(Topic.QUALITY, 0, b"", b"nothing"))
        await rig.role.look(await rig.log.more(0))
        assert len(rig.sent.records) == 1 and rig.role.board.odd == 1

    asyncio.run(check())
