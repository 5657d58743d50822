"""What would become of a warning: who gets it, when at the earliest, by which sink; and of the others, why not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from models.delivery.facts import Facts
from models.delivery.matching import KEYS, Column, Index
from models.delivery.plan import Plan
from models.delivery.readiness import is_heard
from models.delivery.subscriptions import Match, Subscription
from models.records import Alert


class Step(NamedTuple):
    """Whom an escalation tells, and when, if nobody acknowledges."""

    sink: str
    at_us: int


class Trial(NamedTuple):
    """A subscription and a warning. One that is not for it has the keys that do not fit (`unlike`), and no time.

    It is told at `at_us` if nothing holds or inhibits it and its group was not told a moment ago.
    """

    subscription: str
    sink: str
    unlike: tuple[str, ...] = ()
    group: tuple[tuple[str, str], ...] = ()
    at_us: int | None = None
    escalates: tuple[Step, ...] = ()


def tried(plan: Plan, alert: Alert, now_us: int) -> Iterator[Trial]:
    """Each subscription, in order."""
    facts = plan.places.of(alert)
    for name, wants in plan.subscriptions.items():
        unlike = tuple(_unlike(wants.match, facts))
        if alert.reason not in wants.on and not unlike:
            unlike = ("on",)
        yield Trial(name, wants.sink, unlike) if unlike else _told(plan, name, wants, alert, now_us)


def _told(plan: Plan, name: str, wants: Subscription, alert: Alert, now_us: int) -> Trial:
    ripe_us = now_us + wants.group.wait_us
    is_heard_then = is_heard(plan, wants.schedule, alert, ripe_us)
    at_us = ripe_us if is_heard_then else plan.calendar.after(wants.schedule, ripe_us, 0)
    steps = tuple(
        Step(step.sink, plan.calendar.after(step.schedule or wants.schedule, at_us, step.after_us))
        for step in wants.escalate
    )
    return Trial(name, wants.sink, (), tuple(plan.common(name, plan.group(name, alert)).items()), at_us, steps)


def _unlike(match: Match, facts: Facts) -> Iterator[str]:
    """Keys of a match that do not fit."""
    for key in (*KEYS, "tag"):
        values = facts.tags if key == "tag" else (getattr(facts, key),)
        if not Column([getattr(match, key)]).mask_of_any(values):
            yield key
    for key in ("severity", "advice"):
        alone = Match(**{key: getattr(match, key)})
        if not Index({"it": Subscription(sink="it", match=alone)}).mask(facts):
            yield key
