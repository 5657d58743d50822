"""JSON Schema and AsyncAPI of what travels, generated from the records and topics."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, get_args

import msgspec

from models.records import AnyRecord
from pipelines.topics import TOPICS

RECORDS = get_args(AnyRecord)


def json_schema() -> dict[str, Any]:
    """One schema that any record satisfies, all records under `$defs`."""
    roots, definitions = msgspec.json.schema_components(RECORDS, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Forewarn records",
        "oneOf": list(roots),
        "$defs": definitions,
    }


def asyncapi_document() -> dict[str, Any]:
    """An AsyncAPI 3.0 document: a channel a topic, a message a record."""
    _, definitions = msgspec.json.schema_components(RECORDS, ref_template="#/components/schemas/{name}")
    named = {record.__name__ for record in RECORDS}
    channels = {
        str(spec.topic): {
            "address": str(spec.topic),
            "description": f"Holds {spec.holds}; key {spec.key}.",
            "messages": {
                name: {"$ref": f"#/components/messages/{name}"} for name in spec.holds.split(", ") if name in named
            },
        }
        for spec in TOPICS
    }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Forewarn", "version": version("forewarn")},
        "channels": channels,
        "components": {
            "messages": {name: {"payload": {"$ref": f"#/components/schemas/{name}"}} for name in sorted(named)},
            "schemas": definitions,
        },
    }
