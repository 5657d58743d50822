"""Answers that are structs: encoded by msgspec, and described in the OpenAPI document by their own schema.

`says(Overview)` is what a route is told of its answer, `Struct200` carries it, `described` puts the schemas in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

REF = "#/components/schemas/{name}"
_said: dict[str, type] = {}
ONE_LINE = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"
"""A text without controls and line breaks of any kind (Unicode's Cc, Zl and Zp), as all readers of patterns know it."""
FAULT = {
    "title": "Fault",
    "description": "Why there is no answer: a sentence, or what of the request cannot be read.",
    "type": "object",
    "required": ["detail"],
    "properties": {"detail": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}]}},
}
FAULTS = {
    400: "the host is not one of this server's, or the body is no text",
    401: "no key, or none that is known",
    403: "the role is too low",
    404: "not there, or not of your sites",
    409: "it cannot be done as things stand",
    413: "the body is longer than is taken",
    422: "what was asked cannot be read, or not be done so",
    429: "too many calls",
    503: "Kafka or InfluxDB does not answer",
}


class Told(Response):
    """A struct as JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """By msgspec, which knows the structs."""
        return msgspec.json.encode(content)


def says(kind: type, status: int = 200) -> dict[str, Any]:
    """What a route's decorator is given: no model of pydantic's, and the struct's schema."""
    _said[kind.__name__] = kind
    schema = {"$ref": REF.format(name=kind.__name__)}
    return {
        "response_model": None,
        "status_code": status,
        "responses": {status: {"description": (kind.__doc__ or "").partition("\n")[0], **_json(schema)}},
    }


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What `app.openapi` is to be: FastAPI's document, with the structs and the faults that any route may answer."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, routes=app.routes, description=app.description)
            _, structs = msgspec.json.schema_components(list(_said.values()), ref_template=REF)
            made.setdefault("components", {}).setdefault("schemas", {}).update(structs)
            made["components"]["schemas"]["Fault"] = FAULT
            for path, methods in made["paths"].items():
                for operation in methods.values() if path.startswith("/api/") else ():
                    for status, why in FAULTS.items():
                        said = {"description": why, **_json({"$ref": REF.format(name="Fault")})}
                        operation["responses"][str(status)] = said
            app.openapi_schema = made
        return app.openapi_schema

    return document
