"""Sparkplug B payloads for tests, written with google.protobuf: an implementation of the wire format by others.

The fields are those of Eclipse Sparkplug 3.0.0, chapter 6; the descriptor is built here, in a pool of its own.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_F = descriptor_pb2.FieldDescriptorProto
_METRIC = (
    *(("name", 1, _F.TYPE_STRING), ("alias", 2, _F.TYPE_UINT64), ("timestamp", 3, _F.TYPE_UINT64)),
    *(("datatype", 4, _F.TYPE_UINT32), ("is_historical", 5, _F.TYPE_BOOL), ("is_transient", 6, _F.TYPE_BOOL)),
    *(("is_null", 7, _F.TYPE_BOOL), ("properties", 9, ".t.PropertySet"), ("int_value", 10, _F.TYPE_UINT32)),
    *(("long_value", 11, _F.TYPE_UINT64), ("float_value", 12, _F.TYPE_FLOAT), ("double_value", 13, _F.TYPE_DOUBLE)),
    *(("boolean_value", 14, _F.TYPE_BOOL), ("string_value", 15, _F.TYPE_STRING), ("bytes_value", 16, _F.TYPE_BYTES)),
)
_MESSAGES: dict[str, tuple[tuple[str, int, Any], ...]] = {
    "PropertyValue": (
        *(("type", 1, _F.TYPE_UINT32), ("is_null", 2, _F.TYPE_BOOL), ("int_value", 3, _F.TYPE_UINT32)),
        *(("double_value", 6, _F.TYPE_DOUBLE), ("string_value", 8, _F.TYPE_STRING)),
    ),
    "PropertySet": (("keys", 1, [_F.TYPE_STRING]), ("values", 2, [".t.PropertyValue"])),
    "Metric": _METRIC,
    "Payload": (
        *(("timestamp", 1, _F.TYPE_UINT64), ("metrics", 2, [".t.Metric"]), ("seq", 3, _F.TYPE_UINT64)),
        *(("uuid", 4, _F.TYPE_STRING), ("body", 5, _F.TYPE_BYTES)),
    ),
}


def _payload_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="t", syntax="proto2")
    for message, its in _MESSAGES.items():
        made = file.message_type.add(name=message)
        for name, number, kind in its:
            repeated = isinstance(kind, list)
            kind = kind[0] if repeated else kind
            field = made.field.add(name=name, number=number, label=3 if repeated else 1)
            if isinstance(kind, str):
                field.type, field.type_name = _F.TYPE_MESSAGE, kind
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Payload"))


Payload = _payload_class()


def payload(*metrics: dict[str, Any], seq: int | None = None, time_ms: int | None = 1_000_000) -> bytes:
    """A payload of metrics given by their fields' names; `quality` makes the property of that name."""
    made = Payload()
    if time_ms is not None:
        made.timestamp = time_ms
    if seq is not None:
        made.seq = seq
    for metric in metrics:
        fields = dict(metric)
        properties = fields.pop("properties", None)
        quality = fields.pop("quality", None)
        one = made.metrics.add(**fields)
        if properties is not None:
            one.properties.CopyFrom(properties)
        if quality is not None:
            one.properties.keys.extend(["Unit", "Quality"])
            one.properties.values.add(type=3, int_value=7)
            one.properties.values.add(type=3, int_value=quality)
    return bytes(made.SerializeToString())


def property_of(**said: str | float) -> Any:
    """A set of properties, texts (type 12) and doubles (type 10)."""
    made = Payload().metrics.add().properties
    for name, value in said.items():
        made.keys.append(name)
        if isinstance(value, str):
            made.values.add(type=12, string_value=value)
        else:
            made.values.add(type=10, double_value=value)
    return made


def bdseq(number: int) -> dict[str, Any]:
    """The metric that ties a death to its birth."""
    return {"name": "bdSeq", "datatype": 4, "long_value": number, "timestamp": 1_000_000}
