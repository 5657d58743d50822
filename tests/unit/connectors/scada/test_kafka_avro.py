"""Avro messages become readings by the same paths as JSON; rubbish, and schemas that are dangerous, become reasons."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.scada.documents import MESSAGE_BYTES
from connectors.scada.feed import Read, Reading
from connectors.scada.feeds.kafka.avro import MOST_PARTS, Schema, schema_of
from connectors.scada.feeds.kafka.messages import ManyFields, Message, OneReading, decode
from models.records import Quality, Reject
from tests.kit.schema_registry import written

AT = datetime(2026, 1, 31, 6, 0, 0, 1000, UTC)
AT_US = 1_769_839_200_001_000  # date -d 2026-01-31T06:00:00.001Z +%s%6N


def record(name: str, **fields: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": k, "type": v} for k, v in fields.items()]}


def logical(of: str, kind: str, **more: int) -> dict[str, Any]:
    return {"type": of, "logicalType": kind, **more}


SENSOR = record(
    "Sensor",
    id="string",
    value=["null", "double", "boolean", "string"],
    state={"type": "enum", "name": "State", "symbols": ["GOOD", "UNCERTAIN", "BAD"]},
)
PLC = record(
    "Plc",
    at=logical("long", "timestamp-millis"),
    price=logical("bytes", "decimal", precision=6, scale=2),
    since=logical("long", "timestamp-micros"),
    local=logical("long", "local-timestamp-millis"),
    uuid=logical("string", "uuid"),
    raw="bytes",
    sensors={"type": "array", "items": SENSOR},
    named={"type": "map", "values": "float"},
)
SAID = {
    **{"at": AT, "price": Decimal("12.34"), "since": AT, "local": datetime(2026, 1, 31), "raw": b"\0"},
    "uuid": "9f2b2d2e-0000-4000-8000-000000000001",
    "sensors": [{"id": "p", "value": 4.2, "state": "GOOD"}, {"id": "q", "value": None, "state": "UNCERTAIN"}],
    "named": {"speed": 0.5},
}
SCHEMAS = {7: schema_of(json.dumps(PLC))}


def of(message: bytes, schemas: dict[int, Schema] = SCHEMAS, layout: type = OneReading, **more: Any) -> Read:
    said = {"address": "{topic}", "time": "at", "topic": "t", "encoding": "avro"} | more
    return decode(layout(**said), Message("t", b"k", message, 7), schemas)


def value_at(path: str) -> Any:
    (reading,) = of(written(7, PLC, SAID), value=path).readings
    return reading.value


@pytest.mark.parametrize(
    ("path", "means"),
    [
        ("sensors.0.value", 4.2),
        ("sensors.0.state", "GOOD"),
        ("named.speed", 0.5),
        ("price", 12.34),
        ("since", "2026-01-31T06:00:00.001000+00:00"),
        ("uuid", SAID["uuid"]),
        ("sensors.1.value", None),
    ],
)
def test_records_unions_enums_and_logical_types_are_values_at_paths(path: str, means: Any) -> None:
    assert value_at(path) == means


@pytest.mark.parametrize("unit", ["ms", "s", "iso"])
@pytest.mark.parametrize("path", ["at", "since"])
def test_a_timestamp_of_a_logical_type_is_its_time_whatever_the_unit_said(path: str, unit: str) -> None:
    (reading,) = of(written(7, PLC, SAID), value="price", time=path, time_unit=unit).readings
    assert reading.time_us == AT_US


def test_a_timestamp_without_a_zone_is_no_time() -> None:
    assert of(written(7, PLC, SAID), value="price", time="local").unread[0].reason is Reject.NO_TIME


def test_bytes_are_no_value() -> None:
    assert of(written(7, PLC, SAID), value="raw").unread[0].reason is Reject.WRONG_KIND


def test_elements_of_an_array_are_messages_with_an_enum_for_quality() -> None:
    schema = record("All", all={"type": "array", "items": SENSOR})
    message = written(8, schema, {"all": SAID["sensors"]})
    more = {"each": "all", "address": "{key}/{id}", "time": "", "quality": "state"}
    read = of(message, {8: schema_of(json.dumps(schema))}, **more)
    assert read.readings == [Reading("k/p", 7000, 4.2), Reading("k/q", 7000, None, Quality.BAD)]


def test_fields_of_a_record_are_readings_as_those_of_an_object_are() -> None:
    schema = record("F", at=logical("long", "timestamp-millis"), p="float", on="boolean", n=["null", "int"])
    message = written(8, schema, {"at": AT, "p": 0.5, "on": True, "n": 3})
    read = of(message, {8: schema_of(json.dumps(schema))}, ManyFields, address="{field}")
    assert read.readings == [Reading("p", AT_US, 0.5), Reading("on", AT_US, True), Reading("n", AT_US, 3)]


def test_each_message_is_read_by_the_schema_it_was_written_with() -> None:
    first, second = record("R", v="int"), record("R", new="string", v="double")
    schemas = {1: schema_of(json.dumps(first)), 2: schema_of(json.dumps(second))}
    messages = [written(1, first, {"v": 3}), written(2, second, {"new": "x", "v": 4.5})]
    assert [of(each, schemas, value="v", time="").readings[0].value for each in messages] == [3, 4.5]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\0\0\0\0",
        b'{"at": 5}',
        b"\1\0\0\0\7" + written(7, PLC, SAID)[5:],
        b"\0\0\0\0\7",
        written(7, PLC, SAID)[:-1],
        written(7, PLC, SAID) + b"\0",
    ],
)
def test_what_is_no_avro_of_its_schema_is_told_of_with_the_message(message: bytes) -> None:
    read = of(message)
    assert not read.readings
    assert [(one.reason, one.payload) for one in read.unread] == [(Reject.UNREADABLE, message)]


def test_a_message_that_is_too_large_is_not_decoded() -> None:
    assert of(b"\0\0\0\0\7" + b"\0" * MESSAGE_BYTES).unread[0].reason is Reject.TOO_LARGE


def test_a_tombstone_says_nothing() -> None:
    assert of(None) == Read()  # type: ignore[arg-type]


SELF = record("N", next=["null", "N"])
WIDE = record("W0", x="boolean")
for _level in range(1, 15):
    WIDE = record(f"W{_level}", a=WIDE, b=f"W{_level - 1}")
DEEP: Any = "int"
for _level in range(100):
    DEEP = {"type": "array", "items": DEEP}


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (SELF, "within itself"),
        ({"type": "array", "items": "null"}, "take no bytes"),
        ({"type": "array", "items": record("E", n="null", f={"type": "fixed", "name": "f", "size": 0})}, "no bytes"),
        (WIDE, f"over {MOST_PARTS} parts"),
        (DEEP, "levels"),
        ({"type": "fixed", "name": "f", "size": -1}, "size -1"),
        (record("R", x="nowhere"), "no Avro"),
        (5, "no Avro"),
    ],
)
def test_a_schema_that_could_harm_or_is_none_is_not_used(schema: Any, says: str) -> None:
    fault = schema_of(json.dumps(schema)).fault
    assert says in fault
    assert of(b"\0\0\0\0\1" + b"\2" * 1000, {1: Schema(fault=fault)}).unread[0].reason is Reject.UNREADABLE


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\x00"])
def test_a_text_that_is_no_schema_says_so(text: str) -> None:
    assert "no Avro" in schema_of(text).fault


def test_a_named_type_may_be_used_again_and_unions_may_be_on_top() -> None:
    schema = ["null", record("Pair", a=record("In", x="int"), b="In")]
    made = schema_of(json.dumps(schema))
    assert not made.fault
    message = written(1, schema, {"a": {"x": 1}, "b": {"x": 2}})
    assert of(message, {1: made}, value="b.x", time="").readings[0].value == 2


WHOLE = written(7, PLC, SAID)


@given(st.integers(0, len(WHOLE)), st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=5))
@example(5, [])
@example(len(WHOLE), [(5, 255), (6, 255), (7, 255), (8, 255), (9, 255)])
def test_a_message_that_was_cut_or_changed_becomes_readings_or_reasons(end: int, changes: list) -> None:
    message = bytearray(WHOLE)
    for at, byte in changes:
        if at != 4:  # the id: an unknown one is looked up before
            message[at] = byte
    message[1:5] = b"\0\0\0\7"
    assert isinstance(of(bytes(message[:end]), value="sensors.0.value", address="{uuid}"), Read)


@given(st.binary(max_size=60))
def test_any_bytes_behind_the_id_become_readings_or_reasons(rest: bytes) -> None:
    read = of(b"\0\0\0\0\7" + rest, layout=ManyFields, address="{field}")
    assert read.readings or read.unread
