"""The role plans where there is a reason, publishes what it planned, and goes on where Kafka was away."""

from __future__ import annotations

import asyncio
import contextlib
import time

import msgspec
import pytest

from models.records import Plan, PlanReason, decode, encode
from pipelines.console.ports import Came
from pipelines.plan import role as planning
from pipelines.plan.board import Board
from pipelines.plan.role import Look, Planner, Solving
from pipelines.ports import StoreDown
from pipelines.topics import Topic
from tests.kit.followed import MemoryLog
from tests.kit.production import HOUR_US, MONDAY_US, order, plant, tariff, warning


class Clock:
    """A wall clock that a test moves; seconds go on by themselves."""

    def __init__(self):
        self.us = MONDAY_US

    def now_us(self):
        return self.us

    def monotonic_s(self):
        return time.monotonic()


class Sent:
    """A publisher that keeps what it is given."""

    def __init__(self):
        self.plans: list[Plan] = []

    async def publish(self, partition, outputs):
        assert partition == 3
        for one in outputs:
            assert one.topic is Topic.PLANS
            self.plans.append(decode(one.value))


def came(*records):
    return [Came(Topic.ORDERS, 0, b"", encode(one)) for one in records]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(planning, "GATHER_S", 0.01)
    monkeypatch.setattr(planning, "AGAIN_S", 0.02)


def made(*records):
    log, sent, clock = MemoryLog(came(*records)), Sent(), Clock()
    return Planner(Board(plant()), log, sent, clock, lambda _: 3, Solving(0.2)), log, sent, clock


@contextlib.asynccontextmanager
async def at_work(planner, looks=()):
    task = asyncio.create_task(planner.run(looks))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(holds, seconds=10.0):
    given_up = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < given_up
        await asyncio.sleep(0.01)


def test_orders_that_are_there_are_planned_at_once():
    async def check():
        planner, _, sent, _ = made(order("a"), tariff([0.1] * 72))
        async with at_work(planner):
            await until(lambda: sent.plans)
        assert {job.order for job in sent.plans[0].jobs} == {"a"}

    asyncio.run(check())


def test_a_warning_has_its_maintenance_planned():
    async def check():
        planner, log, sent, _ = made(order("a"))
        async with at_work(planner):
            await until(lambda: sent.plans)
            log.put(*came(warning("press-2")))
            await until(lambda: sent.plans[-1].care)
        assert sent.plans[-1].reason is PlanReason.WARNING
        assert sent.plans[-1].care[0].asset == "press-2"

    asyncio.run(check())


def test_a_broken_machine_has_no_job_any_more():
    async def check():
        planner, _, sent, _ = made(order("a"), order("b", "seal"))
        async with at_work(planner):
            await until(lambda: sent.plans)
            planner.stir(planner.board.change_down(frozenset({"press-1", "press-2"})))
            await until(lambda: sent.plans[-1].reason is PlanReason.BREAKDOWN)
        assert {job.asset for job in sent.plans[-1].jobs} <= {"press-3", "trim-1", "trim-2"}
        assert [one.order for one in sent.plans[-1].unplanned] == ["b"]

    asyncio.run(check())


def test_a_plan_is_made_anew_after_an_hour():
    async def check():
        planner, _, sent, clock = made(order("a"))
        async with at_work(planner):
            await until(lambda: sent.plans)
            clock.us += HOUR_US
            await until(lambda: len(sent.plans) > 1)
        assert sent.plans[-1].reason is PlanReason.ROLLED
        assert sent.plans[-1].begin_us == MONDAY_US + HOUR_US

    asyncio.run(check())


def test_a_change_that_moves_nothing_leaves_jobs_where_they_are():
    async def check():
        planner, log, sent, _ = made(*(order(f"o-{n}", due_h=20 + n) for n in range(6)), tariff([0.1] * 72))
        async with at_work(planner):
            await until(lambda: sent.plans)
            log.put(*came(msgspec.structs.replace(tariff([0.1] * 72), time_us=MONDAY_US + 1)))
            await until(lambda: len(sent.plans) > 1)
        assert sent.plans[-1].moved == 0

    asyncio.run(check())


def test_where_kafka_was_away_it_goes_on():
    async def check():
        planner, log, sent, _ = made(order("a"))
        async with at_work(planner):
            await until(lambda: sent.plans)
            log.fails = TimeoutError("away")
            await until(lambda: log.fails is None)
            log.put(*came(order("b")))
            await until(lambda: len(sent.plans) > 1)
        assert {job.order for job in sent.plans[-1].jobs} == {"a", "b"}

    asyncio.run(check())


def test_once_without_orders_there_is_no_plan():
    planner, log, sent, _ = made(tariff([0.1]))
    assert asyncio.run(planner.once()) is None
    assert (sent.plans, log.closed) == ([], 1)


class Refusing(Sent):
    """A publisher that fails once."""

    def __init__(self, fault):
        super().__init__()
        self.faults = [fault]

    async def publish(self, partition, outputs):
        if self.faults:
            raise self.faults.pop()
        await super().publish(partition, outputs)


def test_a_plan_that_could_not_be_published_is_made_and_sent_again():
    async def check():
        sent = Refusing(ConnectionError("away"))
        planner = Planner(Board(plant()), MemoryLog(came(order("a"))), sent, Clock(), lambda _: 3, Solving(0.2))
        async with at_work(planner):
            await until(lambda: sent.plans)
        assert {job.order for job in sent.plans[0].jobs} == {"a"}

    asyncio.run(check())


def test_a_fault_while_planning_does_not_end_the_role(monkeypatch):
    faults = [OverflowError("cannot convert float infinity to integer")]
    make = planning.make

    def failing(*said):
        if faults:
            raise faults.pop()
        return make(*said)

    monkeypatch.setattr(planning, "make", failing)

    async def check():
        planner, log, sent, _ = made(order("a"))
        async with at_work(planner):
            await until(lambda: not faults)
            log.put(*came(order("b")))
            await until(lambda: sent.plans)

    asyncio.run(check())


def test_a_plan_longer_than_a_message_is_not_sent(monkeypatch):
    monkeypatch.setattr(planning, "MAX_MESSAGE_BYTES", 100)
    planner, _, sent, _ = made(order("a"))
    planner.board.take(came(order("a")))
    with pytest.raises(ValueError, match=r"shorten production\.horizon"):
        asyncio.run(planner.plan(PlanReason.FIRST))
    assert sent.plans == []


def test_a_look_that_fails_is_looked_again_and_plans_go_on():
    async def check():
        planner, log, sent, _ = made(order("a"))
        faults, looked = [StoreDown("away"), KeyError("a fault of ours")], []

        async def once(now_us):
            looked.append(now_us)
            if faults:
                raise faults.pop(0)

        async with at_work(planner, [Look("some", 0.01, once)]):
            await until(lambda: len(looked) > 3 and sent.plans)
            log.put(*came(order("b")))
            await until(lambda: len(sent.plans) > 1)

    asyncio.run(check())
