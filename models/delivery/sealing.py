"""Warnings to notifications: what goes into one, its id, and what subscriptions know once it is made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from models.alerting.message import message
from models.delivery.checks import LONGEST_WITHIN_S
from models.delivery.facts import is_over, severity_of
from models.delivery.following import is_beginning
from models.records import Delivery, DeliveryReason, Followed, Mention, Notification, Told

MOST_MENTIONED = 1000
"""Warnings of one notification: some 250 kB, so that any sink takes it; a storm makes several."""
MOST_WHOLE = 20
"""Warnings that a notification carries as they are on the topic; of more it tells the worst so, and all in short."""
KEPT_US = LONGEST_WITHIN_S * 1_000_000


class Word(NamedTuple):
    """What is said at once: to whom, where, why, and what the warnings have in common."""

    subscription: str
    sink: str
    reason: DeliveryReason
    number: int
    group: Mapping[str, str]


def sealed(word: Word, cases: Iterable[Followed], inhibited: Sequence[Followed], now_us: int) -> Iterator[Delivery]:
    """Deliveries that tell of all the cases, the worst first; the first tells of those inhibited."""
    ordered = sorted(
        cases, key=lambda case: (-severity_of(case.alert), case.alert.asset, case.alert.opened_us, case.alert.id)
    )
    for at in range(0, len(ordered), MOST_MENTIONED):
        part = ordered[at : at + MOST_MENTIONED]
        yield _delivery(word, part, inhibited[:MOST_MENTIONED] if at == 0 else (), now_us)


def id_of(plant: str, word: Word, mentions: Iterable[Mention]) -> str:
    """Id from identity alone: what is told to whom. A double has it, too."""
    told = sorted(f"{one.alert}:{one.revision}" for one in mentions)
    identity = "\x1f".join((plant, word.subscription, word.sink, word.reason, str(word.number), *told))
    return hashlib.blake2b(identity.encode(), digest_size=16).hexdigest()


def told_now(told: Told, case: Followed, now_us: int) -> Told:
    """What a subscription knows once it is told of a warning as it is."""
    alert, begins = case.alert, is_beginning(told, case.alert)
    lately = tuple(us for us in told.openings if us > now_us - KEPT_US)
    return Told(
        revision=alert.revision,
        time_us=now_us,
        is_over=is_over(alert),
        first_us=now_us if begins else told.first_us,
        repeats=0 if begins else told.repeats,
        escalated=0 if begins else told.escalated,
        openings=(*lately, now_us) if begins else lately,
        worst=max(told.worst if lately else 0, severity_of(alert)),
    )


def mention(case: Followed, subscription: str) -> Mention:
    """A warning in short, as a subscription is told of it."""
    alert, told = case.alert, case.told[subscription]
    return Mention(
        alert=alert.id,
        revision=alert.revision,
        asset=alert.asset,
        mode=alert.mode,
        state=alert.state,
        reason=told.due_reason or alert.reason,
        advice=alert.advice,
        severity=severity_of(alert),
        opened_us=alert.opened_us,
    )


def stripped(delivery: Delivery) -> Delivery:
    """What is kept of a notification once it was delivered."""
    return replace(delivery, notification=replace(delivery.notification, title="", body="", alerts=(), inhibited=()))


def _delivery(word: Word, cases: Sequence[Followed], inhibited: Sequence[Followed], now_us: int) -> Delivery:
    plant = cases[0].alert.plant
    mentions = tuple(mention(case, word.subscription) for case in cases)
    kept_back = tuple(mention(case, word.subscription) for case in inhibited)
    whole = tuple(case.alert for case in cases[:MOST_WHOLE])
    title, body = message(word.reason, word.number, word.group, whole, mentions, kept_back)
    made = Notification(
        id=id_of(plant, word, mentions),
        plant=plant,
        subscription=word.subscription,
        sink=word.sink,
        reason=word.reason,
        number=word.number,
        time_us=now_us,
        group=dict(word.group),
        mentions=mentions,
        inhibited=kept_back,
        title=title,
        body=body,
        alerts=whole,
    )
    return Delivery(plant=plant, notification=made, next_us=now_us)
