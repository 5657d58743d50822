"""When a subscription's groups are too many at a time to be told one by one: then they are told as one, and not often.

So within any `interval` a subscription has no more notifications than `storm` and a few more, whatever comes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from models.delivery.subscriptions import SECOND_US, Group
from models.records import Delivery, DeliveryReason, Notification

PACE_US = 30 * SECOND_US
"""Between two notifications of all groups as one, at least; or a group's `wait`, if that is longer. Our choice."""


class Storms:
    """What was told of new warnings lately, by subscription."""

    def __init__(self, deliveries: Iterable[Delivery]) -> None:
        self._single: dict[str, list[int]] = defaultdict(list)
        self._whole: dict[str, int] = {}
        for one in sorted(deliveries, key=lambda one: one.notification.time_us):
            self.note(one.notification)

    def note(self, made: Notification) -> None:
        """A notification was made."""
        if made.reason is not DeliveryReason.TOLD:
            return
        if made.group:
            self._single[made.subscription].append(made.time_us)
        else:
            self._whole[made.subscription] = made.time_us

    def rages(self, name: str, group: Group, ripe: int, now_us: int) -> bool:
        """Whether so many ripe groups, with what was told within the interval, are more than a storm has."""
        if not group.storm:
            return False
        begin_us = now_us - group.interval_us
        lately = self._single[name] = [us for us in self._single[name] if us > begin_us]
        return len(lately) + ripe > group.storm or self._whole.get(name, begin_us) > begin_us

    def may_speak(self, name: str, group: Group, now_us: int) -> bool:
        """Whether it is long enough ago that all were told as one."""
        return now_us >= self._whole.get(name, 0) + max(group.wait_us, PACE_US)
