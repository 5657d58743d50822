"""Sparkplug B payloads: their metrics, and what a metric's value is by its datatype.

Field numbers and datatypes: Eclipse Sparkplug 3.0.0, chapter 6, "Google Protocol Buffer Schema".
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from connectors.scada.feeds.mqtt.wire import EIGHT_BYTES, FOUR_BYTES, LENGTH, VARINT, Malformed, Raw, fields
from models.plant import SignalKind

INT_VALUE, LONG_VALUE, FLOAT_VALUE, DOUBLE_VALUE, BOOLEAN_VALUE, STRING_VALUE, LAST_VALUE = 10, 11, 12, 13, 14, 15, 19
BOOLEAN, DATE_TIME = 11, 13
_PAYLOAD_WIRE = {1: VARINT, 2: LENGTH, 3: VARINT}
_METRIC_WIRE = {
    **{1: LENGTH, 2: VARINT, 3: VARINT, 4: VARINT, 5: VARINT, 7: VARINT, 9: LENGTH},
    **{INT_VALUE: VARINT, LONG_VALUE: VARINT, FLOAT_VALUE: FOUR_BYTES, DOUBLE_VALUE: EIGHT_BYTES},
    **{BOOLEAN_VALUE: VARINT, STRING_VALUE: LENGTH},
}
_BITS = {1: 8, 2: 16, 3: 32, 4: 64, 5: 8, 6: 16, 7: 32, 8: 64, 13: 64}
"""Bits of the whole numbers: Int8 to Int64, UInt8 to UInt64, DateTime (milliseconds since 1970)."""
_LAST_SIGNED = 4
_FLOATS, _TEXTS = (9, 10), (12, 14, 15)
"""Float and Double; String, Text and UUID."""


class WrongValue(ValueError):
    """A value that its datatype cannot have, or a datatype that is no single value; says which."""


class Metric(NamedTuple):
    """A metric as sent. `value` is the number of its value's field and what is in it; times are ms since 1970 UTC."""

    name: str | None = None
    alias: int | None = None
    time_ms: int | None = None
    datatype: int = 0
    is_null: bool = False
    quality: int | None = None
    value: tuple[int, Raw] | None = None


class Payload(NamedTuple):
    """A message as sent."""

    time_ms: int | None
    metrics: tuple[Metric, ...]
    seq: int


def payload_of(data: bytes) -> Payload:
    """Read a payload. A `seq` that is left out is 0, as encoders leave zeros out. Raises Malformed."""
    time_ms, seq, metrics = None, 0, []
    for number, kind, raw in fields(data):
        if _PAYLOAD_WIRE.get(number, kind) != kind:
            raise Malformed(f"field {number} of the payload has wire type {kind}")
        if number == 1 and isinstance(raw, int):
            time_ms = raw
        elif number == 2 and isinstance(raw, bytes):
            metrics.append(_metric(raw))
        elif number == 3 and isinstance(raw, int):
            seq = raw
    return Payload(time_ms, tuple(metrics), seq)


_READ: dict[int, tuple[str, Callable[[Raw], object]]] = {
    1: ("name", lambda raw: _text(raw)),
    2: ("alias", lambda raw: raw),
    3: ("time_ms", lambda raw: raw),
    4: ("datatype", lambda raw: raw),
    7: ("is_null", lambda raw: raw != 0),
    9: ("quality", lambda raw: _quality_code(raw)),
}


def _metric(data: bytes) -> Metric:
    found: dict[str, object] = {}
    for number, kind, raw in fields(data):
        if _METRIC_WIRE.get(number, kind) != kind:
            raise Malformed(f"field {number} of a metric has wire type {kind}")
        if number in _READ:
            name, read = _READ[number]
            found[name] = read(raw)
        elif INT_VALUE <= number <= LAST_VALUE:
            found["value"] = (number, raw)
    return Metric(**found)  # type: ignore[arg-type]


def _text(raw: Raw) -> str:
    try:
        return raw.decode() if isinstance(raw, bytes) else str(raw)
    except UnicodeDecodeError as wrong:
        raise Malformed(f"a text is not UTF-8: {wrong}") from wrong


def _quality_code(raw: Raw) -> int | None:
    """The property 'Quality' of a set of properties: 0 bad, 192 good, 500 stale (chapter 6, "Quality Codes")."""
    its = _properties(raw).get("Quality")
    if its is None:
        return None
    codes = [code for number, _, code in fields(its if isinstance(its, bytes) else b"") if number in (3, 4)]
    return codes[-1] if codes and isinstance(codes[-1], int) else None


def _properties(raw: Raw) -> dict[str, Raw]:
    """The values of a set of properties, each still as sent; of a name that comes twice the first."""
    keys: list[str] = []
    values: list[Raw] = []
    for number, kind, inner in fields(raw if isinstance(raw, bytes) else b""):
        if kind == LENGTH and number == 1:
            keys.append(_text(inner))
        elif kind == LENGTH and number == 2:
            values.append(inner)
    return dict(reversed(list(zip(keys, values, strict=False))))


class Described(NamedTuple):
    """What a birth says of a metric beside its value."""

    name: str
    datatype: int
    unit: str
    normal: tuple[float, float] | None


_UNIT = ("engUnit", "Engineering Units", "EngineeringUnits", "engineeringUnits", "Unit", "unit", "units")
_LOW, _HIGH = ("engLow", "Engineering Low Limit", "low"), ("engHigh", "Engineering High Limit", "high")
"""The specification names no such properties; `eng...` are those of Ignition's tags, which its transmitter sends on."""


def described(data: bytes) -> list[Described]:
    """The named metrics of a birth with their unit and span, where they have properties we know. Raises Malformed."""
    found = []
    for number, _, raw in fields(data):
        if number != 2 or not isinstance(raw, bytes):
            continue
        its = {place: inner for place, _, inner in fields(raw)}
        properties = _properties(its.get(9, b""))
        unit, low, high = (_said(properties, names) for names in (_UNIT, _LOW, _HIGH))
        span = (float(low), float(high)) if isinstance(low, int | float) and isinstance(high, int | float) else None
        datatype = its.get(4, 0)
        if 1 in its:
            name, kind = _text(its[1]), datatype if isinstance(datatype, int) else 0
            found.append(Described(name, kind, unit if isinstance(unit, str) else "", span))
    return found


def _said(properties: dict[str, Raw], names: tuple[str, ...]) -> float | str | None:
    """The first property of these names that is a text or a number with a fraction (fields 5, 6 and 8)."""
    for its in (properties[name] for name in names if name in properties):
        for number, kind, raw in fields(its if isinstance(its, bytes) else b""):
            if number == 8 and kind == LENGTH:
                return _text(raw)
            if isinstance(raw, bytes) and (number, kind) in ((5, FOUR_BYTES), (6, EIGHT_BYTES)):
                return float(struct.unpack("<f" if number == 5 else "<d", raw)[0])
    return None


def kind_of_datatype(datatype: int) -> SignalKind | None:
    """The kind of a metric by its datatype, None for what is no single value that is read here."""
    if datatype in _FLOATS or (datatype in _BITS and datatype != DATE_TIME):
        return SignalKind.GAUGE
    if datatype == BOOLEAN:
        return SignalKind.BOOLEAN
    return SignalKind.TEXT if datatype in _TEXTS else None


def value_of(datatype: int, value: tuple[int, Raw]) -> float | int | bool | str:
    """The value by its datatype; without one (0) by the field it is in. Raises WrongValue."""
    field, raw = value
    if datatype in _BITS and field in (INT_VALUE, LONG_VALUE) and isinstance(raw, int):
        return _whole(datatype, raw)
    if datatype in (0, BOOLEAN) and field == BOOLEAN_VALUE:
        return raw != 0
    if datatype in (0, *_FLOATS) and field in (FLOAT_VALUE, DOUBLE_VALUE) and isinstance(raw, bytes):
        return float(struct.unpack("<f" if field == FLOAT_VALUE else "<d", raw)[0])
    if datatype in (0, *_TEXTS) and field == STRING_VALUE:
        try:
            return _text(raw)
        except Malformed as wrong:
            raise WrongValue(str(wrong)) from wrong
    if datatype == 0 and isinstance(raw, int):
        return raw
    raise WrongValue(f"datatype {datatype} in field {field} is no single value that is read here")


def _whole(datatype: int, raw: int) -> int:
    """A whole number out of the unsigned field it is sent in.

    A negative one is in two's complement, of its own size or of 32 or 64 bits: encoders differ.
    """
    bits = _BITS[datatype]
    if raw < 1 << bits:
        return raw - (1 << bits) if datatype <= _LAST_SIGNED and raw >> (bits - 1) else raw
    for wider in (32, 64):
        if datatype <= _LAST_SIGNED and (1 << wider) - (1 << (bits - 1)) <= raw < 1 << wider:
            return raw - (1 << wider)
    raise WrongValue(f"{raw} does not fit datatype {datatype} of {bits} bits")
