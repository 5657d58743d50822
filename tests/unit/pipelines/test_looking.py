"""What became of what a sink was told: it is asked of the cases it knows, and only what is new goes to the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from connectors.memory_delivery import MemoryActions, MemorySink
from models.delivery.outcomes import Refused
from models.records import Action, Alert, AlertReason, Comment, Move
from pipelines.deliver.looking import Looking, cases_of
from pipelines.deliver.ports import Watches
from tests.kit.warned import Timeline, alert, moved
from tests.unit.pipelines.test_deliver_role import Rig

FIRST = alert()


def comment(why: str, one: Alert = FIRST, time_us: int = 1) -> Action:
    return Action(plant="north", asset=one.asset, alert=one.id, move=Move.COMMENT, time_us=time_us, by="cmms", why=why)


class WatchingSink(MemorySink):
    """Says what it is told to say, and keeps what it was asked."""

    def __init__(self, *says: Action) -> None:
        super().__init__()
        self.says, self.asked, self.fault = list(says), [], None

    async def look(self, cases: Sequence[Alert]) -> Sequence[Action]:
        self.asked.append([one.id for one in cases])
        if self.fault:
            raise self.fault
        return self.says


def looked(sink: WatchingSink, *rounds: Sequence[Alert]) -> list[Action]:
    actions, looking = MemoryActions(), None

    async def work() -> None:
        nonlocal looking
        looking = Looking("cmms", sink, actions)
        for cases in rounds:
            await looking.once(cases)

    asyncio.run(work())
    return actions.taken


def test_a_sink_that_cannot_look_is_not_asked():
    assert isinstance(WatchingSink(), Watches) and not isinstance(MemorySink(), Watches)


def test_the_same_word_is_taken_once_and_another_one_again():
    sink = WatchingSink(comment("open"))
    assert looked(sink, [FIRST], [FIRST]) == [comment("open")]
    sink.says = [comment("open", time_us=5)]
    assert looked(sink, [FIRST], [FIRST]) == sink.says


def test_what_the_warning_shows_already_is_not_said_again_after_a_restart():
    shown = replace(FIRST, comments=(Comment(by="cmms", time_us=1, text="open"), Comment(by="me", time_us=2, text="?")))
    assert looked(WatchingSink(comment("open")), [shown]) == []
    assert looked(WatchingSink(comment("closed")), [shown]) == [comment("closed")]


def test_what_the_log_did_not_take_is_said_again():
    class Away(MemoryActions):
        async def take(self, actions: Sequence[Action]) -> None:
            raise ConnectionError

    async def work() -> list[Action]:
        looking = Looking("cmms", WatchingSink(comment("open")), Away())
        with pytest.raises(ConnectionError):
            await looking.once([FIRST])
        looking._actions = back = MemoryActions()
        await looking.once([FIRST])
        return back.taken

    assert asyncio.run(work()) == [comment("open")]


def test_an_action_on_a_warning_that_was_not_asked_about_is_left_out():
    assert looked(WatchingSink(comment("open", alert("pump-02"))), [FIRST]) == []


def test_it_is_asked_of_cases_that_it_was_told_of_and_that_are_not_closed():
    timeline = Timeline(
        '[subscriptions.all]\nsink = "desk"\nmatch = { asset = ["pump-01"] }\ngroup = { wait = "0s" }\n'
    )
    told, closed, other = alert(), alert(mode="seal"), alert("pump-02")
    timeline.step(1.0, told, closed, other)
    timeline.step(2.0, moved(closed, AlertReason.CLOSED), moved(told, AlertReason.CLEARED))
    assert [one.id for one in cases_of(timeline.dispatcher, "desk")] == [told.id]
    assert cases_of(timeline.dispatcher, "boss") == []


def test_a_case_that_nobody_asks_about_is_no_question():
    sink = WatchingSink()
    assert looked(sink, []) == [] and sink.asked == []


def test_a_case_with_an_order_is_remembered_until_its_system_closed_it():
    day = 24.0
    for order, days, is_kept in [("", 20, False), ("4711", 20, True), ("4711", 420, False)]:
        timeline = Timeline('[subscriptions.all]\nsink = "desk"\ngroup = { wait = "0s" }\n')
        one = alert(order=order)
        timeline.step(1.0, one)
        timeline.step(2.0, moved(one, AlertReason.CLEARED))
        timeline.step(days * day)
        assert [case.id for case in cases_of(timeline.dispatcher, "desk")] == [one.id] * is_kept


def test_the_role_asks_and_what_comes_back_is_on_the_log_while_a_fault_ends_nothing():
    desk, boss = WatchingSink(comment("open")), WatchingSink()
    boss.fault = ZeroDivisionError("a fault of one sink's")
    rig = Rig(alerts=[FIRST], desk=desk, boss=boss)
    rig.run(lambda: len(rig.states()) == 2 and rig.told("desk") == rig.told("boss") == ["pump-01"])
    rig.run(lambda: rig.actions.taken == [comment("open")] and boss.asked != [])
    assert desk.asked == [[FIRST.id]]


def test_a_notification_that_was_refused_is_no_reason_not_to_look():
    desk = WatchingSink(comment("open"))
    desk.outcomes = [Refused("no")]
    rig = Rig(alerts=[FIRST], desk=desk)
    rig.run(lambda: len(rig.states()) == 2)
    rig.run(lambda: rig.actions.taken == [comment("open")])
