"""Sinks that can say what became of what they were told are asked now and then; what is new goes back to the log.

A sink says what holds now, and says it again each time. What a warning shows already, or was said by this role before,
is left out here; what is said twice all the same is one action, since it has the system's own time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from models.delivery.dispatch import Dispatcher
from models.records import Action, Alert, AlertState, Move, Told
from pipelines.deliver.ports import Actions, Watches

_log = structlog.get_logger()

LOOK_EVERY_S = 300.0
"""Between two questions to a sink. Our choice: a repair takes hours, and a maintenance system has other users."""
Said = tuple[str, ...]


class Looking:
    """What one sink says of the cases that it was told of."""

    def __init__(self, name: str, sink: Watches, actions: Actions) -> None:
        self._name, self._sink, self._actions = name, sink, actions
        self._last: dict[str, Said] = {}
        """What was said last of a warning, by its id."""

    async def for_ever(self, dispatcher: Dispatcher) -> None:
        """Look, and wait. A look that fails is told, and the next one comes all the same."""
        while True:
            try:
                await self.once(cases_of(dispatcher, self._name))
            except Exception as fault:  # a fault of one sink's must not end the role; it is told, and tried again
                _log.warning("look-failed", sink=self._name, error=repr(fault), again_in_s=LOOK_EVERY_S)
            await asyncio.sleep(LOOK_EVERY_S)

    async def once(self, cases: Sequence[Alert]) -> None:
        """Look once. Raises what the sink and the log raise; then it is said again by the next look."""
        by_id = {one.id: one for one in cases}
        self._last = {alert: said for alert, said in self._last.items() if alert in by_id}
        if not by_id:
            return
        found = await self._sink.look(cases)
        new = [one for one in found if one.alert in by_id and self._is_new(one, by_id[one.alert])]
        if new:
            await self._actions.take(new)
            self._last |= {one.alert: said_by(one) for one in new}
            _log.info("looked", sink=self._name, cases=len(cases), told=len(new))

    def _is_new(self, action: Action, alert: Alert) -> bool:
        last = self._last.get(action.alert)
        if last is None and action.move is Move.COMMENT:
            own = [one.text for one in alert.comments if one.by == action.by]
            return own[-1:] != [action.why]
        return last != said_by(action)


def said_by(action: Action) -> Said:
    """What an action says, whenever it is said."""
    return tuple(map(str, (action.move, action.by, action.why, action.outcome, action.mode, action.found)))


def cases_of(dispatcher: Dispatcher, sink: str) -> list[Alert]:
    """Warnings that are not closed and of which a sink was told, as they are now."""
    names = {name for name, one in dispatcher.plan.subscriptions.items() if sink in one.sinks}
    every = dispatcher.state.cases.values()
    return [
        one.alert
        for one in every
        if one.alert.state is not AlertState.CLOSED and any(_was_told(one.told.get(name)) for name in names)
    ]


def _was_told(told: Told | None) -> bool:
    return told is not None and told.revision >= 0
