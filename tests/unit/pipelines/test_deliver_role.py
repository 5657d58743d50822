"""The role on ports in memory: what it keeps before it sends, and that one sink's trouble is no other's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

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
from models.delivery.outcomes import Delivered, Failed, Refused
from models.delivery.reading import encode as encode_content
from models.delivery.reading import parse
from models.records import Action, AlertReason, Delivery, DeliveryState, Move, Redelivery, Subscribed, encode
from pipelines.deliver.board import Board, Odd, key_of
from pipelines.deliver.role import Deliverer
from pipelines.ports import Fenced
from tests.kit.warned import BEGIN_US, alert, moved, plant

EACH = 'group = { by = ["alert"], wait = "0s", interval = "0s", storm = 0 }\n'
BOOK = f'[subscriptions.all]\nsink = "desk"\n{EACH}[subscriptions.more]\nsink = "boss"\n{EACH}'


class Rig:
    """An installation in memory, in which one role runs at a time."""

    def __init__(self, book: str = BOOK, alerts: Iterable = (), **sinks: MemorySink) -> None:
        self.shelf, self.clock, self.actions = DeliveryShelf(), ManualClock(time_us=BEGIN_US), MemoryActions()
        self.sinks = {"desk": MemorySink(), "boss": MemorySink()} | sinks
        self.subscriptions = parse(book).subscriptions
        self.shelf.warn(alerts)
        self.log = MemoryDeliveryLog(self.shelf, "north")

    def run(self, done: Callable[[], bool], *meanwhile: Callable[[], None]) -> None:
        """Run a role until something is so; then do what comes meanwhile, and wait again, after each."""

        async def whole() -> None:
            role = Deliverer(
                plant(), self.subscriptions, self.sinks, alerts=MemoryAlerts(self.shelf), log=self.log,
                wishes=MemoryWishes(self.shelf), actions=self.actions, clock=self.clock,
            )  # fmt: skip
            running = asyncio.create_task(role.run())
            try:
                for each in (lambda: None, *meanwhile):
                    each()
                    await self._until(running, done)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                await role.close()

        asyncio.run(whole())

    async def _until(self, running: asyncio.Task, done: Callable[[], bool]) -> None:
        for _ in range(2000):
            await asyncio.sleep(0)
            if running.done():
                running.result()
            if done():
                break
        else:
            raise AssertionError("it did not come about")
        for _ in range(50):
            await asyncio.sleep(0)

    def told(self, sink: str) -> list[str]:
        return [one.mentions[0].asset for one in self.sinks[sink].sent]

    def states(self) -> list[DeliveryState]:
        return [one.state for one in self.shelf.entries.values() if isinstance(one, Delivery)]


def test_a_warning_reaches_each_sink_once_and_the_position_moves():
    rig = Rig(alerts=[alert("pump-01"), alert("pump-02")])
    rig.run(lambda: rig.states() == [DeliveryState.DELIVERED] * 4)
    assert sorted(rig.told("desk")) == sorted(rig.told("boss")) == ["pump-01", "pump-02"]
    assert rig.shelf.position == {0: 2}
    rig.run(lambda: True)
    assert len(rig.told("desk")) == 2


def test_a_sink_that_hangs_delays_no_other():
    rig = Rig(alerts=[alert("pump-01", mode=f"m{n}") for n in range(100)], desk=MemorySink(hangs=True))
    rig.run(lambda: len(rig.told("boss")) == 100)
    assert len(rig.told("desk")) == 1


def test_nothing_is_sent_that_the_log_does_not_have():
    rig = Rig(alerts=[alert()])
    rig.log.crash_after = 0
    with pytest.raises(BaseExceptionGroup):
        rig.run(lambda: False)
    assert rig.told("desk") == [] and rig.shelf.position == {}
    rig.run(lambda: len(rig.told("desk")) == 1)


def test_a_crash_between_sending_and_the_log_is_a_double_with_the_same_id():
    rig = Rig(alerts=[alert()])
    rig.log.crash_after = 1  # the step that sends is kept, the one with the answers is not
    with pytest.raises(BaseExceptionGroup):
        rig.run(lambda: False)
    rig.run(lambda: rig.states() == [DeliveryState.DELIVERED] * 2)
    first, second = rig.sinks["desk"].sent
    assert first == second


def test_a_fault_of_a_sinks_own_is_told_and_tried_again():
    class Broken(MemorySink):
        async def send(self, notification):
            await MemorySink.send(self, notification)
            raise ZeroDivisionError

    rig = Rig(alerts=[alert()], desk=Broken())
    rig.run(
        lambda: (
            len(rig.told("boss")) == 1 and any("ZeroDivisionError" in why(one) for one in rig.shelf.entries.values())
        )
    )
    assert rig.told("boss") == ["pump-01"]


def why(entry) -> str:
    return entry.why if isinstance(entry, Delivery) else ""


def test_a_failed_one_is_sent_again_when_its_time_has_come():
    rig = Rig(alerts=[alert()], desk=MemorySink(outcomes=[Failed("503")]))
    rig.run(lambda: len(rig.told("boss")) == 1, lambda: rig.clock.advance(5))
    rig.run(lambda: rig.states() == [DeliveryState.DELIVERED] * 2)
    assert rig.sinks["desk"].sent[0] == rig.sinks["desk"].sent[1]


def test_a_refused_one_is_sent_again_when_somebody_wishes_and_not_after_a_restart():
    rig = Rig(alerts=[alert()], desk=MemorySink(outcomes=[Refused("no"), Refused("no")]))
    rig.run(lambda: DeliveryState.REFUSED in rig.states())
    wish = Redelivery(plant="north", id=rig.sinks["desk"].sent[0].id, by="me", time_us=1)
    rig.shelf.wish(wish)
    rig.run(lambda: len(rig.told("desk")) == 2)
    assert dict(rig.shelf.pairs)[key_of(wish)] is None
    rig.run(lambda: True)
    assert len(rig.told("desk")) == 2


def test_a_subscription_on_the_topic_is_heard_and_ends_when_it_is_taken_off():
    rig = Rig('[subscriptions.none]\nsink = "boss"\nmatch = { asset = ["nothing"] }\n')
    mine = parse(f'[subscriptions.mine]\nsink = "desk"\n{EACH}').subscriptions["mine"]
    said = Subscribed(plant="north", name="mine", by="me", time_us=1, content=encode_content(mine))
    rig.shelf.wish(said)
    rig.shelf.warn([alert()])
    rig.run(lambda: rig.told("desk") == ["pump-01"])
    rig.shelf.pairs.append((key_of(said), None))
    rig.shelf.warn([alert("pump-02")])
    rig.run(lambda: rig.shelf.position == {0: 2})
    assert rig.told("desk") == ["pump-01"]


def test_what_a_sink_learned_goes_to_the_log_before_it_counts_as_delivered():
    made = Action(plant="north", asset="pump-01", alert=alert().id, move=Move.ORDER, time_us=1, by="cmms", order="4711")
    rig = Rig(alerts=[alert()], desk=MemorySink(outcomes=[Delivered((made,))]))
    rig.run(lambda: rig.states() == [DeliveryState.DELIVERED] * 2)
    assert rig.actions.taken == [made]


def test_a_second_role_ends_the_first():
    rig = Rig(alerts=[alert()])

    def taken_over() -> None:
        rig.shelf.turn += 1
        rig.shelf.warn([moved(alert(), AlertReason.RAISED)])

    with pytest.raises(BaseExceptionGroup) as raised:
        rig.run(lambda: len(rig.told("desk")) >= 1 and rig.shelf.turn == 1, taken_over)
    assert raised.group_contains(Fenced)


def test_what_opened_and_cleared_while_nobody_read_is_told_to_nobody():
    rig = Rig(alerts=[alert(), moved(alert(), AlertReason.CLEARED)])
    rig.run(lambda: rig.shelf.position == {0: 2})
    assert rig.told("desk") == []


def test_a_subscription_of_the_file_goes_before_one_of_its_name_on_the_topic():
    board, (of_topic, of_file) = Board("north"), parse(BOOK).subscriptions.values()
    record = Subscribed(plant="north", name="all", by="me", time_us=1, content=encode_content(of_topic))
    board.take(key_of(record), encode(record))
    assert board.with_file({}) == {"all": of_topic}
    assert board.with_file({"all": of_file}) == {"all": of_file}


@pytest.mark.parametrize("value", [b"{", b"\xff", b'{"type":"tick","plant":"north","time_us":1}'])
def test_what_is_no_subscription_is_odd_and_changes_nothing(value):
    board = Board("north")
    with pytest.raises(Odd):
        board.take(b"north/subscription/x", value)
    assert board.subscriptions == {}


def test_a_subscription_that_is_wrong_leaves_the_one_before():
    board, (good, _) = Board("north"), parse(BOOK).subscriptions.values()
    record = Subscribed(plant="north", name="all", by="me", time_us=1, content=encode_content(good))
    board.take(key_of(record), encode(record))
    with pytest.raises(Odd, match="subscription 'all' by me"):
        board.take(key_of(record), encode(record).replace(b'"sink"', b'"snik"'))
    assert board.subscriptions == {"all": good}
