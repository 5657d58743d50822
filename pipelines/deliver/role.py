"""The role as it runs: one loop steps the dispatcher, and each sink has a task and a queue: none delays another.

A step goes on in this order: the dispatcher says what is to be kept and sent, the log has it, sinks get it. Whatever
ends the role in between, the next one begins with what the log has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from models.delivery.dispatch import IN_FLIGHT, Answer, Dispatcher, Event
from models.delivery.outcomes import Delivered, Failed, Outcome, Refused
from models.delivery.plan import Plan
from models.delivery.subscriptions import Subscription
from models.plant import Plant
from models.records import Delivery, Notification, Redelivery
from pipelines.deliver.board import Board, Odd
from pipelines.deliver.looking import Looking
from pipelines.deliver.ports import Actions, Alerts, Came, DeliveryLog, Pair, Position, Sink, Watches, Wishes
from pipelines.meters import Doings
from pipelines.ports import Clock

_log = structlog.get_logger()

LOOK_S = 0.2
"""Seconds between two looks where nothing comes: timers are no more exact than that. Our choice."""


class Deliverer:
    """Of one plant; it runs once. `subscriptions` are the file's."""

    def __init__(
        self,
        plant: Plant,
        subscriptions: dict[str, Subscription],
        sinks: Mapping[str, Sink],
        *,
        alerts: Alerts,
        log: DeliveryLog,
        wishes: Wishes,
        actions: Actions,
        clock: Clock,
        doings: Doings | None = None,
    ) -> None:
        """`doings` go on where another one of this left off."""
        self._plant, self._subscriptions, self._sinks = plant, subscriptions, sinks
        self._alerts, self._log, self._wishes, self._actions, self._clock = alerts, log, wishes, actions, clock
        self._board = Board(plant.plant)
        self._queues: dict[str, asyncio.Queue[Notification]] = {name: asyncio.Queue(IN_FLIGHT) for name in sinks}
        self._events: list[Event] = []
        self._position: Position = {}
        self._is_stale = False
        self.doings = doings or Doings()
        self.deliveries: Mapping[str, Delivery] = {}
        """By id, as they are now; of those that were delivered, the last ones."""

    def change_plant(self, plant: Plant) -> None:
        """Go over to a plant file that was edited, at the next step."""
        self._plant, self._is_stale = plant, True

    async def run(self) -> None:
        """Deliver until cancelled. Raises what the log or a topic raises, as an ExceptionGroup; then begin anew."""
        kept = await self._log.open()
        self._position = kept.position
        await self._alerts.open(kept.position)
        for pair in await self._wishes.known():
            self._take_wish(pair)
        dispatcher = Dispatcher(self._plan(), self._sinks, kept.entries, self._clock.now_us())
        self.deliveries = dispatcher.state.deliveries
        _log.info("delivery-begins", subscriptions=len(dispatcher.plan.subscriptions), sinks=sorted(self._sinks))
        self._is_stale = False
        async with asyncio.TaskGroup() as group:
            for name, sink in self._sinks.items():
                group.create_task(self._serve(name, sink))
                if isinstance(sink, Watches):
                    group.create_task(Looking(name, sink, self._actions).for_ever(dispatcher))
            group.create_task(self._follow_wishes())
            group.create_task(self._step_for_ever(dispatcher))

    async def close(self) -> None:
        """Give back all that was opened."""
        parts = [self._alerts.close(), self._wishes.stop(), self._log.close()]
        parts += [sink.close() for sink in self._sinks.values()]
        for fault in await asyncio.gather(*parts, return_exceptions=True):
            if isinstance(fault, BaseException):
                _log.info("not-closed", error=repr(fault))  # as of a Kafka that is away

    async def _step_for_ever(self, dispatcher: Dispatcher) -> None:
        while True:
            await self.step(dispatcher, await self._alerts.more(LOOK_S))

    async def step(self, dispatcher: Dispatcher, came: Came) -> None:
        """Take what came, keep what follows, and hand on what is to be sent."""
        events, self._events = self._events, []
        if self._is_stale:
            self._is_stale = False
            dispatcher.replan(self._plan(), self._sinks, self._clock.now_us())
        effects = dispatcher.step([*events, *came.alerts], self._clock.now_us(), is_caught_up=came.is_caught_up)
        granted = [one.id for one in events if isinstance(one, Redelivery)]
        if effects.kept or granted or came.position != self._position:
            await self._log.keep(effects.kept, came.position, granted)
            self._position = came.position
        for notification in effects.sends:
            self._queues[notification.sink].put_nowait(notification)  # the dispatcher gives no more than there is room
        self.doings.looked_s = self._clock.monotonic_s()

    async def _serve(self, name: str, sink: Sink) -> None:
        """Send what is in a sink's queue, one after another."""
        while True:
            notification = await self._queues[name].get()
            outcome = await self._sent(sink, notification)
            _tell(notification, outcome)
            self.doings.done += isinstance(outcome, Delivered)
            self.doings.failed += not isinstance(outcome, Delivered)
            self._events.append(Answer(notification.id, outcome))

    async def _sent(self, sink: Sink, notification: Notification) -> Outcome:
        try:
            outcome = await sink.send(notification)
            if isinstance(outcome, Delivered) and outcome.actions:
                await self._actions.take(outcome.actions)
        except Exception as fault:  # a fault of one sink's must not end the others; it is told, and tried again
            _log.exception("sink-failed", sink=notification.sink, notification=notification.id)
            return Failed(f"a fault of the sink's: {fault!r}")
        return outcome

    async def _follow_wishes(self) -> None:
        async for pair in self._wishes.more():
            self._take_wish(pair)

    def _take_wish(self, pair: Pair) -> None:
        before = dict(self._board.subscriptions)
        try:
            wish = self._board.take(*pair)
        except Odd as odd:
            _log.error("subscription-left-out", error=str(odd))
            return
        if wish is not None:
            self._events.append(wish)
        self._is_stale = self._is_stale or self._board.subscriptions != before

    def _plan(self) -> Plan:
        wanted = self._board.with_file(self._subscriptions)
        for name, one in wanted.items():
            for sink in one.sinks:
                if sink not in self._sinks:
                    _log.error("sink-unknown", subscription=name, sink=sink, doing="its notifications wait for it")
        return Plan(self._plant, wanted)


def _tell(notification: Notification, outcome: Outcome) -> None:
    told = {"notification": notification.id, "subscription": notification.subscription, "sink": notification.sink}
    if isinstance(outcome, Delivered):
        _log.info("delivered", **told, warnings=len(notification.mentions))
    elif isinstance(outcome, Refused):
        _log.error("delivery-refused", **told, why=outcome.why, doing="forewarn deliveries retry sends it again")
    else:
        _log.warning("delivery-failed", **told, why=outcome.why, doing="it is sent again later")
