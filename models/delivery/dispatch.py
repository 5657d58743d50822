"""The heart of delivery, sans-IO: warnings and sinks' answers in, entries to keep and notifications to send out.

What a step wants kept has to be in the log before what it wants sent is sent: so a crash in between sends the same
notification again, and none is missing. Time is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from models.delivery.backoff import next_try_us
from models.delivery.facts import is_over
from models.delivery.following import follow, rejoin
from models.delivery.outcomes import Delivered, Outcome, Refused
from models.delivery.plan import Plan
from models.delivery.readiness import READY, Wait, readiness
from models.delivery.sealing import KEPT_US, Word, sealed, stripped, told_now
from models.delivery.state import Entry, Group, State
from models.delivery.storms import Storms
from models.delivery.timers import Again, Timers
from models.records import (
    Alert,
    AlertState,
    Delivery,
    DeliveryReason,
    DeliveryState,
    Followed,
    Notification,
    Redelivery,
)

IN_FLIGHT = 32
"""Notifications that a sink has at a time: what its queue holds."""
KEPT_DELIVERED_US = 30 * 86_400_000_000
KEPT_CASES_US = KEPT_US + 86_400_000_000
KEPT_ORDERED_US = 400 * 86_400_000_000
"""A warning with an order that nobody closed: its maintenance system may say later what was found. Our choice."""
FORGET_EVERY_US = 3_600_000_000


class Answer(NamedTuple):
    """What a sink said of a notification."""

    id: str
    outcome: Outcome


Event = Alert | Answer | Redelivery


class Effects(NamedTuple):
    """What is to be kept, by key, None for what is to be forgotten; and what is to be sent after that."""

    kept: dict[str, Entry | None]
    sends: tuple[Notification, ...]


class Dispatcher:
    """Of one plant. It owns its state; `sinks` are those that there are."""

    def __init__(self, plan: Plan, sinks: Iterable[str], entries: Iterable[Entry] = (), now_us: int = 0) -> None:
        self.state = State(entries)
        self._forgot_us = now_us
        self._adopt(plan, sinks, now_us)

    def replan(self, plan: Plan, sinks: Iterable[str], now_us: int) -> None:
        """Go over to other subscriptions or another plant; what follows from that is in the next step's effects."""
        self._adopt(plan, sinks, now_us)

    def step(self, events: Iterable[Event], now_us: int, *, is_caught_up: bool = True) -> Effects:
        """Take what came, and look what is to be told by now: nothing while older warnings are still being read."""
        for event in events:
            if isinstance(event, Alert):
                self._take(event, now_us)
            elif isinstance(event, Answer):
                self._answered(event, now_us)
            else:
                self._retry(event)
        if is_caught_up:
            self._tell(now_us)
            self._remind(now_us)
            self._forget(now_us)
        return Effects(self.state.take_changed(), tuple(self._sends(now_us)))

    def _adopt(self, plan: Plan, sinks: Iterable[str], now_us: int) -> None:
        self.plan, self._sinks = plan, frozenset(sinks)
        for case in list(self.state.cases.values()):
            joined = rejoin(plan, case, now_us)
            if joined is not case:
                self.state.put(joined)
        self.state.regroup(plan)
        self._storms = Storms(self.state.deliveries.values())
        self._timers = Timers(plan, self.state.cases.values())

    def _take(self, alert: Alert, now_us: int) -> None:
        """Take a revision; doubles, older ones, those of history and of other plants change nothing."""
        known = self.state.cases.get(alert.id)
        is_old = known is not None and alert.revision <= known.alert.revision
        if is_old or alert.historical or alert.plant != self.plan.plant.plant:
            return
        case = follow(self.plan, known, alert, now_us)
        if known is not None:
            self.state.displace(self.plan, known, known.told.keys() - case.told.keys())
        self._put(case)

    def _put(self, case: Followed) -> None:
        self.state.put(case)
        self.state.place(self.plan, case)
        self._timers.set(case)

    def _answered(self, answer: Answer, now_us: int) -> None:
        known = self.state.deliveries.get(answer.id)
        for ids in self.state.in_flight.values():
            ids.discard(answer.id)
        if known is None or known.state is not DeliveryState.WAITING:
            return
        attempts, outcome = known.attempts + 1, answer.outcome
        if isinstance(outcome, Delivered):
            done = replace(known, state=DeliveryState.DELIVERED, attempts=attempts, done_us=now_us, why="")
            self.state.put(stripped(done))
        elif isinstance(outcome, Refused):
            self.state.put(replace(known, state=DeliveryState.REFUSED, attempts=attempts, why=outcome.why))
        else:
            next_us = next_try_us(answer.id, attempts, now_us, outcome.retry_after_s)
            self.state.put(replace(known, attempts=attempts, next_us=next_us, why=outcome.why))

    def _retry(self, wish: Redelivery) -> None:
        known = self.state.deliveries.get(wish.id)
        if known is not None and known.state is not DeliveryState.DELIVERED:
            self.state.put(replace(known, state=DeliveryState.WAITING, next_us=0))

    def _tell(self, now_us: int) -> None:
        """Make notifications of the groups that waited long enough."""
        ripe: dict[str, dict[Group, list[Followed]]] = {}
        for group in self._ripe(now_us):
            ready = [case for case in self._members(group) if self._may_be_told(group[0], case, now_us)]
            if ready:
                ripe.setdefault(group[0], {})[group] = ready
        for name, groups in ripe.items():
            wants = self.plan.subscriptions[name]
            word = Word(name, wants.sink, DeliveryReason.TOLD, 0, {})
            if not self._storms.rages(name, wants.group, len(groups), now_us):
                for (_, its), cases in groups.items():
                    self._seal(word._replace(group=self.plan.common(name, its)), cases, now_us)
            elif self._storms.may_speak(name, wants.group, now_us):
                self._seal(word, [case for cases in groups.values() for case in cases], now_us)

    def _ripe(self, now_us: int) -> list[Group]:
        """Groups whose first warning waited, and whose last notification was long enough ago."""
        state, found = self.state, []
        for group in state.pending:
            wants = self.plan.subscriptions[group[0]].group
            last_us = state.last_us.get(group)
            is_rested = last_us is None or now_us >= last_us + wants.interval_us
            if is_rested and now_us >= state.since_us[group] + wants.wait_us:
                found.append(group)
        return found

    def _members(self, group: Group) -> list[Followed]:
        return [self.state.cases[one] for one in sorted(self.state.pending[group])]

    def _may_be_told(self, name: str, case: Followed, now_us: int) -> bool:
        """Whether a warning waits for nothing; that it is inhibited is kept in the log."""
        found, told = readiness(self.plan, self.state, name, case, now_us), case.told[name]
        if found.wait is Wait.INHIBITED and told.inhibited_by != found.by:
            self.state.put(replace(case, told=case.told | {name: replace(told, inhibited_by=found.by)}))
        return found is READY

    def _seal(self, word: Word, cases: list[Followed], now_us: int) -> None:
        """Make notifications, put them to be sent, and note what the subscription knows by them."""
        for delivery in sealed(word, cases, self._inhibited(word, cases, now_us), now_us):
            if delivery.notification.id not in self.state.deliveries:
                self.state.put(delivery)
                self._storms.note(delivery.notification)
        for case in (self.state.cases[one.alert.id] for one in cases):  # it may have been told to others meanwhile
            told = case.told[word.subscription]
            if word.reason is DeliveryReason.ESCALATED:
                told = replace(told, escalated=word.number)
            else:
                told = told_now(told, case, now_us)
            if word.reason is DeliveryReason.REPEATED:
                told = replace(told, repeats=word.number)
            self._put(replace(case, told=case.told | {word.subscription: told}))

    def _inhibited(self, word: Word, cases: list[Followed], now_us: int) -> list[Followed]:
        """Warnings that wait because of one of these."""
        told = {case.alert.id for case in cases if case.alert.asset in self.plan.parents}
        found: list[Followed] = []
        if not told:
            return found
        for (name, _), ids in self.state.pending.items():
            for one in sorted(ids) if name == word.subscription and word.reason is DeliveryReason.TOLD else ():
                case = self.state.cases[one]
                if readiness(self.plan, self.state, name, case, now_us).by in told:
                    found.append(case)
        return found

    def _remind(self, now_us: int) -> None:
        """Tell again, or somebody else, of what nobody acknowledged in time."""
        words: dict[tuple[str, Again, tuple[str, ...]], list[Followed]] = {}
        for name, alert in self._timers.due(now_us):
            case = self.state.cases[alert]
            for again in self._timers.words(self.state, name, case, now_us):
                words.setdefault((name, again, self.plan.group(name, case.alert)), []).append(case)
        for (name, again, its), cases in words.items():
            self._seal(Word(name, *again, self.plan.common(name, its)), cases, now_us)

    def _forget(self, now_us: int) -> None:
        """Once an hour, forget what is over and told, and what was delivered, some time ago."""
        if now_us < self._forgot_us + FORGET_EVERY_US:
            return
        self._forgot_us = now_us
        for delivery in list(self.state.deliveries.values()):
            if delivery.state is DeliveryState.DELIVERED and delivery.done_us < now_us - KEPT_DELIVERED_US:
                self.state.forget(delivery)
        for case in list(self.state.cases.values()):
            last_us = max((told.time_us for told in case.told.values()), default=0)
            is_settled = is_over(case.alert) and all(told.due < 0 for told in case.told.values())
            waits = case.alert.order and case.alert.state is not AlertState.CLOSED
            kept_us = KEPT_ORDERED_US if waits else KEPT_CASES_US
            if is_settled and max(last_us, case.alert.moved_us) < now_us - kept_us:
                self.state.forget(case)
        self.state.regroup(self.plan)

    def _sends(self, now_us: int) -> Iterator[Notification]:
        """Notifications to be sent now, the oldest first, as many as each sink's queue has room for."""
        for sink in self._sinks & self.state.waiting.keys():
            flying = self.state.in_flight[sink]
            ids = self.state.waiting[sink] - flying
            due = [one for one in map(self.state.deliveries.__getitem__, ids) if one.next_us <= now_us]
            for one in sorted(due, key=_order)[: IN_FLIGHT - len(flying)]:
                flying.add(one.notification.id)
                yield one.notification


def _order(one: Delivery) -> tuple[int, str]:
    return one.notification.time_us, one.notification.id
