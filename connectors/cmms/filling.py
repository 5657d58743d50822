"""A warning into the fields of a template: words for its braces, cut where room is short, times as systems take them.

Wire forms: OData V2 (`/Date(ms)/`, `PT6H0M0S`) and ISO 8601. Nothing is asked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from connectors.cmms.objects import Object
from connectors.cmms.templates import MOMENTS, PROSE, Kind, Template, Value, names_in, size
from models.alerting.wording import clock
from models.delivery.facts import severity_of
from models.records import Alert, Notification

REFERENCE_DIGITS = 18
"""Of an alert's id, hexadecimal: 72 bits, so that among a million warnings two are alike once in ten thousand million
plants. With FW these are the 20 characters that SAP has room for."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CUT = "…"


class Unfit(ValueError):
    """A value does not fit its field, and must not be cut."""


class Words(NamedTuple):
    """What stands for words in braces: texts, and moments in microseconds, None where nothing is known."""

    texts: Mapping[str, str]
    moments: Mapping[str, int | None]


def reference_of(alert: str) -> str:
    """What a warning is known by in the system: FW and the beginning of its id."""
    return f"FW{alert[:REFERENCE_DIGITS].upper()}"


def words_of(template: Template, notification: Notification, its: Object) -> Words:
    """Words of the one warning that a notification tells of."""
    alert, told = notification.alerts[0], notification.mentions[0]
    object_kinds = template.objects
    kind = (object_kinds.equipment if its.equipment else object_kinds.location) if object_kinds else ""
    texts = {
        "title": notification.title,
        "text": notification.body,
        "reference": reference_of(alert.id),
        "alert": alert.id,
        "plant": alert.plant,
        "asset": alert.asset,
        "mode": alert.mode,
        "advice": str(alert.advice),
        "severity": str(severity_of(alert)),
        "level": str(alert.level),
        "state": str(alert.state),
        "reason": str(told.reason),
        "priority": priority_of(template, alert),
        "equipment": its.equipment,
        "location": its.location,
        "object": its.equipment or its.location,
        "object_kind": kind if its.equipment or its.location else "",
    }
    moments = {"opened": alert.opened_us, "told": notification.time_us, "act_before": alert.act_before_us}
    return Words(texts, moments)


def priority_of(template: Template, alert: Alert) -> str:
    """The priority of the highest severity that it reaches, else that of its advice, else none."""
    reached = [(least, word) for word, least in template.severities.items() if severity_of(alert) >= least]
    return max(reached)[1] if reached else template.priorities.get(alert.advice, "")


def filled(template: Template, values: Mapping[str, Value], words: Words, zone: ZoneInfo) -> dict[str, Any]:
    """Fields as JSON has them; those without anything to say are left out. Raises Unfit."""
    found = {name: _value(name, template.fields[name], value, words, zone) for name, value in values.items()}
    return {name: value for name, value in found.items() if value not in (None, "")}


def _value(name: str, kind: int | Kind, value: Value, words: Words, zone: ZoneInfo) -> Any:
    if isinstance(value, bool):
        return value
    if kind in ("date", "time", "moment"):
        time_us = words.moments[next(iter(names_in(value)))] if value else None
        return None if time_us is None else _WIRE[kind](EPOCH + timedelta(microseconds=time_us), zone)
    if isinstance(kind, int):
        return _text(name, value, words, kind)
    said = _put(value, words.texts, words.moments)
    try:
        return int(said) if said else None
    except ValueError as wrong:
        raise Unfit(f"{name} is '{said}', but a whole number is asked for") from wrong


def _text(name: str, value: str, words: Words, room: int) -> str:
    """What a text field says: prose is cut where there is not room enough, anything else has to fit."""
    texts = dict(words.texts)
    said = _put(value, texts, words.moments)
    for prose in sorted(PROSE & names_in(value)):
        over = size(said) - room
        if over > 0:
            texts[prose] = cut(texts[prose], size(texts[prose]) - over)
            said = _put(value, texts, words.moments)
    if size(said) > room:
        raise Unfit(f"{name} is '{said}', {size(said)} characters, but there is room for {room}")
    return said


def cut(text: str, room: int) -> str:
    """A text's beginning, whole lines or whole words where that loses little, with a sign that more was there."""
    if size(text) <= room:
        return text
    if room < 1:
        return ""
    kept = text.encode("utf-16-le")[: 2 * (room - 1)].decode("utf-16-le", errors="ignore")
    for sign in ("\n", " "):
        head = kept.rpartition(sign)[0]
        if size(head) * 4 >= room * 3:  # our choice: no more than a quarter is given up for a clean end
            return head.rstrip() + CUT
    return kept.rstrip() + CUT


def _put(value: str, texts: Mapping[str, str], moments: Mapping[str, int | None]) -> str:
    known = dict(texts) | {name: "" if moments[name] is None else clock(moments[name] or 0) for name in MOMENTS}
    return value.format_map(known).strip()


def _date(moment: datetime, zone: ZoneInfo) -> str:
    """The day where the zone is, as its midnight in UTC: a day of the system has no zone."""
    local = moment.astimezone(zone)
    midnight = datetime(local.year, local.month, local.day, tzinfo=UTC)
    return f"/Date({(midnight - EPOCH) // timedelta(milliseconds=1)})/"


def _time(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"PT{local.hour:02d}H{local.minute:02d}M{local.second:02d}S"


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="seconds")


_WIRE = {"date": _date, "time": _time, "moment": _moment}
