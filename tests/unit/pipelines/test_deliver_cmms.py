"""The whole way by the role: a warning becomes a notification, and its number, status and closure come back to the log.

The maintenance systems are stubs on the loopback; log and topics are in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from connectors.memory import ManualClock
from connectors.memory_delivery import (
    DeliveryShelf,
    MemoryActions,
    MemoryAlerts,
    MemoryDeliveryLog,
    MemorySink,
    MemoryWishes,
)
from models.delivery.reading import parse
from models.records import Action, AlertReason, CloseReason, Delivery, DeliveryState, Move, encode
from pipelines.deliver.role import Deliverer
from tests.kit.cmms_rigs import EACH, RIGS
from tests.kit.warned import BEGIN_US, alert, moved, plant

FIRST = alert()
BOOK = (
    EACH + '[subscriptions.more]\nsink = "boss"\ngroup = { by = ["alert"], wait = "0s", interval = "0s", storm = 0 }\n'
)


@pytest.fixture(params=RIGS, ids=lambda rig: rig.kind)
def rig(request, tmp_path):
    with request.param(tmp_path) as found:
        yield found


class Installation:
    """What lasts from one role to the next."""

    def __init__(self, rig) -> None:
        self.rig, self.shelf, self.taken, self.boss = rig, DeliveryShelf(), list[Action](), MemorySink()
        self.log = MemoryDeliveryLog(self.shelf, "north")

    def run(self, enough: Callable[[list[Action]], bool]) -> list[Action]:
        """Run a role until enough came back; what came in this run. Raises what ends the role before."""

        async def work() -> list[Action]:
            actions = MemoryActions()
            role = Deliverer(
                plant(), parse(BOOK).subscriptions, {"desk": self.rig.open(), "boss": self.boss},
                alerts=MemoryAlerts(self.shelf), log=self.log, wishes=MemoryWishes(self.shelf), actions=actions,
                clock=ManualClock(time_us=BEGIN_US),
            )  # fmt: skip
            running = asyncio.create_task(role.run())
            try:
                async with asyncio.timeout(60):
                    while not enough(actions.taken):
                        if running.done():
                            running.result()
                        await asyncio.sleep(0)
            finally:
                self.taken += actions.taken
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                await role.close()
            return actions.taken

        return asyncio.run(work())

    def is_delivered(self) -> bool:
        """Whether nothing waits to be sent."""
        made = [one.state for one in self.shelf.entries.values() if isinstance(one, Delivery)]
        return bool(made) and set(made) == {DeliveryState.DELIVERED}


def test_a_crash_between_sending_and_the_log_makes_no_second_notification_and_one_number(rig):
    site = Installation(rig)
    site.shelf.warn([FIRST])
    site.log.crash_after = 1  # the step that sends is kept, the one with the answers is not
    with pytest.raises(BaseExceptionGroup):
        site.run(lambda taken: False)
    site.run(lambda taken: site.is_delivered())
    assert len(rig.made()) == 1
    assert {encode(one) for one in site.taken} == {encode(site.taken[0])}
    assert (site.taken[0].move, site.taken[0].order) == (Move.ORDER, rig.number())


def test_number_status_and_closure_come_back(rig):
    site = Installation(rig)
    site.shelf.warn([FIRST])
    (ordered,) = site.run(lambda taken: len(taken) == 1 and site.is_delivered())
    site.shelf.warn([moved(FIRST, AlertReason.ORDERED, order=ordered.order)])
    site.run(lambda taken: site.shelf.position == {0: 2})
    rig.in_process()
    (comment,) = site.run(lambda taken: len(taken) == 1)
    assert comment.move is Move.COMMENT and "is in pro" in comment.why
    rig.closes("NFF")
    (closed,) = site.run(lambda taken: len(taken) == 1)
    assert (closed.move, closed.outcome, closed.by) == (Move.CLOSE, CloseReason.NOTHING_FOUND, rig.by)


def test_a_system_that_hangs_delays_no_other_sink(rig):
    site = Installation(rig)
    rig.stub.hangs = 1_000_000
    site.shelf.warn([FIRST, alert("pump-02")])
    site.run(lambda taken: len(site.boss.sent) == 2)
    assert rig.made() == [] and site.taken == []
