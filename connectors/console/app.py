"""The application: its parts, its limits, and how faults are answered. Nothing connects here; ports are handed in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.metadata import version

import structlog
from aiokafka.errors import KafkaError as AioKafkaError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import JSONResponse
from kafka.errors import KafkaError

from connectors.console import audited as of_audit
from connectors.console import models as of_models
from connectors.console import sign_in
from connectors.console import subscriptions as of_subscriptions
from connectors.console.callers import IssuerAway
from connectors.console.gate import OPENAPI, Gate, guard
from connectors.console.limit import BodyLimit
from connectors.console.place import Unwelcome
from connectors.console.schemas import described, include
from connectors.influx.flux import QueryRefused
from connectors.influx.target import InfluxMisconfigured, InfluxUnreachable
from connectors.kafka.clients import KafkaUnreachable
from connectors.kafka.plain import NotSent
from connectors.releases.registry import RegistryError
from models.delivery.errors import SubscriptionError
from models.onnx_limits import MOST_BYTES
from models.plant.errors import PlantError
from models.release import Part, Refused
from pipelines.ports import StoreDown
from pipelines.releases.moves import ReleaseError

_log = structlog.get_logger()

MOST_BODY = 64 * 1024
"""Of what says whom to move, and why. Our choice."""
MOST_UPLOAD = (len(Part) + 1) * MOST_BYTES
"""Of a release's files and the signed record, with what multipart puts around them."""
SMALL = 1024
"""Bytes that are not worth packing. Our choice."""
ANSWERS: dict[type[Exception], int] = {
    ReleaseError: 409, Refused: 422, SubscriptionError: 422, KafkaUnreachable: 503, KafkaError: 503, NotSent: 503,
    AioKafkaError: 503, RegistryError: 503, PlantError: 503, Unwelcome: 422, StoreDown: 503, QueryRefused: 503,
    InfluxMisconfigured: 503, InfluxUnreachable: 503, IssuerAway: 503,
}  # fmt: skip
"""What is the asker's fault or the world's, and tells what to do; all others are ours: 500, and the log has them."""


def application(
    gate: Gate, models: of_models.Models, subscriptions: of_subscriptions.Subscriptions | None = None
) -> FastAPI:
    """The API, for a server to run; it has nothing about what it is given none of.

    No page of documents: FastAPI's loads its scripts from elsewhere, and the policy for pages forbids that.
    """
    app = FastAPI(
        title="Forewarn",
        version=version("forewarn"),
        openapi_url=OPENAPI,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(gate),
    )
    app.openapi = described(app)  # type: ignore[method-assign] # as FastAPI's own manual has it
    app.state.provider = gate.provider
    include(app, sign_in.router)
    app.state.models = models
    include(app, of_models.router)
    if subscriptions is not None:
        app.state.subscriptions = subscriptions
        include(app, of_subscriptions.router)
    if gate.audit is not None:
        app.state.audit = gate.audit
        include(app, of_audit.router)

    app.add_middleware(GZipMiddleware, minimum_size=SMALL, compresslevel=1)  # it lets event streams through as they are
    app.add_middleware(BodyLimit, most_bytes=MOST_BODY, of_path={f"{of_models.router.prefix}/releases": MOST_UPLOAD})
    guard(app, gate)  # around the limit: the last middleware that is added is met first
    app.add_exception_handler(RequestValidationError, _unreadable)
    for fault, status in ANSWERS.items():
        app.add_exception_handler(fault, _answer(status))
    return app


def _lifespan(gate: Gate) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What runs as long as the application does."""

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as running:
            if gate.audit is not None:
                await running.enter_async_context(gate.audit.running())
            yield

    return living


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
