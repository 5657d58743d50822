"""What a server publishes to readings: no network, no clock, and no exception whatever comes.

Severity of a status is in its top two bits (OPC 10000-4, 7.39): good 00, uncertain 01, bad 10; 11 is to be treated as
bad. Times are the source's, or the server's where it gives none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncua import ua

from connectors.scada.feed import Read, Reading, Unread
from models.records import Quality, Reject, Sample

LONGEST_TEXT = 10_000
"""Characters of a value; a frame of up to 1 MiB must hold it beside others. Our choice."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEVERITY = {0: Quality.GOOD, 1: Quality.UNCERTAIN}
_REFRESHES = {
    ua.NodeId(ua.Int32(number))
    for number in (
        ua.ObjectIds.RefreshStartEventType,
        ua.ObjectIds.RefreshEndEventType,
        ua.ObjectIds.RefreshRequiredEventType,
    )
}
"""Events about the subscription, not the plant (OPC 10000-9, 5.11)."""

EVENT_FIELDS = ("EventType", "Time", "ReceiveTime", "Message")
"""Fields of BaseEventType that are asked for, in this order (OPC 10000-5, 6.4.2)."""


class Decoder:
    """Notifications to readings; `values` and `events` are addresses by the client's handle of the monitored item."""

    def __init__(self, values: Mapping[int, str], events: Mapping[int, str]) -> None:
        self._values, self._events = values, events

    def decode(self, notifications: Iterable[object]) -> Read:
        """All readings of a publish response's NotificationData. What is not understood is unread."""
        readings: list[Reading] = []
        unread: list[Unread] = []
        for notification in notifications:
            for one in self._each(notification):
                if isinstance(one, Reading):
                    readings.append(one)
                elif one is not None:
                    unread.append(one)
        return Read(readings, unread)

    def _each(self, notification: object) -> Iterable[Reading | Unread | None]:
        if isinstance(notification, ua.DataChangeNotification):
            return [self._value(item) for item in notification.MonitoredItems or ()]
        if isinstance(notification, ua.EventNotificationList):
            return [self._event(item) for item in notification.Events or ()]
        if isinstance(notification, ua.StatusChangeNotification):
            return ()
        return [Unread(Reject.UNREADABLE, f"a notification of {type(notification).__name__} is none that OPC UA has")]

    def _value(self, item: Any) -> Reading | Unread:
        address = self._values.get(item.ClientHandle)
        if address is None:
            return Unread(Reject.UNREADABLE, f"a value of a monitored item {item.ClientHandle} that nobody asked for")
        return value(address, item.Value)

    def _event(self, item: Any) -> Reading | Unread | None:
        address = self._events.get(item.ClientHandle)
        if address is None:
            return Unread(Reject.UNREADABLE, f"an event of a monitored item {item.ClientHandle} that nobody asked for")
        return event(address, item.EventFields)


def value(address: str, data: Any) -> Reading | Unread:
    """A DataValue as a reading. Never raises."""
    try:
        return _value(address, data)
    except Exception as wrong:  # a peer's rubbish must not end a feed, whatever it makes of the client's types
        return Unread(Reject.UNREADABLE, f"'{address}': {wrong!r}")


def event(address: str, fields: Sequence[Any] | None) -> Reading | Unread | None:
    """An event as a reading of its message, None for one about the subscription alone. Never raises."""
    try:
        kind, time, received, message = (field.Value for field in fields or ())
        if kind in _REFRESHES:
            return None
        time_us = _first_us(time, received)
        text = message.Text if isinstance(message, ua.LocalizedText) else message
    except Exception as wrong:  # as for values
        return Unread(Reject.UNREADABLE, f"'{address}': an event without {', '.join(EVENT_FIELDS)}: {wrong!r}")
    if time_us is None:
        return Unread(Reject.NO_TIME, f"'{address}': an event without a time")
    if not isinstance(text, str):
        return Unread(Reject.WRONG_KIND, f"'{address}': an event whose message is no text")
    return _long(address, text) or Reading(address, time_us, text)


def quality_of(status: int) -> Quality:
    """Quality of a status code by its severity."""
    return _SEVERITY.get(status >> 30 & 3, Quality.BAD)


def _value(address: str, data: Any) -> Reading | Unread:
    quality = quality_of(data.StatusCode.value if data.StatusCode is not None else 0)
    time_us = _first_us(data.SourceTimestamp, data.ServerTimestamp)
    if time_us is None:
        return Unread(Reject.NO_TIME, f"'{address}' has neither a source timestamp nor a server timestamp")
    raw = data.Value.Value
    if quality is Quality.BAD or raw is None:
        return Reading(address, time_us, None, Quality.BAD)
    if data.Value.is_array:
        return Unread(Reject.WRONG_KIND, f"'{address}' is an array: list nodes of single values")
    sample = _sample(raw)
    if sample is None:
        kind = getattr(data.Value.VariantType, "name", type(raw).__name__)
        return Unread(Reject.WRONG_KIND, f"'{address}' is a {kind}: only numbers, booleans and text are read")
    if isinstance(sample, float) and not math.isfinite(sample):
        return Reading(address, time_us, None, Quality.BAD)
    if isinstance(sample, str) and (long := _long(address, sample)):
        return long
    return Reading(address, time_us, sample, quality)


def _sample(raw: object) -> Sample:
    """A number, boolean or text, None for anything else. An enumeration is its number (OPC 10000-6, 5.2.4)."""
    if isinstance(raw, bool | float):
        return raw
    if isinstance(raw, int):
        return int(raw)
    if isinstance(raw, ua.LocalizedText):
        return raw.Text or ""
    return str(raw) if isinstance(raw, str) else None


def _long(address: str, text: str) -> Unread | None:
    if len(text) <= LONGEST_TEXT:
        return None
    return Unread(Reject.TOO_LARGE, f"'{address}' is a text of {len(text)} characters", text[:LONGEST_TEXT].encode())


def _first_us(*times: datetime | None) -> int | None:
    """The first that is a time, in microseconds since 1970 UTC. A null DateTime is 1601 (OPC 10000-6, 5.2.2.5)."""
    for time in times:
        if isinstance(time, datetime):
            aware = time if time.tzinfo else time.replace(tzinfo=UTC)
            if aware >= _EPOCH:
                return (aware - _EPOCH) // timedelta(microseconds=1)
    return None
