"""Answers that are structs: encoded by msgspec, and described in the OpenAPI document by their own schema.

`says(Overview)` is what a route is told of its answer, `Told` carries it, `described` puts the schemas in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.responses import Response

REF = "#/components/schemas/{name}"
_said: dict[str, type] = {}
OF_CHANGES = frozenset({409, 413})
"""Faults that a question alone cannot have."""
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


def include(app: FastAPI, router: APIRouter) -> None:
    """Have an application answer by a router, and its document know of it."""
    if not hasattr(app.state, "routers"):
        app.state.routers = []
    app.state.routers.append(router)
    app.include_router(router)


def described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """What `app.openapi` is to be: FastAPI's document, with the structs and the faults that any route may answer."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, routes=app.routes, description=app.description)
            _, structs = msgspec.json.schema_components(list(_said.values()), ref_template=REF)
            made.setdefault("components", {}).setdefault("schemas", {}).update(structs)
            made["components"]["schemas"]["Fault"] = FAULT
            for unused in ("HTTPValidationError", "ValidationError"):
                made["components"]["schemas"].pop(unused, None)
            roles = dict(_roles(app))
            for path, methods in made["paths"].items():
                for method, operation in methods.items():
                    _say(operation, method.upper(), roles.get((path, method.upper())))
            app.openapi_schema = made
        return app.openapi_schema

    return document


def _say(operation: dict[str, Any], method: str, needs: tuple[str, bool] | None) -> None:
    """What an operation is in a phrase, which role it needs, and its faults."""
    operation["summary"] = operation.get("description", "").partition("\n")[0].rstrip(".") or operation["summary"]
    if needs is not None:
        operation["x-role"] = needs[0] + (" of all sites" if needs[1] else "")
    for status, why in FAULTS.items():
        if method == "GET" and status in OF_CHANGES:
            operation["responses"].pop(str(status), None)
        else:
            said = {"description": why, **_json({"$ref": REF.format(name="Fault")})}
            operation["responses"][str(status)] = said


def _roles(app: FastAPI) -> Iterator[tuple[tuple[str, str], tuple[str, bool]]]:
    """Of each call, the role that its dependencies ask for, and whether of all sites."""
    for router in app.state.routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                for needs in _asked(route.dependant):
                    yield from (((route.path_format, method), needs) for method in route.methods or ())


def _asked(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    for one in dependant.dependencies:
        yield from _asked(one)
        if (role := getattr(one.call, "role", None)) is not None:
            yield str(role), bool(getattr(one.call, "is_whole", False))
