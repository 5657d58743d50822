"""The application: its parts, its limits, and how faults are answered. Nothing connects here; ports are handed in."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from kafka.errors import KafkaError

from connectors.console import models as of_models
from connectors.console import subscriptions as of_subscriptions
from connectors.console.access import Door
from connectors.console.keys import ApiKeys
from connectors.console.limit import BodyLimit
from connectors.kafka.admin import KafkaUnreachable
from connectors.kafka.plain import NotSent
from connectors.releases.registry import RegistryError
from models.delivery.errors import SubscriptionError
from models.onnx_limits import MOST_BYTES
from models.plant.errors import PlantError
from models.release import Part, Refused
from pipelines.releases.moves import ReleaseError

_log = structlog.get_logger()

MOST_BODY = 64 * 1024
"""Of what says whom to move, and why. Our choice."""
MOST_UPLOAD = (len(Part) + 1) * MOST_BYTES
"""Of a release's files and the signed record, with what multipart puts around them."""
ANSWERS: dict[type[Exception], int] = {
    ReleaseError: 409, Refused: 422, SubscriptionError: 422, KafkaUnreachable: 503, KafkaError: 503, NotSent: 503,
    RegistryError: 503, PlantError: 503,
}  # fmt: skip
"""What is the asker's fault or the world's, and tells what to do; all others are ours: 500, and the log has them."""


def application(
    keys: ApiKeys, models: of_models.Models, subscriptions: of_subscriptions.Subscriptions | None = None
) -> FastAPI:
    """The API, for a server to run; without subscriptions it has nothing about them."""
    app = FastAPI(title="Forewarn", version=version("forewarn"), redoc_url=None)
    app.state.keys, app.state.models = keys, models
    app.include_router(of_models.router)
    if subscriptions is not None:
        app.state.subscriptions = subscriptions
        app.include_router(of_subscriptions.router)
    app.add_middleware(BodyLimit, most_bytes=MOST_BODY, of_path={f"{of_models.router.prefix}/releases": MOST_UPLOAD})
    app.add_middleware(Door, keys=keys, within="/api/")  # the last that is added is met first
    app.add_exception_handler(RequestValidationError, _unreadable)
    for fault, status in ANSWERS.items():
        app.add_exception_handler(fault, _answer(status))
    return app


def _unreadable(_: Request, fault: Exception) -> JSONResponse:
    """What is wrong with a request, without what it said: that may be no JSON, such as NaN or half a character."""
    errors = fault.errors() if isinstance(fault, RequestValidationError) else ()
    return JSONResponse({"detail": [{key: one[key] for key in ("type", "loc", "msg")} for one in errors]}, 422)


def _answer(status: int) -> Callable[[Request, Exception], JSONResponse]:
    def answered(request: Request, fault: Exception) -> JSONResponse:
        reason = {"reason": str(fault.reason)} if isinstance(fault, Refused) else {}
        _log.warning("api-refused", path=request.url.path, status=status, why=str(fault))
        return JSONResponse({"detail": str(fault)} | reason, status)

    return answered
