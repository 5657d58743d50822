"""One notification for each case: found again by our reference, made if there is none, brought up to date, left alone.

The system is behind a port. What was lost between it and us is found again, so that no double comes of a repeat. Two
that ask at one moment can still make two, since no system here refuses a second one: one role sends, one after another.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import structlog

from connectors.cmms.asking import Declined, NotTaken
from connectors.cmms.basis import Basis
from connectors.cmms.filling import Unfit, Words, filled, reference_of, words_of
from connectors.cmms.objects import Object
from connectors.cmms.telling import Seen, is_ended, numbered, told
from models.delivery.facts import is_over
from models.delivery.outcomes import Delivered, Failed, Outcome, Refused
from models.records import Action, Alert, DeliveryReason, Notification

_log = structlog.get_logger()

UNMAPPED = Object()


class System(Protocol):
    """A maintenance system. All raise NotTaken and Declined."""

    async def find(self, reference: str) -> Sequence[Seen]:
        """Notifications with a reference of ours, the oldest first."""
        ...

    async def make(self, reference: str, fields: Mapping[str, Any]) -> Seen:
        """Make one."""
        ...

    async def change(self, seen: Seen, fields: Mapping[str, Any]) -> None:
        """Change one; what somebody changed since it was seen is not lost."""
        ...

    async def see(self, cases: Mapping[str, Alert]) -> Mapping[str, Seen]:
        """What became of those of some cases, both by reference; a case without one is left out."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class CaseSink:
    """A `pipelines.deliver.ports.Sink` that watches, too. Belongs to one event loop."""

    def __init__(
        self,
        system: System,
        by: str,
        basis: Basis,
        timeout_s: float,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._system, self._by, self._timeout_s, self._now_s = system, by, timeout_s, now_s
        self._template, self._objects, self._unmapped, self._zone = basis
        self._sent: dict[str, int] = {}
        """The last revision that went out, by alert: a notification that waited for a repeat may be older. Of the cases
        that were looked at last, and of later ones."""

    async def send(self, notification: Notification) -> Outcome:
        """Make the case's notification or bring it up to date; the whole of it takes no longer than the timeout."""
        if len(notification.mentions) != 1 or not notification.alerts:
            return Refused("it tells of several warnings: this sink takes one at a time")
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._brought(notification, notification.alerts[0])
        except TimeoutError:
            return Failed(f"no answer within {self._timeout_s:g} s")
        except NotTaken as wrong:
            return Failed(wrong.why, wrong.retry_after_s)
        except (Declined, Unfit) as wrong:
            return Refused(str(wrong))

    async def look(self, cases: Sequence[Alert]) -> Sequence[Action]:
        """What the system says now of cases that are not closed. Raises NotTaken and Declined."""
        self._sent = {alert: self._sent[alert] for alert in {one.id for one in cases} & self._sent.keys()}
        by_reference = {reference_of(one.id): one for one in cases if one.outcome is None}
        seen = await self._system.see(by_reference)
        now_us = round(self._now_s() * 1e6)
        found = (told(self._template, by_reference[one], its, self._by, now_us) for one, its in seen.items())
        return [action for action in found if action is not None]

    async def close(self) -> None:
        """Close the connections."""
        await self._system.close()

    async def _brought(self, notification: Notification, alert: Alert) -> Outcome:
        its = self._objects.get(alert.asset, UNMAPPED)
        words = words_of(self._template, notification, its)
        every = await self._system.find(words.texts["reference"])
        if len(every) > 1:
            _log.warning(
                "several-of-one-case", by=self._by, numbers=[one.number for one in every], using=every[0].number
            )
        if every:
            await self._changed(every[0], notification, alert, its, words)
            return self._done(alert, notification, every[0])
        if is_over(alert) or alert.order:
            return Delivered()  # nothing to ask for any more; or a person has asked already
        if its is UNMAPPED and self._unmapped == "refuse":
            return Refused(f"{alert.asset} is not in the objects file: name its equipment or location there")
        values = self._template.create | its.fields
        made = await self._system.make(words.texts["reference"], self._filled(values, words))
        return self._done(alert, notification, made)

    async def _changed(self, seen: Seen, notification: Notification, alert: Alert, its: Object, words: Words) -> None:
        is_old = self._sent.get(alert.id, -1) > alert.revision
        if is_old or is_ended(self._template, seen) or notification.reason is DeliveryReason.REPEATED:
            return
        values = self._template.over if is_over(alert) else self._template.update
        own = {name: its.fields[name] for name in values.keys() & its.fields.keys()}
        if fields := self._filled(values | own, words):
            try:
                await self._system.change(seen, fields)
            except Declined:
                now = await self._system.find(words.texts["reference"])
                if not any(is_ended(self._template, one) for one in now if one.number == seen.number):
                    raise  # else somebody closed it meanwhile, and it is left alone as any that is closed

    def _filled(self, values: Mapping[str, Any], words: Words) -> dict[str, Any]:
        return filled(self._template, values, words, self._zone)

    def _done(self, alert: Alert, notification: Notification, seen: Seen) -> Delivered:
        self._sent[alert.id] = max(alert.revision, self._sent.get(alert.id, -1))
        if alert.order:
            return Delivered()
        return Delivered((numbered(alert, seen, self._by, notification.time_us),))
