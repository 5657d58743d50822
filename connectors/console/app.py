"""The application: its parts, its limits, and how faults are answered. Nothing connects here; ports are handed in."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from kafka.errors import KafkaError

from connectors.console import models as of_models
from connectors.console.keys import ApiKeys
from connectors.console.limit import BodyLimit
from connectors.kafka.admin import KafkaUnreachable
from connectors.kafka.plain import NotSent
from connectors.releases.registry import RegistryError
from models.onnx_limits import MOST_BYTES
from models.plant.errors import PlantError
from models.release import Part, Refused
from pipelines.releases.moves import ReleaseError

_log = structlog.get_logger()

MOST_BODY = (len(Part) + 1) * MOST_BYTES
"""Of a release's files and the signed record, with what multipart puts around them."""
ANSWERS: dict[type[Exception], int] = {
    ReleaseError: 409, Refused: 422, KafkaUnreachable: 503, KafkaError: 503, NotSent: 503, RegistryError: 503,
    PlantError: 503,
}  # fmt: skip
"""What is the asker's fault or the world's, and tells what to do; all others are ours: 500, and the log has them."""


def application(keys: ApiKeys, models: of_models.Models) -> FastAPI:
    """The API, for a server to run."""
    app = FastAPI(title="Forewarn", version=version("forewarn"), redoc_url=None)
    app.state.keys, app.state.models = keys, models
    app.include_router(of_models.router)
    app.add_middleware(BodyLimit, most_bytes=MOST_BODY)
    for fault, status in ANSWERS.items():
        app.add_exception_handler(fault, _answer(status))
    return app


def _answer(status: int) -> Callable[[Request, Exception], JSONResponse]:
    def answered(request: Request, fault: Exception) -> JSONResponse:
        reason = {"reason": str(fault.reason)} if isinstance(fault, Refused) else {}
        _log.warning("api-refused", path=request.url.path, status=status, why=str(fault))
        return JSONResponse({"detail": str(fault)} | reason, status)

    return answered
