"""What a revision of a warning means to each subscription: whether it is to be told, and why. No time passes here.

A warning that began and ended before anybody was told of it is told to nobody; whoever was told of one is told how it
ended, whatever became of its severity.
"""

from __future__ import annotations

from msgspec.structs import replace

from models.delivery.facts import is_over
from models.delivery.plan import Plan
from models.delivery.subscriptions import BEGINS, Subscription
from models.records import Alert, AlertReason, Followed, Told

UNTOLD = Told()
BACK = frozenset({AlertReason.CLEARED, AlertReason.REPAIRED})
"""Ends that say nothing to whoever was told of an end last."""


def follow(plan: Plan, known: Followed | None, alert: Alert, now_us: int) -> Followed:
    """The warning with its new revision, and what each subscription is to be told of it."""
    before = {} if known is None else known.told
    told = {name: one for name, one in before.items() if name not in plan.subscriptions}
    for name in _followers(plan, before, alert):
        told[name] = _due(plan.subscriptions[name], before.get(name), alert, now_us)
    return Followed(plant=alert.plant, alert=alert, told=told)


def rejoin(plan: Plan, known: Followed, now_us: int) -> Followed:
    """A warning as it is under another plan: an open one is told to whom it is for now and was not before."""
    alert, before = known.alert, known.told
    told = {name: one for name, one in before.items() if name not in plan.subscriptions}
    for name in _followers(plan, before, alert):
        told[name] = before[name] if name in before else _due(plan.subscriptions[name], None, alert, now_us)
    return known if told == before else replace(known, told=told)


def is_beginning(told: Told, alert: Alert) -> bool:
    """Whether the next that is told is that it began."""
    return not is_over(alert) and (told.revision < 0 or told.is_over)


def _followers(plan: Plan, before: dict[str, Told], alert: Alert) -> list[str]:
    """Subscriptions that it is for, and those that were told of it."""
    knowing = [name for name, one in before.items() if one.revision >= 0 and name in plan.subscriptions]
    return list(dict.fromkeys((*plan.wanted(alert), *knowing)))


def _due(wants: Subscription, known: Told | None, alert: Alert, now_us: int) -> Told:
    told = known or UNTOLD
    if _says_nothing(wants, told, alert):
        return replace(told, due=-1, due_us=0, due_reason=None, inhibited_by="")
    if not _is_told(wants, told, alert):
        return replace(told, due=alert.revision) if told.due >= 0 else told
    is_waiting = told.due >= 0
    keeps_reason = is_waiting and is_beginning(told, alert)
    return replace(
        told,
        due=alert.revision,
        due_us=told.due_us if is_waiting else now_us,
        due_reason=told.due_reason if keeps_reason else alert.reason,
    )


def _is_told(wants: Subscription, told: Told, alert: Alert) -> bool:
    """A reason that the subscription is told of; and what is open and was not told of, for whatever reason, begins."""
    is_new = told.due < 0 and is_beginning(told, alert) and _wants_beginnings(wants)
    return alert.reason in wants.on or is_new


def _says_nothing(wants: Subscription, told: Told, alert: Alert) -> bool:
    """Whether it is over for someone who does not know that it began."""
    if not is_over(alert):
        return False
    return (told.revision < 0 and _wants_beginnings(wants)) or (told.is_over and alert.reason in BACK)


def _wants_beginnings(wants: Subscription) -> bool:
    return any(reason in wants.on for reason in BEGINS)
