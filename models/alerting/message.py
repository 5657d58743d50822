"""What a notification says to people: a title of one line and a plain text, of one warning or of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.alerting.advice import ASKS
from models.alerting.wording import clock, headline, rests_on
from models.records import Alert, DeliveryReason, Mention

LISTED = 20
"""Warnings that a text names; of more it says how many there are."""
HEADS = {
    DeliveryReason.TOLD: "",
    DeliveryReason.REPEATED: "Reminder {number}: ",
    DeliveryReason.ESCALATED: "Not acknowledged: ",
}


def message(
    reason: DeliveryReason,
    number: int,
    group: Mapping[str, str],
    alerts: Sequence[Alert],
    mentions: Sequence[Mention],
    inhibited: Sequence[Mention],
) -> tuple[str, str]:
    """Title and body; `alerts` are the first of those mentioned, whole."""
    head = HEADS[reason].format(number=number)
    if len(mentions) == 1:
        title, body = _of_one(alerts[0], mentions[0])
    else:
        title, body = _of_many(group, mentions), [_in_short(one) for one in mentions[:LISTED]]
        if len(mentions) > LISTED:
            body.append(f"and {len(mentions) - LISTED} more")
    return head + title, "\n".join([*body, *_kept_back(inhibited)])


def _of_one(alert: Alert, its: Mention) -> tuple[str, list[str]]:
    title = f"{alert.asset}: {its.reason}, {alert.level}, {ASKS[alert.advice]}"
    body = [headline(alert), *rests_on(alert), f"opened {clock(alert.opened_us)} UTC, {alert.confidence} confidence"]
    if alert.act_before_us is not None:
        body.append(f"to be done before {clock(alert.act_before_us)} UTC")
    if alert.why or alert.by:
        body.append(": ".join(filter(None, (alert.by, alert.why))))
    return title, body


def _of_many(group: Mapping[str, str], mentions: Sequence[Mention]) -> str:
    where = ", ".join(value for value in group.values() if value)
    assets = len({one.asset for one in mentions})
    return f"{where + ': ' if where else ''}{len(mentions)} warnings of {assets} machine{'s' * (assets > 1)}"


def _in_short(one: Mention) -> str:
    mode = "" if one.mode == "any" else f", {one.mode}"
    return f"{one.asset}{mode}: {one.reason}, {ASKS[one.advice]}, severity {one.severity}"


def _kept_back(inhibited: Sequence[Mention]) -> list[str]:
    if not inhibited:
        return []
    named = ", ".join(sorted({one.asset for one in inhibited})[:LISTED])
    return [f"{len(inhibited)} warnings of machines below wait meanwhile: {named}"]
