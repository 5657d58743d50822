"""What is known of warnings and notifications, and indexes of it. All but what is in flight comes back from the log.

Only `dispatch` changes it. Whatever is put here is in `changed` until it is taken, to be kept in the log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from models.delivery.facts import is_over
from models.delivery.plan import Plan
from models.records import Delivery, DeliveryState, Followed

K = TypeVar("K")
Entry = Delivery | Followed
Group = tuple[str, tuple[str, ...]]
"""A subscription's name, and what the warnings of one of its groups have in common."""


def key_of(entry: Entry) -> str:
    """The entry's key in the log, without its plant."""
    return f"delivery/{entry.notification.id}" if isinstance(entry, Delivery) else f"followed/{entry.alert.id}"


class State:
    """Of one plant."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.cases: dict[str, Followed] = {}
        self.deliveries: dict[str, Delivery] = {}
        self.in_flight: dict[str, set[str]] = defaultdict(set)
        """Ids of notifications that a sink was given and has not answered, by sink."""
        self.waiting: dict[str, set[str]] = defaultdict(set)
        """Ids of notifications that are to be sent, by sink."""
        self.pending: dict[Group, set[str]] = defaultdict(set)
        """Ids of warnings that are to be told."""
        self.since_us: dict[Group, int] = {}
        self.last_us: dict[Group, int] = {}
        """When the last notification of a group was made."""
        self.open_of: dict[str, set[str]] = defaultdict(set)
        """Ids of open warnings by asset."""
        self.troubles: dict[tuple[str, str], set[str]] = defaultdict(set)
        """Ids of warnings by asset and failure mode."""
        self.changed: dict[str, Entry | None] = {}
        for entry in entries:
            self._keep(entry)

    def put(self, entry: Entry) -> None:
        """Take an entry in the place of the one with its key."""
        self._keep(entry)
        self.changed[key_of(entry)] = entry

    def forget(self, entry: Entry) -> None:
        """Forget an entry."""
        if isinstance(entry, Delivery):
            del self.deliveries[entry.notification.id]
            self.waiting[entry.notification.sink].discard(entry.notification.id)
        else:
            del self.cases[entry.alert.id]
            _discard(self.open_of, entry.alert.asset, entry.alert.id)
            _discard(self.troubles, (entry.alert.asset, entry.alert.mode), entry.alert.id)
        self.changed[key_of(entry)] = None

    def take_changed(self) -> dict[str, Entry | None]:
        """What changed since it was asked last."""
        changed, self.changed = self.changed, {}
        return changed

    def regroup(self, plan: Plan) -> None:
        """Find all groups anew, by another plan."""
        for index in (self.pending, self.since_us, self.last_us):
            index.clear()
        for case in self.cases.values():
            self.place(plan, case)

    def place(self, plan: Plan, case: Followed) -> None:
        """Put a warning into the groups in which it is to be told, and take it out of the others."""
        for name, told in case.told.items():
            if name not in plan.subscriptions:
                continue
            group = (name, plan.group(name, case.alert))
            if told.revision >= 0:
                self.last_us[group] = max(told.time_us, self.last_us.get(group, 0))
            if told.due >= 0:
                self.pending[group].add(case.alert.id)
                self.since_us[group] = min(told.due_us, self.since_us.get(group, told.due_us))
            else:
                self._unplace(group, case.alert.id)

    def displace(self, plan: Plan, case: Followed, names: Iterable[str]) -> None:
        """Take a warning out of the groups of subscriptions that it is not for any more."""
        for name in names:
            if name in plan.subscriptions:
                self._unplace((name, plan.group(name, case.alert)), case.alert.id)

    def _unplace(self, group: Group, alert: str) -> None:
        _discard(self.pending, group, alert)
        if group not in self.pending:
            self.since_us.pop(group, None)

    def _keep(self, entry: Entry) -> None:
        if isinstance(entry, Delivery):
            its = entry.notification
            self.deliveries[its.id] = entry
            if entry.state is DeliveryState.WAITING:
                self.waiting[its.sink].add(its.id)
            else:
                self.waiting[its.sink].discard(its.id)
            return
        alert = entry.alert
        self.cases[alert.id] = entry
        self.troubles[alert.asset, alert.mode].add(alert.id)
        if is_over(alert):
            _discard(self.open_of, alert.asset, alert.id)
        else:
            self.open_of[alert.asset].add(alert.id)


def _discard(index: dict[K, set[str]], key: K, alert: str) -> None:
    its = index.get(key)
    if its is not None:
        its.discard(alert)
        if not its:
            del index[key]
