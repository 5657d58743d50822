"""What may be in a foreign topic, and the decoder of it: from a message to readings, without a client or a clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, NamedTuple
from uuid import UUID

from msgspec import Struct

from connectors.scada.documents import MISSING, Wrong, at_path, check_size, parsed
from connectors.scada.feed import Read, Reading, Unread
from connectors.scada.feeds.kafka.avro import NotAvro, Schema, decoded
from connectors.scada.waveform import Waveform, is_burst, read_burst
from models.records import Name, Quality, Reject

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE = re.compile(r"\{([^{}]+)\}")
Word = str | bool | int | float


class TimeUnit(StrEnum):
    """How a message says its time: text by ISO 8601 with its zone, or a number since 1970 UTC."""

    ISO = "iso"
    S = "s"
    MS = "ms"
    US = "us"
    NS = "ns"


_US_A_UNIT = {TimeUnit.S: (1_000_000, 1), TimeUnit.MS: (1000, 1), TimeUnit.US: (1, 1), TimeUnit.NS: (1, 1000)}
"""Microseconds are a number of these times the first, over the second."""


class Layout(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="format"):
    """What all layouts share. A path is names and indexes with dots between: `body.values.0`.

    `address` is a template: `{topic}` and `{key}` are Kafka's, any other `{path}` is looked up in the message. An empty
    `time` takes the time of the Kafka record. `each` is the path of a list whose elements are messages of their own.
    A `quality` that is absent is good (as OPC UA Part 6, 5.4.2.18, leaves out a good status); one that is neither of
    `good` nor of `uncertain` is bad. `avro` is Confluent's wire format, with schemas of the registry; a time of a
    logical type is one, whatever `time_unit` says.
    """

    topic: Name
    encoding: Literal["json", "avro"] = "json"
    time: str = "time"
    time_unit: TimeUnit = TimeUnit.MS
    each: str = ""
    quality: str = ""
    good: tuple[Word, ...] = ("good", "Good", "GOOD", True, 192)
    uncertain: tuple[Word, ...] = ("uncertain", "Uncertain", "UNCERTAIN", 64)
    waveforms: tuple[Waveform, ...] = ()


class OneReading(Layout, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="reading"):
    """A message is one reading, its value at the path `value`."""

    address: str = "{tag}"
    value: str = "value"


class ManyFields(Layout, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="fields"):
    """Each name in the object at the path `fields` (empty: the message itself) is a reading, `{field}` its name.

    Names in `skip`, and the time where it lies in the same object, are none.
    """

    address: str = "{key}/{field}"
    fields: str = ""
    skip: tuple[str, ...] = ()


class Telegraf(ManyFields, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="telegraf"):
    """Telegraf's `data_format = "json"`, single or batched: name, tags, fields and timestamp.

    `time_unit` is that of Telegraf's `json_timestamp_units`, whose default is 1s (Telegraf, JSON output format).
    """

    address: str = "{name}/{tags.host}/{field}"
    fields: str = "fields"
    time: str = "timestamp"
    time_unit: TimeUnit = TimeUnit.S
    each: str = "metrics"


class Message(NamedTuple):
    """A record of a topic; its time is Kafka's, in milliseconds since 1970. Before Kafka 0.10 a record had none."""

    topic: str
    key: bytes | None
    value: bytes | None
    time_ms: int | None


NO_SCHEMAS: Mapping[int, Schema] = MappingProxyType({})
"""Of a feed without Avro."""


def decode(layout: OneReading | ManyFields, message: Message, schemas: Mapping[int, Schema] = NO_SCHEMAS) -> Read:
    """Readings of a message. Never raises; a tombstone has none. `schemas` has the id of every message in Avro."""
    if message.value is None:
        return Read()
    readings: list[Reading] = []
    unread: list[Unread] = []
    try:
        for body in _bodies(layout, _said(layout, message.value, schemas)):
            try:
                for one in _read(layout, message, body):
                    if isinstance(one, Reading):
                        readings.append(one)
                    else:
                        unread.append(one)
            except Wrong as wrong:
                unread.append(Unread(wrong.reason, f"{message.topic}: {wrong}", message.value, message.topic))
    except Wrong as wrong:
        unread.append(Unread(wrong.reason, f"{message.topic}: {wrong}", message.value, message.topic))
    return Read(readings, unread)


def _said(layout: Layout, value: bytes, schemas: Mapping[int, Schema]) -> Any:
    if layout.encoding == "json":
        return parsed(value)
    check_size(value)
    try:
        return decoded(value, schemas)
    except NotAvro as wrong:
        raise Wrong(Reject.UNREADABLE, str(wrong)) from wrong


def _bodies(layout: Layout, body: Any) -> Iterator[Any]:
    inner = at_path(body, layout.each) if layout.each else body
    found = body if inner is MISSING else inner
    yield from found if isinstance(found, list) else [found]


def _read(layout: OneReading | ManyFields, message: Message, body: Any) -> Iterator[Reading | Unread]:
    if not isinstance(body, dict):
        raise Wrong(Reject.NOT_A_RECORD, f"a message must be an object, but is a {type(body).__name__}")
    time_us, quality = _time_us(layout, message, body), _quality(layout, body)
    if isinstance(layout, OneReading):
        value = at_path(body, layout.value)
        if value is MISSING:
            raise Wrong(Reject.NOT_A_RECORD, f"nothing at '{layout.value}', which is to be the value")
        yield from _readings(layout, _address(layout.address, message, body), time_us, value, quality)
        return
    fields = at_path(body, layout.fields)
    if not isinstance(fields, dict):
        raise Wrong(Reject.NOT_A_RECORD, f"no object at '{layout.fields}', where the fields are to be")
    for name, value in fields.items():
        own = f"{layout.fields}.{name}" if layout.fields else name
        if name not in layout.skip and own not in (layout.time, layout.quality):
            yield from _readings(layout, _address(layout.address, message, body, name), time_us, value, quality)


def _readings(layout: Layout, address: str, time_us: int, value: Any, quality: Quality) -> Iterator[Reading | Unread]:
    if is_burst(value):
        read = read_burst(layout.waveforms, address, time_us, value, quality)
        yield from read.readings
        yield from read.unread
    else:
        yield _reading(address, time_us, value, quality)


def _reading(address: str, time_us: int, value: Any, quality: Quality) -> Reading | Unread:
    if isinstance(value, dict | list | bytes):
        detail = f"'{address}' is a list, an object or bytes, no value: give its path"
        return Unread(Reject.WRONG_KIND, detail, address=address)
    bad = value is None or quality is Quality.BAD or value != value
    return Reading(address, time_us, None if bad else _sample(value), Quality.BAD if bad else quality)


def _sample(value: Any) -> Any:
    """Avro's logical types as a signal can have them: a decimal is a number, a time or a UUID its text."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, UUID) else value


def _address(template: str, message: Message, body: Any, field: str = "") -> str:
    def put(place: re.Match[str]) -> str:
        name = place[1]
        known = {"topic": message.topic, "key": (message.key or b"").decode("utf-8", "replace"), "field": field}
        found = known[name] if name in known else at_path(body, name)
        if found is MISSING or isinstance(found, dict | list | bytes) or found is None:
            raise Wrong(Reject.NOT_A_RECORD, f"nothing at '{name}', which the address '{template}' needs")
        return str(found)[:1000]

    return _PLACE.sub(put, template)


def _quality(layout: Layout, body: Any) -> Quality:
    said = at_path(body, layout.quality) if layout.quality else MISSING
    if said is MISSING or _is_one_of(said, layout.good):
        return Quality.GOOD
    return Quality.UNCERTAIN if _is_one_of(said, layout.uncertain) else Quality.BAD


def _is_one_of(said: Any, words: Sequence[Word]) -> bool:
    """Python holds True and 1 to be equal, a quality does not."""
    return any(said == word and isinstance(said, bool) == isinstance(word, bool) for word in words)


def _time_us(layout: Layout, message: Message, body: Any) -> int:
    if not layout.time:
        if message.time_ms is None:
            raise Wrong(Reject.NO_TIME, "a record of Kafka's oldest format has no time: give a path as `time`")
        return message.time_ms * 1000
    said = at_path(body, layout.time)
    if isinstance(said, datetime):
        return _since_us(said, layout.time)
    if layout.time_unit is TimeUnit.ISO:
        return _iso_us(said, layout.time)
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise Wrong(Reject.NO_TIME, f"no number at '{layout.time}', which is to be the time")
    times, over = _US_A_UNIT[layout.time_unit]
    try:
        return said * times // over if isinstance(said, int) else round(said * times / over)
    except (ValueError, OverflowError) as wrong:
        raise Wrong(Reject.NO_TIME, f"{said} at '{layout.time}' is no time") from wrong


def _iso_us(said: Any, path: str) -> int:
    try:
        when = datetime.fromisoformat(said)
    except (ValueError, TypeError) as wrong:
        raise Wrong(Reject.NO_TIME, f"no time by ISO 8601 at '{path}'") from wrong
    return _since_us(when, path)


def _since_us(when: datetime, path: str) -> int:
    if when.tzinfo is None:
        raise Wrong(Reject.NO_TIME, f"the time at '{path}' has no zone")
    return (when - _EPOCH) // timedelta(microseconds=1)
