"""When a warning that nobody acknowledged is told again, or to others; timers stand still while nobody is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from models.delivery.plan import Plan
from models.delivery.readiness import inhibiting, is_heard, is_held
from models.delivery.state import State
from models.delivery.subscriptions import Schedule
from models.records import AlertState, DeliveryReason, Followed, Told


class Again(NamedTuple):
    """What a timer asks for: where to, why, and the how-manieth it is."""

    sink: str
    reason: DeliveryReason
    number: int


class Timers:
    """When each of a subscription's open warnings is to be looked at, by subscription and warning."""

    def __init__(self, plan: Plan, cases: Iterable[Followed]) -> None:
        self._plan = plan
        self._at_us: dict[tuple[str, str], int] = {}
        for case in cases:
            self.set(case)

    def set(self, case: Followed) -> None:
        """Set a warning's timers anew, or stop them."""
        for name, told in case.told.items():
            times = [us for us, _ in self._times(name, case, told)] if name in self._plan.subscriptions else []
            if times:
                self._at_us[name, case.alert.id] = min(times)
            else:
                self._at_us.pop((name, case.alert.id), None)

    def due(self, now_us: int) -> list[tuple[str, str]]:
        """Subscriptions and warnings whose timers ran out."""
        return sorted(key for key, at_us in self._at_us.items() if at_us <= now_us)

    def words(self, state: State, name: str, case: Followed, now_us: int) -> Iterator[Again]:
        """What is to be said now; nothing of what is held or inhibited, or where nobody is there to hear it."""
        told, alert = case.told[name], case.alert
        if is_held(alert, now_us) or inhibiting(self._plan, state, name, case, now_us):
            return
        for at_us, again in self._times(name, case, told):
            schedule = self._schedule(name, again)
            if at_us <= now_us and is_heard(self._plan, schedule, alert, now_us):
                yield again

    def _times(self, name: str, case: Followed, told: Told) -> Iterator[tuple[int, Again]]:
        """When what is next."""
        is_open = case.alert.state is AlertState.UNACKNOWLEDGED
        if told.revision < 0 or told.is_over or not is_open:
            return
        wants, calendar = self._plan.subscriptions[name], self._plan.calendar
        if told.escalated < len(wants.escalate):
            step = wants.escalate[told.escalated]
            again = Again(step.sink, DeliveryReason.ESCALATED, told.escalated + 1)
            yield calendar.after(self._schedule(name, again), told.first_us, step.after_us), again
        if wants.repeat_us is not None:
            at_us = calendar.after(wants.schedule, told.time_us, wants.repeat_us)
            yield at_us, Again(wants.sink, DeliveryReason.REPEATED, told.repeats + 1)

    def _schedule(self, name: str, again: Again) -> Schedule:
        wants = self._plan.subscriptions[name]
        if again.reason is DeliveryReason.ESCALATED:
            return wants.escalate[again.number - 1].schedule or wants.schedule
        return wants.schedule
